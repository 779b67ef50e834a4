"""Proposers of a few lines, honest as they are, whose results a test may spoil."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.small_adapters import Named, Spoil, as_it_is
from urial_opt.spaces.proposals import Diagnosis, Draft, Situation, Task, Weakness


@dataclass(frozen=True)
class Writes(Named):
    """A Proposer with one idea for every sort of task."""

    spoil: Spoil = as_it_is
    diagnosed: Spoil = as_it_is
    identities: Sequence[str] = Named.identities

    def diagnose(self, situation: Situation) -> Diagnosis:
        seen = tuple(seen.query_id for seen in situation.weakest)
        weakness = Weakness(sentence="They are dull.", queries=seen, exemplars=tuple(situation.exemplars))
        [diagnosis] = self.diagnosed([Diagnosis(weaknesses=(weakness,))])
        assert isinstance(diagnosis, Diagnosis)
        return diagnosis

    def write(self, tasks: Sequence[Task]) -> list[Draft]:
        drafts = [Draft(text=f"A better {task.sort}.", query="Why?" if task.sort == "create" else "") for task in tasks]
        return self.spoil(drafts)


class Stubborn(Writes):
    """Fails where it should try again."""

    def write(self, tasks: Sequence[Task]) -> list[Draft]:
        if any(task.remarks for task in tasks):
            raise ValueError("I have said all that I have to say")
        return super().write(tasks)
