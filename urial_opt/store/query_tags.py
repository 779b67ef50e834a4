"""Tags of queries: how a judge labels each query, stored so that no query is tagged twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from urial_opt.content import content_id
from urial_opt.records import Query, QueryTags
from urial_opt.store.paid_work import identity_id, insert_queries, query_id, read_usage, usage_columns
from urial_opt.store.served import find_under_names
from urial_opt.store.statements import chunks, insert_new
from urial_opt.store.tables import query_tags

_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_TAGS = sa.select(query_tags).where(query_tags.c.id.in_(_IDS))


def find_tags(connection: sa.Connection, judge: str, asked: Sequence[Query]) -> list[QueryTags | None]:
    """The tags that `judge` gave to each query; None where they are not stored, or could not be read."""

    def find(name: str) -> list[QueryTags | None]:
        ids = [_id(name, query) for query in asked]
        rows = {row.id: row for some in chunks(ids) for row in connection.execute(_TAGS, {"ids": some})}
        return [
            QueryTags(
                query_id=query.id,
                judge=judge,
                task=row.task,
                topic=row.topic,
                difficulty=row.difficulty,
                raw=row.raw,
                usage=read_usage(row._mapping, query_tags),
            )
            if (row := rows.get(id_))
            else None
            for id_, query in zip(ids, asked, strict=True)
        ]

    return find_under_names(connection, judge, find)


def insert_tags(connection: sa.Connection, tagged: Sequence[QueryTags], asked: Sequence[Query]) -> None:
    """Store the tags of each query, unless some part could not be read: such a query is asked again."""
    whole = [
        (tags, query) for tags, query in zip(tagged, asked, strict=True) if tags.task and tags.topic and tags.difficulty
    ]
    insert_queries(connection, [query for _, query in whole])
    rows = [
        {
            "id": _id(tags.judge, query),
            "judge_id": identity_id(connection, tags.judge),
            "query_id": query_id(query),
            "task": tags.task,
            "topic": tags.topic,
            "difficulty": tags.difficulty,
            "raw": tags.raw,
            **usage_columns(tags.usage),
        }
        for tags, query in whole
    ]
    insert_new(connection, query_tags, rows)


def _id(judge: str, query: Query) -> str:
    return content_id([judge, query.text, query.kind])
