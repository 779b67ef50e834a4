"""Searches: settings, status and outcome of each, and which is meant if none is named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from urial_opt.errors import InputError, StoreError, UnknownNameError
from urial_opt.records import Estimate
from urial_opt.secrets import without_known
from urial_opt.store.entries import Deciders, SearchRecord, SearchStatus, SearchSummary
from urial_opt.store.processes import WorkingProcess, is_at_work
from urial_opt.store.served import without_addresses
from urial_opt.store.statements import insert_new
from urial_opt.store.tables import searches, trials

_SHORT = [column for column in searches.c if column.name != "space"]
"""The columns that are read each time; a space may have a hundred thousand queries."""
_LONGEST_NAME = 100
_NUMBERED = sa.select(searches.c.id).where(searches.c.name == sa.bindparam("name"))


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def open_search(connection: sa.Connection, name: str, settings: Mapping[str, object]) -> SearchRecord:
    """Create the search of that name, or find it. StoreError if it was begun with other settings."""
    wanted = json.loads(without_known(json.dumps(settings)))
    new = {"name": name, "created_at": now(), "settings": wanted, "status": SearchStatus.PLANNED}
    if not _can_be_stored(name) or connection.scalar(_NUMBERED, {"name": name}) is None:
        check_new_name(name)
    insert_new(connection, searches, [new], key="name")
    search = read_search(connection, name)
    if differences := _differences(search.settings, wanted):
        advice = "give the settings it was begun with, or another `name=NEW`"
        raise StoreError(f"the search {name!r} was begun with other settings ({'; '.join(differences)}); {advice}")
    return search


def check_new_name(name: str) -> None:
    """InputError for a name that could not be read or typed later; searches that have such a name keep it."""
    if not name.isprintable() or name != name.strip() or name.startswith("-") or not 0 < len(name) <= _LONGEST_NAME:
        what = f"up to {_LONGEST_NAME} printable characters, without blanks at its ends or a '-' at its start"
        raise InputError(f"{name!r:.80} cannot be the name of a search; give one of {what}: `name=NAME`")


def _can_be_stored(name: str) -> bool:
    """False for half a character: a word of the command line that is not UTF-8 contains some."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def read_search(connection: sa.Connection, name: str) -> SearchRecord:
    """The search of that name. UnknownNameError if there is none."""
    if not _can_be_stored(name):
        raise _unknown(connection, name)
    row = connection.execute(sa.select(*_SHORT).where(searches.c.name == name)).one_or_none()
    if row is None:
        raise _unknown(connection, name)
    status, reason = standing(row)
    return SearchRecord(
        name=row.name,
        created_at=row.created_at,
        settings=without_addresses(row.settings),
        status=status,
        summary=row.summary,
        floor=row.floor,
        reason=reason,
        process=WorkingProcess.read(row.process),
        deciders=tuple(Deciders(**each) for each in row.versions or ()),
        models=row.models,
    )


def standing(row: Any) -> tuple[SearchStatus, str]:  # noqa: ANN401 - a row of any columns
    """Status of a search and the reason for it. If its process was killed, it has stopped."""
    status, reason = SearchStatus(row.status), row.reason or ""
    process = WorkingProcess.read(row.process)
    if status is SearchStatus.RUNNING and not (process and is_at_work(process, row.heartbeat)):
        return SearchStatus.STOPPED, f"{process} is gone" if process else ""
    return status, reason


def find_former(connection: sa.Connection, settings: Mapping[str, object]) -> str | None:
    """The first search with these settings whose models were identified by their addresses too; None if there is none.

    A search that was not given a name is named by its settings, so its name changed when the addresses left them.
    """
    wanted = json.loads(json.dumps(settings))
    rows = connection.execute(sa.select(searches.c.name, searches.c.settings).order_by(searches.c.id))
    for row in rows:
        without = without_addresses(row.settings)
        if without == wanted and row.settings != wanted:
            return str(row.name)
    return None


