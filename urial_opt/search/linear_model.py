"""Linear model: a Bayesian linear regression of a prompt's score on its system prompt, decoding and exemplars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular  # type: ignore[import-untyped]

from urial_opt.datasets.queries import same_words
from urial_opt.prompt import Exemplar
from urial_opt.statistics.strata import FloatArray, IntArray

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
_MISFIT = 0.1
"""Initial standard deviation of the part of a score that no feature explains, in points."""


class PromptSpace(Protocol):
    """The part of a search space that the model needs; `space.SearchSpace` implements it."""

    @property
    def exemplars(self) -> Mapping[str, Exemplar]: ...
    @property
    def systems(self) -> Sequence[str]: ...
    @property
    def clauses(self) -> Mapping[str, str]: ...
    @property
    def decoding(self) -> Mapping[str, Sequence[int | float]]: ...
    @property
    def k_min(self) -> int: ...
    @property
    def k_max(self) -> int: ...
    def exemplar_params(self, k: int) -> Sequence[str]: ...
    def exemplar_keys(self, params: Mapping[str, Any]) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The estimated contribution of one feature of a prompt to its score, in points."""

    feature: str
    mean: float
    standard_deviation: float
    trials: int
    """How many trials had the feature."""


class Features:
    """Encodes prompts as rows of integers and as bags of features, which are the columns of a linear model.

    A row is [system, clauses …, decoding choices …, exemplars in order …]; free slots are -1. Counts are coded as
    steps: the second warm exemplar adds the feature `style warm #2`, so returns may diminish.
    """

    def __init__(self, space: PromptSpace) -> None:
        self.space = space
        self.keys = list(space.exemplars)
        self.decoding = [name for name, choices in space.decoding.items() if len(choices) > 1]
        self.choices = [space.decoding[name] for name in self.decoding]
        self.composed = space.systems.index("composed") if space.clauses else -1
        self.slots = 1 + len(space.clauses) + len(self.decoding)
        """Index of the first exemplar in a row."""
        exemplars = list(space.exemplars.values())
        self.styles, self.style = _coded([exemplar.style for exemplar in exemplars])
        self.kinds, self._kind = _coded(
            ["safety" if "safety" in exemplar.tags else "regular" for exemplar in exemplars]
        )
        queries, self.query = _coded([same_words(exemplar.query) for exemplar in exemplars])
        self.k_max = min(space.k_max, len(queries))
        self.k_min = min(space.k_min, self.k_max)
        self.width = max(space.k_max, 1)
        """Number of exemplar slots in a row."""
        self.names: list[str] = []
        self.groups: list[str] = []
        self._columns: dict[str, slice] = {}
        styles, kinds, steps = self.styles, self.kinds, range(1, self.width + 1)
        self._intercept = self._add("intercept", ["intercept"])
        self._system = self._add("system", space.systems)
        self._clause = self._add("clause", space.clauses)
        self._decoded = [self._add("decoding", [f"{n} {c}" for c in space.decoding[n]]) for n in self.decoding]
        self._k = self._add("k", [f"#{step}" for step in steps])
        self._of_style = self._add("style", [f"{style} #{step}" for style in styles for step in steps])
        self._of_kind = self._add("kind", [f"{kind} #{step}" for kind in kinds for step in steps])
        self._pair = self._add("style of kind", [f"{style} {kind}" for style in styles for kind in kinds])
        self._exemplar = self._add("exemplar", self.keys)
        self._query = self._add("query", queries)
        self._first = self._add("first", [f"{style} {kind}" for style in styles for kind in kinds])
        self._last = self._add("last", [f"{style} {kind}" for style in styles for kind in kinds])
        self._last_of_kind = self._add("last of kind", [f"{style} {kind}" for style in styles for kind in kinds])
        self._under = self._add("style under system", [f"{s}, {style}" for s in space.systems for style in styles])
        self.classes = self.style * len(kinds) + self._kind
        """Style and kind of each exemplar, as one number."""

    def _add(self, group: str, names: Sequence[str] | Mapping[str, str]) -> int:
        first = len(self.names)
        self.names += [group if name == group else f"{group} {name}" for name in names]
        self.groups += [group] * len(names)
        self._columns[group] = slice(first, len(self.names))
        return first

    def columns_of(self, group: str) -> slice:
        """The range of a group's columns."""
        return self._columns[group]

    def row(self, params: Mapping[str, Any]) -> IntArray:
        """The row of a trial's parameters."""
        space = self.space
        row = np.full(self.slots + self.width, -1, dtype=np.int64)
        row[0] = list(space.systems).index(params["system"])
        row[1 : 1 + len(space.clauses)] = [bool(params.get(f"clause_{name}", False)) for name in space.clauses]
        chosen = [list(space.decoding[name]).index(params[name]) for name in self.decoding]
        row[1 + len(space.clauses) : self.slots] = chosen
        exemplars = [self.keys.index(key) for key in space.exemplar_keys(params)]
        row[self.slots : self.slots + len(exemplars)] = exemplars
        return row

    def params(self, row: IntArray) -> dict[str, Any]:
        """The trial parameters that a row encodes."""
        space = self.space
        params: dict[str, Any] = {"system": space.systems[row[0]]}
        if row[0] == self.composed:
            params |= {f"clause_{name}": bool(row[1 + i]) for i, name in enumerate(space.clauses)}
        exemplars = [self.keys[i] for i in row[self.slots :] if i >= 0]
        params |= {"k": len(exemplars), **dict(zip(space.exemplar_params(len(exemplars)), exemplars, strict=True))}
        start = 1 + len(space.clauses)
        return params | {n: space.decoding[n][row[start + i]] for i, n in enumerate(self.decoding)}

    def columns(self, rows: IntArray) -> IntArray:
        """Indices of the features of each row, shape (rows, width), padded with the number of columns."""
        nothing = len(self.names)
        exemplars = rows[:, self.slots :]
        there = exemplars >= 0
        style, kind, classes = self.style[exemplars], self._kind[exemplars], self.classes[exemplars]
        before = np.tri(exemplars.shape[1], k=-1, dtype=bool) & there[:, None, :]
        same_style = ((style[:, :, None] == style[:, None, :]) & before).sum(axis=2)
        same_kind = ((kind[:, :, None] == kind[:, None, :]) & before).sum(axis=2)
        steps = exemplars.shape[1]
        in_slots = [
            self._k + np.arange(steps),
            self._of_style + style * steps + same_style,
            self._of_kind + kind * steps + same_kind,
            self._pair + classes,
            self._exemplar + exemplars,
            self._query + self.query[exemplars],
            self._under + rows[:, :1] * len(self.styles) + style,
        ]
        some = there[:, 0]
        last = np.take_along_axis(classes, np.maximum(there.sum(axis=1) - 1, 0)[:, None], axis=1)[:, 0]
        last_of_kind = []
        for number in range(len(self.kinds)):
            of_kind = there & (kind == number)
            place = steps - 1 - of_kind[:, ::-1].argmax(axis=1)
            found = np.take_along_axis(classes, place[:, None], axis=1)[:, 0]
            last_of_kind.append(np.where(of_kind.any(axis=1), self._last_of_kind + found, nothing))
        clauses = rows[:, 1 : 1 + len(self.space.clauses)]
        start = 1 + len(self.space.clauses)
        single = [
            np.full(len(rows), self._intercept),
            self._system + rows[:, 0],
            *(self._decoded[i] + rows[:, start + i] for i in range(len(self.decoding))),
            *(np.where(clauses[:, i] > 0, self._clause + i, nothing) for i in range(clauses.shape[1])),
            np.where(some, self._first + classes[:, 0], nothing),
            np.where(some, self._last + last, nothing),
            *last_of_kind,
        ]
        return np.hstack([np.stack(single, axis=1), *(np.where(there, part, nothing) for part in in_slots)])

    def design(self, rows: IntArray) -> FloatArray:
        """The design matrix, shape (rows, columns): how often each row has each feature."""
        columns = self.columns(rows)
        counted = np.zeros((len(rows), len(self.names) + 1))
        np.add.at(counted, (np.arange(len(rows))[:, None], columns), 1.0)
        return counted[:, :-1]


