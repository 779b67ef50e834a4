"""Bootstrap: 95 % intervals by drawing queries again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest  # type: ignore[import-untyped]

from urial_opt.records import Estimate
from urial_opt.statistics.strata import FloatArray, Scores, Strata

RESAMPLES = 10_000


_BATCH = 250


def bootstrap_average(scores: Scores, strata: Strata, *, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """Stratified mean with its 95 % percentile interval, queries resampled within their kinds."""
    return _bootstrap(strata.values(scores), seed=seed, resamples=resamples)


def bootstrap_mean(values: Sequence[float | None], *, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """Plain mean, such as an aspect's, of the values that are there, with its 95 % percentile interval."""
    there = np.array([value for value in values if value is not None], dtype=np.float64)
    return _bootstrap([(1.0, there)] if there.size else [], seed=seed, resamples=resamples)


def bootstrap_difference(
    ours: Scores, theirs: Scores, strata: Strata, *, seed: int = 0, resamples: int = RESAMPLES
) -> Estimate:
    """Mean of `ours - theirs` on the queries that both were scored on, with its paired 95 % percentile interval."""
    paired = {q: a - b for q in strata.kinds if (a := ours.get(q)) is not None and (b := theirs.get(q)) is not None}
    return _bootstrap(strata.values(paired), seed=seed, resamples=resamples)


def _bootstrap(parts: Sequence[tuple[float, FloatArray]], *, seed: int, resamples: int) -> Estimate:
    if not parts:
        return Estimate(mean=float("nan"), low=float("nan"), high=float("nan"))
    rng = np.random.default_rng(seed)
    means = np.zeros(resamples)
    for weight, values in parts:
        for start in range(0, resamples, _BATCH):  # batches that stay in the processor's cache
            rows = min(_BATCH, resamples - start)
            drawn = rng.integers(values.size, size=(rows, values.size), dtype=np.int32)
            means[start : start + rows] += weight * values[drawn].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    mean = sum(weight * float(values.mean()) for weight, values in parts)
    return Estimate(mean=mean, low=float(low), high=float(high))


def share(hits: int, of: int) -> Estimate | None:
    """A share with its 95 % Wilson interval, which is honest at 0 and 1 too; None of nothing."""
    if of == 0:
        return None
    interval = binomtest(hits, of).proportion_ci(method="wilson")
    return Estimate(mean=hits / of, low=float(interval.low), high=float(interval.high))
