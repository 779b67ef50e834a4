"""Progress: the state of a search, as reported to its caller."""

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
    WRITING = "writing"
    """A round of the proposer."""
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The prompt with the best estimate so far."""

    trial: int
    estimate: Estimate
    """The shrunken estimate, which is less subject to luck than a raw mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The state of a search, reported after every block of queries."""

    name: str
    """Of the search, in the store."""
    phase: Phase
    done: int
    """Number of trials recorded, or, in other phases, of exemplars judged or prompts measured."""
    total: int
    states: Mapping[TrialState, int]
    best: Best | None
    improved_at: int | None
    """Number of the trial after which the best prompt last changed."""
    usage: Usage
    bill: Bill
    notes: tuple[str, ...] = ()
    """All notes for the user so far, one sentence each."""
    fraction: float = 0.0
    """How much of the trials under way was asked: the sum of their shares, 0 to 1 for each."""

    def __str__(self) -> str:
        """One line, so that `watch=print` is enough to follow a search."""
        best = f"best {self.best.estimate} (trial {self.best.trial})" if self.best else "none scored yet"
        return f"{self.phase} {self.done}/{self.total}, {best}, {self.bill.tokens:,} tokens"
