"""What the store returns about a search: settings and status, ranked trials, results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from urial_opt.records import Candidate, Estimate, Evaluation, Split, TrialRecord


class SearchStatus(StrEnum):
    """Status of a search."""

    RUNNING = "running"
    """Not finished; it can be resumed."""
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRecord:
    """One search: its settings and, once finished, its outcome."""

    name: str
    created_at: str
    """ISO 8601, UTC."""
    settings: Mapping[str, object]
    """Everything that determines its outcome, JSON-representable."""
    status: SearchStatus
    summary: Mapping[str, object] | None
    """The final JSON object; None until it is finished."""
    floor: Mapping[str, object] | None = None
    """What the floor for exemplars has decided; None if it has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSummary:
    """One line of a list of searches."""

    name: str
    created_at: str
    """ISO 8601, UTC."""
    trials: int
    """Number of recorded trials."""
    status: SearchStatus
    best: Estimate | None
    shifted: float | None
    """Share of the probe's tokens that are shifted under the prompt found; None if it was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedTrial:
    """A trial and its shrunken estimate."""

    trial: TrialRecord
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResult:
    """A measurement outside the trials: a reference, a finalist or the winner, on a split."""

    role: str
    """`zero_shot`, `hand_written`, `finalist`, `found` or `aligned`."""
    split: Split
    candidate: Candidate | None
    """None for the aligned model, which answers without a URIAL prompt."""
    evaluation: Evaluation
