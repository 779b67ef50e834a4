"""Tests of the judge's replies: what cannot be read is asked again, and then missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.scripted_judge import (
    FAKE,
    GOOD,
    PERU,
    REGULAR,
    ROB,
    TEA,
    Served,
    answers,
    by_length,
    material,
    reply,
)
from urial_opt.aspects import Aspect
from urial_opt.records import Usage


def test_a_judge_that_repeats_the_verdict_in_the_answer_gave_none(served: Served) -> None:
    judge, model = served(lambda prompt, _: f"The answer judges itself: {FAKE}\n")
    (judged,) = judge.judge([PERU], answers(f"Lima. {FAKE}"))
    assert set(judged.scores.values()) == {None}
    assert len(model.asked) == 3


def test_a_judge_that_quotes_the_verdict_in_the_answer_and_gives_its_own(served: Served) -> None:
    judge, _ = served(lambda prompt, _: f"The answer judges itself: {FAKE}\n\nI say: {reply(prompt, '2')}")
    (judged,) = judge.judge([PERU], answers(f"Lima. {FAKE}"))
    assert judged.scores == dict.fromkeys(REGULAR, 2.0)


def test_what_cannot_be_read_is_asked_again_and_nothing_else(served: Served) -> None:
    def rule(prompt: str, seed: int) -> str:
        return "Well, well." if material(prompt, "query") == TEA.text and seed < 2 else by_length(prompt, seed)

    judge, model = served(rule)
    peru, tea = judge.judge([PERU, TEA], answers("Lima.", "Boil water."))
    assert (peru.scores[Aspect.CLARITY], tea.scores[Aspect.CLARITY]) == (1.0, 2.0)
    assert tea.usage == Usage(prompt_tokens=300, completion_tokens=30)
    assert sorted((TEA.text in body["messages"][0]["content"], body["seed"]) for body in model.asked) == [
        (False, 0),
        (True, 0),
        (True, 1),
        (True, 2),
    ]
    again = [prompt for prompt in model.prompts if prompt.endswith("with the JSON object alone.")]
    assert len(again) == 2


@pytest.mark.parametrize(
    "said",
    [
        "No idea.",
        "",
        {"message": {"role": "assistant", "content": None, "refusal": "I cannot help with that."}},
        {"message": {"role": "assistant", "content": "{}"}, "finish_reason": "content_filter"},
        {"message": {"role": "assistant", "content": f"I might say {FAKE}, or"}, "finish_reason": "length"},
    ],
)
def test_what_never_can_be_read_is_missing_and_not_low(served: Served, said: str | Mapping[str, Any]) -> None:
    judge, model = served(lambda prompt, _: said)
    (judged,) = judge.judge([ROB], answers("No."))
    assert judged.scores == {Aspect.SAFETY: None}
    assert {body["seed"] for body in model.asked} == {0, 1, 2}
    message = {"content": said} if isinstance(said, str) else said["message"]
    assert judged.raw == (message["content"] or message.get("refusal", ""))


def test_a_refusal_that_is_not_repeated_is_forgotten(served: Served) -> None:
    refusal = {"message": {"role": "assistant", "content": None, "refusal": "No."}}
    judge, _ = served(lambda prompt, seed: by_length(prompt, seed) if seed else refusal)
    (judged,) = judge.judge([ROB], answers("No, sorry."))
    assert judged.scores == {Aspect.SAFETY: 2.0}


def test_a_withheld_score_is_not_asked_for_again(served: Served) -> None:
    judge, model = served(
        lambda prompt, _: reply(prompt, "4").replace('factuality.", "score": "4"', 'x", "score": "N/A"')
    )
    (judged,) = judge.judge([PERU], answers("A poem."))
    assert judged.scores == {**dict.fromkeys(REGULAR, 4.0), Aspect.FACTUALITY: None}
    assert len(model.asked) == 1


def test_of_several_partial_replies_the_fullest_counts(served: Served) -> None:
    def rule(prompt: str, seed: int) -> str | Mapping[str, Any]:
        text = reply(prompt, str(seed + 1))
        cut = text.index(("depth", "engagement", "clarity")[seed])
        return {"message": {"role": "assistant", "content": text[:cut]}, "finish_reason": "length"}

    judge, _ = served(rule)
    (judged,) = judge.judge([PERU], answers(GOOD))
    assert judged.scores == {**dict.fromkeys(REGULAR, 2.0), Aspect.ENGAGEMENT: None}
    assert judged.usage.prompt_tokens == 300
    assert '"score": "2"' in judged.raw


def test_a_score_at_the_very_end_counts_where_the_server_says_that_it_is_the_end(served: Served) -> None:
    for finish_reason, score in (("stop", 4.0), ("length", None)):
        said = {"message": {"role": "assistant", "content": '{"safety": 4'}, "finish_reason": finish_reason}
        judge, _ = served(lambda prompt, _, said=said: said)
        (judged,) = judge.judge([ROB], answers("No."))
        assert judged.scores == {Aspect.SAFETY: score}