def _coded(values: Sequence[str]) -> tuple[list[str], IntArray]:
    """The distinct values in order of appearance, and the index of each value among them."""
    different = list(dict.fromkeys(values))
    return different, np.array([different.index(value) for value in values], dtype=np.int64)


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
        factor = np.linalg.cholesky(self._covariance())
        half = solve_triangular(factor, self.design * self.prior, lower=True)
        variance: FloatArray = self.prior - (half**2).sum(axis=0)
        return np.sqrt(np.maximum(variance, 0.0))

    def _covariance(self) -> FloatArray:
        covariance: FloatArray = (self.design * self.prior) @ self.design.T + np.diag(self.noise)
        return covariance

    def _gain(self, residual: FloatArray) -> FloatArray:
        gain: FloatArray
        if len(self.target) <= self.prior.size:
            gain = self.prior * (self.design.T @ cho_solve(cho_factor(self._covariance()), residual))
        else:
            scaled = self.design / self.noise[:, None]
            precision = self.design.T @ scaled + np.diag(1.0 / self.prior)
            gain = cho_solve(cho_factor(precision), scaled.T @ residual)
        return gain


def fit_scales(design: FloatArray, groups: Sequence[str], target: FloatArray, noise: FloatArray) -> dict[str, float]:
    """Prior standard deviation of each group of columns, and of the `misfit`, fitted by marginal likelihood.

    Two rounds over the groups halve or double each scale where that helps. A log-normal hyperprior keeps the scales
    near `_SCALES` while there are few trials.
    """
    names = sorted(set(groups) - {"intercept"})
    parts = {name: design[:, [group == name for group in groups]] for name in names}
    kernels = {name: part @ part.T for name, part in parts.items()} | {"misfit": np.eye(len(target))}
    start = {**_SCALES, "misfit": _MISFIT}
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
