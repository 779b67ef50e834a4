"""Spending: what each model was asked in each search, counted in the transaction that keeps its answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from urial_opt.records import Completion, Judgment, Query, Sampling, Usage
from urial_opt.spending import Spent
from urial_opt.store import paid_work
from urial_opt.store.connection import Connection, upsert
from urial_opt.store.searches import search_id
from urial_opt.store.tables import identities, spending


class Account:
    """What a search reads and keeps completions and judgments through, so that all it pays is on its account."""

    def __init__(self, database: Connection, search: str) -> None:
        self._database = database
        with database.reading() as connection:
            self._search_id = search_id(connection, search)
            self.spent = read_spending(connection, self._search_id)
            """By identity of the model or judge, over all runs of the search."""

    def find_completions(self, generator: str, sampling: Sampling, texts: Sequence[str]) -> list[Completion | None]:
        """As `Store.find_completions`."""
        with self._database.reading() as connection:
            return paid_work.find_completions(connection, generator, sampling, texts)

    def add_completions(
        self, generator: str, sampling: Sampling, texts: Sequence[str], completions: Sequence[Completion]
    ) -> None:
        """As `Store.add_completions`."""
        with self._database.writing() as connection:
            written = dict(zip(texts, completions, strict=True))
            paid_work.insert_completions(connection, generator, sampling, written)
            self._count(connection, generator, [completion.usage for completion in completions])

    def find_judgments(
        self, judge: str, queries: Sequence[Query], completions: Sequence[Completion]
    ) -> list[Judgment | None]:
        """As `Store.find_judgments`."""
        with self._database.reading() as connection:
            return paid_work.find_judgments(connection, judge, queries, completions)

    def add_judgments(
        self, judgments: Sequence[Judgment], queries: Sequence[Query], completions: Sequence[Completion]
    ) -> None:
        """As `Store.add_judgments`."""
        with self._database.writing() as connection:
            paid_work.insert_judgments(connection, judgments, queries, completions)
            for judge in {judgment.judge for judgment in judgments}:
                self._count(connection, judge, [each.usage for each in judgments if each.judge == judge])

    def _count(self, connection: sa.Connection, identity: str, usages: Iterable[Usage]) -> None:
        paid = sum((Spent(calls=1, usage=usage) for usage in usages), Spent())
        key = {"search_id": self._search_id, "identity_id": paid_work.identity_id(connection, identity)}
        upsert(connection, spending, key, {"calls": paid.calls, **paid_work.usage_columns(paid.usage)})
        self.spent[identity] = self.spent.get(identity, Spent()) + paid


def read_spending(connection: sa.Connection, of_search: int) -> dict[str, Spent]:
    """What a search has taken so far, by identity."""
    rows = sa.select(identities.c.name, spending).join(spending).where(spending.c.search_id == of_search)
    return {
        row[identities.c.name]: Spent(calls=row[spending.c.calls], usage=paid_work.read_usage(row, spending))
        for row in connection.execute(rows).mappings()
    }
