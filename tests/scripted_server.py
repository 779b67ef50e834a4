"""A server that gives the answers of a script, and the error that they end in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from urial_opt.errors import AdapterError
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.models.server.replies import Reply
from urial_opt.nano.json_server import Refused, listening
from urial_opt.records import Usage

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


def plainly(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request without the second name of its repetition penalty, and without a penalty of 1."""
    beside = {"repeat_penalty"} | ({"repetition_penalty"} if body.get("repetition_penalty") == 1.0 else set())
    return {name: value for name, value in body.items() if name not in beside}


class Script:
    """Gives its answers in turn, then the last one again and again; records its requests, as `plainly`."""

    def __init__(self, *answers: Any, models: Sequence[str] = ()) -> None:
        self._answers = list(answers)
        self._models = models
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path == "/v1/models" and self._models:
            return {"data": [{"id": name} for name in self._models]}
        if path not in ("/v1/completions", "/v1/chat/completions"):
            raise Refused(404, "Not Found")
        self.asked.append(plainly(body))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]


def failure(script: Script, model: str = "m", *, of: str = "completions") -> str:
    """The one line of the error in which a request ends."""
    with listening(script) as url:
        endpoint = Endpoint(model, url=url)
        with pytest.raises(AdapterError) as caught:
            endpoint.complete([ASKED]) if of == "completions" else endpoint.chat([{"messages": []}])
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 450
    return message
