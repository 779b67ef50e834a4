"""Trials and results of a search: candidates, their scores, and the measurements at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from statistics import fmean

import sqlalchemy as sa

from urial_opt.aspects import Aspect, AspectScores, Missing
from urial_opt.content import content_id
from urial_opt.errors import StoreError, UnknownNameError
from urial_opt.records import Candidate, Estimate, Evaluation, TrialRecord, TrialState
from urial_opt.store.entries import RankedTrial, StoredResult
from urial_opt.store.evaluations import (
    delete_evaluation,
    insert_evaluation,
    read_candidates,
    read_evaluations,
    read_scores,
)
from urial_opt.store.leases import Lease, end_lease
from urial_opt.store.paid_work import is_open, read_usage, usage_columns
from urial_opt.store.searches import now, search_id
from urial_opt.store.tables import evaluated_queries, judgments, queries, results, trials

_UPDATE = (
    sa.update(trials)
    .where(trials.c.search_id == sa.bindparam("of_search"), trials.c.number == sa.bindparam("trial"))
    .values(estimate=sa.bindparam("mean"), low=sa.bindparam("lowest"), high=sa.bindparam("highest"))
)


def insert_trial(
    connection: sa.Connection, search: str, trial: TrialRecord, evaluation: Evaluation, *, lease: Lease | None
) -> int:
    """Record a trial; recording it again is no error. StoreError if its number has another outcome.

    Returns how many trials had ended before it; -1, and nothing is recorded, if the lease on it was lost.
    ValueError if scores and evaluation name different queries.
    """
    if list(trial.query_scores) != [query.id for query in evaluation.queries]:
        raise ValueError("query_scores and evaluation.queries must name the same queries in the same order")
    of_search = search_id(connection, search, lock=True)
    if known := _read(connection, _is(of_search, trial.number)):
        if replace(known[0][0], seconds=trial.seconds, usage=trial.usage) == trial:
            return int(connection.scalar(sa.select(trials.c.ended).where(_is(of_search, trial.number))) or 0)
        if lease is not None:
            end_lease(connection, of_search, lease)
            return -1
        advice = "is another process at work on it? end one of them, then type the same command again"
        raise StoreError(f"trial {trial.number} of the search {search!r} is recorded with another outcome; {advice}")
    if lease is not None and not end_lease(connection, of_search, lease):
        return -1
    scores = list(trial.query_scores.values())
    read = [score for score in scores if score is not None]
    ended = connection.scalar(sa.select(sa.func.count()).where(trials.c.search_id == of_search)) or 0
    columns = {
        "search_id": of_search,
        "number": trial.number,
        "optuna_number": trial.optuna_number,
        "evaluation_id": insert_evaluation(connection, trial.candidate, evaluation, scores=scores),
        "state": trial.state.value,
        "observed": fmean(read) if read else None,
        "seconds": trial.seconds,
        **usage_columns(trial.usage),
        "recorded_at": now(),
        "ended": ended,
        "knew": lease.proposal["knew"] if lease and lease.proposal else None,
        "tick": lease.proposal["tick"] + len(lease.looks) + 1 if lease and lease.proposal else None,
        "looks": list(lease.looks) if lease else [],
    }
    connection.execute(sa.insert(trials), columns)
    return ended


def replace_trial(connection: sa.Connection, search: str, trial: TrialRecord, evaluation: Evaluation | None) -> None:
    """Record a trial in place of the stored one of its number; see `Store.replace_trial`."""
    place = (trials.c.search_id == search_id(connection, search, lock=True)) & (trials.c.number == trial.number)
    scores = list(trial.query_scores.values())
    read = [score for score in scores if score is not None]
    columns = {
        "optuna_number": trial.optuna_number,
        "state": trial.state.value,
        "observed": fmean(read) if read else None,
        "seconds": trial.seconds,
        **usage_columns(trial.usage),
    }
    if evaluation is None:
        connection.execute(sa.update(trials).where(place).values(columns))
        return
    before = connection.scalar(sa.select(trials.c.evaluation_id).where(place))
    columns["evaluation_id"] = insert_evaluation(connection, trial.candidate, evaluation, scores=scores)
    connection.execute(sa.update(trials).where(place).values(columns))
    delete_evaluation(connection, before)


def open_trials(connection: sa.Connection, search: str) -> list[int]:
    """The numbers of the trials with a verdict that was refused or could not be read."""
    asked = (
        sa.select(trials.c.number)
        .join(evaluated_queries, evaluated_queries.c.evaluation_id == trials.c.evaluation_id)
        .join(judgments, judgments.c.id == evaluated_queries.c.judgment_id)
        .where(trials.c.search_id == search_id(connection, search), is_open(judgments))
        .distinct()
    )
    return sorted(connection.scalars(asked))


def missing_verdicts(connection: sa.Connection, search: str) -> dict[Missing, int]:
    """How many verdicts are missing, by the reason; see `Store.missing_verdicts`."""
    number = search_id(connection, search)
    in_trials = sa.select(trials.c.evaluation_id).where(trials.c.search_id == number)
    in_results = sa.select(results.c.evaluation_id).where(results.c.search_id == number)
    asked = (
        sa.select(judgments.c.id, judgments.c.missing)
        .join(evaluated_queries, evaluated_queries.c.judgment_id == judgments.c.id)
        .where(evaluated_queries.c.evaluation_id.in_(in_trials.union(in_results)))
        .where(sa.type_coerce(judgments.c.missing, sa.Text) != "{}")
        .distinct()
    )
    counted = Counter(why for row in connection.execute(asked) for why in row.missing.values())
    return {why: counted[why.value] for why in Missing}


def read_trials(connection: sa.Connection, search: str) -> list[TrialRecord]:
    """All trials of a search, in the order of their numbers."""
    found = _read(connection, trials.c.search_id == search_id(connection, search))
    return [trial for trial, _ in found]


def read_trials_from(connection: sa.Connection, search: str, ended: int) -> list[TrialRecord]:
    """The trials before which at least so many had ended, in the order in which they ended."""
    which = (trials.c.search_id == search_id(connection, search)) & (trials.c.ended >= ended)
    return [trial for trial, _ in _read(connection, which, by=trials.c.ended)]


def last_tick(connection: sa.Connection, search: str) -> int:
    """The latest tick at which a trial ended; 0 before there is one, or if it is not known."""
    of_search = trials.c.search_id == search_id(connection, search)
    return connection.scalar(sa.select(sa.func.max(trials.c.tick)).where(of_search)) or 0


def read_aspect_scores(connection: sa.Connection, search: str) -> dict[int, dict[str, AspectScores]]:
    """The scores that each trial's judgments hold, by number and query id; an aspect without a score is left out."""
    columns = [judgments.c[aspect.value] for aspect in Aspect]
    judged = (
        sa.select(trials.c.number, queries.c.name, *columns)
        .join(evaluated_queries, evaluated_queries.c.evaluation_id == trials.c.evaluation_id)
        .join(queries, queries.c.id == evaluated_queries.c.query_id)
        .join(judgments, judgments.c.id == evaluated_queries.c.judgment_id)
        .where(trials.c.search_id == search_id(connection, search))
        .order_by(trials.c.number, evaluated_queries.c.position)
    )
    found: defaultdict[int, dict[str, AspectScores]] = defaultdict(dict)
    for number, query, *scores in connection.execute(judged):
        found[number][query] = {a: score for a, score in zip(Aspect, scores, strict=True) if score is not None}
    return found


