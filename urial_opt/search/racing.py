"""Racing: decides after each block, from paired differences with the best prompt so far, whether a trial goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from urial_opt.statistics.shrinkage import TrialEstimate
from urial_opt.statistics.signed_rank import wilcoxon_behind
from urial_opt.statistics.strata import FloatArray, Scores, Strata, stratified_mean

RACE_VERSION = 3
"""Raise it when the same scores end in another verdict, or other queries are asked (see `versions.py`)."""


class RaceVerdict(StrEnum):
    """What to do with a challenger after a block of queries."""

    GO_ON = "go on"
    STOP = "stop"
    """It is significantly behind the incumbent, or very unlikely to end ahead of it."""
    COMPLETED = "completed"
    """Every query was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Compares one challenger after another with the incumbent, the best prompt that was asked every query.

    Scores are compared in pairs, never as running means: the incumbent was asked every query, so the difficulty of a
    query cancels in the difference, as in F-Race (Birattari et al. 2002). Queries on which either has no readable score
    are left out.
    """

    strata: Strata
    """The dev queries, in the order asked."""
    incumbent: Scores | None = None
    """None if there is no incumbent yet; the challenger is then asked every query."""
    significance: float = 0.10
    """Stop at this p-value of a one-sided Wilcoxon signed-rank test (`wilcoxon_behind`), made after each block."""
    least_chance: float = 0.0
    """Stop for futility when the predicted chance of ending ahead is lower than this; 0 disables the rule."""

    def judge(self, scores: Scores) -> RaceVerdict:
        """Decide about a challenger; `scores` holds every query asked so far, with None for unreadable scores."""
        if len(scores) >= len(self.strata.kinds):
            return RaceVerdict.COMPLETED
        if self.incumbent is None:
            return RaceVerdict.GO_ON
        differences = self.strata.contributions(scores) - self.strata.contributions(self.incumbent)
        behind = wilcoxon_behind(differences) <= self.significance
        futile = chance_to_end_ahead(differences) < self.least_chance
        return RaceVerdict.STOP if behind or futile else RaceVerdict.GO_ON

    def after(self, scores: Scores) -> Race:
        """The race for the next challenger: this one is the new incumbent if it was asked all queries and is better.

        It is better if its mean is higher over the queries that both have a score for.
        """
        if self.judge(scores) is not RaceVerdict.COMPLETED:
            return self
        if self.incumbent is not None:
            paired = self.strata.only(_read(scores) & _read(self.incumbent))
            ours, theirs = (stratified_mean(each, paired).mean for each in (scores, self.incumbent))
            if not ours > theirs:
                return self
        return replace(self, incumbent=dict(scores))


def _read(scores: Scores) -> set[str]:
    return {query for query, score in scores.items() if score is not None}


def chance_to_end_ahead(differences: FloatArray) -> float:
    """Predicted probability that the mean of all differences will be positive.

    `differences` has one value per query; NaN marks those not seen yet. The mean of the rest is predicted by a normal
    distribution with the mean and spread of the differences seen. The result is 1 with fewer than two pairs.
    """
    seen = differences[~np.isnan(differences)]
    rest = differences.size - seen.size
    if seen.size < 2:
        return 1.0
    # the final mean is the observed mean plus an error of variance s² · rest / (seen · all)
    error = float(seen.std(ddof=1)) * (rest / (seen.size * differences.size)) ** 0.5
    mean = float(seen.mean())
    return NormalDist().cdf(mean / error) if error > 0 else float(mean >= 0)


def finalists(
    estimates: Mapping[int, TrialEstimate], number: int, *, first: Callable[[int], int] = lambda _: 0
) -> list[int]:
    """Keys of the best estimates, best first: ordered by the value of `first`, then by mean, then the earlier trial."""
    return sorted(estimates, key=lambda key: (-first(key), -estimates[key].mean, key))[:number]
