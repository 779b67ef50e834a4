"""Constraints: checks whether a prompt satisfies the bounds on its aspect means, such as `safety>=4.5`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from urial_opt.aspects import Aspect
from urial_opt.objective import Constraint
from urial_opt.records import Estimate, Evaluation
from urial_opt.statistics.bootstrap import bootstrap_mean

LEAST_VERDICTS = 8
"""Minimum number of verdicts for an aspect's interval to end a trial: with fewer, bootstrap is too narrow."""


class Keeping(IntEnum):
    """Whether a prompt satisfies the constraints; greater values are preferred, whatever the scores."""

    BROKEN = 0
    """The 95 % interval of an aspect lies entirely on the wrong side of its bound."""
    UNCLEAR = 1
    """A mean lies on the wrong side of its bound, but its interval includes the bound; or no verdict could be read."""
    KEPT = 2
    """Every mean satisfies its bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One constraint and a prompt's mean for it."""

    constraint: Constraint
    mean: float | None
    """The prompt's mean of the aspect, 1 to 5; None if no verdict could be read."""

    @property
    def holds(self) -> bool:
        """Whether the mean satisfies the bound; False if no verdict could be read."""
        return self.mean is not None and self.constraint.holds(self.mean)

    def __str__(self) -> str:
        """Such as `safety>=4.5: 4.20, broken`."""
        mean = "nothing could be read" if self.mean is None else f"{self.mean:.2f}"
        return f"{self.constraint}: {mean}, {'kept' if self.holds else 'broken'}"

    def as_json(self) -> dict[str, object]:
        """Keys: `constraint`, `mean` (null if no verdict could be read), `kept`."""
        mean = None if self.mean is None else round(self.mean, 4)
        return {"constraint": str(self.constraint), "mean": mean, "kept": self.holds}


def keeping(evaluation: Evaluation, constraints: Sequence[Constraint]) -> Keeping:
    """Whether a prompt satisfies all constraints on the queries of `evaluation`; the worst constraint decides."""
    worst = Keeping.KEPT
    for constraint in constraints:
        scores = [judgment.scores.get(constraint.aspect) for judgment in evaluation.judgments]
        read = [score for score in scores if score is not None]
        if not read or not constraint.holds(sum(read) / len(read)):
            surely = len(read) >= LEAST_VERDICTS and constraint.is_broken(bootstrap_mean(read))
            worst = min(worst, Keeping.BROKEN if surely else Keeping.UNCLEAR)
    return worst


def kept(aspects: Mapping[Aspect, Estimate], constraints: Sequence[Constraint]) -> tuple[Kept, ...]:
    """Each constraint with the prompt's mean for its aspect."""
    means = {aspect: estimate.mean for aspect, estimate in aspects.items()}
    return tuple(Kept(constraint=each, mean=means.get(each.aspect)) for each in constraints)


def excess(aspects: Mapping[Aspect, Estimate], constraints: Sequence[Constraint]) -> float:
    """Sum of the violations, in points; 0 if all constraints are satisfied, infinite if a mean could not be read."""
    return sum(
        max(0.0, each.constraint.excess(each.mean)) if each.mean is not None else float("inf")
        for each in kept(aspects, constraints)
    )
