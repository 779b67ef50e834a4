"""A small JSON server over HTTP on this machine, with optional faults."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, TypeAlias

from urial_opt.nano.faults import Faults, send_json

Answer: TypeAlias = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""The reply to a path, such as `/v1/models`, and the JSON object sent to it ({} for GET); may raise `Refused`."""


class Refused(Exception):  # noqa: N818
    """A request that is not served, and the error that its client gets."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.reply = {"error": {"message": message, "type": "error", "param": None, "code": code}}


@contextmanager
def listening(answer: Answer, *, faults: Faults | None = None, key: str | None = None, port: int = 0) -> Iterator[str]:
    """Serve `answer` on this machine while the context lasts; yields the URL, up to `/v1`.

    Port 0 means any free port. OSError if the port is taken.
    """
    with _Server(answer, faults=faults, key=key, port=port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, answer: Answer, *, faults: Faults | None, key: str | None, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer = answer
        self.faults = faults
        self.key = key
        self.stopping = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        if not isinstance(sys.exception(), ConnectionError):  # a client that closed its connection is not an error here
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self, body: bytes) -> None:
        fault = self.server.faults.next(body) if self.server.faults and body else None
        if fault == "stall":
            self.server.stopping.wait(self.server.faults.stall if self.server.faults else 0)
            return
        try:
            if fault in ("429", "500", "502"):
                raise Refused(int(fault), "this fault was asked for", headers={"Retry-After": "0"})
            reply = self._reply(body)
        except Refused as refused:
            send_json(self, refused.status, refused.reply, headers=refused.headers)
        else:
            send_json(self, 200, reply, fault=fault)

    def _reply(self, body: bytes) -> Mapping[str, Any]:
        if self.server.key is not None and self.headers.get("Authorization") != f"Bearer {self.server.key}":
            raise Refused(401, "this is not the key of this server", code="invalid_api_key")
        try:
            asked = json.loads(body or b"{}")
        except ValueError as error:
            raise Refused(400, f"the body is no JSON ({error})") from error
        if not isinstance(asked, dict):
            raise Refused(400, "the body is no JSON object")
        try:
            return self.server.answer(self.path, asked)
        except Refused:
            raise
        except Exception as error:
            raise Refused(500, f"{type(error).__name__}: {error}") from error
