"""Proposals: parts of prompts that a proposer writes for a search space, each with what it was made from and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from urial_opt.aspects import QueryKind
from urial_opt.prompt import Exemplar

Part: TypeAlias = Literal["system", "exemplar"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One part of a prompt, a system text or an exemplar, that may enter the pool of a search."""

    part: Part
    text: str
    """The system text, or the exemplar's answer."""
    query: str = ""
    """The exemplar's query."""
    kind: QueryKind = "regular"
    """The kind of the exemplar's query."""
    style: str = ""
    """The style of the exemplar's answer."""
    restyled: Exemplar | None = None
    """The exemplar whose answer was restyled; its facts must be kept."""
    parents: tuple[str, ...] = ()
    """Keys of the exemplars, or names of the system prompts, that it was made from."""
    reason: str = ""
    """Why it was written, in a sentence."""

    @property
    def exemplar(self) -> Exemplar:
        """The proposal as an exemplar of the pool."""
        return Exemplar(
            query=self.query,
            answer=self.text,
            style=self.style,
            tags=(self.kind, self.style),
            parent=self.restyled.id if self.restyled else None,
        )
