"""Constraints: checks whether a prompt satisfies bounds on its aspect means and its tokens, such as `safety>=4.5`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from urial_opt.aspects import Aspect
from urial_opt.objective import Constraint, Measure, TokenCount
from urial_opt.records import Evaluation
from urial_opt.statistics.bootstrap import bootstrap_mean

LEAST_VERDICTS = 8
"""Minimum number of verdicts for an aspect's interval to end a trial: with fewer, bootstrap is too narrow."""


class Keeping(IntEnum):
    """Whether a prompt satisfies the constraints; greater values are preferred, whatever the scores."""

    BROKEN = 0
    """The 95 % interval of an aspect or of the answers' tokens, or the prompt's length, lies beyond its bound."""
    UNCLEAR = 1
    """A mean lies on the wrong side of its bound, but its interval includes the bound; or no verdict could be read."""
    KEPT = 2
    """Every mean satisfies its bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One constraint and a prompt's mean for it."""

    constraint: Constraint
    mean: float | None
    """The prompt's mean of the aspect, 1 to 5, or of the tokens; None if no verdict could be read, or none counted."""

    @property
    def holds(self) -> bool:
        """Whether the mean satisfies the bound; False if no verdict could be read."""
        return self.mean is not None and self.constraint.holds(self.mean)

    def __str__(self) -> str:
        """Such as `safety>=4.5: 4.20, broken`."""
        mean = "nothing could be read" if self.mean is None else f"{self.mean:.2f}"
        if isinstance(self.constraint.aspect, TokenCount):
            mean = "not counted" if self.mean is None else f"{self.mean:,.1f}".removesuffix(".0")
        return f"{self.constraint}: {mean}, {'kept' if self.holds else 'broken'}"

    def as_json(self) -> dict[str, object]:
        """Keys: `constraint`, `mean` (null if no verdict could be read), `kept`."""
        mean = None if self.mean is None else round(self.mean, 4)
        return {"constraint": str(self.constraint), "mean": mean, "kept": self.holds}


def keeping(evaluation: Evaluation, constraints: Sequence[Constraint]) -> Keeping:
    """Whether a prompt satisfies all constraints on the queries of `evaluation`; the worst constraint decides."""
    worst = Keeping.KEPT
    for constraint in constraints:
        read = _read(evaluation, constraint.aspect)
        if not read or not constraint.holds(sum(read) / len(read)):
            # the tokens of a prompt are known; of everything else some values are a sample
            known = constraint.aspect is TokenCount.PROMPT and bool(read)
            surely = known or (len(read) >= LEAST_VERDICTS and constraint.is_broken(bootstrap_mean(read)))
            worst = min(worst, Keeping.BROKEN if surely else Keeping.UNCLEAR)
    return worst


def _read(evaluation: Evaluation, of: Measure) -> list[float]:
    """What is known of an aspect or of tokens, one value for each query, or one for the prompt."""
    if isinstance(of, Aspect):
        found = [judgment.scores.get(of) for judgment in evaluation.judgments]
    else:
        found = [evaluation.prompt_tokens] if of is TokenCount.PROMPT else [*evaluation.answer_tokens]
    return [value for value in found if value is not None]


def kept(means: Mapping[Measure, float], constraints: Sequence[Constraint]) -> tuple[Kept, ...]:
    """Each constraint with the prompt's mean for what it bounds (`Scorecard.means`)."""
    return tuple(Kept(constraint=each, mean=means.get(each.aspect)) for each in constraints)


def bounding_answers(constraints: Sequence[Constraint]) -> list[Constraint]:
    """Those that bound an aligned model, which has no prompt that could be too long."""
    return [each for each in constraints if each.aspect is not TokenCount.PROMPT]


def excess(means: Mapping[Measure, float], constraints: Sequence[Constraint]) -> float:
    """Sum of the violations, as `Constraint.excess`; 0 if all are satisfied, infinite if a mean could not be read."""
    return sum(
        max(0.0, each.constraint.excess(each.mean)) if each.mean is not None else float("inf")
        for each in kept(means, constraints)
    )
