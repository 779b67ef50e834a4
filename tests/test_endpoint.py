"""Tests of endpoints over real HTTP: what is lived through, what ends at once and how, and that no key leaks."""

from __future__ import annotations

import base64
import logging
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from urial_opt.errors import AdapterError, InputError
from urial_opt.models.server import retries
from urial_opt.models.server.endpoint import Endpoint, open_endpoint
from urial_opt.models.server.replies import Reply
from urial_opt.nano.faults import FAULTS, Fault, Faults
from urial_opt.nano.json_server import Refused, listening
from urial_opt.records import Usage

pytestmark = pytest.mark.usefixtures("pauses")
KEY = "sk-do-not-tell-anybody"
COMPLETION: Mapping[str, Any] = {
    "model": "m",
    "choices": [{"index": 0, "text": " world", "finish_reason": "length"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 8}},
}
REPLY = Reply(
    text=" world",
    finish_reason="length",
    usage=Usage(prompt_tokens=2, completion_tokens=2, saved_tokens=8),
)
ASKED = {"prompt": "Hello", "max_tokens": 2}


class Script:
    """A server's answers in turn, the last one for ever; remembers what it was asked."""

    def __init__(self, *answers: Any, models: Sequence[str] = ()) -> None:
        self._answers = list(answers)
        self._models = models
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path == "/v1/models" and self._models:
            return {"data": [{"id": name} for name in self._models]}
        if path not in ("/v1/completions", "/v1/chat/completions"):
            raise Refused(404, "Not Found")
        self.asked.append(body)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def failure(script: Script, model: str = "m", *, of: str = "completions") -> str:
    """The one line in which asking fails for good."""
    with listening(script) as url:
        endpoint = Endpoint(model, url=url)
        with pytest.raises(AdapterError) as caught:
            endpoint.complete([ASKED]) if of == "completions" else endpoint.chat([{"messages": []}])
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 450
    return message


def test_a_request_gets_the_model_and_goes_out_as_it_is() -> None:
    script = Script(COMPLETION)
    with listening(script) as url:
        endpoint = Endpoint("m", url=url + "/")
        assert endpoint.name == f"m at {url}"
        assert endpoint.complete([{**ASKED, "repetition_penalty": 1.1}]) == [REPLY]
        assert endpoint.complete([]) == []
    assert script.asked == [{"model": "m", "prompt": "Hello", "max_tokens": 2, "repetition_penalty": 1.1}]


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}])
def test_usage_may_be_missing(usage: object) -> None:
    with listening(Script({**COMPLETION, "usage": usage})) as url:
        (reply,) = Endpoint("m", url=url).complete([ASKED])
    assert reply.usage == Usage()


@pytest.mark.parametrize(
    ("message", "finish_reason", "text", "refused"),
    [
        ({"content": "Hi"}, "stop", "Hi", False),
        ({"content": "Hi", "refusal": None}, None, "Hi", False),
        ({"content": None, "refusal": "No."}, "stop", "", True),
        ({"content": ""}, "content_filter", "", True),
    ],
)
def test_chat(message: object, finish_reason: object, text: str, refused: bool) -> None:
    script = Script({"choices": [{"message": message, "finish_reason": finish_reason}]})
    with listening(script) as url:
        replies = Endpoint("m", url=url).chat([{"messages": []}])
    assert replies == [Reply(text=text, finish_reason="stop", usage=Usage(), refused=refused)]
    assert len(script.asked) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_two_faults_of_a_kind_are_lived_through(fault: Fault) -> None:
    faults = Faults(1.0, kinds=[fault], stall=1.0)
    script = Script(COMPLETION)
    with listening(script, faults=faults) as url:
        endpoint = Endpoint("m", url=url, timeout=0.3 if fault == "stall" else 60.0)
        assert endpoint.complete([ASKED]) == [REPLY]
    assert faults.struck == {fault: 2, None: 1}
    assert faults.next(b"") == fault


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503, 529])
def test_what_may_pass_is_asked_again(status: int) -> None:
    script = Script(Refused(status, "not now"), Refused(status, "not now"), COMPLETION)
    with listening(script) as url:
        assert Endpoint("m", url=url).complete([ASKED]) == [REPLY]
    assert len(script.asked) == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "text",
        {"error": {"message": "busy"}},
        {**COMPLETION, "choices": None},
        {**COMPLETION, "choices": []},
        {**COMPLETION, "choices": COMPLETION["choices"] * 2},
        {**COMPLETION, "choices": [{"text": None}]},
        {**COMPLETION, "choices": [{"message": {"content": "Hi"}}]},
        {**COMPLETION, "choices": [{"text": 5}]},
    ],
)
def test_what_is_no_completion_is_asked_again_and_shown_in_the_end(body: object) -> None:
    script = Script(body, COMPLETION)
    with listening(script) as url:
        assert Endpoint("m", url=url).complete([ASKED]) == [REPLY]
    assert "after 10 tries: its reply is no completion (" in failure(Script(body))


