"""Spending: what each account paid to each model, counted in the transaction that stores the replies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import sqlalchemy as sa

from urial_opt.content import content_id
from urial_opt.memory import AskingAgain, PaidReply
from urial_opt.protocols import Billed, NamedTagger, PairwiseJudge
from urial_opt.records import Usage
from urial_opt.spaces.lineage import Attempt, Round
from urial_opt.spaces.proposals import Diagnosis
from urial_opt.spending import Spent
from urial_opt.store import paid_work, replies, rounds
from urial_opt.store.batches import Batches
from urial_opt.store.connection import Connection
from urial_opt.store.memory import DatabaseMemory
from urial_opt.store.patience import all_patient
from urial_opt.store.searches import search_id
from urial_opt.store.served import without_address
from urial_opt.store.statements import insert_new, upsert
from urial_opt.store.tables import accounts, identities, searches, spending

REMOVED = "removed searches"
"""The account that takes over what removed searches have spent."""


@all_patient
class Account(DatabaseMemory):
    """A memory that counts what is paid; stored answers cost nothing and are not counted."""

    def __init__(
        self,
        database: Connection,
        *,
        search: str | None = None,
        command: str | None = None,
        again: AskingAgain | None = None,
    ) -> None:
        """The account of a search, of a command such as `tag`, or, without either, one that is not stored.

        UnknownNameError if there is no such search.
        """
        super().__init__(database, again=again)
        self._search, self._command = search, command
        self._account_id: int | None = None
        """None until something was paid and committed."""
        self._opened_by: sa.Connection | None = None
        self._billed: dict[str, str] = {}
        """The identity under which a model is billed, by each of its identities, if its replies are kept."""
        self._batches = Batches()
        self._counting = Lock()
        self._paid = _Paid()
        self.spent: Mapping[str, Spent] = {}
        """By identity of the model or judge: of all runs of a search, or of this run of a command."""
        if search is not None:
            with database.reading() as connection:
                self.spent = read_spending(connection, search_id(connection, search))

    @contextmanager
    def billing(
        self, *models: object, allow: Callable[[], None] = lambda: None, replies_are_results: bool = False
    ) -> Iterator[None]:
        """While the context lasts, each reply that a server sends to these models is stored as it arrives.

        `allow` is called before each request, from any thread; what it raises ends the batch, once the replies to the
        requests under way are stored. With `replies_are_results`, nothing else is stored: each reply is a call, and all
        stay, so that the same work costs nothing another time.
        """
        billed = [model for model in models if isinstance(model, Billed)]
        for model in billed:
            self._billed |= dict.fromkeys(_identities(model), model.identity)
            model.keep_replies(_KeptReplies(self, model.identity, allow, calls=replies_are_results))
        try:
            yield
        finally:
            for model in billed:
                model.keep_replies(None)

    def refresh(self) -> None:
        """Count what other processes have spent for the same search."""
        if self._search is not None:
            # In this order, since transactions count too: they would wait for the lock, and this for their connections.
            with self._database.reading() as connection, self._counting:
                self.spent = read_spending(connection, search_id(connection, self._search))

    def settle(self) -> None:
        """As `memory.Memory`: this thread's replies so far are in stored results, and need not be kept any longer."""
        if unsettled := self._batches.settled():
            with self._writing() as connection:
                replies.delete_replies(connection, unsettled)

    def claim(self, key: str) -> str:
        """The id of a reply to the request `key`; the same request of this thread gets another until all is settled."""
        repeat = self._batches.claim(key)
        return key if repeat == 1 else content_id([key, repeat])

    def find_replies(self, ids: Sequence[str]) -> list[str | None]:
        """The stored body of each reply; None if it is not stored."""
        with self._database.reading() as connection:
            found = replies.find_replies(connection, ids)
        self._batches.keep(found)
        return [found.get(id_) for id_ in ids]

    def add_replies(self, identity: str, paid: Sequence[PaidReply], *, calls: bool = False) -> None:
        """Store replies, and count what they cost; with `calls`, each of them is a call."""
        with self._writing() as connection:
            replies.insert_replies(connection, identity, [reply for reply in paid if reply.body])
            usage = sum((reply.usage for reply in paid), Usage())
            self._add(connection, identity, Spent(calls=len(paid) * calls, requests=len(paid), usage=usage))
        self._batches.keep(reply.id for reply in paid if reply.body)

    def rounds(self) -> list[Round]:
        """The rounds of this search's proposer, in order."""
        with self._database.reading() as connection:
            return rounds.read_rounds(connection, self._search_row(connection))

    def begin_round(self, begun: Round) -> None:
        """Store a round that has begun."""
        with self._writing() as connection:
            rounds.insert_round(connection, self._search_row(connection), begun)

    def add_diagnosis(self, number: int, proposer: str, diagnosis: Diagnosis) -> None:
        """Store the diagnosis of a round, and count what it cost."""
        with self._writing() as connection:
            rounds.write_diagnosis(connection, self._search_row(connection), number, diagnosis)
            if diagnosis.asked:
                self._count(connection, proposer, [diagnosis.usage])

    def add_attempts(self, number: int, proposer: str, attempts: Sequence[Attempt]) -> None:
        """Store what a proposer wrote, and count what it cost."""
        with self._writing() as connection:
            rounds.insert_attempts(connection, self._search_row(connection), number, attempts)
            if paid := [attempt.draft.usage for attempt in attempts if attempt.draft.asked]:
                self._count(connection, proposer, paid)

    def close_round(self, closed: Round) -> None:
        """Store what became of everything written in a round."""
        with self._writing() as connection:
            rounds.close_round(connection, self._search_row(connection), closed)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A write transaction. What was paid counts in this process once it is committed."""
        paid = self._paid.now = []
        try:
            with self._database.writing() as connection:
                yield connection
            for identity, spent in paid:  # another mapping, since other threads may be reading this one
                self.spent = {**self.spent, identity: self.spent.get(identity, Spent()) + spent}
        finally:
            if paid:
                self._counting.release()

    def _search_row(self, connection: sa.Connection) -> int:
        if self._search is None:
            raise ValueError("only a search has rounds")
        return search_id(connection, self._search)

    def _count(self, connection: sa.Connection, identity: str, usages: Sequence[Usage]) -> None:
        if (billed := self._billed.get(identity)) is not None:
            self._add(connection, billed, Spent(calls=len(usages)))  # tokens were counted as the replies arrived
        else:
            self._add(connection, identity, Spent(calls=len(usages), requests=len(usages), usage=sum(usages, Usage())))

    def _row(self, connection: sa.Connection) -> int:
        """The row id of this account, remembered once other connections see it too."""
        if self._account_id is not None:
            return self._account_id
        which = {"search": self._search, "command": self._command}
        number = find_account(connection, **which)
        if number is None:
            self._opened_by = connection
            return account_id(connection, **which)
        if self._opened_by is not connection:
            self._account_id = number
        return number

    def _add(self, connection: sa.Connection, identity: str, paid: Spent) -> None:
        if not self._paid.now:  # until the end of the transaction, so that `refresh` sees it in both places or in none
            self._counting.acquire()
        self._paid.now.append((identity, paid))
        if self._search is not None or self._command is not None:
            key = {"account_id": self._row(connection), "identity_id": paid_work.identity_id(connection, identity)}
            amounts = {"calls": paid.calls, "requests": paid.requests, **paid_work.usage_columns(paid.usage)}
            upsert(connection, spending, key, amounts)


class _Paid(threading.local):
    """What the transaction of a thread counts."""

    def __init__(self) -> None:
        self.now: list[tuple[str, Spent]] = []


@dataclass(frozen=True, slots=True)
class _KeptReplies:
    """The replies to one model, as `memory.ReplyMemory`."""

    account: Account
    identity: str
    allow: Callable[[], None]
    calls: bool

    def claim(self, key: str) -> str:
        return self.account.claim(key)

    def find_replies(self, ids: Sequence[str]) -> list[str | None]:
        return self.account.find_replies(ids)

    def add_replies(self, paid: Sequence[PaidReply]) -> None:
        self.account.add_replies(self.identity, paid, calls=self.calls)


def _identities(model: Billed) -> list[str]:
    """All identities under which results of a model are stored."""
    pairwise = [model.pairwise_identity] if isinstance(model, PairwiseJudge) else []
    tagging = [model.tagging_identity] if isinstance(model, NamedTagger) else []
    return [model.identity, *pairwise, *tagging]


def account_id(connection: sa.Connection, *, search: str | None = None, command: str | None = None) -> int:
    """The row id of an account, which is opened if it is new. UnknownNameError if there is no such search."""
    found = find_account(connection, search=search, command=command)
    if found is None:
        row = _account_row(connection, search, command)
        [key] = row
        insert_new(connection, accounts, [row], key=key)
        found = find_account(connection, search=search, command=command)
    return found or 0


def find_account(connection: sa.Connection, *, search: str | None = None, command: str | None = None) -> int | None:
    """As `account_id`, but None if it is not open yet."""
    [(key, value)] = _account_row(connection, search, command).items()
    return connection.scalar(sa.select(accounts.c.id).where(accounts.c[key] == value))


def _account_row(connection: sa.Connection, search: str | None, command: str | None) -> dict[str, object]:
    return {"name": command} if search is None else {"search_id": search_id(connection, search)}


def read_spending(connection: sa.Connection, of_search: int) -> dict[str, Spent]:
    """What a search has spent so far, by identity of the model or judge."""
    number = sa.select(accounts.c.id).where(accounts.c.search_id == of_search).scalar_subquery()
    rows = sa.select(identities.c.name, spending).join(spending).where(spending.c.account_id == number)
    spent: dict[str, Spent] = {}
    for row in connection.execute(rows).mappings():
        name = without_address(row[identities.c.name])
        spent[name] = spent.get(name, Spent()) + _spent(row)
    return spent


def read_bill(connection: sa.Connection) -> dict[str, dict[str, Spent]]:
    """What every account has spent so far, by its name and the identity of the model or judge."""
    account = sa.func.coalesce(searches.c.name, accounts.c.name).label("account")
    rows = (
        sa.select(account, identities.c.name, spending)
        .select_from(spending)
        .join(accounts, accounts.c.id == spending.c.account_id)
        .join(identities, identities.c.id == spending.c.identity_id)
        .outerjoin(searches, searches.c.id == accounts.c.search_id)
        .order_by(accounts.c.id, identities.c.id)
    )
    bill: dict[str, dict[str, Spent]] = {}
    for row in connection.execute(rows).mappings():
        bill.setdefault(row["account"], {})[row[identities.c.name]] = _spent(row)
    return bill


def close_account(connection: sa.Connection, of_search: int) -> None:
    """Move what a search has spent to the account of removed searches, so that the search can be removed."""
    number = connection.scalar(sa.select(accounts.c.id).where(accounts.c.search_id == of_search))
    if number is None:
        return
    taker = account_id(connection, command=REMOVED)
    for row in connection.execute(sa.select(spending).where(spending.c.account_id == number)).mappings().all():
        amounts = {column.name: row[column] for column in spending.c if not column.primary_key}
        upsert(connection, spending, {"account_id": taker, "identity_id": row[spending.c.identity_id]}, amounts)
    connection.execute(sa.delete(spending).where(spending.c.account_id == number))
    connection.execute(sa.delete(accounts).where(accounts.c.id == number))


def _spent(row: Mapping[Any, Any]) -> Spent:
    return Spent(
        calls=row[spending.c.calls],
        requests=row[spending.c.requests],
        usage=paid_work.read_usage(row, spending),
    )
