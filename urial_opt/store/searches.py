"""Searches: settings, status and outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from urial_opt.errors import InputError, StoreError, UnknownNameError
from urial_opt.records import Estimate
from urial_opt.store.connection import insert_new
from urial_opt.store.entries import SearchRecord, SearchStatus, SearchSummary
from urial_opt.store.tables import searches, trials

_LONGEST_NAME = 100
_NUMBERED = sa.select(searches.c.id).where(searches.c.name == sa.bindparam("name"))


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def open_search(connection: sa.Connection, name: str, settings: Mapping[str, object]) -> SearchRecord:
    """Create the search of that name, or resume it. StoreError if it was begun with other settings."""
    wanted = json.loads(json.dumps(settings))
    new = {"name": name, "created_at": now(), "settings": wanted, "status": SearchStatus.RUNNING}
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
    row = connection.execute(sa.select(searches).where(searches.c.name == name)).one_or_none()
    if row is None:
        raise _unknown(connection, name)
    return SearchRecord(
        name=row.name,
        created_at=row.created_at,
        settings=row.settings,
        status=SearchStatus(row.status),
        summary=row.summary,
    )


def search_id(connection: sa.Connection, name: str, *, lock: bool = False) -> int:
    """The row id of a search; with `lock`, other PostgreSQL writers of this search wait until the commit."""
    number = connection.scalar(_NUMBERED.with_for_update() if lock else _NUMBERED, {"name": name})
    if number is None:
        raise _unknown(connection, name)
    return int(number)


def list_searches(connection: sa.Connection) -> list[SearchSummary]:
    """Every search, the oldest first."""
    counted = sa.select(trials.c.search_id, sa.func.count().label("done")).group_by(trials.c.search_id).subquery()
    columns = [searches.c[name] for name in ("id", "name", "created_at", "status", "summary")]
    rows = connection.execute(
        sa.select(*columns, counted.c.done)
        .outerjoin(counted, counted.c.search_id == searches.c.id)
        .order_by(columns[0])
    ).all()
    return [
        SearchSummary(
            name=row.name,
            created_at=row.created_at,
            trials=row.done or 0,
            status=SearchStatus(row.status),
            best=_best(connection, row.id),
            shifted=_shifted(row.summary),
        )
        for row in rows
    ]


def finish_search(connection: sa.Connection, name: str, summary: Mapping[str, object]) -> None:
    """Mark a search as finished and store its final JSON object."""
    finished = {"status": SearchStatus.FINISHED, "summary": dict(summary)}
    connection.execute(
        sa.update(searches).where(searches.c.id == search_id(connection, name, lock=True)).values(finished)
    )


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
