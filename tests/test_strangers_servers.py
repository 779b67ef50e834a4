"""Tests of servers without bounds: replies that never end, are too large, go in circles, or count what cannot be."""

from __future__ import annotations

import gzip
import json
import signal
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Any

import pytest

from tests.scripted_server import ASKED, COMPLETION, REPLY, Script
from urial_opt.cli import running
from urial_opt.errors import AdapterError
from urial_opt.models.server import bounds
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.nano.json_server import listening
from urial_opt.records import Usage

pytestmark = pytest.mark.usefixtures("pauses", "no_key")
GOOD = json.dumps(COMPLETION).encode()
OVER = threading.Event()
"""Set when a test ends, so that no server goes on."""


@contextmanager
def sending(reply: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads each request and leaves the whole reply to `reply`."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            with suppress(OSError):
                reply(self.request)

    OVER.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            OVER.set()
            server.shutdown()


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: application/json", *lines, "", ""]).encode()


def dripping(first: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    """Sends `first`, then a piece every 50 ms without end."""

    def reply(connection: socket.socket) -> None:
        connection.sendall(first)
        while not OVER.wait(0.05):
            connection.sendall(piece)

    return reply


def flooding(first: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    """Sends `first`, then the same piece without end."""

    def reply(connection: socket.socket) -> None:
        connection.sendall(first)
        while not OVER.is_set():
            connection.sendall(piece)

    return reply


def whole(content: bytes, *lines: str, status: str = "200 OK") -> Callable[[socket.socket], None]:
    data = head(f"Content-Length: {len(content)}", "Connection: close", *lines, status=status) + content
    return lambda connection: connection.sendall(data)


def ending(url: str, timeout: float = 30.0) -> str:
    """The error in which a request to a stranger ends."""
    with pytest.raises(AdapterError) as caught:
        Endpoint("m", url=url, timeout=timeout).complete([ASKED])
    assert len(str(caught.value)) < 450
    return str(caught.value)


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (head("Content-Length: 9999"), b" "),
        (head("Transfer-Encoding: chunked"), b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    ],
    ids=["length", "chunks", "headers"],
)
def test_a_reply_that_drips_is_bounded_by_the_time_out(
    first: bytes, piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "_SLACK", 0.1)
    with sending(dripping(first, piece)) as url:
        said = ending(url, timeout=0.3)
    assert "after 3 tries: its reply did not end within 0.3 s; allow more by the option `timeout=SECONDS`" in said


@pytest.mark.parametrize("first", [head(), head("Content-Encoding: gzip")])
def test_a_reply_without_end_is_cut_off(first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_BYTES", 10_000)
    piece = gzip.compress(bytes(10**6)) if b"gzip" in first else b" " * 5000
    with sending(flooding(first, piece)) as url:
        assert "after 2 tries: its reply is larger than 64 MB; ask for less" in ending(url)


def test_headers_without_end_are_cut_off() -> None:
    with sending(flooding(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100)) as url:
        assert "the connection was lost" in ending(url)


def test_a_compressed_reply_is_read_but_none_in_an_encoding_that_was_not_asked_for() -> None:
    with sending(whole(gzip.compress(GOOD), "Content-Encoding: gzip")) as url:
        assert Endpoint("m", url=url).complete([ASKED]) == [REPLY]
    for encoding in ("br", "gzip, gzip"):
        with sending(whole(GOOD, f"Content-Encoding: {encoding}")) as url:
            assert f"it compresses its reply as {encoding!r}" in ending(url)


def test_redirects_are_followed_a_few_times() -> None:
    with sending(whole(GOOD)) as url:
        target = f"Location: {url}/completions"
        with sending(whole(b"", target, status="307 Temporary Redirect")) as other:
            assert Endpoint("m", url=other).complete([ASKED]) == [REPLY]
    with sending(whole(b" " * 100, "Location: /v1/completions", status="308 Permanent Redirect")) as url:
        assert "it redirects more than 5 times" in ending(url)


def test_an_error_without_end_and_a_list_of_models_without_end_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_BYTES", 10_000)
    with sending(flooding(head(status="400 Bad Request"), b" " * 5000)) as url:
        assert "its reply is larger than" in ending(url)
        assert Endpoint("m", url=url).models() == []
        assert Endpoint("m", url=url).try_once("/models").status == 0


def test_a_search_that_is_asked_to_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_PATIENCE", 0.1)
    with running._stop_on_signal() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop == [signal.SIGTERM]
        with pytest.raises(KeyboardInterrupt):
            SimpleQueue[int]().get(timeout=30)


ESTIMATED = Usage(prompt_tokens=2, completion_tokens=2)
"""A quarter of the characters of `Hello` and ` world`."""


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": -1, "completion_tokens": 2}, ESTIMATED),
        ({"prompt_tokens": 10, "completion_tokens": 10**25}, ESTIMATED),
        ({"prompt_tokens": 10, "completion_tokens": float("nan")}, ESTIMATED),
        ({"prompt_tokens": float("inf"), "completion_tokens": 2}, ESTIMATED),
        ({"prompt_tokens": 1.5}, ESTIMATED),
        ({"prompt_tokens": "10", "completion_tokens": "2"}, ESTIMATED),
        ({"prompt_tokens": True}, ESTIMATED),
        ({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": -8}}, ESTIMATED),
        ("none", ESTIMATED),
        ([], ESTIMATED),
        ({"prompt_tokens": 10.0, "completion_tokens": 2}, Usage(prompt_tokens=10, completion_tokens=2)),
        ({"prompt_tokens": 10, "prompt_tokens_details": [{"text": 10}]}, Usage(prompt_tokens=10)),
    ],
)
def test_counts_that_cannot_be_are_estimated(usage: Any, counted: Usage, caplog: pytest.LogCaptureFixture) -> None:
    with listening(Script({**COMPLETION, "usage": usage})) as url:
        replies = Endpoint("m", url=url).complete([ASKED, ASKED])
    assert [reply.usage for reply in replies] == [counted] * 2
    assert len(caplog.records) == (counted == ESTIMATED)
    assert "reports counts of tokens that cannot be (" in caplog.text or counted != ESTIMATED
