"""Statements: INSERTs that meet rows which exist already, long lists of ids, and the clock that processes share."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

_CHUNK = 900
_T = TypeVar("_T")


def insert_new(
    connection: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]], *, key: str = "id"
) -> None:
    """Insert the rows whose key is not in the table yet; existing rows stay unchanged.

    Rows are inserted in key order, so that two processes inserting the same rows cannot deadlock.
    """
    unique = {row[key]: row for row in rows}
    if unique:
        connection.execute(_insert(table, connection.dialect.name), [unique[found] for found in sorted(unique)])


def upsert(connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], amounts: Mapping[str, int]) -> None:
    """Add `amounts` to the row with that key, or insert the row."""
    connection.execute(_addition(table, connection.dialect.name, tuple(key), tuple(amounts)), {**key, **amounts})


def replace_row(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, object]
) -> None:
    """Set the values of the row with that key, or insert the row."""
    connection.execute(
        insert_into(connection, table).on_conflict_do_update(index_elements=[*key], set_=values), {**key, **values}
    )


def insert_into(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what happens to an existing row."""
    return (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table)


def missing(connection: sa.Connection, table: sa.Table, ids: Iterable[str]) -> list[str]:
    """Those of `ids` that have no row yet. This query is cheaper than inserting long rows that exist already."""
    wanted = list(ids)
    known = {row.id for some in chunks(wanted) for row in connection.execute(_known(table), {"ids": some})}
    return [id_ for id_ in wanted if id_ not in known]


def clock(connection: sa.Connection) -> float:
    """Seconds since 1970 by the clock that all processes share: that of the server, or of the host of a SQLite file."""
    if connection.dialect.name == "postgresql":
        return float(connection.scalar(sa.text("SELECT extract(epoch FROM clock_timestamp())")) or 0.0)
    return time.time()


def chunks(ids: Iterable[_T]) -> Iterator[list[_T]]:
    """`ids` without duplicates, in lists that fit into one statement: old SQLite allows 999 variables."""
    rest = list(dict.fromkeys(ids))
    for start in range(0, len(rest), _CHUNK):
        yield rest[start : start + _CHUNK]


@lru_cache
def _insert(table: sa.Table, dialect: str) -> sa.Insert:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()


@lru_cache
def _addition(table: sa.Table, dialect: str, key: tuple[str, ...], amounts: tuple[str, ...]) -> sa.Insert:
    insert = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)
    sums = {name: table.c[name] + insert.excluded[name] for name in amounts}
    return insert.on_conflict_do_update(index_elements=key, set_=sums)


@lru_cache
def _known(table: sa.Table) -> sa.Select[tuple[str]]:
    return sa.select(table.c.id).where(table.c.id.in_(sa.bindparam("ids", expanding=True)))
