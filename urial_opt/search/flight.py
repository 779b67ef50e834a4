"""Flight: one trial under way, block by block, from its proposal to its record."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from urial_opt.evaluation.constraints import Keeping, keeping
from urial_opt.evaluation.scorecard import query_values, usage_of
from urial_opt.records import Candidate, Evaluation, Query, TrialRecord, TrialState, Usage
from urial_opt.search.front import may_be_on_front
from urial_opt.search.racing import RaceVerdict
from urial_opt.search.running import RunningSearch
from urial_opt.search.seeding import blocks_of, steps_of
from urial_opt.statistics.strata import Scores
from urial_opt.store import Lease

NOTHING = Evaluation(queries=(), completions=(), judgments=())


@dataclass(slots=True, kw_only=True)
class Flight:
    """A trial under way."""

    number: int
    optuna_number: int
    candidate: Candidate
    steps: Sequence[Sequence[Query]]
    """All queries that it may be asked, in order: those between two looks at it."""
    lease: Lease | None = None
    """None for a trial that a search runs by itself."""
    proposed_at: int = 0
    """The tick at which it was proposed: its k-th look is at tick k after this one."""
    evaluation: Evaluation = NOTHING
    scores: Scores = field(default_factory=dict)
    keeps: Keeping = Keeping.KEPT
    began: float = field(default_factory=time.perf_counter)
    shared: float | None = None
    """Seconds under way, divided by how many were under way with it; None for a trial that is run by itself."""

    @property
    def looks(self) -> int:
        """How many looks it has had, in earlier runs too."""
        return len(self.lease.looks) if self.lease else 0

    @property
    def key(self) -> tuple[int, int]:
        """Its place among the decisions of a search whose decisions have a fixed order."""
        return self.proposed_at + self.looks + 1, self.number

    def next_step(self, *, whole: bool) -> list[Query]:
        """What to ask next: a step, or with `whole` all that are left; first, all that was looked at before."""
        seen = len(self.evaluation.queries)
        steps, asked = self.steps, 0
        while asked < seen:
            asked, steps = asked + len(steps[0]), steps[1:]
        again = 0 if seen else self.looks
        return [query for step in (steps if whole else steps[: again + 1]) for query in step]

    def look(self, search: RunningSearch, asked: Evaluation) -> RaceVerdict:
        """Add what was asked, and decide whether the trial goes on."""
        self.evaluation = search.counted(self.candidate, self.evaluation + asked)
        self.scores = query_values(self.evaluation, search.space.objective)
        self.keeps = keeping(self.evaluation, search.space.constraints)
        verdict = search.standing.look(self.scores, self.keeps)
        stops = verdict is RaceVerdict.STOP and self.keeps is not Keeping.BROKEN
        if stops and may_be_on_front(search, self.scores, self.evaluation):
            return RaceVerdict.GO_ON
        return verdict

    def record(self, verdict: RaceVerdict) -> TrialRecord:
        """The trial as it ends with this verdict."""
        read = any(score is not None for score in self.scores.values())
        complete = TrialState.COMPLETE if verdict is RaceVerdict.COMPLETED else TrialState.PRUNED
        return TrialRecord(
            number=self.number,
            optuna_number=self.optuna_number,
            candidate=self.candidate,
            query_scores=self.scores,
            state=complete if read else TrialState.FAILED,
            seconds=time.perf_counter() - self.began if self.shared is None else self.shared,
            usage=usage_of(self.evaluation),
        )

    def too_long(self) -> TrialRecord:
        """The trial as it ends if its prompt does not fit the base model: it has failed."""
        self.evaluation, self.scores = NOTHING, {}
        return TrialRecord(
            number=self.number,
            optuna_number=self.optuna_number,
            candidate=self.candidate,
            query_scores={},
            state=TrialState.FAILED,
            seconds=0.0,
            usage=Usage(),
        )


def share_time(flights: Collection[Flight], since: float) -> float:
    """Divide the time since the last call among the trials under way, so that their seconds add up; the time now."""
    now = time.perf_counter()
    for each in flights:
        each.shared = (each.shared or 0.0) + (now - since) / len(flights)
    return now


def fly(search: RunningSearch, candidate: Candidate, number: int, *, optuna_number: int) -> Flight:
    """A trial that begins."""
    blocks = blocks_of(search.blocks, seed=search.options.seed, trial=number)
    steps = steps_of(blocks, parallel=search.parallel)
    return Flight(number=number, optuna_number=optuna_number, candidate=candidate, steps=steps)
