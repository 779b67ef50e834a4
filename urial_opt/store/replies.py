"""Replies of servers as they arrived, kept until the results that are made of them are stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from urial_opt.memory import PaidReply
from urial_opt.store.paid_work import identity_id, usage_columns
from urial_opt.store.statements import chunks, insert_new
from urial_opt.store.tables import replies

_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_BODIES = sa.select(replies.c.id, replies.c.body).where(replies.c.id.in_(_IDS))
_DELETION = sa.delete(replies).where(replies.c.id.in_(_IDS))


def find_replies(connection: sa.Connection, ids: Sequence[str]) -> dict[str, str]:
    """The bodies of those replies that are stored, by id."""
    return {row.id: row.body for some in chunks(ids) for row in connection.execute(_BODIES, {"ids": some})}


def insert_replies(connection: sa.Connection, identity: str, paid: Sequence[PaidReply]) -> None:
    """Store each reply, unless it is stored already."""
    if paid:
        common = {"identity_id": identity_id(connection, identity)}
        rows = [{"id": each.id, "body": each.body, **common, **usage_columns(each.usage)} for each in paid]
        insert_new(connection, replies, rows)


def delete_replies(connection: sa.Connection, ids: Iterable[str]) -> None:
    """Delete these replies."""
    for some in chunks(sorted(ids)):
        connection.execute(_DELETION, {"ids": some})
