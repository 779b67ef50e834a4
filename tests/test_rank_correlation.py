"""Rank correlation: against scipy, and intervals against a known truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr  # type: ignore[import-untyped]

from urial_opt.statistics.correlation import rank_correlation

pairs = st.lists(st.tuples(st.integers(0, 4).map(float), st.floats(0, 1, width=16)), min_size=3, max_size=20)


@given(pairs)
def test_the_correlation_of_ranks_is_that_of_scipy(values: list[tuple[float, float]]) -> None:
    ours, theirs = zip(*values, strict=True)
    found = rank_correlation(ours, theirs, resamples=20)
    if len(set(ours)) == 1 or len(set(theirs)) == 1:
        assert found is None
    else:
        assert found is not None
        assert found.mean == pytest.approx(spearmanr(ours, theirs).statistic)
        assert -1 <= found.low <= found.high <= 1 + 1e-12


def test_missing_scores_are_left_out_of_a_correlation() -> None:
    assert rank_correlation([1, 2, None, 3], [0.1, 0.2, 0.0, 0.3], resamples=20) == rank_correlation(
        [1, 2, 3], [0.1, 0.2, 0.3], resamples=20
    )
    assert rank_correlation([1, 2, None], [1, None, 3]) is None


def test_small_differences_count_in_a_correlation() -> None:
    found = rank_correlation([0.0521, 0.0522, 0.0523, 0.0524], [1, 2, 3, 4])
    assert found is not None
    assert found.mean == 1


def test_intervals_of_a_correlation_hold_the_truth() -> None:
    rng = np.random.default_rng(2)
    truth = spearmanr(*(both := rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 200_000)).T).statistic
    held = []
    for trial in range(150):
        ours, theirs = both[rng.integers(len(both), size=60)].T
        found = rank_correlation(ours.tolist(), theirs.tolist(), seed=trial, resamples=300)
        assert found is not None
        held.append(found.low <= truth <= found.high)
    assert np.mean(held) >= 0.88
