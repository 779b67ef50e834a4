"""Racing: stops a prompt early, by paired differences with the best prompt so far, block by block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from urial_opt.statistics.shrinkage import TrialEstimate
from urial_opt.statistics.signed_rank import wilcoxon_behind
from urial_opt.statistics.strata import FloatArray, Scores, Strata, stratified_mean


class RaceVerdict(StrEnum):
    """What to do with a challenger after a block of queries."""

    GO_ON = "go on"
    STOP = "stop"
    """It is behind the incumbent, or all but sure to end behind it."""
    COMPLETED = "completed"
    """Every query was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """One challenger after another against the incumbent, the best prompt that was asked every query.

    Pairs are compared, never running means: all prompts see the same queries in the same order, and how hard a query is
    cancels in the difference. Queries on which either has no readable score are left out.
    """

    strata: Strata
    """The dev queries, in the order asked."""
    incumbent: Scores | None = None
    """None: there is none yet, and the challenger goes on to the end."""
    significance: float = 0.10
    """Stop at this p value of a one-sided signed-rank test (`wilcoxon_behind`), looked at after each block."""
    least_chance: float = 0.0
    """Futility: stop when the chance to end ahead, were the rest like what was seen, is less. 0 switches it off."""

    def judge(self, scores: Scores) -> RaceVerdict:
        """Look at a challenger; `scores` holds every query asked so far, None where unread."""
        if len(scores) >= len(self.strata.kinds):
            return RaceVerdict.COMPLETED
        if self.incumbent is None:
            return RaceVerdict.GO_ON
        differences = self.strata.contributions(scores) - self.strata.contributions(self.incumbent)
        behind = wilcoxon_behind(differences) <= self.significance
        futile = chance_to_end_ahead(differences) < self.least_chance
        return RaceVerdict.STOP if behind or futile else RaceVerdict.GO_ON

    def after(self, scores: Scores) -> Race:
        """The race for the next challenger: this one is the new incumbent if it was asked all queries and is better."""
        if self.judge(scores) is not RaceVerdict.COMPLETED:
            return self
        if self.incumbent is not None:
            ours, theirs = (stratified_mean(each, self.strata).mean for each in (scores, self.incumbent))
            if not ours > theirs:
                return self
        return replace(self, incumbent=dict(scores))


def chance_to_end_ahead(differences: FloatArray) -> float:
    """Predicted probability that the mean of all differences will be positive; NaN marks those not yet seen.

    Normal prediction of the mean of the rest from the mean and spread of what was seen. 1 with fewer than two pairs.
    """
    seen = differences[~np.isnan(differences)]
    rest = differences.size - seen.size
    if seen.size < 2:
        return 1.0
    # the final mean is the mean seen plus an error of variance s² · rest / (seen · all)
    error = float(seen.std(ddof=1)) * (rest / (seen.size * differences.size)) ** 0.5
    mean = float(seen.mean())
    return NormalDist().cdf(mean / error) if error > 0 else float(mean >= 0)


def finalists(
    estimates: Mapping[int, TrialEstimate], number: int, *, first: Callable[[int], int] = lambda _: 0
) -> list[int]:
    """Keys of the best few, best first: the greatest of `first`, then the greatest mean, then the earlier."""
    return sorted(estimates, key=lambda key: (-first(key), -estimates[key].mean, key))[:number]
