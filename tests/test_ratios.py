"""Ratios: against explicit definitions, and intervals against a known truth."""

from __future__ import annotations

import numpy as np
import pytest

from urial_opt.statistics.bootstrap import share
from urial_opt.statistics.ratios import Ratios, Resampling, bootstrap_ratios


def test_a_ratio_is_of_sums_not_of_ratios() -> None:
    (found,) = bootstrap_ratios(np.array([[1.0], [0.0]]), np.array([[1.0], [9.0]]), resamples=200)
    assert found is not None
    assert found.mean == 0.1
    assert (found.low, found.high) == (0.0, 1.0)  # both queries, or one of them twice


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    held = []
    for trial in range(200):
        rates = rng.beta(2, 8, 60)  # positions of one query are correlated
        sizes = rng.integers(20, 60, 60)
        shifted, positions = rng.binomial(sizes, rates).astype(np.float64), sizes.astype(np.float64)
        (found,) = bootstrap_ratios(shifted[:, None], positions[:, None], seed=trial, resamples=400)
        assert found is not None
        held.append(found.low <= 0.2 <= found.high)
    assert 0.9 <= np.mean(held) <= 0.99


def test_positions_of_one_query_do_not_count_as_independent() -> None:
    clusters = np.repeat(np.arange(20), 50)
    shifted = np.repeat(np.arange(20) % 4 == 0, 50)
    ratios = Ratios(Resampling(clusters=20), clusters)
    ratios.add_share("by query", shifted, np.ones(1000, dtype=np.bool_))
    alone = Ratios(Resampling(clusters=1000), np.arange(1000))
    alone.add_share("by position", shifted, np.ones(1000, dtype=np.bool_))
    wide, narrow = ratios.estimates()["by query"], alone.estimates()["by position"]
    assert wide is not None
    assert narrow is not None
    assert wide.high - wide.low > 4 * (narrow.high - narrow.low)


def test_a_zero_denominator_is_none_and_one_cluster_has_no_interval() -> None:
    nothing, one = bootstrap_ratios(
        np.array([[0.0, 3.0], [0.0, 0.0]]), np.array([[0.0, 4.0], [0.0, 0.0]]), resamples=50
    )
    assert nothing is None
    assert one is not None
    assert one.mean == 0.75
    assert np.isnan([one.low, one.high]).all()
    assert bootstrap_ratios(np.zeros((0, 2)), np.zeros((0, 2))) == [None, None]
    (alone,) = bootstrap_ratios(np.array([[3.0]]), np.array([[4.0]]), resamples=50)
    assert alone is not None
    assert np.isnan([alone.low, alone.high]).all()  # all of its resamples are equal


def test_a_cluster_that_is_often_not_drawn_leaves_an_interval() -> None:
    above, below = np.zeros((9, 1)), np.zeros((9, 1))
    above[:2, 0], below[:2, 0] = (1.0, 3.0), (4.0, 4.0)
    (found,) = bootstrap_ratios(above, below)
    assert found is not None
    assert (found.low, found.mean, found.high) == (0.25, 0.5, 0.75)


def test_a_share_of_all_or_nothing_is_not_certain() -> None:
    ratios = Ratios(Resampling(clusters=4), np.array([0, 0, 1, 2, 3]))
    every = np.ones(5, dtype=np.bool_)
    ratios.add_share("none", ~every, every)
    ratios.add_share("all of two queries", every, np.array([True, True, True, False, False]))
    ratios.add_mean("no share", np.ones(5))
    found = ratios.estimates()
    assert found["none"] == share(0, 4)
    assert found["all of two queries"] == share(2, 2)
    assert found["no share"] is not None
    assert found["no share"].low == 1


def test_nan_is_left_out() -> None:
    ratios = Ratios(Resampling(clusters=2), np.array([0, 0, 1, 1]))
    values = np.array([1.0, np.nan, 4.0, 7.0])
    ratios.add_mean("mean", values)
    ratios.add_mean("of two", values[[0, 2]], at=np.array([0, 2]))
    ratios.add_part("part", np.array([False, True, True, False]), values)
    means = {name: each.mean for name, each in ratios.estimates().items() if each is not None}
    assert means == {"mean": 4.0, "of two": 2.5, "part": pytest.approx(4 / 12)}