def search_id(connection: sa.Connection, name: str, *, lock: bool = False) -> int:
    """The row id of a search; with `lock`, other PostgreSQL writers of this search wait until the commit."""
    number = connection.scalar(_NUMBERED.with_for_update() if lock else _NUMBERED, {"name": name})
    if number is None:
        raise _unknown(connection, name)
    return int(number)


def list_searches(connection: sa.Connection) -> list[SearchSummary]:
    """Every search, the oldest first."""
    counted = sa.select(trials.c.search_id, sa.func.count().label("done")).group_by(trials.c.search_id).subquery()
    rows = connection.execute(
        sa.select(*_SHORT, counted.c.done)
        .outerjoin(counted, counted.c.search_id == searches.c.id)
        .order_by(searches.c.id)
    ).all()
    return [
        SearchSummary(
            name=row.name,
            created_at=row.created_at,
            trials=row.done or 0,
            status=standing(row)[0],
            best=_best(connection, row.id),
            shifted=_shifted(row.summary),
            has_result=row.summary is not None,
            reason=standing(row)[1],
            process=WorkingProcess.read(row.process),
        )
        for row in rows
    ]


def describe_search(connection: sa.Connection, name: str, *, space: str, models: Mapping[str, object]) -> None:
    """Store the text of a search's space, unless it is stored already, and how its models are opened now."""
    here = searches.c.id == search_id(connection, name)
    connection.execute(sa.update(searches).where(here).values(models=dict(models)))
    connection.execute(sa.update(searches).where(here, searches.c.space.is_(None)).values(space=space))


def stored_space(connection: sa.Connection, name: str) -> str | None:
    """The text of a search's space; None for a search of an earlier version."""
    return connection.scalar(sa.select(searches.c.space).where(searches.c.id == search_id(connection, name)))


def newest_search(connection: sa.Connection) -> SearchSummary | None:
    """The search that is meant if none is named: the newest that has a result, else the newest that has trials.

    None if there is no such search.
    """
    listed = list_searches(connection)[::-1]
    return next((each for each in listed if each.has_result), next((each for each in listed if each.trials), None))


def finish_search(connection: sa.Connection, name: str, summary: Mapping[str, object]) -> None:
    """Mark a search as finished and store its final JSON object."""
    finished = {"status": SearchStatus.FINISHED, "reason": None, "summary": dict(summary)}
    connection.execute(
        sa.update(searches).where(searches.c.id == search_id(connection, name, lock=True)).values(finished)
    )


def keep_floor(connection: sa.Connection, name: str, floor: Mapping[str, object]) -> None:
    """Store what the floor for exemplars of a search has decided."""
    of_search = searches.c.id == search_id(connection, name, lock=True)
    connection.execute(sa.update(searches).where(of_search).values(floor=dict(floor)))


def _best(connection: sa.Connection, number: int) -> Estimate | None:
    row = connection.execute(
        sa.select(trials.c.estimate, trials.c.low, trials.c.high)
        .where(trials.c.search_id == number, trials.c.estimate.is_not(None))
        .order_by(trials.c.estimate.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Estimate(mean=row.estimate, low=row.low, high=row.high)


def _unknown(connection: sa.Connection, name: str) -> UnknownNameError:
    return UnknownNameError.of("search", name, connection.scalars(sa.select(searches.c.name)))


def _differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    return [
        f"{key}: {_shown(stored, key)} then, {_shown(wanted, key)} now"
        for key in sorted({*stored, *wanted})
        if stored.get(key, ...) != wanted.get(key, ...)
    ]


def _shown(settings: Mapping[str, Any], key: str) -> str:
    text = json.dumps(settings[key], ensure_ascii=False) if key in settings else "not given"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


_SHOWN = 60


def _shifted(summary: Mapping[str, Any] | None) -> float | None:
    found = ((summary or {}).get("shift") or {}).get("found")
    return None if found is None else float(found["shifted"])
