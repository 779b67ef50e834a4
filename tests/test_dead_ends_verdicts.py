"""Dead ends of judging: a judge that is mended, refuses single answers, or cannot be read at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from tests import tiny_space
from tests.command_line import Run
from tests.scripted_judge import Model, by_length, material
from tests.small_adapters import Echo
from urial_opt.aspects import ASPECTS_OF, Missing
from urial_opt.datasets.just_eval import read_outputs
from urial_opt.errors import ContextError, UnreadableJudgeError
from urial_opt.evaluation.evaluator import judge_answers
from urial_opt.nano.json_server import Refused, listening
from urial_opt.records import Completion, Judgment, Query, Sampling, TrialState, Usage
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


def partly(refusal: Refused, word: str) -> Model:
    """A judge's server that refuses each request about a text with that word."""

    def rule(prompt: str, seed: int) -> str:
        if word in material(prompt, "answer"):
            raise refusal
        return by_length(prompt, seed)

    return Model(rule)


REFUSALS = [
    Refused(400, "The response was filtered due to the prompt triggering our content management policy."),
    Refused(400, "rejected", code="content_filter"),
    Refused(403, "Your input was flagged (violence)"),
    Refused(400, "This model's maximum context length is 2048 tokens. However, you requested 3000 tokens."),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
@pytest.mark.usefixtures("no_key")
def test_a_query_that_the_judges_server_refuses_is_counted_and_the_others_go_on(run: Run, refusal: Refused) -> None:
    said = {"Name a river.": "The Rhine.", "Name a knife.": "Gully."}
    rows = [{"instruction": query, "output": answer} for query, answer in said.items()]
    Path("outputs.json").write_text(json.dumps(rows))
    scored = [{**row, "scores": {"depth": 3}} for row in rows]
    Path("scores.json").write_text(json.dumps(scored))
    with listening(partly(refusal, "Gully")) as url:
        asking = ("--judge", "llm:wise", "--judge-url", url, "--store", "s.db", "--json")
        told = json.loads(run("evaluate", "--outputs", "outputs.json", *asking)[0])
        assert (told["refused"], told["missing"], told["average"]) == (5, 5, 2.0)
        checked = json.loads(run("judge-check", "scores.json", *asking)[0])
        assert checked["missing"] == {"not_applicable": 0, "unread": 0, "refused": 5}
    queries = [output.query for output in read_outputs(Path("outputs.json"))]
    answers = [Completion(text=text, finish_reason="stop") for text in said.values()]
    with Store.open("s.db") as store:
        _, gully = store.find_judgments(told["judge"], queries, answers)
    assert gully is not None
    assert str(refusal) in gully.raw


class Narrow(Echo):
    """Reads few tokens, one for each character."""

    context_window: int | None = 1000

    def count_tokens(self, text: str) -> int:
        return len(text)

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        if any(len(prefix + suffix) + sampling.max_tokens > 1000 for suffix in suffixes):
            raise ContextError("prompt and answer do not fit 'narrow'; use fewer exemplars or a lower max_tokens")
        return super().generate(prefix, suffixes, sampling)


class Unmeasured(Narrow):
    """Says what does not fit only when it is asked, as a server does."""

    context_window = None


@pytest.mark.parametrize("base", [Narrow(), Unmeasured()], ids=["known", "found out"])
def test_a_prompt_beyond_the_context_window_is_a_failed_trial(space: SearchSpace, store: Store, base: Echo) -> None:
    long = "Boil water, steep. " * 60
    pool = {**space.exemplars, "moon/bare": replace(space.exemplars["moon/bare"], answer=long)}
    models = Models(base=base, judge=Moody())
    result = search_space(replace(space, exemplars=pool), models, store, options=SearchOptions(budget=8))
    told = result.as_json()
    assert told["trials"]["too_long"] == result.too_long > 0  # type: ignore[index]
    assert result.states[TrialState.FAILED] == result.too_long
    for record in store.trials(result.name):
        is_long = any(long == exemplar.answer for exemplar in record.candidate.prompt.exemplars)
        assert (record.state is TrialState.FAILED) == is_long
    assert told["plain_icl"] is None  # it holds the long exemplar, too


def test_a_starting_prompt_beyond_the_context_window_says_what_to_type(space: SearchSpace, store: Store) -> None:
    start = replace(space.exemplars["tea/warm"], answer="Boil water. " * 99)
    narrow = replace(space, exemplars={**space.exemplars, "tea/warm": start})
    with pytest.raises(ContextError, match=r"is too long: .* reads 1000; give a shorter one as `start_from=FILE`"):
        search_space(narrow, Models(base=Narrow(), judge=Moody()), store, options=SearchOptions(budget=2))
    assert store.searches()[0].trials == 0
