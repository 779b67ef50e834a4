"""Rounds: between trials, a proposer reads what happened and widens the pool where the search falls short.

A round comes when the search stalls: at least `SPACING` trials after the last one (or the start), once the best prompt
has not changed for `STALLED` trials, or after `OVERDUE` trials in any case; never when fewer than `LEFT` trials remain.
What was accepted gets a first look at once: the best prompt with the new part in place of what it was made from. Then
the sampler decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from urial_opt.datasets.queries import same_words
from urial_opt.errors import AdapterError
from urial_opt.evaluation.one_by_one import stored_one_by_one
from urial_opt.memory import Memory, RoundMemory
from urial_opt.prompt import Exemplar
from urial_opt.protocols import Billed, Gradual, Judge, Proposer
from urial_opt.records import TrialRecord, in_blocks
from urial_opt.search.agent.assignments import tasks_for
from urial_opt.search.agent.guards import failures
from urial_opt.search.agent.situation import shown_keys
from urial_opt.search.floor import is_below, judge_exemplars
from urial_opt.search.standing import Standing
from urial_opt.spaces.lineage import ACCEPTED, Attempt, Look, Round, attempts_at, fated
from urial_opt.spaces.proposals import Draft, Situation, Source, Task
from urial_opt.spaces.space import SearchSpace, without_generations

ROUNDS_VERSION = 1
"""Raise it when a round comes elsewhere, is shown, asks for or keeps out something else (see `versions.py`)."""
SPACING = 15
STALLED = 10
OVERDUE = 35
LEFT = 15
_AT_ONCE = 4
"""How many texts are written between two writes to the store, if the proposer does not hand them on one by one."""
ATTEMPTS = 3
"""How often a task is tried: once, and again with the failed guards in words."""


def due(rounds: Sequence[Round], standing: Standing, *, following: int, budget: int, most: int) -> bool:
    """Whether a round should come before the next trial, which has the number `following`.

    There may be `most` rounds. Trials under way, which have no outcome yet, do not count as having failed to improve.
    """
    if standing.best is None or len(rounds) >= most or budget - following < LEFT:
        return False
    since = following - (rounds[-1].after + len(rounds[-1].looks) if rounds else 0)
    stalled = len(standing.records) - 1 - list(standing.records).index(standing.improved_at or 0)
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
    before: Callable[[int], None] = lambda _: None
    """Called before so many drafts are asked for; what it raises leaves the round to go on later."""


def take_round(
    begun: Round,
    writing: Writing,
    space: SearchSpace,
    situation: Situation,
    best: TrialRecord,
    winners: Sequence[Source],
) -> Round:
    """Carry out a round that was begun, perhaps earlier; what is stored of it is not asked for again.

    `best` is the best trial, `winners` are system prompts that are each best on other queries. AdapterError if the
    judge of new exemplars fails; a proposer that fails only leaves the round with less.
    """
    diagnosis = begun.diagnosis
    if diagnosis is None:
        diagnosis = writing.proposer.diagnose(situation)
        writing.rounds.add_diagnosis(begun.number, begun.proposer, diagnosis)
        writing.memory.settle()
    tasks = dict(enumerate(tasks_for(space, situation, diagnosis.weaknesses, winners)))
    gathered = _Gathered(space=space, number=begun.number)
    for number in range(ATTEMPTS):
        tasks = gathered.take(tasks, _attempts(begun, writing, tasks, number))
    attempts = _held_to_floor(gathered, space, writing)
    closed = replace(begun, diagnosis=diagnosis, attempts=attempts, closed=True)
    closed = replace(closed, looks=tuple(_looks(closed, closed.grow(space), space, best)))
    writing.rounds.close_round(closed)
    return closed


def _attempts(begun: Round, writing: Writing, tasks: Mapping[int, Task], number: int) -> list[Attempt]:
    """The attempts with this number at the tasks: stored ones, and new ones where there are none."""
    attempts = {each.task: each for each in begun.attempts if each.number == number}
    missing = {place: task for place, task in tasks.items() if place not in attempts}
    at_once = max(1, len(missing)) if isinstance(writing.proposer, Gradual) else _AT_ONCE
    for places in in_blocks(list(missing), at_once):
        attempts |= _written(begun, writing, {place: missing[place] for place in places}, number)
    return [attempts[place] for place in tasks]


def _written(begun: Round, writing: Writing, tasks: Mapping[int, Task], number: int) -> dict[int, Attempt]:
    """New attempts at the tasks, each stored as soon as it is there."""
    attempts: dict[int, Attempt] = {}

    def store(rows: Sequence[int], drafts: Sequence[Draft]) -> None:
        places = [list(tasks)[row] for row in rows]
        fresh = attempts_at({place: tasks[place] for place in places}, drafts, number=number)
        writing.rounds.add_attempts(begun.number, begun.proposer, fresh)
        attempts.update({each.task: each for each in fresh})

    # what is asked of a server is checked request by request
    writing.before(1 if isinstance(writing.proposer, Billed) else len(tasks))
    stored_one_by_one(writing.proposer, lambda: writing.proposer.write(list(tasks.values())), store)
    writing.memory.settle()
    return attempts


@dataclass(slots=True, kw_only=True)
class _Gathered:
    """The attempts of a round so far, with those that passed in a space of their own."""

    space: SearchSpace
    """With what passed, so that nothing enters twice."""
    number: int
    attempts: list[Attempt] = field(default_factory=list)

    def take(self, tasks: Mapping[int, Task], attempts: Sequence[Attempt]) -> dict[int, Task]:
        """Check attempts, and return the tasks to try again, with what was wrong in words."""
        again: dict[int, Task] = {}
        for attempt in attempts:
            task, draft = tasks[attempt.task], attempt.draft
            if draft.trouble is None:
                wrong = failures(attempt.proposal, self.space)
                remarks = tuple(failure.remark for failure in wrong)
                fate = f"the guard {wrong[0].guard!r}: {wrong[0].remark}" if wrong else ACCEPTED
            else:
                remarks = (f"Your reply could not be used: {draft.trouble}.",) if draft.reply else ()
                fate = draft.trouble
            if remarks:
                # as it is stored, so that a resumed round asks the same
                text = "" if draft.trouble else attempt.proposal.text.strip()
                again[attempt.task] = replace(task, last=text or draft.reply, remarks=remarks)
            key = _key(attempt, self.space, self.number) if fate == ACCEPTED else ""
            self.attempts.append(fated(attempt, fate, key=key))
            if key:
                passed = Round(number=0, after=0, best=0, proposer="", attempts=(self.attempts[-1],))
                self.space = passed.grow(self.space)
        return again


def _key(attempt: Attempt, space: SearchSpace, number: int) -> str:
    """A free key or name: `Finland/friendly` for a restyled exemplar if possible, else one that names the round."""
    proposal = attempt.proposal
    label = f"r{number}-{attempt.task}"
    if proposal.part == "system":
        return label
    row = proposal.parents[0].partition("/")[0] if proposal.parents else label
    style = proposal.style or "written"
    key = f"{row}/{style}"
    return f"{row}/{style}-{label}" if key in space.exemplars or key in space.barred else key


def _held_to_floor(gathered: _Gathered, space: SearchSpace, writing: Writing) -> tuple[Attempt, ...]:
    """The attempts in order, with the exemplars below the space's floor refused."""
    new = {each.key: each.proposal.exemplar for each in gathered.attempts if each.proposal.part == "exemplar"}
    exemplars = [exemplar for key, exemplar in new.items() if key]
    fates = _fates(exemplars, space, writing) if space.exemplar_floor else {}
    attempts = [
        fated(each, fate) if each.key and (fate := fates.get(each.proposal.exemplar.id)) else each
        for each in gathered.attempts
    ]
    return tuple(sorted(attempts, key=lambda each: (each.task, each.number)))


