"""Bounds: a reply that does not end in time, or that is too large, is given up before it is read to its end."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import openai

if TYPE_CHECKING:  # the package that is behind openai depends on its version
    import httpx

MOST_BYTES = 64 * 2**20
"""Bytes of a whole reply, decompressed. A prompt of 10,000 tokens with twenty log-probabilities each takes 16 MB."""
_ENCODINGS = ("", "identity", "gzip", "deflate")
"""Others, and several at once, can make gigabytes of a single piece."""
_KEPT = 512
"""Connections that are kept for the next request; how many requests run at once is limited elsewhere."""
_REDIRECTS = 5
_SLACK = 1.0
"""Seconds after which even a reply without an end of its headers is given up."""


class TooSlowError(Exception):
    """The reply did not end in time."""


class TooLargeError(Exception):
    """The reply is larger than `MOST_BYTES`."""


class BoundedClient(openai.DefaultHttpxClient):
    """The client of openai, with limits on the time and the size of a whole reply.

    The time-outs of httpx limit the time between two pieces of a reply, of which there may be any number.
    """

    def __init__(self, *, seconds: float) -> None:
        """`seconds` limits the time from the start of a request to the end of its reply, redirects included."""
        limits = type(openai.DEFAULT_CONNECTION_LIMITS)(max_connections=None, max_keepalive_connections=_KEPT)
        super().__init__(headers={"Accept-Encoding": "gzip, deflate"}, limits=limits)
        self._seconds = seconds

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """As `httpx.Client.send`, but the reply is always read. TooSlowError or TooLargeError beyond the limits."""
        outcome: SimpleQueue[httpx.Response | BaseException] = SimpleQueue()
        deadline = time.monotonic() + self._seconds

        def work() -> None:
            try:
                outcome.put(self._send_within(deadline, request, options))
            except BaseException as error:  # raised again in the thread of the caller
                outcome.put(error)

        # Only another thread can leave a connection whose headers never end, or a name server that does not answer.
        threading.Thread(target=work, daemon=True).start()
        try:
            replied = outcome.get(timeout=self._seconds + _SLACK)
        except Empty:
            raise TooSlowError from None
        if isinstance(replied, BaseException):
            raise replied
        return replied

    def _send_within(self, deadline: float, request: httpx.Request, options: dict[str, Any]) -> httpx.Response:
        for _ in range(_REDIRECTS + 1):
            response = super().send(request, **{**options, "stream": True, "follow_redirects": False})
            try:
                if response.next_request is None:
                    return _read(response, deadline)
            finally:
                response.close()
            request = response.next_request
        raise ConnectionError(f"it redirects more than {_REDIRECTS} times")


def _read(response: httpx.Response, deadline: float) -> httpx.Response:
    """The response with its content."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise ConnectionError(f"it compresses its reply as {encoding[:20]!r}, which was not asked for")
    content = bytearray()
    for piece in response.iter_bytes():
        content += piece
        if len(content) > MOST_BYTES:
            raise TooLargeError
        if time.monotonic() > deadline:
            raise TooSlowError
    left_out = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in left_out]
    return type(response)(response.status_code, headers=headers, content=bytes(content), request=response.request)