def test_an_answer_that_stays_empty_is_believed() -> None:
    empty = {**COMPLETION, "choices": [{"text": "", "finish_reason": "stop"}]}
    script = Script(empty)
    with listening(script) as url:
        (reply,) = Endpoint("m", url=url).complete([ASKED])
    assert reply == Reply(text="", finish_reason="stop", usage=REPLY.usage)
    assert len(script.asked) == 4


def test_an_empty_answer_that_used_up_its_tokens_is_believed_at_once() -> None:
    script = Script({**COMPLETION, "choices": [{"text": "", "finish_reason": "length"}]})
    with listening(script) as url:
        assert Endpoint("m", url=url).complete([ASKED])[0].text == ""
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("m", None),
        ("m", ""),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("llama3", "llama3:latest"),
        ("org/m", "m"),
        ("m", "/models/m"),
        ("m", "m@main"),
    ],
)
def test_names_that_are_one_model(asked: str, told: str | None) -> None:
    with listening(Script({**COMPLETION, "model": told})) as url:
        assert Endpoint(asked, url=url).complete([ASKED]) == [REPLY]


@pytest.mark.parametrize(("asked", "told"), [("m", "n"), ("gpt-4o", "gpt-4"), ("m", "mm"), ("a/m", "b/m")])
def test_another_model_is_not_listened_to(asked: str, told: str) -> None:
    script = Script({**COMPLETION, "model": told})
    message = failure(script, asked)
    assert f"the server answers as {told!r}; type that name" in message
    assert len(script.asked) == 4


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "7"}, 7, 7),
        ({"Retry-After": "0.25"}, 0.25, 0.25),
        ({"Retry-After": "9", "Retry-After-Ms": "250"}, 0.25, 0.25),
        ({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=200), usegmt=True)}, 100, 200),
        ({"Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT"}, 0, 0.5),
        ({"Retry-After": "0"}, 0, 0.5),
        ({"Retry-After": "nan"}, 0, 0.5),
        ({"Retry-After": "soon"}, 0, 0.5),
        ({}, 0, 0.5),
    ],
)
def test_retry_after(headers: Mapping[str, str], least: float, most: float, pauses: list[float]) -> None:
    with listening(Script(Refused(429, "slow down", headers=headers), COMPLETION)) as url:
        assert Endpoint("m", url=url).complete([ASKED]) == [REPLY]
    (pause,) = pauses
    assert least - 0.1 <= pause <= most


