"""Agreement: against scipy, explicit definitions, simulations with a known truth, and properties of any scores."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr  # type: ignore[import-untyped]

from urial_opt.records import Estimate
from urial_opt.statistics.agreement import Agreement, Pair, measure_agreement
from urial_opt.statistics.bootstrap import share

MEASURES = ("exact", "within_one", "spearman", "kendall", "kappa", "bias")
FEW = 20
"""Number of resamples in tests that do not check intervals."""

score = st.one_of(st.integers(1, 5).map(float), st.sampled_from([1.5, 2.5, 4.5, 3.33]))
columns = st.lists(st.tuples(score, score), min_size=1, max_size=30)


def rows_of(*scores: tuple[float | None, float | None]) -> list[list[Pair]]:
    return [[Pair(given=given, judged=judged)] for given, judged in scores]


def values(agreement: Agreement) -> dict[str, float | None]:
    """The measures without their intervals."""
    found: dict[str, Estimate | None] = {name: getattr(agreement, name) for name in MEASURES}
    return {name: None if each is None else each.mean for name, each in found.items()}


def measured(*scores: tuple[float | None, float | None]) -> dict[str, float | None]:
    return values(measure_agreement(rows_of(*scores), resamples=FEW))


def simulated(rng: np.random.Generator, number: int) -> list[tuple[float, float]]:
    """Pairs of scores from 1 to 5, both with errors."""
    truth = rng.normal(3.3, 1, number)
    one, other = (np.clip(np.round(truth + rng.normal(0, 0.6, number)), 1, 5) for _ in range(2))
    return list(zip(one.tolist(), other.tolist(), strict=True))


def quadratic_kappa(scores: list[tuple[float, float]]) -> float:
    """Cohen's weighted kappa by its definition: observed over expected disagreement."""
    observed = sum((a - b) ** 2 for a, b in scores) / len(scores)
    expected = sum((a - b) ** 2 for (a, _), (_, b) in product(scores, scores)) / len(scores) ** 2
    return 1 - observed / expected


def test_a_case_by_hand() -> None:
    found = measured((1, 2), (2, 2), (3, 5), (4, 4))
    assert found["exact"] == 0.5
    assert found["within_one"] == 0.75
    assert found["bias"] == pytest.approx(0.75)
    # squared distances 1, 0, 4, 0: mean 1.25; variances 1.25 and 1.6875, means .75 apart
    assert found["kappa"] == pytest.approx(1 - 1.25 / (1.25 + 1.6875 + 0.75**2))
    # of six pairs the judge ties one; of the other five, four are concordant and one is discordant
    assert found["kendall"] == pytest.approx(3 / (6 * 5) ** 0.5)


def test_halves_round_up_on_either_side() -> None:
    assert measured((2.5, 3), (3.5, 4), (4, 3.5), (1.4, 1))["exact"] == 1
    assert measured((2.5, 2), (3.5, 3))["exact"] == 0


def test_within_one_does_not_round_the_scores() -> None:
    assert measured((3.4, 2.3), (3, 2))["within_one"] == 0.5
    assert measured((1.2, 2.2))["within_one"] == 1  # in floating point they are a little more than 1 apart


@given(columns)
def test_correlations_are_those_of_scipy(scores: list[tuple[float, float]]) -> None:
    ours, theirs = zip(*scores, strict=True)
    found = measured(*scores)
    if len(set(ours)) == 1 or len(set(theirs)) == 1:
        assert found["spearman"] is None
        assert found["kendall"] is None
    else:
        assert found["spearman"] == pytest.approx(spearmanr(ours, theirs).statistic)
        assert found["kendall"] == pytest.approx(kendalltau(ours, theirs).statistic)


@given(columns)
def test_kappa_is_cohens(scores: list[tuple[float, float]]) -> None:
    assume(len({each for pair in scores for each in pair}) > 1)
    assert measured(*scores)["kappa"] == pytest.approx(quadratic_kappa(scores), abs=1e-9)


@given(st.lists(score, min_size=1))
def test_perfect_agreement_is_one(scores: list[float]) -> None:
    found = measured(*zip(scores, scores, strict=True))
    perfect = None if len(set(scores)) == 1 else pytest.approx(1)
    assert found == {
        "exact": 1, "within_one": 1, "spearman": perfect, "kendall": perfect, "kappa": perfect, "bias": 0
    }  # fmt: skip


