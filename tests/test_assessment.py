"""Assessment: conversations, means without missing verdicts, and nothing paid for twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from urial_opt.aspects import ASPECTS_OF, Aspect, Missing
from urial_opt.datasets.just_eval import Output
from urial_opt.errors import InputError
from urial_opt.evaluation.assessment import Assessment, Scoring, assess_outputs, assess_prompt
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.records import Candidate, Completion, Judgment, Query, Sampling, Usage
from urial_opt.store import Store

PROMPT = UrialPrompt(system="# Instruction\n", exemplars=(Exemplar(query="What is tea?", answer="A drink."),))
CANDIDATE = Candidate(prompt=PROMPT, sampling=Sampling(), params={})


@dataclass(slots=True)
class Counting:
    """A base model that answers with the number of the request and records what it was asked."""

    identity: str = "counting"
    asked: list[str] = field(default_factory=list)

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        self.asked += [prefix + suffix for suffix in suffixes]
        first = len(self.asked) - len(suffixes) + 1
        usage = Usage(prompt_tokens=10, completion_tokens=1)
        return [
            Completion(text=f"Answer {first + row}.\n```\n\n# Query:", finish_reason="stop", usage=usage)
            for row in range(len(suffixes))
        ]


@dataclass(slots=True)
class Scripted:
    """A judge with given scores by query id, or 3 by default, that records what it was shown."""

    scores: dict[str, float | Missing] = field(default_factory=dict)
    identity: str = "scripted"
    shown: list[str] = field(default_factory=list)

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        self.shown += [query.text for query in queries]
        found = [self.scores.get(query.id, 3.0) for query in queries]
        return [
            Judgment(
                query_id=query.id,
                judge=self.identity,
                scores=dict.fromkeys(ASPECTS_OF[query.kind], None if isinstance(score, Missing) else score),
                missing=dict.fromkeys(ASPECTS_OF[query.kind], score) if isinstance(score, Missing) else {},
                usage=Usage(prompt_tokens=100, completion_tokens=7),
            )
            for query, score in zip(queries, found, strict=True)
        ]


def query(name: str, text: str = "", **more: Any) -> Query:
    return Query(**{"id": name, "text": text or f"{name}?", "kind": "regular", "split": "test", **more})


TALK = (
    query("talk", "Hi."),
    query("talk-2", "And now?", earlier=("Hi.",)),
    query("talk-3", "Bye.", earlier=("Hi.", "And now?")),
)


def test_earlier_turns_are_answered_first_and_become_exemplars(store: Store) -> None:
    base, judge = Counting(), Scripted()
    evaluation = assess_prompt(Evaluator(generator=base, judge=judge, memory=store), CANDIDATE, TALK).evaluation
    hi, now = Exemplar(query="Hi.", answer="Answer 1."), Exemplar(query="And now?", answer="Answer 2.")
    assert base.asked == [
        PROMPT.render("Hi."),
        PROMPT.render("And now?", history=[hi]),
        PROMPT.render("Bye.", history=[hi, now]),
    ]
    assert [each.text for each in evaluation.completions] == ["Answer 1.", "Answer 2.", "Answer 3."]
    assert [each.id for each in evaluation.queries] == ["talk", "talk-2", "talk-3"]
    assert judge.shown == [each.text for each in evaluation.queries]
    assert judge.shown[0] == "Hi."
    assert judge.shown[2] == (
        "User: Hi.\n\nAssistant: Answer 1.\n\nUser: And now?\n\nAssistant: Answer 2.\n\nUser: Bye."
    )


def test_a_turn_that_was_asked_already_is_not_asked_again(store: Store) -> None:
    base, judge = Counting(), Scripted()
    evaluator = Evaluator(generator=base, judge=judge, memory=store)
    first = assess_prompt(evaluator, CANDIDATE, TALK[:1])
    later = assess_prompt(evaluator, CANDIDATE, TALK[1:])
    assert len(base.asked) == 3
    assert first.usage["base"] == Usage(prompt_tokens=10, completion_tokens=1)
    # `Hi.` comes from the store; `And now?` is paid once and reused as the earlier turn of `Bye.`
    assert later.usage["base"].prompt_tokens == 20
    assert later.usage["base"].completion_tokens == 2
    assert later.usage["base"].saved_tokens > 0


def test_all_tokens_of_earlier_turns_are_counted_once(store: Store) -> None:
    evaluator = Evaluator(generator=Counting(), judge=Scripted(), memory=store)
    usage = assess_prompt(evaluator, CANDIDATE, TALK).usage["base"]
    assert (usage.prompt_tokens, usage.completion_tokens) == (30, 3)


def test_conversations_are_judged_by_what_was_said(store: Store) -> None:
    """Another prompt gives other first answers, so its second turn must be judged again, under the same id."""
    base, judge = Counting(), Scripted()
    evaluator = Evaluator(generator=base, judge=judge, memory=store)
    assess_prompt(evaluator, CANDIDATE, TALK[1:2])
    other = Candidate(prompt=UrialPrompt(), sampling=Sampling(), params={})
    assess_prompt(evaluator, other, TALK[1:2])
    assert len(set(judge.shown)) == 2


def test_an_empty_earlier_answer_is_one(store: Store) -> None:
    class Mute(Counting):
        def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
            return [Completion(text="", finish_reason="length")] * len(suffixes)

    judge = Scripted()
    assess_prompt(Evaluator(generator=Mute(), judge=judge, memory=store), CANDIDATE, TALK[1:2])
    assert judge.shown == ["User: Hi.\n\nAssistant: \n\nUser: And now?"]


def test_an_aligned_model_is_not_asked_later_turns(store: Store) -> None:
    class Aligned:
        identity = "aligned"

        def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
            raise AssertionError("asked")

    evaluator = Evaluator(generator=Counting(), judge=Scripted(), memory=store)
    with pytest.raises(InputError, match="single queries only, and 'talk-2' is a later turn"):
        evaluator.evaluate_aligned(Aligned(), Sampling(), TALK)


def test_the_same_assessment_costs_nothing_a_second_time(store: Store) -> None:
    queries = [query(f"q{number}") for number in range(300)]
    base, judge, heard = Counting(), Scripted(), list[int]()
    evaluator = Evaluator(generator=base, judge=judge, memory=store)
    first = assess_prompt(evaluator, CANDIDATE, queries, watch=heard.append)
    again = assess_prompt(evaluator, CANDIDATE, queries)
    assert heard == [128, 256, 300]
    assert (len(base.asked), len(judge.shown)) == (300, 300)
    assert first.usage["judge"] == Usage(prompt_tokens=30_000, completion_tokens=2_100)
    assert again.usage == {"base": Usage(saved_tokens=3_300), "judge": Usage(saved_tokens=32_100)}
    assert again.card == first.card


def assessed(store: Store, *, na_as_five: bool = False) -> Assessment:
    """Regular queries score 2, 4, N/A and nothing readable; one safety query scores 1, one is refused."""
    read = {"a": 2.0, "b": 4.0, "s": 1.0}
    judge = Scripted({**read, "c": Missing.NOT_APPLICABLE, "d": Missing.UNREAD, "t": Missing.REFUSED})
    queries = [*map(query, "abcd"), query("s", kind="safety"), query("t", kind="safety")]
    evaluator = Evaluator(generator=Counting(), judge=judge, memory=store)
    return assess_prompt(evaluator, CANDIDATE, queries, scoring=Scoring(na_as_five=na_as_five))


def test_a_missing_verdict_is_no_score(store: Store) -> None:
    told = assessed(store).as_json()
    why = {"missing": 2, "not_applicable": 1, "unread": 1, "refused": 0, "too_long": 0}
    assert told["aspects"]["depth"] == {"mean": 3.0, "interval": [2.0, 4.0], "n": 2, **why}  # type: ignore[index]
    why = {"missing": 1, "not_applicable": 0, "unread": 0, "refused": 1, "too_long": 0}
    assert told["aspects"]["safety"] == {"mean": 1.0, "interval": [1.0, 1.0], "n": 1, **why}  # type: ignore[index]
    assert told["average"] == pytest.approx((5 * 3 + 1) / 6, abs=1e-4)
    assert (told["queries"], told["missing"], told["na_as_five"]) == (6, 11, False)
    assert (told["not_applicable"], told["unread"], told["refused"]) == (5, 5, 1)
    assert (told["prompt"], told["base"], told["judge"]) == (PROMPT.id, "counting", "scripted")


def test_the_leaderboards_habit(store: Store) -> None:
    told = assessed(store, na_as_five=True).as_json()
    depth = told["aspects"]["depth"]  # type: ignore[index]
    assert depth["mean"] == pytest.approx((2 + 4 + 5) / 3, abs=1e-4)
    assert (depth["n"], depth["missing"]) == (2, 2)
    assert told["aspects"]["safety"]["mean"] == 1.0  # type: ignore[index]
    assert told["average"] == pytest.approx((5 * 11 / 3 + 1) / 6, abs=1e-4)
    assert (told["missing"], told["na_as_five"]) == (11, True)


def test_nothing_readable_is_null_and_no_number(store: Store) -> None:
    evaluator = Evaluator(generator=Counting(), judge=Scripted({"c": Missing.UNREAD}), memory=store)
    told = assess_prompt(evaluator, CANDIDATE, [query("c")]).as_json()
    why = {"missing": 1, "not_applicable": 0, "unread": 1, "refused": 0, "too_long": 0}
    assert told["aspects"]["clarity"] == {"mean": None, "interval": None, "n": 0, **why}  # type: ignore[index]
    assert (told["average"], told["interval"]) == (None, None)
    assert "NaN" not in json.dumps(told)
    assert Aspect.SAFETY not in told["aspects"]  # type: ignore[operator]


def test_queries_that_stand_in_the_prompt_are_told(store: Store) -> None:
    evaluator = Evaluator(generator=Counting(), judge=Scripted(), memory=store)
    asked = [query("tea", "what is  TEA"), query("sun")]
    assert assess_prompt(evaluator, CANDIDATE, asked).answered_in_prompt == ["tea"]


def test_given_outputs_are_judged_and_nothing_is_generated(store: Store) -> None:
    asked = [query("a"), query("b")]
    outputs = [Output(query=each, text=f"to {each.id}", generator="elsewhere") for each in reversed(asked)]
    judge = Scripted({"a": 5.0})
    assessment = assess_outputs(outputs, asked, judge, store)
    assert [each.text for each in assessment.evaluation.completions] == ["to a", "to b"]
    assert (assessment.base, assessment.prompt) == ("elsewhere", None)
    assert assessment.card.aspects[Aspect.DEPTH].mean == 4.0
    assert assess_outputs(outputs, asked, judge, store).card == assessment.card
    assert judge.shown == ["a?", "b?"]


def test_no_query_at_all(store: Store) -> None:
    evaluator = Evaluator(generator=Counting(), judge=Scripted(), memory=store)
    with pytest.raises(InputError, match="there is no query to ask"):
        assess_prompt(evaluator, CANDIDATE, [])
