"""Lineage: the rounds in which a proposer widened the pool of a search, and what became of everything it wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from urial_opt.prompt import Exemplar
from urial_opt.records import Params
from urial_opt.spaces.proposals import Diagnosis, Draft, Part, Proposal, Task, proposal_of
from urial_opt.spaces.space import NO_SYSTEM, SearchSpace, without_generations
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
    """The exemplar's key, or the system prompt's name."""
    part: Part
    round: Round | None = None
    """The round in which it was written; None if a person wrote it."""
    attempt: Attempt | None = None
    parents: tuple[Ancestor, ...] = ()


def family(rounds: Sequence[Round], name: str, part: Part) -> Ancestor:
    """The family tree of an exemplar or a system prompt, back to what a person wrote."""
    made = {(attempt.proposal.part, attempt.key): (each, attempt) for each in rounds for attempt in each.accepted}
    if (part, name) not in made:
        return Ancestor(name=name, part=part)
    in_round, attempt = made[part, name]
    before = [each for each in rounds if each.number < in_round.number]
    parents = tuple(family(before, each, part) for each in attempt.proposal.parents)
    return Ancestor(name=name, part=part, round=in_round, attempt=attempt, parents=parents)


def families(rounds: Sequence[Round], space: SearchSpace, params: Params) -> list[Ancestor]:
    """The family trees of the parts of a prompt of `space`: of its system prompt, if it has one, and each exemplar."""
    system = str(without_generations(params)["system"])
    trees = [] if system == NO_SYSTEM else [family(rounds, system, "system")]
    return [*trees, *(family(rounds, key, "exemplar") for key in space.exemplar_keys(params))]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPart:
    """A part of a prompt that a proposer wrote."""

    part: Part
    name: str
    round: int
    parents: tuple[str, ...]
    """What it was made from; empty if it was written anew."""

    def __str__(self) -> str:
        made = " and ".join(map(repr, self.parents))
        what = "system prompt" if self.part == "system" else "exemplar"
        return f"the {what} {self.name!r} (round {self.round}, {f'from {made}' if made else 'new'})"

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> WrittenPart:
        """The part that `as_json` described."""
        return cls(**{**stored, "parents": tuple(stored["parents"])})

    def as_json(self) -> dict[str, object]:
        """Keys: `part` (system or exemplar), `name`, `round`, `parents` (names)."""
        return {"part": self.part, "name": self.name, "round": self.round, "parents": list(self.parents)}


def written_parts(trees: Sequence[Ancestor]) -> tuple[WrittenPart, ...]:
    """Those parts of a prompt that a proposer wrote."""
    return tuple(
        WrittenPart(
            part=each.part,
            name=each.name,
            round=each.round.number,
            parents=tuple(name for name in each.attempt.proposal.parents if name != NO_SYSTEM),
        )
        for each in trees
        if each.round and each.attempt
    )
