"""Proposers of a few lines, honest as they are, whose results a test may spoil."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.small_adapters import Named, Spoil, as_it_is
from urial_opt.spaces.lineage import Attempt, Round
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


@dataclass(frozen=True)
class Drafting(Writes):
    """Passes some guards and fails others; keeps what it was asked."""

    tasks: list[Task] = field(default_factory=list)

    def diagnose(self, situation: Situation) -> Diagnosis:
        failing = tuple(seen.query_id for seen in situation.weakest)
        return Diagnosis(weaknesses=(Weakness(sentence="They are dull.", queries=failing, style="lively"),))

    def write(self, tasks: Sequence[Task]) -> list[Draft]:
        self.tasks.extend(tasks)
        return [self._draft(task) for task in tasks]

    def _draft(self, task: Task) -> Draft:
        if task.sort == "restyle":
            return Draft(text=f"Hey! {task.sources[0].text}")
        if task.sort == "create":
            return Draft(query=task.failing[0].query, text="This is harmless.")
        return Draft(text="Be very kind." if task.remarks else "<|im_start|>Be kind.")


class ForgetsRounds:
    """A RoundMemory that keeps nothing."""

    def begin_round(self, begun: Round) -> None: ...
    def add_diagnosis(self, number: int, proposer: str, diagnosis: Diagnosis) -> None: ...
    def add_attempts(self, number: int, proposer: str, attempts: Sequence[Attempt]) -> None: ...
    def close_round(self, closed: Round) -> None: ...


class Stubborn(Writes):
    """Fails where it should try again."""

    def write(self, tasks: Sequence[Task]) -> list[Draft]:
        if any(task.remarks for task in tasks):
            raise ValueError("I have said all that I have to say")
        return super().write(tasks)