def count_trials(connection: sa.Connection, search: str) -> int:
    """How many trials of a search are recorded."""
    of_search = trials.c.search_id == search_id(connection, search)
    return connection.scalar(sa.select(sa.func.count()).select_from(trials).where(of_search)) or 0


def best_trials(connection: sa.Connection, search: str, count: int) -> list[RankedTrial]:
    """The `count` trials with the highest estimates, the highest first."""
    of_search = trials.c.search_id == search_id(connection, search)
    best = (
        sa.select(trials.c.number)
        .where(of_search, trials.c.estimate.is_not(None))
        .order_by(trials.c.estimate.desc(), trials.c.number)
        .limit(count)
    )
    numbers = connection.scalars(best).all()
    ranked = [
        RankedTrial(trial=trial, estimate=estimate)
        for trial, estimate in _read(connection, of_search & trials.c.number.in_(numbers))
        if estimate is not None
    ]
    return sorted(ranked, key=lambda one: numbers.index(one.trial.number))


def write_estimates(connection: sa.Connection, search: str, estimates: Mapping[int, Estimate]) -> None:
    """Replace the shrunken estimates of these trials."""
    if not estimates:
        return
    of_search = search_id(connection, search, lock=True)
    rows = [
        {"of_search": of_search, "trial": number, "mean": one.mean, "lowest": one.low, "highest": one.high}
        for number, one in sorted(estimates.items())
    ]
    connection.execute(_UPDATE, rows)


