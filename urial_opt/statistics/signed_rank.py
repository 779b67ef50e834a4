"""Signed ranks: an exact one-sided paired test."""

from __future__ import annotations

import numpy as np

from urial_opt.statistics.strata import FloatArray


def wilcoxon_behind(differences: FloatArray) -> float:
    """One-sided p value of Wilcoxon's signed-rank test that paired differences lie below zero.

    NaN and zeros are left out; 1 if nothing remains. The distribution is exact also under ties, which scores on a
    coarse scale are full of: scipy's normal approximation is rough at a first look of a dozen pairs, and its exact
    permutation takes a second there.
    """
    rounded = np.round(differences[~np.isnan(differences)], 9)  # weights must not break ties by a rounding error
    rounded = rounded[rounded != 0]
    _, place, ties = np.unique(np.abs(rounded), return_inverse=True, return_counts=True)
    doubled = (2 * np.cumsum(ties) - ties + 1)[place]  # ties share the middle of their ranks, which may be a half
    probability = np.zeros(int(doubled.sum()) + 1)
    probability[0] = 1.0
    for rank in doubled:
        probability[rank:] += probability[:-rank].copy()
        probability /= 2
    return min(1.0, float(probability[: int(doubled[rounded > 0].sum()) + 1].sum()))
