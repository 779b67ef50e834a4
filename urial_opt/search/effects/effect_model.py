"""The effect model: a regression of trials on their prompts, for the average or one aspect, net of the queries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from urial_opt.records import Estimate
from urial_opt.search.effects.prompt_design import PromptDesign
from urial_opt.search.linear_model import LinearModel, fit_scales
from urial_opt.statistics.comparisons import Comparisons
from urial_opt.statistics.strata import FloatArray, IntArray

_Z95 = 1.959963984540054
_UNIT = 0.2
"""Standard deviation between prompts, in points, for which the prior scales of `linear_model` are made."""
_LEAST_UNIT = 0.02
_FITTED = 300
"""How many comparisons the scales are fitted to, at most: time grows with the third power."""
_FACTORS = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Scales of weights, relative to the fitted one, over which a spread is averaged."""
_DRAWS = 1000
_NOTHING = 1e-9
"""Share of the highest precision of a prompt below which it is compared with no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """How well the model predicts prompts that it has not seen."""

    variance: float
    """Share of the variance between prompts that is predicted, each by a model without it (R²); negative if worse than
    their mean."""
    noise: float
    """Share that is noise of the answers, which no model predicts."""


class EffectModel:
    """A `LinearModel` of the comparisons between trials."""

    def __init__(self, design: PromptDesign, which: IntArray, comparisons: Comparisons) -> None:
        """`which` of the design's prompts each trial tried."""
        self._comparisons = comparisons
        self._which = which
        self._tried = design(design.tried)
        spread = self._spread()
        rotated = comparisons.directions @ self._tried[which]
        some = np.unique(np.linspace(0, len(rotated) - 1, min(_FITTED, len(rotated))).astype(int))
        unit = max(spread, _LEAST_UNIT) / _UNIT
        scales = fit_scales(
            rotated[some], design.groups, comparisons.values[some] / unit, comparisons.noise[some] / unit**2
        )
        self._groups = design.groups
        self._misfit = (scales["misfit"] * unit) ** 2
        self._prior = np.array([(scales[group] * unit) ** 2 for group in design.groups])
        own = np.eye(len(self._tried))[which]
        self._model = LinearModel(
            design=np.hstack([rotated, comparisons.directions @ own]),
            target=comparisons.values,
            noise=comparisons.noise,
            prior=np.append(self._prior, np.full(len(self._tried), self._misfit)),
        )

    def effects(self, rows: FloatArray) -> list[Estimate]:
        """The effect of each difference in columns; `rows` is differences x columns of the design."""
        return self._estimates(np.hstack([rows, np.zeros((len(rows), len(self._tried)))]))

    def level_of(self, prompt: FloatArray, tried: int | None) -> Estimate:
        """The predicted score of a prompt, as its columns describe it; `tried` is its number if it was tried."""
        comparisons = self._comparisons
        share = np.bincount(self._which, comparisons.level_weights, len(self._tried))
        row: FloatArray = np.append(prompt - share @ self._tried, -share).astype(np.float64)
        return _moved(self._estimates([self._with_own(row, tried)], [tried is None])[0], comparisons.level)

    def better(self, prompt: FloatArray, tried: int | None, than: int) -> Estimate:
        """How much better a prompt is than the one tried with the number `than`."""
        row: FloatArray = np.append(prompt - self._tried[than], np.zeros(len(self._tried)))
        row[self._prior.size + than] -= 1
        return self._estimates([self._with_own(row, tried)], [tried is None])[0]

    def unexplained(self, tried: int) -> Estimate:
        """The part of a prompt's score that no feature explains."""
        return self._estimates([self._with_own(np.zeros(self._prior.size + len(self._tried)), tried)])[0]

    def spread_of(self, rows: FloatArray, groups: Collection[str]) -> Estimate:
        """The standard deviation of the effects of some differences, which are those of prompts to their mean.

        `groups` are the columns that the differences change. How large their weights are in general decides most of it,
        so that it is averaged over several such scales by their evidence, and not fitted.
        """
        rows = np.hstack([rows, np.zeros((len(rows), len(self._tried)))])
        changed = np.array([*(group in groups for group in self._groups), *[False] * len(self._tried)])
        scales = [
            replace(self._model, prior=np.where(changed, factor**2 * self._model.prior, self._model.prior))
            for factor in _FACTORS
        ]
        evidence = np.array([model.log_evidence() for model in scales])
        shares = np.exp(evidence - evidence.max())
        drawn = []
        for model, share in zip(scales, shares / shares.sum(), strict=True):
            known = model.sums(rows)
            values, vectors = np.linalg.eigh(known.covariance)
            half = vectors * np.sqrt(np.maximum(values, 0))
            draws = np.random.default_rng(0).normal(size=(round(_DRAWS * share), len(rows)))
            drawn.append(np.sqrt(((known.mean + draws @ half.T) ** 2).mean(axis=1)))
        low, middle, high = np.quantile(np.concatenate(drawn), [0.025, 0.5, 0.975])
        return Estimate(mean=float(middle), low=float(low), high=float(high))

    @cached_property
    def explained(self) -> Explained | None:
        """Each prompt predicted from the others, in closed form; None if the prompts do not differ."""
        comparisons = self._comparisons
        own = self._model.design[:, self._prior.size :]
        precision = (own**2).T @ (1 / comparisons.noise)
        compared = precision > _NOTHING * precision.max()  # an aspect may be read under some prompts alone
        own, noise = own[:, compared], 1 / precision[compared]
        spread = self._spread() ** 2
        without = _left_out(comparisons.values, np.diag(comparisons.noise) + spread * own @ own.T, own)
        left = _left_out(comparisons.values, self._model.covariance(), own)
        weight = 1 / (noise + spread)
        total = float(weight @ without**2)
        if total <= 0:
            return None
        return Explained(variance=1 - float(weight @ left**2) / total, noise=min(1.0, float(weight @ noise) / total))

    @property
    def variance(self) -> float:
        """The variance between the prompts tried, without the noise of their answers."""
        return self._spread() ** 2

    def _spread(self) -> float:
        """The standard deviation between trials, without the noise of their answers; at least 0."""
        comparisons = self._comparisons
        surplus = (comparisons.values**2 / comparisons.noise - 1).sum() / (1 / comparisons.noise).sum()
        return float(np.sqrt(max(surplus, 0.0)))

    def _with_own(self, row: FloatArray, tried: int | None) -> FloatArray:
        row = row.copy()
        if tried is not None:
            row[self._prior.size + tried] += 1
        return row

    def _estimates(self, rows: FloatArray | list[FloatArray], new: list[bool] | None = None) -> list[Estimate]:
        """The posterior of sums of the weights; those of `new` prompts have a part of their own that is not known."""
        known = self._model.sums(np.array(rows))
        noise = known.influence**2 @ self._comparisons.noise
        surplus = self._comparisons.spread_over_queries(known.influence) - noise
        variance = np.diag(known.covariance) + np.maximum(surplus, 0)
        variance = variance + self._misfit * np.array(new or [False] * len(known.mean))
        reach = _Z95 * np.sqrt(np.maximum(variance, 0))
        return [
            Estimate(mean=mean, low=mean - away, high=mean + away)
            for mean, away in zip(known.mean.tolist(), reach.tolist(), strict=True)
        ]


def _left_out(values: FloatArray, covariance: FloatArray, own: FloatArray) -> FloatArray:
    """How far each prompt is from its prediction by all the others.

    A prompt is left out if its column in `own` may take any value; what it takes is the error.
    """
    weighed = np.linalg.solve(covariance, own)
    errors: FloatArray = (weighed.T @ values) / (own * weighed).sum(axis=0)
    return errors


def _moved(estimate: Estimate, by: float) -> Estimate:
    return Estimate(mean=estimate.mean + by, low=estimate.low + by, high=estimate.high + by)
