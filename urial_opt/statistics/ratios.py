"""Ratios of sums with bootstrap intervals, where whole clusters such as queries are resampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from urial_opt.records import Estimate
from urial_opt.statistics.bootstrap import QUANTILES_95, RESAMPLES, divide, resampled_counts, share
from urial_opt.statistics.strata import FloatArray, IntArray

Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How resamples are drawn."""

    clusters: int
    """How many clusters there are, such as queries."""
    seed: int = 0
    resamples: int = RESAMPLES


class Ratios:
    """Named ratios of sums over positions. All are measured on the same resamples of the clusters."""

    def __init__(self, resampling: Resampling, cluster: IntArray) -> None:
        """`cluster` gives the number of each position's cluster, 0 to `resampling.clusters - 1`."""
        self._resampling = resampling
        self._cluster = cluster
        self._columns: dict[str, tuple[FloatArray, FloatArray]] = {}
        self._shares: set[str] = set()

    def add_mean(self, name: str, values: FloatArray, *, at: IntArray | slice = slice(None)) -> None:
        """Add the mean of the values that are not NaN; `at` selects their positions, all by default."""
        there = ~np.isnan(values)
        self._add(name, np.where(there, values, 0.0), there, at)

    def add_share(self, name: str, part: Flags, whole: Flags, *, at: IntArray | slice = slice(None)) -> None:
        """Add the share of the positions in `whole` that are also in `part`."""
        self._add(name, part & whole, whole, at)
        self._shares.add(name)

    def add_part(self, name: str, part: Flags, values: FloatArray) -> None:
        """Add the share of the sum of values that the positions in `part` contribute; NaN counts as 0."""
        values = np.nan_to_num(values)
        self._add(name, np.where(part, values, 0.0), values, slice(None))

    def _add(self, name: str, above: FloatArray | Flags, below: FloatArray | Flags, at: IntArray | slice) -> None:
        above_sum, below_sum = (
            np.bincount(self._cluster[at], weights=each.astype(np.float64), minlength=self._resampling.clusters)
            for each in (above, below)
        )
        self._columns[name] = above_sum.astype(np.float64), below_sum.astype(np.float64)

    def estimates(self) -> dict[str, Estimate | None]:
        """Each ratio as `bootstrap_ratios` computes it, by name.

        A share of exactly 0 or 1 gets the Wilson interval for its number of clusters instead: all of its resamples are
        equal, so that a percentile interval would have no width.
        """
        above, below = (np.stack([column[side] for column in self._columns.values()], axis=1) for side in (0, 1))
        found = bootstrap_ratios(above, below, seed=self._resampling.seed, resamples=self._resampling.resamples)
        sizes = [int((column > 0).sum()) for column in below.T]
        return {
            name: share(clusters * round(each.mean), clusters)
            if each is not None and name in self._shares and each.mean in (0.0, 1.0)
            else each
            for name, each, clusters in zip(self._columns, found, sizes, strict=True)
        }


def bootstrap_ratios(
    above: FloatArray, below: FloatArray, *, seed: int = 0, resamples: int = RESAMPLES
) -> list[Estimate | None]:
    """Ratios of sums with their 95 % percentile intervals; whole clusters are resampled, the same for all ratios.

    `above` and `below` are clusters x ratios: what each cluster, such as a query with all its positions, adds to
    numerator and denominator; `below` is never negative. A ratio is None if its denominator is 0. Its interval is NaN
    if fewer than two clusters contribute to the denominator. Resamples with a denominator of 0 are left out.
    """
    clusters = len(above)
    if clusters == 0:
        return [None] * above.shape[1]
    drawn = np.concatenate(
        [
            divide(counts @ above, counts @ below)
            for counts in resampled_counts(clusters, seed=seed, resamples=resamples)
        ]
    )
    whole = ~np.isnan(drawn).any(axis=0)
    ends = np.full((2, above.shape[1]), np.nan)
    ends[:, whole] = np.quantile(drawn[:, whole], QUANTILES_95, axis=0)
    several = (below > 0).sum(axis=0) > 1
    for column in np.flatnonzero(several & ~whole):
        ends[:, column] = np.nanquantile(drawn[:, column], QUANTILES_95)
    ends[:, ~several] = np.nan
    return [
        None if np.isnan(mean) else Estimate(mean=float(mean), low=float(low), high=float(high))
        for mean, (low, high) in zip(divide(above.sum(axis=0), below.sum(axis=0)), ends.T, strict=True)
    ]
