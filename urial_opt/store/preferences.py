"""Preferences: a judge's verdicts on pairs of answers, stored so that no pair is judged twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from urial_opt.aspects import Aspect
from urial_opt.content import content_id
from urial_opt.records import Completion, Preference, Query
from urial_opt.store.paid_work import (
    answer_id,
    identity_id,
    insert_answers,
    insert_queries,
    insert_verdicts,
    query_id,
    read_missing,
    read_usage,
    usage_columns,
)
from urial_opt.store.served import find_under_names
from urial_opt.store.statements import chunks
from urial_opt.store.tables import preferences

_PREFERENCES = sa.select(preferences).where(preferences.c.id.in_(sa.bindparam("ids", expanding=True)))


def find_preferences(
    connection: sa.Connection,
    judge: str,
    asked: Sequence[Query],
    firsts: Sequence[Completion],
    seconds: Sequence[Completion],
) -> list[Preference | None]:
    """Which of each two answers `judge` prefers; None where it is not stored for this order."""

    def find(name: str) -> list[Preference | None]:
        ids = [_id(name, *pair) for pair in zip(asked, firsts, seconds, strict=True)]
        rows = {row.id: row._mapping for some in chunks(ids) for row in connection.execute(_PREFERENCES, {"ids": some})}
        return [_read(rows[id_], query, judge) if id_ in rows else None for id_, query in zip(ids, asked, strict=True)]

    return find_under_names(connection, judge, find)


def insert_preferences(
    connection: sa.Connection,
    preferred: Sequence[Preference],
    asked: Sequence[Query],
    firsts: Sequence[Completion],
    seconds: Sequence[Completion],
) -> None:
    """Store each preference, unless it is stored already."""
    insert_queries(connection, asked)
    insert_answers(connection, [completion.text for completion in (*firsts, *seconds)])
    rows = [
        {
            "id": _id(each.judge, query, first, second),
            "judge_id": identity_id(connection, each.judge),
            "query_id": query_id(query),
            "first_id": answer_id(first.text),
            "second_id": answer_id(second.text),
            "overall": each.overall,
            "aspects": dict(each.aspects),
            "consistent": each.consistent,
            "raw": each.raw,
            "missing": dict(each.missing),
            "asked": each.asked,
            **usage_columns(each.usage),
        }
        for each, query, first, second in zip(preferred, asked, firsts, seconds, strict=True)
    ]
    insert_verdicts(connection, preferences, rows)


def _read(row: Mapping[Any, Any], query: Query, judge: str) -> Preference:
    return Preference(
        query_id=query.id,
        judge=judge,
        overall=row[preferences.c.overall],
        aspects={Aspect(name): verdict for name, verdict in row[preferences.c.aspects].items()},
        consistent=row[preferences.c.consistent],
        raw=row[preferences.c.raw],
        usage=read_usage(row, preferences),
        missing=read_missing(row[preferences.c.missing]),
        asked=row[preferences.c.asked],
    )


def _id(judge: str, query: Query, first: Completion, second: Completion) -> str:
    return content_id([judge, query.id, query.text, query.kind, first.text, second.text])
