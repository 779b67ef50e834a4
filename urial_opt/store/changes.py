"""Changes of stored searches: a search is removed, or gets another name, together with Optuna's study of it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from urial_opt.errors import InputError
from urial_opt.store.entries import SearchStatus
from urial_opt.store.round_tables import drafts, rounds
from urial_opt.store.searches import check_new_name, read_search, search_id
from urial_opt.store.spending import close_account
from urial_opt.store.tables import evaluated_queries, evaluations, results, searches, trials
from urial_opt.store.worker_tables import leases, workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What was removed with a search."""

    trials: int
    results: int


def remove_search(connection: sa.Connection, name: str) -> Removed:
    """Remove a search with its trials and results; answers and verdicts stay. InputError while a process runs it.

    What it has spent moves to the account of removed searches.
    """
    number = search_id(connection, name, lock=True)
    _check_idle(connection, name)
    counts = []
    for table in (trials, results):
        here = table.c.search_id == number
        ids = connection.scalars(sa.select(table.c.evaluation_id).where(here)).all()
        connection.execute(sa.delete(table).where(here))
        for id_ in ids:
            connection.execute(sa.delete(evaluated_queries).where(evaluated_queries.c.evaluation_id == id_))
            connection.execute(sa.delete(evaluations).where(evaluations.c.id == id_))
        counts.append(len(ids))
    for table in (drafts, rounds, leases, workers):
        connection.execute(sa.delete(table).where(table.c.search_id == number))
    close_account(connection, number)
    connection.execute(sa.delete(searches).where(searches.c.id == number))
    return Removed(trials=counts[0], results=counts[1])


def rename_search(connection: sa.Connection, name: str, new: str) -> None:
    """Give a search another name, also in its result and in Optuna's study. InputError while a process runs it."""
    number = search_id(connection, name, lock=True)
    _check_idle(connection, name)
    check_new_name(new)
    if connection.scalar(sa.select(searches.c.id).where(searches.c.name == new)) is not None:
        raise InputError(f"there is a search {new!r} already; give another name")
    summary = read_search(connection, name).summary
    values: dict[str, object] = {"name": new, "summary": None if summary is None else {**summary, "name": new}}
    connection.execute(sa.update(searches).where(searches.c.id == number).values(values))
    if sa.inspect(connection).has_table("studies"):  # Optuna has no function that renames a study
        statement = sa.text("UPDATE studies SET study_name = :new WHERE study_name = :name")
        connection.execute(statement, {"new": new, "name": name})


def _check_idle(connection: sa.Connection, name: str) -> None:
    record = read_search(connection, name)
    if record.status is SearchStatus.RUNNING:
        raise InputError(f"the search {name!r} is running: {record.process}; wait until it ends, or end it there")
