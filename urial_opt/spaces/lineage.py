"""Lineage: the rounds in which a proposer widened the pool of a search, and what became of everything it wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from urial_opt.prompt import Exemplar
from urial_opt.records import Params
from urial_opt.spaces.proposals import Diagnosis, Draft, Proposal, Task, proposal_of
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.variants import grown

ACCEPTED = "in the pool"
"""The fate of an attempt that entered the pool; other fates say why it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at a task, and what became of it."""

    task: int
    """Number of the task in its round, from 0."""
    number: int
    """Number of the attempt at the task, from 0."""
    proposal: Proposal
    draft: Draft
    fate: str = ""
    """`ACCEPTED`, or why it is not in the pool; empty until it is known."""
    key: str = ""
    """The exemplar's key or the system prompt's name, if it is in the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A trial that shows what something new does: the best prompt with it in place of what it was made from."""

    params: Params
    shows: tuple[str, ...]
    """The new keys and names in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of a proposer."""

    number: int
    after: int
    """How many trials had been recorded; the next ones are the looks, in order."""
    best: int
    """Number of the best trial then, which the looks are compared with."""
    proposer: str
    """Its identity."""
    lacking: tuple[str, ...] = ()
    """Traits that the base model lacked under the best prompt."""
    shift: tuple[str, ...] = ()
    """The same in sentences."""
    diagnosis: Diagnosis | None = None
    """None until it is known."""
    attempts: tuple[Attempt, ...] = ()
    looks: tuple[Look, ...] = ()
    closed: bool = False
    """Whether the fates and looks are known; an interrupted round goes on where it stopped."""

    @property
    def accepted(self) -> list[Attempt]:
        """The attempts that entered the pool."""
        return [attempt for attempt in self.attempts if attempt.fate == ACCEPTED]

    def grow(self, space: SearchSpace) -> SearchSpace:
        """The space with what was accepted in this round."""
        exemplars: dict[str, Exemplar] = {}
        systems: dict[str, str] = {}
        parents: dict[str, tuple[str, ...]] = {}
        for attempt in self.accepted:
            proposal = attempt.proposal
            if proposal.part == "system":
                systems[attempt.key] = proposal.text
            else:
                exemplars[attempt.key] = proposal.exemplar
            parents[attempt.key] = proposal.parents
        return grown(space, exemplars=exemplars, systems=systems, parents=parents)


def attempts_at(tasks: Mapping[int, Task], drafts: Sequence[Draft], *, number: int) -> list[Attempt]:
    """The drafts as the attempts with this number at the tasks, whose numbers are the keys."""
    return [
        Attempt(task=place, number=number, proposal=proposal_of(task, draft), draft=draft)
        for (place, task), draft in zip(tasks.items(), drafts, strict=True)
    ]


def fated(attempt: Attempt, fate: str, *, key: str = "") -> Attempt:
    """The attempt with what became of it."""
    return replace(attempt, fate=fate, key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestor:
    """A part of a prompt with the parts that it was made from, as a tree."""

    name: str
    parents: tuple[Ancestor, ...] = field(default=())


def family(space: SearchSpace, name: str) -> Ancestor:
    """The family tree of an exemplar or a system prompt of the space."""
    return Ancestor(name=name, parents=tuple(family(space, each) for each in space.parents.get(name, ())))
