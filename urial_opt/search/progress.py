"""Progress of a search, as reported to whoever watches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from urial_opt.records import Estimate, TrialState, Usage
from urial_opt.spending import Bill


class Phase(StrEnum):
    """What a search is doing."""

    EXEMPLARS = "exemplars"
    """Judging the exemplars of the pool."""
    TRIALS = "search"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The prompt believed best so far."""

    trial: int
    estimate: Estimate
    """Shrunken, not the luckiest mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a search is; reported after every block of queries."""

    phase: Phase
    done: int
    """Trials recorded; exemplars judged or prompts measured in other phases."""
    total: int
    states: Mapping[TrialState, int]
    best: Best | None
    improved_at: int | None
    """Number of the trial that last changed which prompt is believed best."""
    usage: Usage
    bill: Bill
    notes: tuple[str, ...] = ()
    """What whoever runs the search should know, all said so far; a sentence each."""
    fraction: float = 0.0
    """How much of the current trial's queries were asked, 0 to 1."""

    def __str__(self) -> str:
        """One line, so that `watch=print` is enough to follow a search."""
        best = f"best {self.best.estimate} (trial {self.best.trial})" if self.best else "none scored yet"
        return f"{self.phase} {self.done}/{self.total}, {best}, {self.bill.tokens:,} tokens"
