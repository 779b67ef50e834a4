"""Tests of requests that a server refuses: what ends at once, in which words, and what is left out of the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.scripted_server import ASKED, COMPLETION, KEY, Script, failure, plainly
from urial_opt.errors import AdapterError
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.nano.json_server import Refused, listening

pytestmark = pytest.mark.usefixtures("pauses", "no_key")
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
    """A chat model that refuses some fields, as OpenAI's reasoning models and Mistral's do."""

    def __init__(self, *refused: str) -> None:
        self._refused = refused
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, _: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(plainly(body))
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
REQUEST = {"messages": [], "max_tokens": 7, "temperature": 0, "seed": 1}


@pytest.mark.parametrize(
    "refused", [("max_tokens",), ("temperature",), ("seed",), ("max_tokens", "temperature", "seed")]
)
def test_a_field_that_a_chat_model_refuses_is_left_out_from_then_on(
    refused: tuple[str, ...], caplog: pytest.LogCaptureFixture, pauses: list[float]
) -> None:
    model = Reasoner(*refused)
    with listening(model) as url:
        endpoint = Endpoint("m", url=url)
        for _ in range(3):
            assert [reply.text for reply in endpoint.chat([REQUEST])] == ["Hi"]
    assert len(model.asked) == len(refused) + 3
    told = {"model", "messages", "max_tokens", "temperature", "seed"} - {*refused}
    told |= {"max_completion_tokens"} if "max_tokens" in refused else set()
    assert {*model.asked[-1]} == told
    assert 7 in model.asked[-1].values()
    assert pauses == []
    assert len(caplog.records) == ("temperature" in refused)
    assert "may differ each time" in caplog.text or "temperature" not in refused


def test_many_requests_at_once_learn_it_together() -> None:
    model = Reasoner("max_tokens")
    with listening(model) as url:
        assert len(Endpoint("m", url=url).chat([REQUEST] * 40)) == 40
    assert 40 < len(model.asked) <= 80


def test_a_request_without_a_required_field_is_not_retried() -> None:
    model = Reasoner("messages")
    with listening(model) as url, pytest.raises(AdapterError, match="'messages' must not be empty"):
        Endpoint("m", url=url).chat([REQUEST])
    assert len(model.asked) == 1


def test_no_field_of_a_completion_is_left_out() -> None:
    """Without a temperature of 0, decoding would no longer be greedy."""
    script = Script(Refused(400, REFUSALS["temperature"]))
    assert "refuses the request (400 Unsupported value: 'temperature'" in failure(script)
    assert len(script.asked) == 1


def test_a_single_try_leaves_refused_fields_out_too() -> None:
    model = Reasoner("max_tokens", "temperature")
    with listening(model) as url:
        attempt = Endpoint("m", url=url).try_once("/chat/completions", REQUEST)
    assert (attempt.status, attempt.at("choices", 0, "message", "content")) == (200, "Hi")


def test_used_up_credit_ends_at_once() -> None:
    script = Script(Refused(429, "You exceeded your current quota", code="insufficient_quota"))
    assert "has nothing left (You exceeded your current quota)" in failure(script)
    assert len(script.asked) == 1


def test_a_wrong_model_ends_at_once_and_names_are_listed() -> None:
    script = Script(Refused(404, "The model does not exist"), models=["a/b", "c"])
    message = failure(script)
    assert message.startswith("no model is called 'm' at 'http://127.0.0.1:")
    assert message.endswith("; name one that it has: a/b, c")
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
        "is not served at '/completions' (This is a chat model); give the name of its deployment, if it has another, "
        "or it may be at the other: openai-chat:m"
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
