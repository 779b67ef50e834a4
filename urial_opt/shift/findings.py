"""Findings: what an explanation of token shift says, with examples."""

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
    """As it should be, with and without the context."""
    LATE = "late"
    """Lacking where it should begin, but gone along with once it has begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamplePosition:
    """One position that a finding rests on."""

    query: str
    before: str
    """The end of the answer up to there."""
    token: str
    """Empty for the end of the turn."""
    position: int
    """From 0."""
    rank: int
    baseline_rank: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftFinding:
    """One sentence about a context, and what it rests on."""

    kind: FindingKind
    trait: str
    """One of the names in `TRAITS`, or `words`, `content`."""
    sentence: str
    numbers: Mapping[str, float]
    """Of traits: `answers` that have it, `done` under the context and `baseline_done`; `repaired` and `broken` ones."""
    examples: tuple[ExamplePosition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftExplanation:
    """Everything found about one context, the most telling first."""

    context: str
    baseline: str | None
    repaired: int
    """Positions, the end of the turn among them."""
    broken: int
    findings: tuple[ShiftFinding, ...]

    def as_json(self) -> dict[str, object]:
        """Fields by name; findings and examples are objects of theirs."""
        return asdict(self)
