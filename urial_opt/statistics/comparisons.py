"""Comparisons: what trials that saw different queries say of each other, free of the difficulty of the queries.

The scores enter as contributions (`strata.Strata.contributions`), whose plain mean is the average of a prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from urial_opt.statistics.strata import FloatArray

_LEAST_VARIANCE = 1e-3
"""Least variance of a contribution around its trial and its query."""
_NOTHING = 1e-9
"""Share of the largest eigenvalue below which a comparison says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparisons:
    """Independent comparisons between trials, each with its noise.

    Model: contribution = trial effect + query effect + noise, with a flat prior of the query effects. Without them, the
    precision of the trial effects is a graph Laplacian over the noise. Its eigenvectors are the comparisons: weighted
    sums of trials with independent errors, whose weights sum to zero. A pruned trial counts as far as its queries tell.
    """

    directions: FloatArray
    """Weight of each trial in each comparison, shape (comparisons, trials); the rows are orthonormal."""
    values: FloatArray
    """The value of each comparison, in points."""
    noise: FloatArray
    """The variance of each value."""
    variance: float
    """The variance of one contribution around its trial and its query."""
    scores: FloatArray
    """The contributions, shape (trials, queries); 0 where a trial has no score."""
    seen: FloatArray
    """1 where a trial has a score."""
    kinds: Sequence[str]
    """The kind of each query."""

    @property
    def answers(self) -> FloatArray:
        """How many scores each trial has."""
        answers: FloatArray = self.seen.sum(axis=1)
        return answers

    @property
    def trials(self) -> FloatArray:
        """The effect of each trial by its own scores, without shrinkage."""
        effects: FloatArray = self.values @ self.directions
        return effects

    @property
    def level_weights(self) -> FloatArray:
        """Share of each trial in `level`, shape (trials,); the shares sum to 1."""
        weights: FloatArray = (self.seen / self.seen.sum(axis=0)).mean(axis=1)
        return weights

    @property
    def level(self) -> float:
        """The mean over the queries of their mean contribution.

        A prompt whose effect exceeds the mean effect of the trials, weighted by `level_weights`, exceeds it as much.
        """
        return float((self.scores.sum(axis=0) / self.seen.sum(axis=0)).mean())

    def spread_over_queries(self, influence: FloatArray) -> FloatArray:
        """The variance of the estimates `influence @ values`, as the differences between the queries show it.

        `noise` takes residuals to be independent. That is too little if an exemplar helps with the same queries in each
        of its trials. Here each query counts once (cluster-robust, within kinds). `influence`: estimates x comparisons.
        """
        by_trial = (influence * self.noise / self.variance) @ self.directions
        by_query = by_trial @ _residuals(self.scores, self.seen, self.trials)
        variance = np.zeros(len(influence))
        for kind in sorted(set(self.kinds)):
            some = by_query[:, [each == kind for each in self.kinds]]
            number = some.shape[1]
            if number > 1:
                variance += number / (number - 1) * ((some - some.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        return variance


def compare(contributions: FloatArray, kinds: Sequence[str]) -> Comparisons:
    """Comparisons between trials. `contributions` is trials x queries, NaN where a trial has no score.

    `kinds` gives the kind of each query. Queries without a score are left out. There may be no comparison, if no two
    trials share a query.
    """
    asked = np.flatnonzero((~np.isnan(contributions)).any(axis=0))
    kinds = [kinds[query] for query in asked.tolist()]
    contributions = contributions[:, asked]
    seen = (~np.isnan(contributions)).astype(np.float64)
    scores = np.nan_to_num(contributions)
    strength, directions, values = _eliminated(scores, seen)
    variance = _variance(scores, seen, kinds)
    return Comparisons(
        directions=directions,
        values=values,
        noise=variance / strength,
        variance=variance,
        scores=scores,
        seen=seen,
        kinds=kinds,
    )


def _eliminated(scores: FloatArray, seen: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The eigenvalues and eigenvectors of the Laplacian that are not zero, and the values of the comparisons."""
    askings = np.maximum(seen.sum(axis=0), 1)
    laplacian = np.diag(seen.sum(axis=1)) - (seen / askings) @ seen.T
    strength, vectors = np.linalg.eigh(laplacian)
    says = strength > _NOTHING * max(float(strength[-1]), 1.0)
    strength, directions = strength[says], vectors[:, says].T
    centred = seen * (scores - scores.sum(axis=0) / askings)
    return strength, directions, directions @ centred.sum(axis=1) / strength


def _residuals(scores: FloatArray, seen: FloatArray, effects: FloatArray) -> FloatArray:
    """Contributions less trial and query effects; 0 where a trial has no score."""
    left = scores - seen * effects[:, None]
    residuals: FloatArray = seen * (left - left.sum(axis=0) / np.maximum(seen.sum(axis=0), 1))
    return residuals


def _variance(scores: FloatArray, seen: FloatArray, kinds: Sequence[str]) -> float:
    """The variance of a contribution around its trial and its query.

    It is fitted in each kind, as in `shrinkage`: blocks hold the kinds in fixed shares, so that a trial's differences
    between kinds are no noise.
    """
    total, share = 0.0, 0
    for kind in sorted(set(kinds)):
        those = [each == kind for each in kinds]
        some, there = scores[:, those], seen[:, those]
        strength, directions, values = _eliminated(some, there)
        squares = float((_residuals(some, there, values @ directions) ** 2).sum())
        freedom = int(there.sum()) - there.shape[1] - strength.size  # one mean a query, one effect a comparison
        if freedom > 0:
            total, share = total + squares / freedom * there.shape[1], share + there.shape[1]
    return max(total / share, _LEAST_VARIANCE) if share else 1.0
