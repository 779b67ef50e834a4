"""Dead ends of judging: a judge that is mended, refuses single answers, or cannot be read at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest

from tests import tiny_space
from tests.command_line import Run
from tests.scripted_judge import Model, by_length
from tests.small_adapters import Echo
from urial_opt.aspects import ASPECTS_OF, Missing
from urial_opt.errors import UnreadableJudgeError
from urial_opt.evaluation.evaluator import judge_answers
from urial_opt.nano.json_server import listening
from urial_opt.records import Completion, Judgment, Query, TrialState, Usage
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.result import SearchResult
from urial_opt.search.run import search_space
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store

PERU = Query(id="peru", text="What is the capital of Peru?", kind="regular", split="test")
LIMA = Completion(text="Lima.", finish_reason="stop")


class Moody:
    """A judge that scores by length while it is well, and counts what it is asked."""

    identity = "moody"

    def __init__(self) -> None:
        self.well = True
        self.said = "hm"
        self.why = Missing.UNREAD
        self.ill_on: tuple[str, ...] = ()
        """Parts of queries that it never judges."""
        self.asked = 0

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        self.asked += len(queries)
        return [self._judged(*pair) for pair in zip(queries, completions, strict=True)]

    def _judged(self, query: Query, completion: Completion) -> Judgment:
        well = self.well and not any(part in query.text for part in self.ill_on)
        score = float(min(5, 4 + len(completion.text) % 2)) if well else None
        due = ASPECTS_OF[query.kind]
        return Judgment(
            query_id=query.id,
            judge=self.identity,
            scores=dict.fromkeys(due, score),
            raw=self.said,
            missing=dict.fromkeys(due, self.why),
            usage=Usage(prompt_tokens=10),
        )


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> SearchSpace:
    return load_space(tiny_space.write(tmp_path_factory.mktemp("tiny"), tiny_space.FILES))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "store.db")) as opened:
        yield opened


def search(space: SearchSpace, judge: Moody, store: Store, *, budget: int = 3) -> SearchResult:
    """A run of the search in a process of its own, as it were."""
    with Store.open(store.url.removeprefix("sqlite:///")) as opened:
        options = SearchOptions(budget=budget, name="one")
        return search_space(space, Models(base=Echo(), judge=judge), opened, options=options)


def asked_again(judge: Moody, store: Store) -> Judgment:
    """The verdict that another run gets."""
    with Store.open(store.url.removeprefix("sqlite:///")) as opened:
        twice = [judge_answers(judge, opened, [PERU], [LIMA]).judgments[0] for _ in range(2)]
    assert twice[1].scores == twice[0].scores
    return twice[0]


@pytest.mark.parametrize("why", [Missing.UNREAD, Missing.REFUSED])
def test_a_missing_verdict_is_asked_for_once_in_each_run_and_a_few_times_in_all(store: Store, why: Missing) -> None:
    judge = Moody()
    judge.well, judge.why = False, why
    asked = []
    for _ in range(6):
        asked_again(judge, store)
        asked.append(judge.asked)
    assert asked == [1, 2, 3, 4, 4, 4]


def test_a_verdict_that_is_not_applicable_is_final(store: Store) -> None:
    judge = Moody()
    judge.well, judge.why = False, Missing.NOT_APPLICABLE
    assert {asked_again(judge, store).asked for _ in range(3)} == {1}
    assert judge.asked == 1


def test_the_better_verdict_stays_and_what_was_paid_is_summed_up(store: Store) -> None:
    judge = Moody()
    judge.well = False
    asked_again(judge, store)
    judge.well = True
    better = asked_again(judge, store)
    assert None not in better.scores.values()
    assert (better.asked, better.missing, better.usage) == (2, {}, Usage(prompt_tokens=10))
    judge.well = False
    assert asked_again(judge, store).scores == better.scores
    assert judge.asked == 2
    (kept,) = store.find_judgments(judge.identity, [PERU], [LIMA])
    assert kept is not None
    assert kept.usage == Usage(prompt_tokens=20)


def test_a_search_that_nobody_judged_says_so_at_once_and_comes_to_a_result_later(
    space: SearchSpace, store: Store
) -> None:
    judge = Moody()
    judge.well, judge.said = False, "I am\nunwell."
    with pytest.raises(
        UnreadableJudgeError, match=r"none of 6 verdicts of the judge 'moody' .* it said 'I am unwell\.'"
    ):
        search(space, judge, store)
    assert judge.asked == 6  # the exemplars
    judge.well = True
    result = search(space, judge, store)
    assert result.states[TrialState.COMPLETE] == 3
    assert result.as_json()["found"]["missing"] == 0  # type: ignore[index]


def test_trials_that_failed_for_want_of_verdicts_are_judged_again(space: SearchSpace, store: Store) -> None:
    """The judge is well for the exemplars and the first trial, then ill: the second trial fails, the third stops it."""
    judge = Moody()
    search(space, judge, store, budget=1)
    judge.well = False
    with pytest.raises(UnreadableJudgeError, match="none of 2 verdicts"):
        search(space, judge, store)
    assert [trial.state for trial in store.trials("one")] == [TrialState.COMPLETE, TrialState.FAILED]
    judge.well = True
    result = search(space, judge, store)
    assert result.states[TrialState.COMPLETE] == 3
    study = optuna.load_study(storage=store.url, study_name="one")
    by_number = {trial.number: trial for trial in study.trials}
    for record in store.trials("one"):
        told = by_number[record.optuna_number]
        assert told.state == optuna.trial.TrialState.COMPLETE
        assert told.params == dict(record.candidate.params)
    study._storage._backend.engine.dispose()  # type: ignore[attr-defined]


def test_a_search_goes_on_where_single_answers_are_not_judged(space: SearchSpace, store: Store) -> None:
    judge = Moody()
    judge.ill_on, judge.why = ("Steal", "Rob", "Forge"), Missing.REFUSED
    told = search(space, judge, store).as_json()
    assert told["found"]["refused"] == 1  # type: ignore[index]
    before = [trial.query_scores for trial in store.trials("one")]
    judge.ill_on = ()
    told = search(space, judge, store).as_json()
    assert told["found"]["missing"] == 0  # type: ignore[index]
    after = [trial.query_scores for trial in store.trials("one")]
    assert [scores["d1"] for scores in after] == [scores["d1"] for scores in before]
    assert None in [scores["d2"] for scores in before]
    assert None not in [scores["d2"] for scores in after]


def test_the_pool_of_a_search_is_decided_once(space: SearchSpace, store: Store) -> None:
    judge = Moody()
    judge.ill_on = ("moon",)
    search(space, judge, store, budget=1)
    asked = judge.asked
    judge.ill_on = ()
    search(space, judge, store, budget=1)
    assert judge.asked == asked  # the exemplars were not judged again
    floor = store.search("one").floor
    assert floor is not None
    assert floor["unread"] == 2


def silent(prompt: str, seed: int) -> Mapping[str, Any]:
    return {"message": {"role": "assistant", "content": "Thinking \x1b[2J is all I do."}}


@pytest.mark.parametrize("command", ["evaluate", "judge-check"])
@pytest.mark.usefixtures("no_key")
def test_a_command_ends_with_an_error_where_nothing_could_be_read(run: Run, command: str) -> None:
    row = {"instruction": "Name a river.", "output": "The Rhine."}
    scored = {"query": "Name a river.", "answer": "The Rhine.", "scores": {"depth": 3}}
    Path("outputs.jsonl").write_text(json.dumps(row))
    Path("scores.jsonl").write_text(json.dumps(scored))
    words = ("evaluate", "--outputs", "outputs.jsonl") if command == "evaluate" else ("judge-check", "scores.jsonl")
    with listening(model := Model(silent)) as url:
        asking = (*words, "--judge", "llm:wise", "--judge-url", url, "--store", "s.db", "--json")
        out, err = run(*asking, code=1)
        told = json.loads(out)
        assert told["missing"] in (5, {"not_applicable": 0, "unread": 5, "refused": 0})
        assert r"it said 'Thinking \x1b[2J is all I do.'" in err
        model.rule = by_length
        asked = len(model.asked)
        told = json.loads(run(*asking)[0])
        assert len(model.asked) == asked + 1
        assert told["missing"] in (0, {"not_applicable": 0, "unread": 0, "refused": 0})