@given(columns)
def test_swapping_the_sides_changes_only_the_sign_of_the_bias(
    scores: list[tuple[float, float]],
) -> None:
    one, other = measured(*scores), measured(*[(b, a) for a, b in scores])
    assert other.pop("bias") == pytest.approx(-(one.pop("bias") or 0))
    assert other == {name: None if each is None else pytest.approx(each) for name, each in one.items()}


@given(columns, st.randoms())
def test_the_order_of_rows_does_not_matter_even_to_the_intervals(
    scores: list[tuple[float, float]], random: Random
) -> None:
    before = measure_agreement(rows_of(*scores), resamples=FEW)
    random.shuffle(scores)
    assert measure_agreement(rows_of(*scores), resamples=FEW) == before


def test_missing_scores_are_counted_and_left_out() -> None:
    found = measure_agreement(rows_of((4, None), (None, 3), (None, None), (2, 3), (3, 3)), resamples=FEW)
    assert (found.n, found.missing_given, found.missing_judged) == (2, 2, 2)
    assert values(found) == measured((2, 3), (3, 3))


@pytest.mark.parametrize("scores", [[], [(None, 3.0)], [(4.0, None)]])
def test_nothing_to_compare_leaves_every_measure_undefined(scores: list[tuple[float | None, float | None]]) -> None:
    assert set(measured(*scores).values()) == {None}


def test_a_single_score_has_no_correlation() -> None:
    found = measured((3, 4))
    assert (found["exact"], found["bias"]) == (0, 1)
    assert (found["spearman"], found["kendall"]) == (None, None)
    assert found["kappa"] == 0


def test_intervals_have_the_width_of_theory_and_repeat_with_their_seed() -> None:
    scores = simulated(np.random.default_rng(0), 200)
    found = measure_agreement(rows_of(*scores), seed=3)
    apart = np.array([judged - given for given, judged in scores])
    assert found.bias
    assert found.bias.high - found.bias.low == pytest.approx(2 * 1.96 * apart.std() / 200**0.5, rel=0.1)
    assert found == measure_agreement(rows_of(*scores), seed=3)
    assert found != measure_agreement(rows_of(*scores), seed=4)


@pytest.mark.parametrize("name", MEASURES)
def test_intervals_cover_the_truth_as_often_as_they_say(name: str) -> None:
    rng = np.random.default_rng(1)
    truth = measured(*simulated(rng, 20_000))[name]
    assert truth is not None
    hits = 0
    for _ in range(200):
        found = getattr(measure_agreement(rows_of(*simulated(rng, 80)), resamples=300), name)
        hits += found.low <= truth <= found.high
    assert 0.88 < hits / 200 < 0.99


def test_aspects_of_one_answer_are_resampled_together() -> None:
    scores = simulated(np.random.default_rng(2), 50)
    once = measure_agreement(rows_of(*scores))
    five_times = measure_agreement([[Pair(given=a, judged=b)] * 5 for a, b in scores])
    assert once.bias
    assert five_times.bias
    assert five_times.n == 250
    assert five_times.bias.high - five_times.bias.low == pytest.approx(once.bias.high - once.bias.low)


def test_intervals_do_not_depend_on_how_many_resamples_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = rows_of(*simulated(np.random.default_rng(4), 40))
    before = measure_agreement(scores)
    monkeypatch.setattr("urial_opt.statistics.agreement._CELLS", 999)
    assert measure_agreement(scores) == before


def test_full_agreement_on_few_answers_is_not_certain() -> None:
    found = measure_agreement(rows_of((1, 1), (3, 3), (5, 5)))
    assert found.exact == share(3, 3)
    assert found.exact
    assert found.exact.mean == 1
    assert found.exact.low < 0.5
    assert measure_agreement(rows_of((1, 5), (2, 4))).exact == share(0, 2)


def test_a_share_has_wilsons_interval() -> None:
    # Wilson 1927: (p + z²/2n ± z sqrt(p q / n + z²/4n²)) / (1 + z²/n)
    found = share(8, 10)
    z, n, p = 1.959963984540054, 10, 0.8
    centre, reach = p + z**2 / (2 * n), z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    assert found
    assert found.mean == 0.8
    assert found.low == pytest.approx((centre - reach) / (1 + z**2 / n))
    assert found.high == pytest.approx((centre + reach) / (1 + z**2 / n))
    assert share(0, 0) is None
