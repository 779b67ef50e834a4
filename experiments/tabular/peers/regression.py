"""Regression: what judged answers say of all prompts, by Bayesian linear regression on the parts of a prompt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.tabular.peers.judged import JudgedAnswers
from urial_opt.statistics.strata import FloatArray

_PRIOR = 0.2
"""Standard deviation of what one part adds to a score, before any answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """Mean and standard deviation of the score of every prompt."""

    mean: FloatArray
    deviation: FloatArray


def believe(answers: JudgedAnswers) -> Belief:
    """The belief after the answers judged so far; queries that are harder than others are allowed for."""
    bench, asked = answers.bench, answers.asked
    seen = np.where(asked & np.isfinite(bench.scores), bench.scores, np.nan)
    rows = np.flatnonzero(np.isfinite(seen).any(axis=1))
    if not len(rows):
        level = np.zeros(len(bench.prompts))
        return Belief(mean=level, deviation=level + _PRIOR)
    known = np.isfinite(seen[rows])
    counts = known.sum(axis=1)
    overall = float(np.nanmean(seen[rows]))
    # A query's effect is shrunken as if it had two more answers, at the overall mean.
    hard = np.where(known, seen[rows] - overall, 0.0).sum(axis=0) / (known.sum(axis=0) + 2.0)
    left = np.where(known, seen[rows] - overall - hard, 0.0)
    means = left.sum(axis=1) / counts
    within = np.where(known, (left - means[:, None]) ** 2, 0.0).sum()
    noise = max(float(within) / max(int(counts.sum()) - len(rows), 1), 0.05)
    # What the features cannot explain of a prompt counts as noise, too.
    weights = 1.0 / (noise / counts + (_PRIOR / 2) ** 2)
    design = bench.features[rows]
    precision = design.T @ (design * weights[:, None]) + np.eye(design.shape[1]) / _PRIOR**2
    covariance = np.linalg.inv(precision)
    effects = covariance @ (design.T @ (weights * means))
    variance = np.einsum("ij,jk,ik->i", bench.features, covariance, bench.features)
    return Belief(mean=overall + bench.features @ effects, deviation=np.sqrt(variance))
