"""Rank correlation: Spearman's coefficient, alone or on many resamples at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from urial_opt.records import Estimate
from urial_opt.statistics.bootstrap import RESAMPLES, divide, percentile_estimate, resampled_counts
from urial_opt.statistics.strata import FloatArray, IntArray


def rank_correlation(
    ours: Sequence[float | None], theirs: Sequence[float | None], *, seed: int = 0, resamples: int = RESAMPLES
) -> Estimate | None:
    """Spearman's correlation of the pairs without a None, with its 95 % percentile interval.

    Pairs are resampled; ties share their mean rank. None for fewer than three pairs, or if one side is constant.
    """
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
    if len(pairs) < 3:
        return None
    one, other = (np.unique(side, return_inverse=True)[1] for side in np.array(pairs, dtype=np.float64).T)
    mean = float(spearman(np.ones((1, len(pairs)), dtype=np.int64), one, other)[0])
    drawn = [spearman(counts, one, other) for counts in resampled_counts(len(pairs), seed=seed, resamples=resamples)]
    return percentile_estimate(mean, np.concatenate(drawn))


def spearman(counts: IntArray, ours: IntArray, theirs: IntArray) -> FloatArray:
    """Spearman's correlation in each resample; NaN where one side is constant.

    `counts` is resamples x pairs: how often each pair occurs. `ours` and `theirs` give the place of each pair's two
    values among the sorted distinct values of their side.
    """
    one, other = _centred_ranks(counts, ours), _centred_ranks(counts, theirs)
    spread = np.sqrt((counts * one**2).sum(axis=1) * (counts * other**2).sum(axis=1))
    return divide((counts * one * other).sum(axis=1), spread)


def _centred_ranks(counts: IntArray, places: IntArray) -> FloatArray:
    """Twice the difference between each value's mean rank and the mean of all ranks.

    These are whole numbers, so that a constant side gives exactly 0.
    """
    of_value = counts @ np.eye(int(places.max()) + 1)[places]
    ranks: FloatArray = (2.0 * of_value.cumsum(axis=1) - of_value - of_value.sum(axis=1, keepdims=True))[:, places]
    return ranks
