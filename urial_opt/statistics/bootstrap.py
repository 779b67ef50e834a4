"""Bootstrap: 95 % intervals of means, and the resampling that other statistics build on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import binomtest  # type: ignore[import-untyped]

from urial_opt.records import Estimate
from urial_opt.statistics.strata import FloatArray, IntArray, Scores, Strata

RESAMPLES = 2_000
"""Resamples for ratios, correlations and agreement."""
RESAMPLES_OF_MEANS = 10_000
"""Resamples for means, which are cheaper."""
_BATCH = 250
"""Resamples computed at once, few enough to fit into the processor's cache."""
QUANTILES_95 = [0.025, 0.975]
"""The quantiles of resamples between which a 95 % interval lies."""


def bootstrap_average(
    scores: Scores, strata: Strata, *, seed: int = 0, resamples: int = RESAMPLES_OF_MEANS
) -> Estimate:
    """Stratified mean with its 95 % percentile interval; queries are resampled within their kind."""
    return _bootstrap(strata.values(scores), seed=seed, resamples=resamples)


def bootstrap_mean(values: Sequence[float | None], *, seed: int = 0, resamples: int = RESAMPLES_OF_MEANS) -> Estimate:
    """Plain mean of the values that are not None, with its 95 % percentile interval; NaN if there are none."""
    there = np.array([value for value in values if value is not None], dtype=np.float64)
    return _bootstrap([(1.0, there)] if there.size else [], seed=seed, resamples=resamples)


def bootstrap_difference(
    ours: Scores, theirs: Scores, strata: Strata, *, seed: int = 0, resamples: int = RESAMPLES_OF_MEANS
) -> Estimate:
    """Mean of `ours - theirs` over the queries scored in both, with its paired 95 % percentile interval."""
    paired = {q: a - b for q in strata.kinds if (a := ours.get(q)) is not None and (b := theirs.get(q)) is not None}
    return _bootstrap(strata.values(paired), seed=seed, resamples=resamples)


def _bootstrap(parts: Sequence[tuple[float, FloatArray]], *, seed: int, resamples: int) -> Estimate:
    if not parts:
        return Estimate(mean=float("nan"), low=float("nan"), high=float("nan"))
    rng = np.random.default_rng(seed)
    means = np.zeros(resamples)
    for weight, values in parts:
        for batch in _batches(resamples, _BATCH):
            drawn = rng.integers(values.size, size=(len(batch), values.size), dtype=np.int32)
            means[batch.start : batch.stop] += weight * values[drawn].mean(axis=1)
    low, high = np.quantile(means, QUANTILES_95)
    mean = sum(weight * float(values.mean()) for weight, values in parts)
    return Estimate(mean=mean, low=float(low), high=float(high))


def resampled_counts(number: int, *, seed: int, resamples: int, batch: int = _BATCH) -> Iterator[IntArray]:
    """How often each of `number` things is drawn in each resample: arrays of at most `batch` resamples x things.

    The draws do not depend on `batch`.
    """
    rng = np.random.default_rng(seed)
    for some in _batches(resamples, batch):
        yield rng.multinomial(number, np.full(number, 1 / number), size=len(some))


def _batches(resamples: int, size: int) -> Iterator[range]:
    return (range(start, min(start + size, resamples)) for start in range(0, resamples, size))


def percentile_estimate(mean: float, resampled: FloatArray) -> Estimate | None:
    """`mean` with the 95 % percentile interval of its resamples; None if it is NaN, that is undefined.

    Resamples in which it is undefined are left out.
    """
    if np.isnan(mean):
        return None
    low, high = np.nanquantile(resampled, QUANTILES_95)
    return Estimate(mean=mean, low=float(low), high=float(high))


def share(hits: int, of: int) -> Estimate | None:
    """`hits / of` with its 95 % Wilson interval, which does not collapse at 0 and 1; None if `of` is 0."""
    if of == 0:
        return None
    interval = binomtest(hits, of).proportion_ci(method="wilson")
    return Estimate(mean=hits / of, low=float(interval.low), high=float(interval.high))


def divide(above: FloatArray, below: FloatArray, *, beyond: float = 0.0) -> FloatArray:
    """`above / below`, elementwise; NaN where `below` is not greater than `beyond`."""
    ratio = np.full(below.shape, np.nan)
    np.divide(above, below, out=ratio, where=below > beyond)
    return ratio
