"""Final: chooses the winner among the best few prompts on `validation` and measures it once on `test`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeAlias

from urial_opt.aspects import Missing
from urial_opt.datasets.fitting import Fitting
from urial_opt.errors import ContextError, InputError
from urial_opt.evaluation.constraints import bounding_answers, excess, kept
from urial_opt.evaluation.evaluator import evaluated
from urial_opt.evaluation.scorecard import query_values, strata_of, summed_up, usage_of
from urial_opt.evaluation.token_counts import counted, counted_aligned, known_length
from urial_opt.evaluation.unreadable import nothing_read, unreadable_judge
from urial_opt.objective import Objective
from urial_opt.protocols import ChatGenerator
from urial_opt.records import (
    Candidate,
    Estimate,
    Evaluation,
    Query,
    Sampling,
    Split,
    TrialState,
    in_blocks,
)
from urial_opt.search.lanes import Lanes
from urial_opt.search.progress import Phase
from urial_opt.search.result import Choice, Measured, SearchResult, ShiftOutcome
from urial_opt.search.running import RunningSearch
from urial_opt.spaces.lineage import families, written_parts
from urial_opt.statistics.bootstrap import bootstrap_difference
from urial_opt.statistics.correlation import rank_correlation

CHOICE_VERSION = 1
"""Raise it when the same trials lead to another choice at the end (see `versions.py`)."""
FINALISTS = 5
"""How many prompts advance from `dev` to `validation`, not counting the starting prompt."""
_Key: TypeAlias = tuple[str, int]
"""A role, and the trial if it is that of a finalist."""
_NO_GAIN = Estimate(mean=0.0, low=0.0, high=0.0)
_MEASURED_AT_ONCE = 128
"""How many queries are asked between two checks of the limits."""


def finish(search: RunningSearch) -> SearchResult:
    """Choose the winner on `validation`, measure it and the yardsticks on `test`, and store the results.

    InputError if no trial was scored on all dev queries.
    """
    started = time.perf_counter()
    space, aligned = search.space, search.models.aligned
    contexts = {
        "zero_shot": space.zero_shot,
        "plain_icl": space.plain_icl,
        "hand_written": space.hand_written,
    }
    total = len(contexts) + 1 + bool(aligned)
    measured: dict[str, Measured] = {}
    with Lanes[_Key, Evaluation](search.parallel, ended_by=search.end) as lanes:
        finalists = _finalists(search)
        for number in finalists:
            candidate = search.standing.records[number].candidate
            lanes.start(("finalist", number), partial(_ask, search, "validation", candidate))
        for role, candidate in contexts.items():
            lanes.start((role, 0), partial(_ask, search, space.queries.held_out, candidate))
        if aligned:
            lanes.start(("aligned", 0), partial(_ask_aligned, search, aligned))
        choices = _choose(search, lanes, finalists)
        for role, candidate in contexts.items():
            search.report(Phase.TEST, done=len(measured), total=total)
            try:
                evaluation = lanes.take((role, 0))
            except ContextError:
                if role == "hand_written":
                    raise
                continue  # a yardstick with which no query fits the base model is left out
            measured[role] = _measured(search, role, space.queries.held_out, candidate, evaluation)
        search.report(Phase.TEST, done=len(measured), total=total)
        choice, measured["found"] = _measure_found(search, choices)
        winner = search.standing.records[choice.trial]
        if aligned:
            search.report(Phase.TEST, done=len(measured), total=total)
            with suppress(ContextError):  # as for the yardsticks above
                measured["aligned"] = _measured(
                    search, "aligned", space.queries.held_out, None, lanes.take(("aligned", 0))
                )
    search.report(Phase.TEST, done=total, total=total)
    known = {**contexts, "start": search.standing.records[0].candidate}
    same = tuple(role for role, candidate in known.items() if role != "found" and _is_same(candidate, winner.candidate))
    shift = _shift_outcome(search, winner.number)
    result = SearchResult(
        name=search.name,
        contexts=measured,
        found_trial=winner.number,
        found_equals=same,
        written=written_parts(families(search.rounds, space, winner.candidate.params)),
        choice=choice,
        gain=_gain(search, measured, Objective(), same),
        objective=space.objective,
        value_gain=None if space.objective.is_average else _gain(search, measured, space.objective, same),
        states=search.standing.states,
        too_long=search.standing.too_long,
        missing=_missing(search, measured),
        usage=search.spent,
        bill=search.bill,
        shift=shift,
        seconds=sum(record.seconds for record in search.standing.records.values()) + time.perf_counter() - started,
        database=search.store.name,
    )
    search.store.finish(search.name, result.as_json())
    return result


def _gain(
    search: RunningSearch, measured: Mapping[str, Measured], objective: Objective, same: Sequence[str]
) -> Estimate:
    """Found minus hand-written prompt, in points of an objective."""
    if "hand_written" in same:
        return _NO_GAIN
    found, yardstick = (query_values(measured[role].evaluation, objective) for role in ("found", "hand_written"))
    queries = search.space.queries
    return bootstrap_difference(found, yardstick, strata_of(queries.split(queries.held_out), objective))


def _missing(search: RunningSearch, measured: Mapping[str, Measured]) -> dict[Missing, int]:
    """Missing verdicts of all trials and measurements; queries on `test` that are too long have none in the store."""
    too_long = sum(each.card.missing_by_reason[Missing.TOO_LONG] for each in measured.values())
    return search.store.missing_verdicts(search.name) | {Missing.TOO_LONG: too_long}


def _is_same(one: Candidate, other: Candidate) -> bool:
    """Whether a model sees the same text under both, and decodes alike."""
    return (one.prompt.render("?"), one.sampling) == (other.prompt.render("?"), other.sampling)


def _finalists(search: RunningSearch) -> list[int]:
    """The trials that advance to `validation`: the starting prompt, or else the first, and the best few on `dev`."""
    complete = search.standing.complete
    if not complete:
        raise _without_scores(search)
    return sorted({*search.standing.finalists(FINALISTS), min(complete)})


def _choose(search: RunningSearch, lanes: Lanes[_Key, Evaluation], finalists: Sequence[int]) -> list[Choice]:
    """The finalists, the best on `validation` first.

    A prompt with which fewer queries fit the base model comes after the others. A prompt that satisfies the constraints
    precedes any that does not, whatever its score. If none does, the winner is the prompt that violates them by the
    fewest points.
    """
    constraints = search.space.constraints
    measured: dict[int, Measured] = {}
    for number in finalists:
        search.report(Phase.VALIDATION, done=len(measured), total=len(finalists))
        candidate = search.standing.records[number].candidate
        try:
            evaluation = lanes.take(("finalist", number))
        except ContextError:
            if number == min(search.standing.complete):
                raise
            continue  # all queries of `validation` are longer than those of `dev`: this prompt is out
        measured[number] = _measured(search, "finalist", "validation", candidate, evaluation)

    def worth(number: int) -> tuple[int, float, float, int]:
        card = measured[number].card
        return -len(measured[number].too_long), -excess(card.means, constraints), card.worth.mean, -number

    return [
        Choice(
            trial=number,
            validation=measured[number].card.worth,
            finalists=len(measured),
            constraints=kept(measured[number].card.means, constraints),
        )
        for number in sorted(measured, key=worth, reverse=True)
    ]


def _measure_found(search: RunningSearch, choices: Sequence[Choice]) -> tuple[Choice, Measured]:
    """The best prompt on `validation` with which a query of `test` fits the base model, measured there."""
    split = search.space.queries.held_out
    for choice in choices:
        candidate = search.standing.records[choice.trial].candidate
        try:
            evaluation = _ask(search, split, candidate)
        except ContextError:
            if choice is choices[-1]:
                raise
            continue
        return choice, _measured(search, "found", split, candidate, evaluation)
    raise AssertionError("there is a choice")


def _without_scores(search: RunningSearch) -> Exception:
    """The error for a search of which no trial was scored on all dev queries."""
    states = search.standing.states
    if states[TrialState.FAILED] == len(search.standing.records):
        return unreadable_judge(search.models.judge.identity, search.store.evaluation(search.name, 0).judgments)
    ended = ", ".join(f"{number} {state}" for state, number in states.items() if number)
    more = search.options.budget + len(search.standing.records)
    return InputError(
        f"no trial of {search.name!r} was scored on all dev queries ({ended}); try more prompts: `budget={more}`"
    )


def _ask(search: RunningSearch, split: Split, candidate: Candidate) -> Evaluation:
    """A prompt on a split, in any thread."""
    queries = search.space.queries.split(split)
    evaluation = _asked(search, queries, lambda some: search.evaluator.evaluate(candidate, some))
    return counted(evaluation, candidate, search.models.base, search.begun.account)


def _ask_aligned(search: RunningSearch, aligned: ChatGenerator) -> Evaluation:
    sampling = Sampling(max_tokens=search.space.hand_written.sampling.max_tokens, stop=())
    split = search.space.queries.held_out
    queries = search.space.queries.split(split)
    evaluation = _asked(search, queries, lambda some: search.evaluator.evaluate_aligned(aligned, sampling, some))
    return counted_aligned(evaluation, aligned, sampling, search.begun.account)


def _asked(
    search: RunningSearch, queries: Sequence[Query], evaluate: Callable[[Sequence[Query]], Evaluation]
) -> Evaluation:
    evaluation = Evaluation(queries=(), completions=(), judgments=())
    fitting = Fitting(evaluate, queries)
    for some in in_blocks(queries, _MEASURED_AT_ONCE):
        with search.asking(len(some)):
            evaluation += evaluated(fitting, some)
    if nothing_read(evaluation.judgments):
        raise unreadable_judge(search.models.judge.identity, evaluation.judgments)
    return evaluation


def _measured(
    search: RunningSearch, role: str, split: Split, candidate: Candidate | None, evaluation: Evaluation
) -> Measured:
    """Store a measurement and summarise it."""
    search.store.add_result(search.name, role, split, candidate, evaluation)
    search.usage += usage_of(evaluation)
    search.asked += len(evaluation.queries)
    card, bounds = summed_up(evaluation, search.space.objective), search.space.constraints
    return Measured(
        candidate=candidate,
        evaluation=evaluation,
        card=card,
        prompt_tokens=known_length(candidate.prompt, search.models.base) if candidate else None,
        constraints=kept(card.means, bounds if candidate else bounding_answers(bounds)),
        too_long=tuple(query.id for query in evaluation.too_long),
    )


def _shift_outcome(search: RunningSearch, winner: int) -> ShiftOutcome | None:
    """Measure the token shift of survivors and its correlation with their scores."""
    watch, standing = search.shift, search.standing
    if watch is None:
        return None
    # The queries asked since the trials allow more probes.
    asked = standing.asked + search.asked
    for numbers in ([0, winner], [*standing.complete]):
        watch.take({n: standing.records[n].candidate.prompt for n in numbers}, asked=asked)
    shifts = dict(sorted(watch.by_trial.items()))
    surprises = [shift.surprise for shift in shifts.values()]
    return ShiftOutcome(
        queries=len(watch.probe.key.queries),
        by_trial=shifts,
        found=shifts.get(winner),
        start=shifts.get(0),
        correlation=rank_correlation(surprises, [standing.estimates[number].mean for number in shifts]),
        usage=watch.usage,
    )
