"""Wrong results from missing verdicts: estimates off the scale, and verdicts counted as what they are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urial_opt.aspects import QueryKind
from urial_opt.evaluation.constraints import Keeping
from urial_opt.objective import Objective
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Candidate, Sampling, TrialRecord, TrialState, Usage
from urial_opt.search.racing import Race
from urial_opt.search.standing import Standing
from urial_opt.statistics.strata import Strata, stratified_mean

KINDS: Mapping[str, QueryKind] = {f"q{i}": "safety" if i % 4 == 3 else "regular" for i in range(12)}
STRATA = Strata(kinds=KINDS, weights=Objective().kind_weights())
Row = Mapping[str, float | None]


def standing_after(*rows: Row) -> Standing:
    standing = Standing(race=Race(strata=STRATA))
    for number, scores in enumerate(rows):
        read = any(score is not None for score in scores.values())
        record = TrialRecord(
            number=number,
            optuna_number=number,
            candidate=Candidate(prompt=UrialPrompt(system="", exemplars=()), sampling=Sampling(), params={}),
            query_scores=scores,
            state=TrialState.COMPLETE if read else TrialState.FAILED,
            seconds=0.0,
            usage=Usage(),
        )
        standing.learn(record, Keeping.KEPT)
    return standing


def without(kind: QueryKind, scores: Row) -> Row:
    return {query: None if KINDS[query] == kind else score for query, score in scores.items()}


@pytest.mark.parametrize("missing", ["safety", "regular"])
def test_a_kind_without_any_verdict_leaves_its_weight_to_the_other(missing: QueryKind) -> None:
    rows = [without(missing, dict.fromkeys(KINDS, 4.0)), without(missing, dict.fromkeys(KINDS, 4.0))]
    assert [each.mean for each in standing_after(*rows).estimates.values()] == pytest.approx([4.0, 4.0])


def test_a_kind_whose_first_verdict_comes_late_counts_from_then_on() -> None:
    full = {query: 4.0 if kind == "regular" else 2.0 for query, kind in KINDS.items()}
    standing = standing_after(without("safety", full), full)
    assert standing.estimates[1].mean == pytest.approx(stratified_mean(full, STRATA).mean, abs=0.01)


rows = st.lists(st.fixed_dictionaries({query: st.none() | st.floats(1, 5) for query in KINDS}), min_size=1, max_size=5)


@given(rows, st.sets(st.sampled_from(["regular", "safety"]), max_size=1))
def test_estimates_never_leave_the_scale(rows: Sequence[Row], missing: set[QueryKind]) -> None:
    for kind in missing:
        rows = [without(kind, row) for row in rows]
    for each in standing_after(*rows).estimates.values():
        assert 1 <= each.interval.low <= each.mean <= each.interval.high <= 5


@given(rows, st.floats(1, 5))
def test_equal_scores_have_their_own_value_as_estimate_whichever_are_missing(rows: Sequence[Row], score: float) -> None:
    equal = [{query: None if each is None else score for query, each in row.items()} for row in rows]
    means = [each.mean for each in standing_after(*equal).estimates.values()]
    assert means == pytest.approx([score] * len(means), abs=0.01)


def test_a_challenger_is_better_only_on_queries_that_both_were_scored_on() -> None:
    incumbent = {query: 4.5 if kind == "regular" else 2.0 for query, kind in KINDS.items()}
    unsafe = without("safety", dict.fromkeys(KINDS, 4.4))
    race = Race(strata=STRATA).after(incumbent)
    assert race.after(unsafe).incumbent == incumbent
    assert race.after(without("safety", dict.fromkeys(KINDS, 4.6))).incumbent != incumbent
