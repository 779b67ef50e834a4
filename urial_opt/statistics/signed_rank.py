"""Wilcoxon's signed-rank test: one-sided, and exact under ties."""

from __future__ import annotations

import numpy as np

from urial_opt.statistics.strata import FloatArray


def wilcoxon_behind(differences: FloatArray) -> float:
    """One-sided p value of Wilcoxon's signed-rank test that paired differences lie below zero.

    NaN and zeros are left out; the value is 1 if nothing remains. The distribution is exact under ties too, which are
    common on a coarse scale: with a dozen pairs, scipy's normal approximation is rough and its exact permutation test
    takes a second.
    """
    rounded = np.round(differences[~np.isnan(differences)], 9)  # rounding errors from weights must not break ties
    rounded = rounded[rounded != 0]
    _, place, ties = np.unique(np.abs(rounded), return_inverse=True, return_counts=True)
    doubled = (2 * np.cumsum(ties) - ties + 1)[
        place
    ]  # twice the ranks: ties share their mean rank, which may end in a half
    probability = np.zeros(int(doubled.sum()) + 1)
    probability[0] = 1.0
    for rank in doubled:
        probability[rank:] += probability[:-rank].copy()
        probability /= 2
    return min(1.0, float(probability[: int(doubled[rounded > 0].sum()) + 1].sum()))
