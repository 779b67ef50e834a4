"""Spending: calls and tokens of each model, counted in the transaction that stores its answers."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from urial_opt.memory import AskingAgain
from urial_opt.records import Usage
from urial_opt.spending import Spent
from urial_opt.store import paid_work
from urial_opt.store.connection import Connection, upsert
from urial_opt.store.memory import DatabaseMemory
from urial_opt.store.searches import search_id
from urial_opt.store.tables import identities, spending


class Account(DatabaseMemory):
    """A memory that counts the calls and tokens paid for; stored answers cost nothing and are not counted."""

    def __init__(self, database: Connection, search: str | None = None, *, again: AskingAgain | None = None) -> None:
        """With `search`, the counts start from its earlier runs and are stored. UnknownNameError if there is none."""
        super().__init__(database, again=again)
        self._search_id: int | None = None
        self.spent: dict[str, Spent] = {}
        """By identity of the model or judge."""
        if search is not None:
            with database.reading() as connection:
                self._search_id = search_id(connection, search)
                self.spent = read_spending(connection, self._search_id)

    def _count(self, connection: sa.Connection, identity: str, usages: Sequence[Usage]) -> None:
        paid = Spent(calls=len(usages), usage=sum(usages, Usage()))
        if self._search_id is not None:
            key = {"search_id": self._search_id, "identity_id": paid_work.identity_id(connection, identity)}
            upsert(connection, spending, key, {"calls": paid.calls, **paid_work.usage_columns(paid.usage)})
        self.spent[identity] = self.spent.get(identity, Spent()) + paid


def read_spending(connection: sa.Connection, of_search: int) -> dict[str, Spent]:
    """What a search has spent so far, by identity of the model or judge."""
    rows = sa.select(identities.c.name, spending).join(spending).where(spending.c.search_id == of_search)
    return {
        row[identities.c.name]: Spent(calls=row[spending.c.calls], usage=paid_work.read_usage(row, spending))
        for row in connection.execute(rows).mappings()
    }
