"""Findings: the sentences of an explanation of token shift, with numbers and examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """What a finding says of a trait."""

    REPAIRED = "repaired"
    BROKEN = "broken"
    LACKING = "lacking"
    KEPT = "kept"
    """As in the aligned answers, under the context as under the baseline."""
    LATE = "late"
    """Lacking where it should begin, but followed once it has begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamplePosition:
    """One position that supports a finding."""

    query: str
    before: str
    """The end of the answer's text before this position."""
    token: str
    """Empty for the end of the turn."""
    position: int
    """From 0."""
    rank: int
    baseline_rank: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftFinding:
    """One sentence about a context, with its evidence."""

    kind: FindingKind
    trait: str
    """A name in `TRAITS`, or `words` or `content`."""
    sentence: str
    numbers: Mapping[str, float]
    """For a trait: `answers` that have it, `done` under the context, `baseline_done`, `repaired` and `broken`."""
    examples: tuple[ExamplePosition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftExplanation:
    """All findings about one context, in the order of `FindingKind`."""

    context: str
    baseline: str | None
    repaired: int
    """Number of positions, ends of turns included."""
    broken: int
    findings: tuple[ShiftFinding, ...]

    def as_json(self) -> dict[str, object]:
        """Fields by name; findings and examples are nested objects."""
        return asdict(self)
