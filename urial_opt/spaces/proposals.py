"""Proposals: what a proposer is shown of a search, what it is asked to write for the space, and what it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from urial_opt.aspects import Aspect, QueryKind
from urial_opt.prompt import Exemplar
from urial_opt.records import Usage
from urial_opt.spaces.restyling import StyleRule

Part: TypeAlias = Literal["system", "exemplar"]
Sort: TypeAlias = Literal["system", "restyle", "create", "merge"]
"""What to write: a system prompt, an exemplar in another style, a new exemplar, or one system prompt from two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAnswer:
    """An answer to a dev query under the best prompt, and its verdict."""

    query_id: str
    query: str
    kind: QueryKind
    answer: str
    scores: Mapping[Aspect, float | None]
    reasons: Mapping[str, str]
    """Why, by aspect, in the words of the judge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An earlier proposal and what became of it."""

    sort: Sort
    text: str
    style: str
    fate: str
    """In words: the guard that it failed, or its effect on the score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A search as a proposer sees it: the best prompt so far, on dev queries alone."""

    system: str
    """The best prompt's system text."""
    exemplars: Mapping[str, Exemplar]
    """The best prompt's exemplars by key, in order; those of the starting prompt if it has none."""
    aspects: Mapping[Aspect, float]
    """The best prompt's mean score on each aspect."""
    weakest: tuple[SeenAnswer, ...]
    """Its answers with the lowest scores, lowest first."""
    shift: tuple[str, ...] = ()
    """What the base model under it still does not do as the aligned model does, in sentences."""
    tried: tuple[Tried, ...] = ()
    """Earlier proposals, the latest last."""
    lacking: tuple[str, ...] = ()
    """The traits in `shift.traits.TRAITS` that these sentences say are lacking."""
    styles: tuple[str, ...] = ()
    """Names of the styles in the pool."""
    rules: tuple[StyleRule, ...] = ()
    """The space's rules for styles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """What the best prompt does badly, with evidence."""

    sentence: str
    aspects: tuple[Aspect, ...] = ()
    queries: tuple[str, ...] = ()
    """Ids of dev queries that show it."""
    exemplars: tuple[str, ...] = ()
    """Keys of exemplars of the best prompt that teach it."""
    style: str = ""
    """The style that might repair it; empty if none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """At most three weaknesses, and the exchange in which a model named them."""

    weaknesses: tuple[Weakness, ...]
    asked: str = ""
    """What a model was asked; empty if no model was."""
    reply: str = ""
    """Its reply, as it came."""
    usage: Usage = field(default_factory=Usage)
    trouble: str | None = None
    """Why there are no weaknesses, if it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A part of a prompt that something new is written from."""

    name: str
    """The exemplar's key, or the system prompt's name."""
    text: str
    """The exemplar's answer, or the system text."""
    exemplar: Exemplar | None = None
    good_at: tuple[str, ...] = ()
    """Dev queries that it is best at, as texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One part to write."""

    sort: Sort
    weakness: Weakness
    sources: tuple[Source, ...]
    """What to start from, the most important first; for `create`, exemplars that show the form."""
    most: int
    """The maximum number of characters."""
    style: str = ""
    """The style of the exemplar to write."""
    rules: tuple[StyleRule, ...] = ()
    """The space's rules for styles."""
    sentences: tuple[str, ...] = ()
    """For a system prompt: sentences of other system prompts and clauses of the space, which may be used."""
    kind: QueryKind = "regular"
    """The kind of query that the exemplar is about."""
    failing: tuple[SeenAnswer, ...] = ()
    """Answers that show the weakness."""
    last: str = ""
    """What was written before for this task; empty at the first attempt."""
    remarks: tuple[str, ...] = ()
    """What was wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a proposer wrote for one task."""

    text: str = ""
    """The system text, or the exemplar's answer."""
    query: str = ""
    """The query of a new exemplar."""
    reason: str = ""
    """Why it is written so, in a sentence."""
    asked: str = ""
    """What a model was asked; empty if no model was."""
    reply: str = ""
    """Its reply, as it came."""
    usage: Usage = field(default_factory=Usage)
    trouble: str | None = None
    """Why there is no text, if it failed."""


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


def proposal_of(task: Task, draft: Draft) -> Proposal:
    """The proposal that a draft makes."""
    parents = tuple(source.name for source in task.sources)
    first = task.sources[0].exemplar if task.sources else None
    if task.sort in ("system", "merge"):
        text = f"{draft.text.strip()}\n"
        return Proposal(part="system", text=text, parents=parents, reason=draft.reason)
    restyled = first if task.sort == "restyle" else None
    return Proposal(
        part="exemplar",
        text=draft.text.strip(),
        query=restyled.query if restyled else draft.query.strip(),
        kind=restyled.kind if restyled else task.kind,
        style=task.style,
        restyled=restyled,
        parents=parents if restyled else (),
        reason=draft.reason,
    )
