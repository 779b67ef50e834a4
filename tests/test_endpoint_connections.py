"""Tests of keys, addresses and connections: no secret leaks, and a server that does not answer is an error."""

from __future__ import annotations

import base64
import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.scripted_server import ASKED, COMPLETION, KEY, REPLY, Script
from urial_opt.errors import AdapterError, InputError
from urial_opt.models.server import retries
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.nano.json_server import Refused, listening

pytestmark = pytest.mark.usefixtures("pauses", "no_key")


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", f"{KEY}\n")
    with listening(Script(COMPLETION), key=KEY) as url:
        assert Endpoint("m", url=url, key_variable="JUDGE_KEY").complete([ASKED]) == [REPLY]
        with pytest.raises(AdapterError, match="OPENAI_API_KEY"):
            Endpoint("m", url=url).complete([ASKED])


def test_openai_itself_is_not_asked_without_a_key() -> None:
    with pytest.raises(AdapterError, match=r"'m at https://api\.openai\.com/v1' .* OPENAI_API_KEY to a key"):
        Endpoint("m")


def test_a_key_with_a_stray_character_is_refused_unshown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}…")
    with pytest.raises(AdapterError, match="OPENAI_API_KEY to another key") as caught:
        Endpoint("m", url="http://localhost:1/v1")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("status", [400, 404, 413, 422, 429, 500])
def test_no_secret_in_any_message_or_log(
    status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with listening(Script(Refused(status, f"no {KEY} and no pass word"))) as url:
        endpoint = Endpoint("m", url=url.replace("//", "//user:pass%20word@"))
        assert "pass" not in endpoint.name
        with pytest.raises(AdapterError) as caught:
            endpoint.complete([ASKED])
    assert "no *** and no ***" in str(caught.value)
    told = str(caught.value) + caplog.text
    assert "HTTP Request" in caplog.text
    assert not any(secret in told for secret in (KEY, "pass word", "pass%20word"))


def test_user_and_password_of_an_address_are_sent() -> None:
    with recording() as (url, headers):
        with pytest.raises(AdapterError):
            Endpoint("m", url=url.replace("//", "//user:pass%20word@")).complete([ASKED])
        assert headers[0]["Authorization"] == f"Basic {base64.b64encode(b'user:pass word').decode()}"


@contextmanager
def recording() -> Iterator[tuple[str, list[Any]]]:
    """A server that refuses every request and keeps the headers that it received."""
    headers: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers.append(self.headers)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(400)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1", headers
        server.shutdown()
        thread.join()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_unreachable_server_is_tried_twice(pauses: list[float]) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(AdapterError) as caught:
        Endpoint("m", url=url).complete([ASKED])
    assert str(caught.value) == (
        f"gave up on 'm at {url}' after 2 tries: nothing answers at '{url}' ([Errno 111] Connection refused); "
        "start the server, or give another address as `url=ADDRESS`"
    )
    assert caught.value.retryable
    assert len(pauses) == 1
    assert pauses[0] <= 0.5


def test_an_address_that_no_name_server_knows_is_tried_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(AdapterError, match=r"after 2 tries: nothing answers at .*Name or service not known"):
        Endpoint("m", url="http://nowhere.invalid/v1").complete([ASKED])


def test_a_server_that_answered_before_is_waited_for(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    with listening(Script(COMPLETION)) as url:
        endpoint = Endpoint("m", url=url)
        endpoint.complete([ASKED])
    with pytest.raises(AdapterError, match="after 10 tries: nothing answers at"):
        endpoint.complete([ASKED])
    pauses.clear()
    with ExitStack() as started:

        def pause(_: threading.Event, seconds: float) -> bool:
            pauses.append(seconds)
            if len(pauses) == 5:
                started.enter_context(listening(Script(COMPLETION), port=int(url.split(":")[2].removesuffix("/v1"))))
            return False

        monkeypatch.setattr(retries, "_pause", pause)
        assert endpoint.complete([ASKED]) == [REPLY]
    assert len(pauses) == 5


def test_a_time_out_says_how_to_allow_more() -> None:
    over = threading.Event()

    def answer(_: str, __: Mapping[str, Any]) -> Mapping[str, Any]:
        over.wait(timeout=30)
        return COMPLETION

    with listening(answer) as url:
        endpoint = Endpoint("m", url=url, timeout=0.1)
        with pytest.raises(AdapterError, match=r"after 3 tries: nothing came within 0\.1 s; .*timeout=SECONDS"):
            endpoint.complete([ASKED])
        over.set()


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000/v1",
        "ftp://a/v1",
        "http://",
        "http://a:b/v1",
        "http://a/v1?key=1",
        "http://[a/v1",
        "x:secret@host",
    ],
)
def test_invalid_addresses(url: str) -> None:
    with pytest.raises(
        InputError, match="is not the address of a server; give one such as http://localhost:8000/v1"
    ) as caught:
        Endpoint("m", url=url)
    assert "secret" not in str(caught.value)


def test_the_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:9/v1")
    assert Endpoint("m").name == "m at http://localhost:9/v1"
    assert Endpoint("m", url="http://localhost:8/v1").name == "m at http://localhost:8/v1"