def _fates(exemplars: Sequence[Exemplar], space: SearchSpace, writing: Writing) -> dict[str, str]:
    """Why the judge keeps exemplars out, by id. An error that may pass ends the round, to go on later."""
    try:
        judged = judge_exemplars(exemplars, writing.judge, writing.memory)
    except AdapterError as error:
        if error.retryable:
            raise
        if len(exemplars) == 1:
            return {exemplars[0].id: f"it could not be judged: {error}"}
        return {id_: fate for each in exemplars for id_, fate in _fates([each], space, writing).items()}
    low = (id_ for id_, judgment in judged.items() if is_below(judgment, space.exemplar_floor))
    return dict.fromkeys(low, "below the floor for exemplars")


def _looks(closed: Round, space: SearchSpace, before: SearchSpace, best: TrialRecord) -> list[Look]:
    """One look for each new system prompt and new exemplar, and one for all restyled exemplars of a style.

    A style is shown alone: a base model that sees two may keep to the older one.
    """
    params = without_generations(best.candidate.params)
    keys = list(before.exemplar_keys(params))
    shown = list(shown_keys(before, best))
    system = str(params["system"])

    def look(*shows: str, system: str = system, exemplars: Sequence[str] = keys) -> Look:
        clauses = [name for name in space.clauses if params.get(f"clause_{name}")]
        chosen = space.params_of(system=system, exemplars=exemplars, clauses=clauses, decoding=params)
        return Look(params=chosen, shows=shows)

    looks = [look(each.key, system=each.key) for each in closed.accepted if each.proposal.part == "system"]
    restyled: dict[str, dict[str, str]] = {}
    for each in closed.accepted:
        if each.proposal.restyled:
            restyled.setdefault(each.proposal.style, {})[each.proposal.parents[0]] = each.key
    for style, swaps in restyled.items():
        there = {same_words(each.query): key for key, each in space.exemplars.items() if each.style == style}
        queries = {key: same_words(before.exemplars[key].query) for key in shown if key in before.exemplars}
        swaps = {key: there[query] for key, query in queries.items() if query in there} | swaps
        looks.append(look(*restyled[style].values(), exemplars=in_style(swaps, shown, before)))
    for each in closed.accepted:
        if each.proposal.part == "exemplar" and not each.proposal.restyled:
            kept = keys if len(keys) < space.k_max else keys[1:]
            looks.append(look(each.key, exemplars=[*kept[:-1], each.key, *kept[-1:]]))
    return looks


def in_style(swaps: Mapping[str, str], shown: Sequence[str], space: SearchSpace) -> list[str]:
    """The restyled exemplars in place of the shown ones; of the others only those of a kind that none of them has."""
    kinds = {space.known[key].kind for key in swaps}
    return [swaps.get(key, key) for key in shown if key in swaps or space.known[key].kind not in kinds]
