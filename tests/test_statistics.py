"""Statistics: against closed forms, scipy, and simulations with a known truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import PermutationMethod, wilcoxon  # type: ignore[import-untyped]

from urial_opt.aspects import QueryKind
from urial_opt.objective import Objective
from urial_opt.statistics.bootstrap import bootstrap_average, bootstrap_difference, bootstrap_mean
from urial_opt.statistics.shrinkage import shrunken_estimates
from urial_opt.statistics.signed_rank import wilcoxon_behind
from urial_opt.statistics.strata import FloatArray, Strata, stratified_mean

KINDS: list[QueryKind] = ["safety" if i % 16 >= 12 else "regular" for i in range(64)]
STRATA = Strata(kinds={f"q{i}": kind for i, kind in enumerate(KINDS)}, weights=Objective().kind_weights())


def scores_of(values: FloatArray) -> dict[str, float | None]:
    return {f"q{i}": None if np.isnan(value) else float(value) for i, value in enumerate(values)}


def test_the_stratified_mean_weights_kinds_independently_of_their_number_of_queries() -> None:
    strata = Strata(kinds={"a": "regular", "b": "regular", "c": "safety"}, weights={"regular": 5 / 6, "safety": 1 / 6})
    found = stratified_mean({"a": 2.0, "b": 4.0, "c": 5.0}, strata)
    assert found.mean == pytest.approx(3 * 5 / 6 + 5 / 6)
    assert found.queries == 3
    assert np.isnan(found.standard_error)


def test_its_standard_error_is_that_of_a_stratified_sample() -> None:
    values = np.random.default_rng(0).normal(3, 1, 64)
    regular = np.array([kind == "regular" for kind in KINDS])
    expected = sum(
        weight**2 * values[part].var(ddof=1) / part.sum() for weight, part in ((5 / 6, regular), (1 / 6, ~regular))
    )
    assert stratified_mean(scores_of(values), STRATA).standard_error == pytest.approx(expected**0.5)


def test_a_kind_without_scores_leaves_its_weight_to_the_others() -> None:
    scores = {f"q{i}": 4.0 for i, kind in enumerate(KINDS) if kind == "regular"}
    assert stratified_mean(scores, STRATA).mean == pytest.approx(4.0)
    nothing = stratified_mean({"q0": None}, STRATA)
    assert np.isnan(nothing.mean)
    assert nothing.queries == 0


def test_the_plain_mean_of_contributions_is_the_average() -> None:
    values = np.random.default_rng(1).uniform(1, 5, 64)
    scores = scores_of(values)
    assert STRATA.contributions(scores).mean() == pytest.approx(stratified_mean(scores, STRATA).mean)
    assert np.isnan(STRATA.contributions({**scores, "q3": None})[3])


def test_bootstrap_intervals_have_the_width_of_theory_and_repeat_with_their_seed() -> None:
    scores = scores_of(np.random.default_rng(2).normal(3, 1, 64))
    expected = stratified_mean(scores, STRATA)
    found = bootstrap_average(scores, STRATA, seed=5)
    assert found.mean == pytest.approx(expected.mean)
    assert found.high - found.low == pytest.approx(2 * 1.96 * expected.standard_error, rel=0.1)
    assert found == bootstrap_average(scores, STRATA, seed=5)
    assert found != bootstrap_average(scores, STRATA, seed=6)


def test_pairing_takes_query_difficulty_out_of_the_interval() -> None:
    rng = np.random.default_rng(3)
    difficulty = rng.normal(3, 1, 64)
    ours, theirs = difficulty + 0.3 + rng.normal(0, 0.1, 64), difficulty + rng.normal(0, 0.1, 64)
    found = bootstrap_difference(scores_of(ours), scores_of(theirs), STRATA)
    assert found.low > 0.2
    assert found.high < 0.4


def test_pairs_with_a_missing_score_are_left_out() -> None:
    ours, theirs = scores_of(np.full(64, 4.0)), scores_of(np.full(64, 3.0))
    found = bootstrap_difference({**ours, "q0": None}, {**theirs, "q1": 1.0, "q2": None}, STRATA)
    assert found.mean == pytest.approx(1 * 1 / 6 + 5 / 6 * (45 + 3 - 1 + 1 - 2 + 0) / 46, abs=0.05)
    assert bootstrap_mean([1.0, None, 3.0]).mean == 2.0
    assert np.isnan(bootstrap_mean([None]).mean)


@pytest.mark.parametrize("size", [4, 6, 8])
def test_the_signed_rank_test_equals_an_exact_permutation_under_ties_and_zeros(size: int) -> None:
    rng = np.random.default_rng(size)
    for _ in range(3):
        differences = rng.integers(-3, 3, size) / 2
        there = differences[differences != 0]
        expected = wilcoxon(there, alternative="less", method=PermutationMethod(n_resamples=10_000)).pvalue
        assert wilcoxon_behind(differences) == pytest.approx(expected)


def test_the_signed_rank_test_equals_scipy_without_ties_and_its_approximation_at_large_n() -> None:
    rng = np.random.default_rng(4)
    differences = rng.normal(-0.2, 1, 20)
    assert wilcoxon_behind(differences) == pytest.approx(wilcoxon(differences, alternative="less").pvalue)
    many = np.round(rng.normal(-0.1, 1, 64) * 2) / 2
    expected = wilcoxon(many[many != 0], alternative="less", method="asymptotic", correction=True).pvalue
    assert wilcoxon_behind(many) == pytest.approx(expected, abs=0.005)


def test_equal_and_unpaired_scores_are_no_evidence() -> None:
    assert wilcoxon_behind(np.zeros(16)) == 1.0
    assert wilcoxon_behind(np.full(16, np.nan)) == 1.0
    # differences that a weight has made unequal in the last bit remain tied
    tied = np.array([0.1 + 0.2, 0.3, -0.3])
    assert wilcoxon_behind(tied) == wilcoxon_behind(np.array([0.3, 0.3, -0.3]))


def simulated(seed: int, *, spread: float, pruned: bool) -> tuple[FloatArray, FloatArray]:
    """Contributions of 150 trials, and the true average of each."""
    rng = np.random.default_rng(seed)
    effect, difficulty = rng.normal(0, spread, 150), rng.normal(0, 0.6, 64)
    leaning = rng.normal(0, 0.3, 150)[:, None] * np.where(np.array(KINDS) == "safety", -3, 1)
    values = 3.3 + effect[:, None] + leaning + difficulty + rng.normal(0, 1.1, (150, 64))
    best = 0
    for trial in range(1, 150 if pruned else 0):
        for size in (16, 32, 48):
            if wilcoxon_behind((values[trial] - values[best])[:size]) <= 0.1:
                values[trial, size:] = np.nan
                break
        else:
            best = trial if values[trial].mean() > values[best].mean() else best
    return values, 3.3 + effect + difficulty.mean()


@pytest.mark.parametrize("pruned", [False, True])
def test_shrunken_estimates_are_unbiased_at_the_top_where_raw_means_are_not(pruned: bool) -> None:
    covered, top, top_raw = [], [], []
    for seed in range(25 if pruned else 80):
        values, truth = simulated(seed, spread=0.2 if pruned else 0.15, pruned=pruned)
        estimates = shrunken_estimates(values, KINDS)
        means = np.array([estimate.mean for estimate in estimates])
        covered += [e.interval.low < t < e.interval.high for e, t in zip(estimates, truth, strict=True)]
        raw = np.nanmean(values, axis=1)
        top.append(means.max() - truth[means.argmax()])
        top_raw.append(raw.max() - truth[raw.argmax()])
    assert 0.93 < np.mean(covered) < 0.975
    assert np.mean(top_raw) > 0.2
    assert abs(np.mean(top)) < 0.05


def test_a_trial_that_saw_only_hard_queries_is_not_estimated_too_low() -> None:
    rng = np.random.default_rng(0)
    difficulty = np.repeat([-1.0, 1.0], 32)
    values = 3 + difficulty + rng.normal(0, 0.4, (40, 1)) + rng.normal(0, 0.3, (40, 64))
    expected = values[7].mean()
    values[7, 32:] = np.nan
    found = shrunken_estimates(values, ["regular"] * 64)[7]
    assert found.mean == pytest.approx(expected, abs=0.25)
    assert found.queries == 32


def test_shrinkage_is_the_textbook_one_on_balanced_data() -> None:
    rng = np.random.default_rng(1)
    values = 3 + rng.normal(0, 0.5, (400, 1)) + rng.normal(0, 1.0, (400, 16))
    found = np.array([estimate.mean for estimate in shrunken_estimates(values, ["regular"] * 16)])
    raw = values.mean(axis=1)
    slope = np.polyfit(raw, found, 1)[0]
    assert slope == pytest.approx(0.25 / (0.25 + 1 / 16), abs=0.03)


def test_one_trial_a_constant_one_and_an_unseen_one_are_estimated() -> None:
    single = shrunken_estimates(np.array([[3.0, 4.0, np.nan]]), ["regular"] * 3)
    assert single[0].mean == pytest.approx(3.5, abs=0.01)
    assert single[0].standard_error > 0.05
    constant, unseen = shrunken_estimates(np.array([[3.0] * 4, [np.nan] * 4]), ["regular"] * 4)
    assert constant.mean == pytest.approx(3.0)
    assert unseen.queries == 0
    assert unseen.standard_error > constant.standard_error
    with pytest.raises(ValueError, match="at least one"):
        shrunken_estimates(np.full((2, 3), np.nan), ["regular"] * 3)


def test_estimates_over_a_hundred_thousand_queries_fit_in_memory() -> None:
    queries = 100_000  # a matrix of queries x queries would take 80 GB
    seen = np.full((3, queries), 4.0)
    seen[0], seen[1, queries // 2 :], seen[2, ::2] = 3.0, np.nan, 2.0
    kinds = ["safety" if number % 5 == 0 else "regular" for number in range(queries)]
    first, second, third = shrunken_estimates(seen, kinds)
    assert second.mean > first.mean
    assert (first.queries, second.queries, third.queries) == (queries, queries // 2, queries)
