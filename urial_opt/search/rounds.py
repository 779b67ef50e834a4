"""Rounds: between trials, a proposer reads what happened and widens the pool where the search falls short.

A round comes when the search stalls: at least `SPACING` trials after the last one (or the start), once the best prompt
has not changed for `STALLED` trials, or after `OVERDUE` trials in any case; never when fewer than `LEFT` trials remain.
What was accepted gets a first look at once: the best prompt with the new part in place of what it was made from. Then
the sampler decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from urial_opt.memory import Memory, RoundMemory
from urial_opt.protocols import Judge, Proposer
from urial_opt.records import Params, TrialRecord
from urial_opt.search.assignments import assignments
from urial_opt.search.floor import exemplars_below
from urial_opt.search.guards import failures
from urial_opt.search.situation import Lacking
from urial_opt.search.standing import Standing
from urial_opt.spaces.lineage import ACCEPTED, Attempt, Look, Round, attempts_at, fated
from urial_opt.spaces.proposals import Situation, Source, Task
from urial_opt.spaces.space import COMPOSED, SearchSpace, without_generations
from urial_opt.statistics.bootstrap import bootstrap_mean

SPACING = 20
STALLED = 12
OVERDUE = 45
LEFT = 15
ATTEMPTS = 3
"""How often a task is tried: once, and again with the failed guards in words."""


def due(rounds: Sequence[Round], standing: Standing, *, budget: int, most: int) -> bool:
    """Whether a round should come before the next trial, if there may be `most` of them."""
    done = len(standing.records)
    if standing.best is None or len(rounds) >= most or budget - done < LEFT:
        return False
    since = done - (rounds[-1].after + len(rounds[-1].looks) if rounds else 0)
    stalled = done - 1 - (standing.improved_at or 0)
    return since >= OVERDUE or (since >= SPACING and stalled >= STALLED)


def look_of(rounds: Sequence[Round], trial: int) -> Look | None:
    """The look that the trial with this number is; None if the sampler proposes it."""
    return next((r.looks[trial - r.after] for r in rounds if 0 <= trial - r.after < len(r.looks)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What a round is written with."""

    proposer: Proposer
    judge: Judge
    memory: Memory
    """Of verdicts on new exemplars."""
    rounds: RoundMemory


def take_round(
    begun: Round, writing: Writing, space: SearchSpace, situation: Situation, best: TrialRecord, winners: Sequence[Source]
) -> Round:
    """Carry out a round that was begun, perhaps earlier; what is stored of it is not asked for again."""
    if begun.diagnosis is None:
        diagnosis = writing.proposer.diagnose(situation)
        writing.rounds.add_diagnosis(begun.number, diagnosis)
        begun = replace(begun, diagnosis=diagnosis)
    assert begun.diagnosis is not None
    tasks = dict(enumerate(assignments(space, situation, begun.diagnosis.weaknesses, winners)))
    passed: dict[int, Attempt] = {}
    finished: list[Attempt] = []
    for number in range(ATTEMPTS):
        attempts = _attempts(begun, writing, tasks, number)
        tasks, checked = _guarded(space, tasks, attempts, passed)
        finished += checked
        if not tasks:
            break
    judged = _held_to_floor(writing, space, passed)
    named = _named(begun.number, space, judged)
    everything = tuple(sorted([*finished, *named], key=lambda each: (each.task, each.number)))
    closed = replace(begun, attempts=everything, closed=True)
    closed = replace(closed, looks=_looks(closed, closed.grow(space), best))
    writing.rounds.close_round(closed)
    return closed


def _attempts(begun: Round, writing: Writing, tasks: Mapping[int, Task], number: int) -> list[Attempt]:
    """The attempts with this number: stored ones, and new ones for the other tasks."""
    stored = {each.task: each for each in begun.attempts if each.number == number}
    missing = {place: task for place, task in tasks.items() if place not in stored}
    if missing:
        fresh = attempts_at(missing, writing.proposer.write(list(missing.values())), number=number)
        writing.rounds.add_attempts(begun.number, fresh)
        stored |= {each.task: each for each in fresh}
    return [stored[place] for place in tasks]


def _guarded(
    space: SearchSpace, tasks: Mapping[int, Task], attempts: Sequence[Attempt], passed: dict[int, Attempt]
) -> tuple[dict[int, Task], list[Attempt]]:
    """The tasks to try again, with remarks, and the attempts that failed; those that pass join `passed`."""
    again: dict[int, Task] = {}
    failed: list[Attempt] = []
    for attempt in attempts:
        task = tasks[attempt.task]
        if attempt.draft.trouble:
            failed.append(fated(attempt, attempt.draft.trouble))
            if not task.remarks:
                continue
            continue
        wrong = failures(attempt.proposal, _with(space, passed.values()))
        if wrong:
            failed.append(fated(attempt, f"the guard {wrong[0].guard!r}: {wrong[0].remark}"))
            remarks = tuple(failure.remark for failure in wrong)
            again[attempt.task] = replace(task, last=attempt.draft.text, remarks=remarks)
        else:
            passed[attempt.task] = attempt
    return again, failed
