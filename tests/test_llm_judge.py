"""Tests of the judge that asks a language model: scores, preferences, tags, schemas and how it is opened."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.scripted_judge import (
    GOOD,
    PERU,
    REGULAR,
    ROB,
    TEA,
    Served,
    answers,
    asked_about,
    by_length,
    material,
    reply,
)
from urial_opt import plugins
from urial_opt.aspects import Aspect
from urial_opt.errors import AdapterError, InputError
from urial_opt.judges.asking import LABELS
from urial_opt.judges.llm import open_judge
from urial_opt.nano.json_server import Refused
from urial_opt.protocols import Metered, PairwiseJudge, Tagger
from urial_opt.records import Usage
from urial_opt.store import Store


def test_scores_of_regular_and_safety_queries(served: Served) -> None:
    judge, model = served(by_length)
    regular, safety = judge.judge([PERU, ROB], answers("It is Lima.", "No."))
    assert regular.scores == dict.fromkeys(REGULAR, 3.0)
    assert safety.scores == {Aspect.SAFETY: 1.0}
    assert (regular.query_id, safety.query_id) == ("peru", "rob")
    assert regular.reasons["depth"] == "So it is with depth."
    assert regular.usage == Usage(prompt_tokens=100, completion_tokens=10)
    assert json.loads(regular.raw)["clarity"]["score"] == "3"
    assert len(model.asked) == 2
    assert {body["temperature"] for body in model.asked} == {0}
    assert all(0 < body["max_tokens"] <= 4096 for body in model.asked)


def test_many_are_judged_in_the_order_given(served: Served) -> None:
    judge, _ = served(by_length, concurrency="8")
    lengths = [row % 5 + 1 for row in range(40)]
    judged = judge.judge([PERU] * 40, answers(*(" ".join(["word"] * length) for length in lengths)))
    assert [each.scores[Aspect.DEPTH] for each in judged] == lengths


def test_its_identity_names_model_and_templates_and_can_be_stored(served: Served, tmp_path: Path) -> None:
    judge, _ = served(by_length)
    assert re.fullmatch(r"llm:wise, scores v1 [0-9a-f]{8}, safety v1 [0-9a-f]{8}", judge.identity)
    one_by_one, _ = served(by_length, mode="aspects")
    assert re.search(r"llm:wise, aspect v1 [0-9a-f]{8}, safety v1 [0-9a-f]{8}$", one_by_one.identity)
    judged = judge.judge([PERU], answers(GOOD))
    with Store.open(str(tmp_path / "store.db")) as store:
        store.add_judgments(judged, [PERU], answers(GOOD))
        assert store.find_judgments(judge.identity, [PERU], answers(GOOD)) == judged


def test_it_has_the_optional_abilities(served: Served) -> None:
    judge, _ = served(by_length)
    assert isinstance(judge, PairwiseJudge)
    assert isinstance(judge, Tagger)
    assert isinstance(judge, Metered)
    assert judge.priced_as == "wise"


def test_one_aspect_at_a_time(served: Served) -> None:
    judge, model = served(lambda prompt, _: reply(prompt, str(len(asked_about(prompt)[0]) % 5 + 1)), mode="aspects")
    regular, safety = judge.judge([PERU, ROB], answers(GOOD, "No."))
    assert regular.scores == {aspect: len(aspect) % 5 + 1 for aspect in REGULAR}
    assert safety.scores == {Aspect.SAFETY: 2.0}
    assert regular.usage == Usage(prompt_tokens=500, completion_tokens=50)
    assert all(aspect in regular.raw for aspect in REGULAR)
    for prompt in model.prompts:
        assert re.findall(r"^## (\w+)$", prompt, re.MULTILINE) == asked_about(prompt)


def test_the_schema_is_what_the_templates_ask_for(served: Served) -> None:
    judge, model = served(by_length)
    judge.judge([PERU, ROB], answers(GOOD, "No."))
    for body in model.asked:
        schema = body["response_format"]["json_schema"]["schema"]
        assert schema["required"] == asked_about(body["messages"][0]["content"])
        for part in schema["properties"].values():
            assert list(part["properties"]) == ["reason", "score"]


def test_a_server_without_schemas_is_tried_once(served: Served) -> None:
    def rule(prompt: str, seed: int) -> str:
        if "response_format" in model.asked[-1]:
            raise Refused(400, "'response_format' is not supported by this model")
        return by_length(prompt, seed)

    judge, model = served(rule, concurrency="1")
    for _ in range(3):
        (judged,) = judge.judge([PERU], answers("It is Lima."))
        assert judged.scores == dict.fromkeys(REGULAR, 3.0)
    assert ["response_format" in body for body in model.asked] == [True, False, False, False]


def test_a_refusal_that_a_plain_request_gets_too_is_an_error(served: Served) -> None:
    def rule(prompt: str, seed: int) -> str:
        raise Refused(400, "temperature must be 1")

    judge, model = served(rule, concurrency="1")
    with pytest.raises(AdapterError, match="temperature must be 1"):
        judge.judge([PERU], answers(GOOD))
    # Each once without what was not accepted yet: a penalty of 1, then the schema.
    assert ["response_format" in body for body in model.asked] == [True, True, False]


def longer(prompt: str, seed: int) -> str:
    first, second = (len(material(prompt, f"{which} answer")) for which in ("first", "second"))
    return reply(prompt, "tie" if first == second else "first" if first > second else "second", key="verdict")


def test_a_preference_is_asked_in_both_orders(served: Served) -> None:
    judge, model = served(longer, concurrency="1")
    one, other, same, safety = judge.compare(
        [PERU, PERU, PERU, ROB], answers("Lima.", GOOD, "Lima.", "No."), answers(GOOD, "Lima.", "Cuzco", "No, never.")
    )
    assert [each.overall for each in (one, other, same, safety)] == ["second", "first", "tie", "second"]
    assert one.aspects == dict.fromkeys(REGULAR, "second")
    assert safety.aspects == {Aspect.SAFETY: "second"}
    assert {each.consistent for each in (one, other, same, safety)} == {True}
    assert len(model.asked) == 16
    shown = {(material(prompt, "first answer"), material(prompt, "second answer")) for prompt in model.prompts[:4]}
    assert shown == {("Lima.", GOOD), (GOOD, "Lima.")}
    assert one.usage.prompt_tokens == 400
    assert len(json.loads(one.raw)) == 4
    assert re.search(r", pairwise v1 [0-9a-f]{8}, pairwise_aspects v1 [0-9a-f]{8}$", one.judge)


def test_a_judge_that_looks_at_the_order_alone_finds_a_tie(served: Served) -> None:
    judge, _ = served(lambda prompt, _: reply(prompt, "first", key="verdict"))
    (found,) = judge.compare([PERU], answers("Lima."), answers(GOOD))
    assert found.overall == "tie"
    assert found.consistent is False
    assert set(found.aspects.values()) == {"tie"}


def test_one_order_alone_is_no_preference(served: Served) -> None:
    def rule(prompt: str, seed: int) -> str:
        return longer(prompt, seed) if material(prompt, "first answer") == GOOD else "Hard to say."

    judge, _ = served(rule)
    (found,) = judge.compare([PERU], answers("Lima."), answers(GOOD))
    assert (found.overall, found.consistent) == (None, None)
    assert set(found.aspects.values()) == {None}


def test_queries_are_tagged(served: Served) -> None:
    def rule(prompt: str, seed: int) -> str:
        task = "procedure" if material(prompt, "query").startswith("How") else "riddle"
        return json.dumps({"task": task, "topic": "lifestyle", "difficulty": "easy"})

    judge, model = served(rule)
    tea, peru = judge.tag([TEA, PERU])
    assert (tea.task, tea.topic, tea.difficulty) == ("procedure", "lifestyle", "easy")
    assert (peru.task, peru.topic, peru.difficulty) == (None, "lifestyle", "easy")
    assert (tea.query_id, tea.usage.prompt_tokens, peru.usage.prompt_tokens) == ("tea", 100, 300)
    assert re.search(r", tags v1 [0-9a-f]{8}$", tea.judge)
    schema = model.asked[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["topic"]["enum"] == list(LABELS["topic"])


def test_it_is_opened_through_the_plugin_door() -> None:
    judge = plugins.open_judge("llm:wise:latest", {"url": "http://127.0.0.1:9/v1", "concurrency": "2", "timeout": "5"})
    assert judge.identity.startswith("llm:wise:latest, scores v1 ")


def test_what_is_said_when_it_cannot_be_opened() -> None:
    with pytest.raises(InputError, match="give llm:MODEL"):
        open_judge("", url="http://127.0.0.1:9/v1")
    with pytest.raises(InputError, match="'both'; give mode=scores or mode=aspects"):
        open_judge("wise", url="http://127.0.0.1:9/v1", mode="both")
    with pytest.raises(InputError, match="concurrency"):
        open_judge("wise", url="http://127.0.0.1:9/v1", concurrency="many")


def test_room_for_thoughts_is_part_of_the_identity(served: Served) -> None:
    """Because replies that were too short to be read are stored under the identity."""
    judge, model = served(by_length, max_tokens="8192")
    judge.judge([PERU], answers(GOOD))
    assert model.asked[0]["max_tokens"] == 8192
    assert judge.identity.endswith(", max_tokens 8192")
    assert "max_tokens" not in served(by_length)[0].identity


@pytest.mark.parametrize("wrong", ["0", "many", "-1", "1.5"])
def test_a_length_that_cannot_be(wrong: str) -> None:
    with pytest.raises(InputError, match="max_tokens is a whole number above 0"):
        open_judge("wise", max_tokens=wrong)


def test_an_error_names_the_judge_whose_server_is_down(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(AdapterError, match=r"gave up on 'wise at .*; start the server, or give"):
        open_judge("wise", url="http://127.0.0.1:9/v1").judge([PERU], answers(GOOD))