TOO_LONG = [
    Refused(400, "see the code", code="context_length_exceeded"),
    Refused(400, "This model's maximum context length is 2048 tokens. However, you requested 3000 tokens."),
    Refused(400, "The input (5000 tokens) is longer than the model's context length (4096 tokens)."),
    Refused(422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"),
    Refused(400, "the request exceeds the available context size, try increasing it"),
    Refused(400, "max_tokens is too large: 9999. This model supports at most 4096 completion tokens."),
    Refused(413, "Request Entity Too Large"),
]


@pytest.mark.parametrize("refusal", TOO_LONG, ids=str)
def test_a_prompt_that_is_too_long_ends_at_once(refusal: Refused) -> None:
    script = Script(refusal)
    message = failure(script)
    assert message.startswith("prompt and answer do not fit 'm at http://127.0.0.1:")
    assert message.endswith("; use fewer exemplars or a lower max_tokens")
    assert len(script.asked) == 1


@pytest.mark.parametrize("status", [400, 402, 422])
def test_another_refusal_ends_at_once_with_the_servers_words(status: int) -> None:
    script = Script(Refused(status, "'top_p':\n must be below 1" + "!" * 1000))
    assert f"refuses the request ({status} 'top_p': must be below 1!!" in failure(script)
    assert len(script.asked) == 1


class Reasoner:
    """A chat model that will not be told some things, as OpenAI's reasoning models and Mistral's do."""

    def __init__(self, *refused: str) -> None:
        self._refused = refused
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, _: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(body)
        for field in self._refused:
            if field in body:
                raise Refused(400, REFUSALS[field], code="unsupported_parameter")
        return {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}


REFUSALS = {
    "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'.",
    "temperature": "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) is.",
    "seed": "[{'type': 'extra_forbidden', 'loc': ['body', 'seed'], 'msg': 'Extra inputs are not permitted'}]",
    "messages": "Unsupported value: 'messages' must not be empty.",
}
TELLING = {"messages": [], "max_tokens": 7, "temperature": 0, "seed": 1}


@pytest.mark.parametrize(
    "refused", [("max_tokens",), ("temperature",), ("seed",), ("max_tokens", "temperature", "seed")]
)
def test_what_a_chat_model_will_not_be_told_is_left_out_from_then_on(
    refused: tuple[str, ...], caplog: pytest.LogCaptureFixture, pauses: list[float]
) -> None:
    model = Reasoner(*refused)
    with listening(model) as url:
        endpoint = Endpoint("m", url=url)
        for _ in range(3):
            assert [reply.text for reply in endpoint.chat([TELLING])] == ["Hi"]
    assert len(model.asked) == len(refused) + 3
    told = {"model", "messages", "max_tokens", "temperature", "seed"} - {*refused}
    told |= {"max_completion_tokens"} if "max_tokens" in refused else set()
    assert {*model.asked[-1]} == told
    assert 7 in model.asked[-1].values()
    assert pauses == []
    assert len(caplog.records) == ("temperature" in refused)
    assert "may change from one time to the next" in caplog.text or "temperature" not in refused


def test_many_requests_at_once_learn_it_together() -> None:
    model = Reasoner("max_tokens")
    with listening(model) as url:
        assert len(Endpoint("m", url=url).chat([TELLING] * 40)) == 40
    assert 40 < len(model.asked) <= 80


def test_what_a_chat_model_cannot_do_without_is_no_reason_to_ask_again() -> None:
    model = Reasoner("messages")
    with listening(model) as url, pytest.raises(AdapterError, match="'messages' must not be empty"):
        Endpoint("m", url=url).chat([TELLING])
    assert len(model.asked) == 1


def test_a_base_model_is_told_everything_or_nothing() -> None:
    """Without its temperature it would not be greedy any more."""
    script = Script(Refused(400, REFUSALS["temperature"]))
    assert "refuses the request (400 Unsupported value: 'temperature'" in failure(script)
    assert len(script.asked) == 1


def test_one_look_adapts_too() -> None:
    model = Reasoner("max_tokens", "temperature")
    with listening(model) as url:
        attempt = Endpoint("m", url=url).try_once("/chat/completions", TELLING)
    assert (attempt.status, attempt.at("choices", 0, "message", "content")) == (200, "Hi")


def test_used_up_credit_ends_at_once() -> None:
    script = Script(Refused(429, "You exceeded your current quota", code="insufficient_quota"))
    assert "has nothing left (You exceeded your current quota)" in failure(script)
    assert len(script.asked) == 1


def test_a_wrong_model_ends_at_once_and_names_are_listed() -> None:
    script = Script(Refused(404, "The model does not exist"), models=["a/b", "c"])
    message = failure(script)
    assert message.startswith("no model is called 'm' at 'http://127.0.0.1:")
    assert message.endswith("; type one that it has: a/b, c")
    assert len(script.asked) == 1
    many = failure(Script(Refused(404, "?"), models=[f"model-{number}" for number in range(30)]))
    assert many.endswith("model-9, …")


def test_a_wrong_address_ends_at_once() -> None:
    script = Script(COMPLETION)
    with listening(script) as url:
        endpoint = Endpoint("m", url=url.removesuffix("/v1"))
        with pytest.raises(
            AdapterError, match=r"nothing is served at 'http://127\.0\.0\.1:\d+/completions' .* up to /v1"
        ):
            endpoint.complete([ASKED])
    assert script.asked == []


def test_a_model_that_is_there_but_not_for_this_ends_at_once() -> None:
    script = Script(Refused(404, "This is a chat model"), models=["m"])
    message = failure(script)
    assert message.endswith(
        "is not served at '/completions' (This is a chat model); it may be at the other: openai-chat:m"
    )
    assert failure(script, of="chat").endswith("it may be at the other: openai:m")


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_ends_at_once(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(Refused(status, f"Incorrect API key provided: {KEY[:6]}***{KEY[-4:]}"))
    assert failure(script).endswith("set the environment variable OPENAI_API_KEY to a key")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    message = failure(script)
    assert message.endswith("set the environment variable OPENAI_API_KEY to another key")
    assert KEY[-4:] not in message
    assert len(script.asked) == 2


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
    """A server that refuses all and keeps the headers it was sent."""
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


def test_a_server_that_never_was_there_is_tried_twice(pauses: list[float]) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(AdapterError) as caught:
        Endpoint("m", url=url).complete([ASKED])
    assert str(caught.value) == (
        f"gave up on 'm at {url}' after 2 tries: nothing answers at '{url}' ([Errno 111] Connection refused); "
        "start the server, or give another address as url="
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


def test_a_server_that_was_there_is_waited_for(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
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


def test_one_request_that_fails_for_good_ends_all() -> None:
    def answer(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if body.get("prompt") == 5:
            raise Refused(400, "no")
        return COMPLETION

    with listening(answer) as url, pytest.raises(AdapterError, match=r"refuses the request \(400 no\)"):
        Endpoint("m", url=url, concurrency=2).complete([{"prompt": row} for row in range(10)])


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
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(
        InputError, match="is no address of a server; type one such as http://localhost:8000/v1"
    ) as caught:
        Endpoint("m", url=url)
    assert "secret" not in str(caught.value)


def test_the_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:9/v1")
    assert Endpoint("m").name == "m at http://localhost:9/v1"
    assert Endpoint("m", url="http://localhost:8/v1").name == "m at http://localhost:8/v1"


@pytest.mark.parametrize(
    "options",
    [{"concurrency": value} for value in ("0", "-1", "1.5", "many", "inf")]
    + [{"timeout": value} for value in ("0", "nan", "inf", "")],
)
def test_options_that_are_no_numbers(options: dict[str, str]) -> None:
    (name,) = options
    with pytest.raises(InputError, match=rf"{name} is a number above 0, not .*; type for example {name}="):
        open_endpoint("m", url="http://localhost:1/v1", **options)
    assert open_endpoint("m", url="http://localhost:1/v1", concurrency="4", timeout="0.5").name
