"""Constraints on aspect means: which prompts may win, what is reported, and that other searches are unchanged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from tests.command_line import Run
from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.content import content_id
from urial_opt.evaluation.constraints import LEAST_VERDICTS, Keeping, excess, keeping, kept
from urial_opt.objective import Constraint, Measure
from urial_opt.prompt import UrialPrompt
from urial_opt.records import (
    Candidate,
    Completion,
    Evaluation,
    Judgment,
    Query,
    Sampling,
    TrialRecord,
    TrialState,
    Usage,
)
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.racing import Race
from urial_opt.search.result import SearchResult
from urial_opt.search.run import search_space
from urial_opt.search.standing import Standing
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space
from urial_opt.statistics.strata import Strata
from urial_opt.store import Store

SAFE = Constraint.read("safety>=4.5")


def judged(*scores: float | None) -> Evaluation:
    queries = [Query(id=str(n), text=str(n), kind="safety", split="dev") for n in range(len(scores))]
    judgments = [Judgment(query_id=str(n), judge="j", scores={Aspect.SAFETY: s}) for n, s in enumerate(scores)]
    return Evaluation(queries=queries, completions=[], judgments=judgments)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([5.0] * 3, Keeping.KEPT),
        ([4.0, 5.0], Keeping.KEPT),
        ([4.0, 4.0, 5.0], Keeping.UNCLEAR),
        ([1.0] * (LEAST_VERDICTS - 1), Keeping.UNCLEAR),
        ([1.0] * LEAST_VERDICTS, Keeping.BROKEN),
        ([1.0] * LEAST_VERDICTS + [None] * 9, Keeping.BROKEN),
        ([5.0, 4.0] * LEAST_VERDICTS + [4.0], Keeping.UNCLEAR),
        ([None], Keeping.UNCLEAR),
    ],
)
def test_a_prompt_keeps_breaks_or_leaves_it_open(scores: list[float | None], expected: Keeping) -> None:
    assert keeping(judged(*scores), [SAFE]) is expected
    assert keeping(judged(*scores), []) is Keeping.KEPT


def test_an_upper_bound_is_the_other_way_round() -> None:
    assert keeping(judged(*[5.0] * LEAST_VERDICTS), [Constraint.read("safety<=4")]) is Keeping.BROKEN
    assert keeping(judged(*[4.0] * LEAST_VERDICTS), [Constraint.read("safety<=4")]) is Keeping.KEPT


def test_what_is_said_of_a_constraint() -> None:
    aspects: dict[Measure, float] = {Aspect.SAFETY: 4.2}
    depth = Constraint.read("depth>=2")
    assert [str(each) for each in kept(aspects, [SAFE, depth])] == [
        "safety>=4.5: 4.20, broken",
        "depth>=2: nothing could be read, broken",
    ]
    assert excess(aspects, [SAFE]) == pytest.approx(0.3)
    assert excess(aspects, [Constraint.read("safety>=4")]) == 0
    assert excess(aspects, [depth]) == float("inf")


def record(number: int, score: float) -> TrialRecord:
    return TrialRecord(
        number=number,
        optuna_number=number,
        candidate=Candidate(prompt=UrialPrompt(), sampling=Sampling(), params={}),
        query_scores={"a": score, "b": score},
        state=TrialState.COMPLETE,
        seconds=0.0,
        usage=Usage(),
    )


def test_the_incumbent_and_the_best_keep_the_constraints_before_they_score() -> None:
    strata = Strata(kinds={"a": "regular", "b": "regular"}, weights={"regular": 1.0, "safety": 0.0})
    standing = Standing(race=Race(strata=strata))
    steps = [
        (5.0, Keeping.BROKEN, None, None),  # it never enters the race
        (4.5, Keeping.UNCLEAR, 4.5, 1),
        (3.0, Keeping.KEPT, 3.0, 2),
        (4.9, Keeping.UNCLEAR, 3.0, 2),
        (3.5, Keeping.KEPT, 3.5, 4),
        (3.2, Keeping.KEPT, 3.5, 4),
    ]
    for number, (score, keeps, incumbent, best) in enumerate(steps):
        standing.learn(record(number, score), keeps)
        assert (standing.race.incumbent or {}).get("a") == incumbent
        assert standing.best == best
    assert standing.finalists(9) == [4, 5, 2, 3, 1]


class Trading:
    """A base model whose answer encodes how its prompt trades depth for safety."""

    identity = "trading"

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        return [Completion(text=content_id(prefix)[:4], finish_reason="stop") for _ in suffixes]


class Trade:
    """A judge that gives a prompt less safety the more it gives on the other aspects."""

    identity = "trade"

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        found = []
        for query, completion in zip(queries, completions, strict=True):
            safety = 1 + 4 * int(completion.text, 16) / 0xFFFF if completion.text.isalnum() else 5.0
            scores = {a: safety if a is Aspect.SAFETY else 6 - safety / 4 for a in ASPECTS_OF[query.kind]}
            found.append(Judgment(query_id=query.id, judge=self.identity, scores=scores))
        return found


def searched(space: SearchSpace, tmp_path: Path, *constraints: str, budget: int = 12) -> SearchResult:
    """A search over prompts that are safer the less they score on the other aspects."""
    bounded = replace(space, constraints=tuple(map(Constraint.read, constraints)), exemplar_floor={})
    with Store.open(str(tmp_path / f"{content_id(list(constraints))}.db")) as store:
        models = Models(base=Trading(), judge=Trade())
        result = search_space(bounded, models, store, options=SearchOptions(budget=budget))
        again = search_space(bounded, models, store, options=SearchOptions(budget=budget))
        assert again.found_trial == result.found_trial
        assert again.choice == result.choice
    return result


@pytest.fixture(scope="module")
def space(small_space: Path) -> SearchSpace:
    return load_space(str(small_space))


def test_a_search_obeys_its_constraints(space: SearchSpace, tmp_path: Path) -> None:
    free = searched(space, tmp_path)
    assert free.choice.constraints == ()
    safety = free.found.card.aspects[Aspect.SAFETY].mean
    bound = f"safety>={safety + 0.3:.2f}"
    bounded = searched(space, tmp_path, bound)
    assert bounded.found.candidate != free.found.candidate
    assert bounded.choice.keeps_constraints
    assert bounded.found.card.aspects[Aspect.SAFETY].mean >= safety + 0.3
    assert bounded.found.card.average.mean < free.found.card.average.mean
    said = cast(list[dict[str, object]], bounded.as_json()["constraints"])
    assert [(each["constraint"], each["kept"]) for each in said] == [(bound, True)]


def test_where_no_prompt_keeps_them_the_nearest_is_found(space: SearchSpace, tmp_path: Path) -> None:
    result = searched(space, tmp_path, "safety<=1", "depth>=1")
    assert not result.choice.keeps_constraints
    (first, second) = result.choice.constraints
    assert (first.holds, second.holds) == (False, True)


def test_every_table_shows_them(run: Run, small_space: Path) -> None:
    bounded = small_space.with_name("bounded.yaml")
    bounded.write_text(small_space.read_text() + 'objective: {constraints: ["safety>=5", "depth<=1.01"]}\n')
    words = ("--space", bounded)
    out, _ = run("search", *words, "--budget", 3, "--aligned", "none", "--exemplar-floor", "none", "--name", "mine")
    assert "No finalist satisfies the constraints on validation; the closest one is shown" in out
    assert out.count("depth<=1.01: ") >= 4  # the winner on validation, and each context on test
    shown = run("inspect", "mine")[0]
    assert "constraint safety>=5: " in shown
    (trial,) = json.loads(run("inspect", "mine", "--json")[0])["trials"]
    assert [each["constraint"] for each in trial["constraints"]] == ["safety>=5", "depth<=1.01"]
    measured, _ = run("evaluate", "--prompt", "plain-icl", *words)
    assert "constraint depth<=1.01: " in measured
    bounded.unlink()
