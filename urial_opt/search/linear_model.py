"""Linear model: a Bayesian linear regression of a prompt's score on its system prompt, decoding and exemplars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular  # type: ignore[import-untyped]
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from urial_opt.statistics.strata import FloatArray

_SCALES: Mapping[str, float] = {
    "intercept": 1.0,
    "system": 0.2,
    "clause": 0.1,
    "decoding": 0.15,
    "k": 0.1,
    "style": 0.1,
    "kind": 0.1,
    "style of kind": 0.1,
    "exemplar": 0.05,
    "query": 0.05,
    "first": 0.1,
    "last": 0.1,
    "last of kind": 0.1,
    "style under system": 0.05,
}
"""Initial prior standard deviation of the effects of each group, in points; `fit_scales` refits it to the trials."""
_OTHER = 0.05
"""The same of a group that is not named there."""
_MISFIT = 0.1
"""Initial standard deviation of the part of a score that no feature explains, in points."""


_LEFT_OUT = 500
"""How many targets are left out in turn, at most, where there are more of them than columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The estimated contribution of one feature of a prompt to its score, in points."""

    feature: str
    mean: float
    standard_deviation: float
    trials: int
    """How many trials had the feature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The posterior of some weighted sums of the weights."""

    mean: FloatArray
    """Shape (sums,)."""
    covariance: FloatArray
    """Shape (sums, sums)."""
    influence: FloatArray
    """How much each target moves the mean of each sum, shape (sums, trials)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearModel:
    """Gaussian posterior of the weights in `design @ weights = target`, with prior mean zero.

    It is exact, and computed in the smaller of the two dimensions: trials or columns.
    """

    design: FloatArray
    """Shape (trials, columns)."""
    target: FloatArray
    noise: FloatArray
    """Noise variance of each target, shape (trials,)."""
    prior: FloatArray
    """Prior variance of each weight, shape (columns,)."""

    def draw(self, rng: np.random.Generator, *, temper: float = 1.0) -> FloatArray:
        """Draw weights, shape (columns,), from the posterior by Matheron's rule: correct a prior draw by its residual.

        `temper` scales their distance from the posterior mean. Matheron's rule: see Wilson et al. 2020.
        """
        weights = temper * rng.normal(size=self.prior.size) * np.sqrt(self.prior)
        errors = temper * rng.normal(size=self.noise.size) * np.sqrt(self.noise)
        return weights + self._gain(self.target - self.design @ weights - errors)

    def mean(self) -> FloatArray:
        """Posterior mean of each weight."""
        return self._gain(self.target)

    def deviation(self) -> FloatArray:
        """Posterior standard deviation of each weight."""
        factor = np.linalg.cholesky(self.covariance())
        half = solve_triangular(factor, self.design * self.prior, lower=True)
        variance: FloatArray = self.prior - (half**2).sum(axis=0)
        return np.sqrt(np.maximum(variance, 0.0))

    def sums(self, rows: FloatArray) -> Sums:
        """The posterior of `rows @ weights`; `rows` has the shape (sums, columns)."""
        with_targets = (rows * self.prior) @ self.design.T
        influence: FloatArray = cho_solve(cho_factor(self.covariance()), with_targets.T).T
        covariance = (rows * self.prior) @ rows.T - influence @ with_targets.T
        return Sums(mean=influence @ self.target, covariance=covariance, influence=influence)

    def log_evidence(self) -> float:
        """The log-density of the targets, up to a constant."""
        return _log_evidence(self.covariance(), self.target)

    def surprise(self, *, unexplained: float = 0.0) -> float:
        """How far the targets lie from what the others predict of them: a root mean square, in standard deviations.

        It is 1 if the model is right. `unexplained` is a variance in `noise` that predictions shall take no account of.
        Each target is left out in closed form (Rasmussen and Williams 2006, section 5.4.2), of many only some.
        """
        noise = self.noise - unexplained
        if len(self.target) <= self.prior.size:
            inverse = np.linalg.inv((self.design * self.prior) @ self.design.T + np.diag(noise))
            errors, freedom = inverse @ self.target, np.diag(inverse)
        else:  # the same inverse by the Woodbury identity, for an even choice of the targets
            scaled = self.design / noise[:, None]
            some = np.linspace(0, len(noise) - 1, min(len(noise), _LEFT_OUT)).astype(int)
            factor = np.linalg.cholesky(self._precision(noise))
            half = solve_triangular(factor, scaled[some].T, lower=True, check_finite=False)
            whole = solve_triangular(factor, scaled.T @ self.target, lower=True, check_finite=False)
            errors = self.target[some] / noise[some] - half.T @ whole
            freedom = 1.0 / noise[some] - (half**2).sum(axis=0)
        return float(np.sqrt(np.mean(errors**2 / freedom)))

    def covariance(self) -> FloatArray:
        """The covariance of the targets, whatever the weights are."""
        covariance: FloatArray = (self.design * self.prior) @ self.design.T + np.diag(self.noise)
        return covariance

    def _gain(self, residual: FloatArray) -> FloatArray:
        gain: FloatArray
        if len(self.target) <= self.prior.size:
            gain = self.prior * (self.design.T @ cho_solve(cho_factor(self.covariance()), residual))
        else:
            gain = cho_solve(cho_factor(self._precision(self.noise)), self.design.T @ (residual / self.noise))
        return gain

    def _precision(self, noise: FloatArray) -> FloatArray:
        """The inverse of the posterior covariance of the weights. A prompt has few of all features."""
        design = csr_array(self.design)
        precision: FloatArray = (design.T @ design.multiply(1.0 / noise[:, None])).toarray() + np.diag(1.0 / self.prior)
        return precision


def fit_scales(design: FloatArray, groups: Sequence[str], target: FloatArray, noise: FloatArray) -> dict[str, float]:
    """Prior standard deviation of each group of columns, and of the `misfit`, fitted by marginal likelihood.

    Two rounds over the groups halve or double each scale where that helps. A log-normal hyperprior keeps the scales
    near `_SCALES` while there are few trials.
    """
    names = sorted(set(groups) - {"intercept"})
    parts = {name: design[:, [group == name for group in groups]] for name in names}
    kernels = {name: part @ part.T for name, part in parts.items()} | {"misfit": np.eye(len(target))}
    start = {**dict.fromkeys(names, _OTHER), **_SCALES, "misfit": _MISFIT}
    scales = {name: start[name] for name in kernels}
    fixed = np.diag(noise) + _SCALES["intercept"] ** 2
    covariance = fixed + sum(scales[name] ** 2 * kernel for name, kernel in kernels.items())
    best = _log_evidence(covariance, target)
    for _ in range(2):
        for name, kernel in kernels.items():
            for factor in (0.5, 2.0):
                scale = scales[name] * factor
                moved = covariance + (scale**2 - scales[name] ** 2) * kernel
                drift = [np.log(s / start[n]) ** 2 for n, s in ({**scales, name: scale}).items()]
                evidence = _log_evidence(moved, target) - 0.5 * sum(drift)
                if evidence > best:
                    best, covariance, scales[name] = evidence, moved, scale
    return {**scales, "intercept": _SCALES["intercept"]}


def _log_evidence(covariance: FloatArray, target: FloatArray) -> float:
    factor = np.linalg.cholesky(covariance)
    white = solve_triangular(factor, target, lower=True, check_finite=False)
    return float(-0.5 * (white @ white) - np.log(np.diag(factor)).sum())
