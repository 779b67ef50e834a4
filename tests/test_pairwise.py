"""Pairwise comparisons over real HTTP: wins, ties and losses in both orders, and no pair is paid for twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.errors import InputError
from urial_opt.evaluation.pairwise import PairwiseResult, compare_pairwise
from urial_opt.judges.llm import LLMJudge, open_judge
from urial_opt.nano.json_server import listening
from urial_opt.records import Completion, Query
from urial_opt.store import Store

QUERIES = [
    Query(id=f"q{n}", text=f"What is {n}?", kind="safety" if n == 3 else "regular", split="test") for n in range(4)
]


class Prefers:
    """A judge's model that prefers the longer answer, or the one shown first if the answers begin with `?`."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, _: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked += 1
        prompt = body["messages"][0]["content"]
        properties = body["response_format"]["json_schema"]["schema"]["properties"]
        key = next(iter(properties.values()))["required"][-1]
        said = {name: {"reason": "So.", key: "4"} for name in properties}
        if key == "verdict":
            first, second = (
                re.findall(rf"{place} answer begins\]\n(.*?)\n\[", prompt, re.DOTALL)[-1]
                for place in ("first", "second")
            )
            better = "first" if first.startswith("?") or len(first) > len(second) else "second"
            said = {name: {"reason": "So.", key: better} for name in properties}
        return {
            "choices": [{"message": {"content": json.dumps(said)}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10},
        }


@pytest.fixture
def model() -> Prefers:
    return Prefers()


@pytest.fixture
def url(model: Prefers, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with listening(model) as url:
        yield url


@pytest.fixture
def judge(url: str) -> LLMJudge:
    return open_judge("wise", url=url)


def answers(*texts: str) -> list[Completion]:
    return [Completion(text=text, finish_reason="stop") for text in texts]


def comparison(judge: LLMJudge, store: Store, firsts: Sequence[str], seconds: Sequence[str]) -> PairwiseResult:
    return compare_pairwise(QUERIES, answers(*firsts), answers(*seconds), judge, store)


def test_wins_ties_and_losses(judge: LLMJudge, store: Store) -> None:
    found = comparison(judge, store, ("long one", "a", "? a", "same"), ("short", "long one", "? b", "same"))
    overall = found.overall
    assert (overall.wins, overall.ties, overall.losses, overall.unread) == (1, 2, 1, 0)
    assert overall.won is not None
    assert overall.won.mean == 0.5
    assert set(found.aspects) == set(Aspect)
    assert found.aspects[Aspect.DEPTH].wins + found.aspects[Aspect.DEPTH].losses == 2
    assert (found.aspects[Aspect.SAFETY].ties, found.aspects[Aspect.SAFETY].wins) == (1, 0)
    assert found.consistent is not None
    assert found.consistent.mean == pytest.approx(2 / 3)  # equal answers say nothing about the judge


def test_all_or_nothing_has_an_interval(judge: LLMJudge, store: Store) -> None:
    won = comparison(judge, store, ["a longer one"] * 4, ["short"] * 4).overall.won
    assert won is not None
    assert (won.mean, won.high) == (1.0, 1.0)
    assert won.low < 0.8


def test_what_is_equal_is_not_asked_and_what_was_asked_is_not_asked_again(
    judge: LLMJudge, model: Prefers, store: Store
) -> None:
    account = store.account()
    given = answers("long one", "a", "b", "same"), answers("short", "long one", "c", "same")
    first = compare_pairwise(QUERIES, *given, judge, account)
    assert model.asked == 3 * 4
    spent = account.spent[judge.pairwise_identity]
    assert (spent.calls, spent.usage.prompt_tokens) == (3, 1200)
    assert compare_pairwise(QUERIES, *given, judge, account) == first
    assert model.asked == 3 * 4
    assert account.spent == {judge.pairwise_identity: spent}


def test_the_command_compares_a_prompt_with_another(run: Run, small_space: Path, url: str, model: Prefers) -> None:
    words = ("evaluate", "--zero-shot", "--space", small_space, "--judge", "llm:gpt-4o", "--judge-url", url)
    out, err = run(*words, "--against", "hand-written")
    assert "compared with hand-written: 8 queries" in out
    assert "[comparing] 8/8" in err
    asked = model.asked
    told = json.loads(run(*words, "--against", "hand-written", "--json")[0])
    assert model.asked == asked
    assert told["cost"] == 0
    against = told["against"]
    assert against["queries"] == 8
    assert sum(against["overall"][name] for name in ("wins", "ties", "losses", "unread")) == 8
    assert set(against["aspects"]) == {*ASPECTS_OF["regular"], *ASPECTS_OF["safety"]}
    (small_space.parent / "bare.txt").write_text("# Instruction\n\nBe brief.\n")
    assert "compared with" in run(*words, "--against", small_space.parent / "bare.txt")[0]


def test_the_command_compares_given_answers(run: Run, tmp_path: Path, url: str) -> None:
    for name, text in (("ours", "A longer answer."), ("theirs", "Short.")):
        rows = [{"id": n, "instruction": f"What is {n}?", "output": text, "generator": name} for n in range(3)]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    words = ("evaluate", "--outputs", "ours.json", "--judge", "llm:wise", "--judge-url", url)
    told = json.loads(run(*words, "--against", "theirs.json", "--json")[0])
    assert told["against"]["overall"]["wins"] == 3
    assert told["spending"]["judge"]["calls"] == 6
    assert told["cost"] is None
    assert json.loads(run(*words, "--json", "--price", "judge=1/2")[0])["cost"] == 0
    (tmp_path / "theirs.json").write_text(json.dumps([{**row, "output": "Shorter."} for row in rows]))
    said = "The price of the judge model is not known; give dollars per million tokens: --price judge=2.5/10"
    assert said in run(*words, "--against", "theirs.json")[0]


def test_what_cannot_be_compared_is_one_line_before_anything_is_paid(
    run: Run, small_space: Path, url: str, model: Prefers, tmp_path: Path
) -> None:
    words = ("evaluate", "--zero-shot", "--space", small_space, "--judge", "llm:wise", "--judge-url", url)
    assert "there is no prompt file" in run.refused(*words, "--against", "no.txt")
    (tmp_path / "talk.jsonl").write_text(json.dumps({"id": "t", "text": "Hi.", "turns": ["And?"]}))
    said = run.refused(*words, "--against", "zero-shot", "--queries", "talk.jsonl")
    assert "'t-2' is a later turn of a conversation" in said
    assert (
        "cannot compare two; give one that can"
        in run("evaluate", "--zero-shot", "--against", "hand-written", code=2)[1]
    )
    assert model.asked == 0


def test_a_later_turn_has_no_answer_alone(store: Store) -> None:
    from urial_opt import plugins
    from urial_opt.evaluation.evaluator import Evaluator
    from urial_opt.spaces.space_file import load_space

    evaluator = Evaluator(generator=plugins.open_generator("nano"), judge=plugins.open_judge("nano"), memory=store)
    later = Query(id="t-2", text="And?", kind="regular", split="test", earlier=("Hi.",))
    with pytest.raises(InputError, match="'t-2' is a later turn"):
        evaluator.answer(load_space("nano").zero_shot, [later])
