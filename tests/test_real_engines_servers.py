"""Tests of engines as they are: llama-cpp-python's server calls its penalty otherwise, and refuses with a 500."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.quirky_server import diagnosis
from urial_opt.judges.llm import LLMJudge
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.models.server.generator import ServerGenerator
from urial_opt.nano.json_server import Refused, listening
from urial_opt.records import Completion, Query, Sampling

pytestmark = pytest.mark.usefixtures("pauses", "no_key", "quick_doctor")
QUERY = Query(id="q", text="Which river is long?", kind="regular", split="dev")
SAID = [Completion(text="The Nile.", finish_reason="stop")]
REFUSAL = (
    "1 validation error:\n  {'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), "
    "'msg': \"Input should be 'text' or 'json_object'\"}"
)


class Engine:
    """Answers with the penalty that it heeds, and judges without a schema only."""

    def __init__(
        self,
        *,
        penalty: str = "repeat_penalty",
        own: float = 1.1,
        refuses: tuple[str, ...] = (),
        says: str = "{} is not known",
        refusal: Refused | None = None,
    ) -> None:
        self._penalty, self._own, self._refuses, self._says, self._refusal = penalty, own, refuses, says, refusal
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path == "/v1/models":
            raise Refused(404, "Not Found")
        self.asked.append(body)
        for name in self._refuses:
            if name in body:
                raise Refused(400, self._says.format(name))
        if self._refusal is not None and "response_format" in body:
            raise self._refusal
        said = f"penalty {body.get(self._penalty, self._own)}"
        if "messages" in body:
            said = '{"helpfulness": {"reason": "It is right.", "score": "4"}}'
        return {"choices": [{"text": said, "message": {"content": said}, "finish_reason": "stop"}]}


def written(engine: Engine, penalty: float) -> str:
    with listening(engine) as url:
        (completion,) = ServerGenerator(Endpoint("m", url=url)).generate(
            "a", ["b"], Sampling(repetition_penalty=penalty)
        )
    return completion.text


@pytest.mark.parametrize("name", ["repetition_penalty", "repeat_penalty"])
@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_the_penalty_is_sent_under_the_name_that_the_server_knows(
    name: str, penalty: float, caplog: pytest.LogCaptureFixture
) -> None:
    other = "repeat_penalty" if name == "repetition_penalty" else "repetition_penalty"
    for refuses in ((), (other,)):
        assert written(Engine(penalty=name, refuses=refuses), penalty) == f"penalty {penalty}"
    assert caplog.records == []


@pytest.mark.parametrize("says", ["{} is not known", "Unrecognized request argument supplied: {}", "extra fields"])
def test_a_server_without_a_penalty_is_told_of_none(says: str) -> None:
    engine = Engine(penalty="", own=1.0, refuses=("repeat_penalty", "repetition_penalty"), says=says)
    assert written(engine, 1.0) == "penalty 1.0"
    assert not {"repeat_penalty", "repetition_penalty"} & {*engine.asked[-1]}


def test_a_penalty_that_the_server_ignores_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    engine = Engine(penalty="", own=1.1)
    with listening(engine) as url:
        base = ServerGenerator(Endpoint("m", url=url))
        for _ in range(2):
            base.generate("a", ["b"], Sampling(repetition_penalty=1.3))
    (record,) = caplog.records
    assert "writes the same with a repetition_penalty of 2 as with 1: it seems to ignore it" in record.getMessage()
    assert len(engine.asked) == 4


def test_the_doctor_finds_the_name_of_the_penalty() -> None:
    found = diagnosis("repeat_penalty")
    assert found.findings["repetition_penalty"].says == "With repeat_penalty 2 it says something else than with 1."
    assert "--decoding" not in found.command


@pytest.mark.parametrize(
    "refusal",
    [
        Refused(500, REFUSAL),
        Refused(500, "Internal Server Error"),
        Refused(400, "Unexpected field"),
        Refused(404, "Not Found"),
        Refused(415, "Unsupported Media Type"),
        Refused(422, "guided decoding is off"),
        Refused(501, "not implemented"),
    ],
    ids=lambda refusal: str(refusal)[:20],
)
def test_a_judge_does_without_a_schema_whatever_the_refusal(refusal: Refused, pauses: list[float]) -> None:
    engine = Engine(refusal=refusal)
    with listening(engine) as url:
        judge = LLMJudge(Endpoint("m", url=url), mode="aspects")
        for _ in range(2):
            (judgment,) = judge.judge([QUERY], SAID)
    assert judgment.scores["helpfulness"] == 4  # type: ignore[index]
    assert len(pauses) <= 1
    assert sum("response_format" in body for body in engine.asked) <= 3


def test_a_refusal_for_another_reason_keeps_the_schema() -> None:
    engine = Engine()
    with listening(engine) as url:
        endpoint = Endpoint("m", url=url)
        request = {"messages": [], "response_format": {"type": "json_object"}}
        endpoint.chat([request])
        engine._refusal = Refused(400, "blocked")
        with pytest.raises(Exception, match="400 blocked"):
            endpoint.chat([request])
        engine._refusal = None
        endpoint.chat([request])
    assert ["response_format" in body for body in engine.asked] == [True, True, True]
