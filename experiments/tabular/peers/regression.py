"""Regression: what judged answers say of all prompts, by Bayesian linear regression on the parts of a prompt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.tabular.peers.judged import JudgedAnswers
from urial_opt.statistics.strata import FloatArray, IntArray

_PRIOR = 0.2
"""Standard deviation of what one part adds to a score, before any answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """Mean and standard deviation of the scores of some prompts."""

    mean: FloatArray
    deviation: FloatArray


def believe(answers: JudgedAnswers, prompts: IntArray) -> Belief:
    """What the answers judged so far say of some prompts; queries that are harder than others are allowed for."""
    bench, asked = answers.bench, answers.asked
    rows = np.flatnonzero(asked.any(axis=1))
    seen = np.where(asked[rows], bench.scores[rows], np.nan)
    some = np.isfinite(seen).any(axis=1)
    rows, seen = rows[some], seen[some]
    if not len(rows):
        level = np.zeros(len(prompts))
        return Belief(mean=level, deviation=level + _PRIOR)
    known = np.isfinite(seen)
    counts = known.sum(axis=1)
    overall = float(np.nanmean(seen))
    # A query's effect is shrunken as if it had two more answers, at the overall mean.
    hard = np.where(known, seen - overall, 0.0).sum(axis=0) / (known.sum(axis=0) + 2.0)
    left = np.where(known, seen - overall - hard, 0.0)
    means = left.sum(axis=1) / counts
    within = np.where(known, (left - means[:, None]) ** 2, 0.0).sum()
    noise = max(float(within) / max(int(counts.sum()) - len(rows), 1), 0.05)
    # What the features cannot explain of a prompt counts as noise, too.
    weights = 1.0 / (noise / counts + (_PRIOR / 2) ** 2)
    design = bench.features[rows]
    precision = design.T @ (design * weights[:, None]) + np.eye(design.shape[1]) / _PRIOR**2
    covariance = np.linalg.inv(precision)
    effects = covariance @ (design.T @ (weights * means))
    of = bench.features[prompts]
    return Belief(mean=overall + of @ effects, deviation=np.sqrt(((of @ covariance) * of).sum(axis=1)))
