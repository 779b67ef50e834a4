"""How a search ended: what was measured on the test queries, the gain, and the JSON object that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from urial_opt.evaluation.scorecard import Scorecard
from urial_opt.records import Candidate, Estimate, Evaluation, ProbeShift, TrialState, Usage, estimate_json, shift_json
from urial_opt.spending import Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One context on the test queries."""

    candidate: Candidate | None
    """None for the aligned model."""
    evaluation: Evaluation
    card: Scorecard
    prompt_tokens: int | None
    """Tokens that the context costs before a query; None where the generator cannot count."""

    def as_json(self) -> dict[str, object]:
        """Keys: `average`, `interval`, `aspects`, `missing`, `queries`, `prompt_tokens`, `prompt`."""
        return {
            **estimate_json(self.card.average, mean="average"),
            "aspects": {aspect.value: estimate_json(each) for aspect, each in self.card.aspects.items()},
            "missing": self.card.missing,
            "queries": self.card.queries,
            "prompt_tokens": self.prompt_tokens,
            "prompt": self.candidate.prompt.id if self.candidate else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftOutcome:
    """What a search learnt about token shift: see `probe`."""

    queries: int
    """Of the probe."""
    by_trial: Mapping[int, ProbeShift]
    """Of the survivors that were measured."""
    found: ProbeShift | None
    """Of the prompt found; None if it was not measured."""
    start: ProbeShift | None
    """Of the prompt that the search started from, likewise."""
    correlation: Estimate | None
    """Spearman's, of surprise with the shrunken score over these trials; None if too few or all alike."""
    usage: Usage

    def as_json(self) -> dict[str, object]:
        """Keys: `queries`, `trials`, `tokens`, `correlation`, and `start` and `found` as `shift_json`."""
        return {
            "queries": self.queries,
            "trials": len(self.by_trial),
            "tokens": self.usage.prompt_tokens + self.usage.completion_tokens,
            "correlation": estimate_json(self.correlation) if self.correlation else None,
            "start": shift_json(self.start) if self.start else None,
            "found": shift_json(self.found) if self.found else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """How a search ended."""

    name: str
    zero_shot: Measured
    hand_written: Measured
    found: Measured
    aligned: Measured | None
    found_trial: int
    gain: Estimate
    """Found minus hand-written on the test queries, with its paired 95 % interval."""
    states: Mapping[TrialState, int]
    usage: Usage
    bill: Bill
    """What each role took, over all runs of the search."""
    shift: ShiftOutcome | None
    """None where there was no aligned model that could be compared with the base model."""
    seconds: float
    """Time spent on trials and measurements, over all runs of this search."""
    database: str
    """Path, or URL without its password."""

    @property
    def contexts(self) -> dict[str, Measured]:
        """What was measured, by name, in the order shown."""
        measured = {"zero_shot": self.zero_shot, "hand_written": self.hand_written, "found": self.found}
        return measured | ({"aligned": self.aligned} if self.aligned else {})

    @property
    def significant(self) -> bool:
        """Whether the interval of the gain lies above zero."""
        return self.gain.low > 0

    def as_json(self) -> dict[str, object]:
        """The object that `search --json` prints; every key is described in the README."""
        spent = self.usage.prompt_tokens + self.usage.completion_tokens
        return {
            "name": self.name,
            **{role: measured.as_json() for role, measured in self.contexts.items()},
            **({} if self.aligned else {"aligned": None}),
            "gain": estimate_json(self.gain) | {"significant": self.significant},
            "found_trial": self.found_trial,
            "trials": {"total": sum(self.states.values())} | {state.value: n for state, n in self.states.items()},
            "seconds": round(self.seconds, 1),
            "tokens": {
                "spent": spent,
                "prompt": self.usage.prompt_tokens,
                "completion": self.usage.completion_tokens,
                "saved": self.usage.saved_tokens,
            },
            "shift": self.shift.as_json() if self.shift else None,
            "spending": self.bill.as_json(),
            "cost": None if self.bill.total is None else round(self.bill.total, 6),
            "database": self.database,
        }
