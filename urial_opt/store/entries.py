"""What the store returns about a search: settings and status, ranked trials, results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from urial_opt.aspects import Aspect
from urial_opt.objective import Constraint, Objective, TokenCount
from urial_opt.records import Candidate, Estimate, Evaluation, Split, TrialRecord
from urial_opt.store.processes import WorkingProcess
from urial_opt.store.worker_records import WorkerRecord


class SearchStatus(StrEnum):
    """Status of a search."""

    PLANNED = "planned"
    """It was only planned; no process has worked on it."""
    RUNNING = "running"
    """A process works on it."""
    STOPPED = "stopped"
    """By the user, by a limit, or because its process was killed; it can be resumed."""
    FAILED = "failed"
    """A model, the judge or the store failed; it can be resumed."""
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciders:
    """The versions of what decides in a search, from one of its trials on."""

    first_trial: int
    versions: Mapping[str, int] | None
    """By what decides, such as `sampler`; None for a version of the program that did not store them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRecord:
    """One search: its settings, how it stands and, once finished, its outcome."""

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
    reason: str = ""
    """Why it stopped or failed."""
    process: WorkingProcess | None = None
    """Which process works, or last worked, on it; None if none has."""
    workers: tuple[WorkerRecord, ...] = ()
    """The processes that work, or have worked, on it, in the order in which they began."""
    deciders: tuple[Deciders, ...] = ()
    """Oldest first; empty before the first run."""
    models: Mapping[str, Any] | None = None
    """How its models were opened, as `roles.opened_as` describes it; None if that is not known."""

    @property
    def objective(self) -> Objective:
        """What the search maximises."""
        settings: Mapping[str, Any] = self.settings
        return Objective(
            weights={Aspect(name): float(weight) for name, weight in settings["weights"].items()},
            prices={TokenCount(name): float(price) for name, price in settings.get("prices", {}).items()},
            pareto=tuple(settings.get("pareto", ())),
        )

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The bounds that it obeys; a search of earlier versions names none."""
        settings: Mapping[str, Any] = self.settings
        return tuple(Constraint.read(each) for each in settings.get("constraints", ()))


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
    has_result: bool = False
    """Whether it was finished, perhaps with a smaller budget than it runs with now."""
    reason: str = ""
    """Why it stopped or failed."""
    process: WorkingProcess | None = None
    workers: tuple[WorkerRecord, ...] = ()
    """The processes that work, or have worked, on it, in the order in which they began."""


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