def read_evaluation(connection: sa.Connection, search: str, number: int) -> Evaluation:
    """Queries, completions and judgments of one trial. UnknownNameError if there is no such trial."""
    of_search = trials.c.search_id == search_id(connection, search)
    id_ = connection.scalar(sa.select(trials.c.evaluation_id).where(of_search, trials.c.number == number))
    if id_ is None:
        count = connection.scalar(sa.select(sa.func.count()).select_from(trials).where(of_search))
        advice = f"choose one of 0 to {count - 1}" if count else "none is recorded yet"
        raise UnknownNameError(f"the search {search!r} has no trial {number}; {advice}")
    return read_evaluations(connection, [id_])[id_]


def insert_result(connection: sa.Connection, search: str, result: StoredResult) -> None:
    """Record a measurement, unless the candidate has one with the same role and split already."""
    candidate = result.candidate
    key = {
        "search_id": search_id(connection, search, lock=True),
        "role": result.role,
        "split": result.split,
        "candidate_id": "" if candidate is None else content_id([candidate.prompt.id, candidate.sampling.id]),
    }
    if connection.scalar(sa.select(results.c.id).filter_by(**key)) is None:
        id_ = insert_evaluation(
            connection, candidate, result.evaluation, scores=[None] * len(result.evaluation.queries)
        )
        connection.execute(sa.insert(results), {**key, "evaluation_id": id_, "recorded_at": now()})


def read_results(connection: sa.Connection, search: str) -> list[StoredResult]:
    """All measurements of a search, in the order of recording."""
    of_search = results.c.search_id == search_id(connection, search)
    rows = connection.execute(sa.select(results).where(of_search).order_by(results.c.id)).all()
    ids = [row.evaluation_id for row in rows]
    candidates = read_candidates(connection, ids)
    evaluations = read_evaluations(connection, ids)
    return [
        StoredResult(
            role=row.role,
            split=row.split,
            candidate=candidates[row.evaluation_id],
            evaluation=evaluations[row.evaluation_id],
        )
        for row in rows
    ]


def _is(of_search: int, number: int) -> sa.ColumnElement[bool]:
    return (trials.c.search_id == of_search) & (trials.c.number == number)


def _read(
    connection: sa.Connection, which: sa.ColumnElement[bool], *, by: sa.ColumnElement[int] = trials.c.number
) -> list[tuple[TrialRecord, Estimate | None]]:
    rows = connection.execute(sa.select(trials).where(which).order_by(by)).all()
    ids = [row.evaluation_id for row in rows]
    candidates = read_candidates(connection, ids)
    scores = read_scores(connection, ids)
    return [
        (
            TrialRecord(
                number=row.number,
                optuna_number=row.optuna_number,
                candidate=_shown(candidates[row.evaluation_id]),
                query_scores=scores[row.evaluation_id],
                state=TrialState(row.state),
                seconds=row.seconds,
                usage=read_usage(row._mapping, trials),
            ),
            None if row.estimate is None else Estimate(mean=row.estimate, low=row.low, high=row.high),
        )
        for row in rows
    ]


def _shown(candidate: Candidate | None) -> Candidate:
    if candidate is None:
        raise ValueError("a trial without a prompt")
    return candidate
