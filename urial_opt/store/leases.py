"""Leases: what a process has taken up for a while, so that no other does the same.

A lease belongs to its owner until a time, which the owner's heartbeat puts off. Then, or once the owner is known to be
gone, another process may take it: the fence grows, and what the former owner still writes under the old one is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from urial_opt.store.connection import Connection
from urial_opt.store.patience import all_patient
from urial_opt.store.processes import LEASE
from urial_opt.store.statements import clock, insert_into
from urial_opt.store.worker_records import gone_workers
from urial_opt.store.worker_tables import leases


class Work(StrEnum):
    """What a lease is for."""

    TRIAL = "trial"
    ROUND = "round"
    """A round of the proposer."""
    DONE = "done"
    """A mark that no more trials are to be proposed; its number is how many had ended then."""
    END = "end"
    """The measurements at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a process has taken up."""

    work: Work
    number: int
    """Of the trial, or of the round; 0 for the end."""
    fence: int
    """How often it was taken up before."""
    proposal: Mapping[str, Any] | None = None
    """What is to be tried, in a trial."""
    looks: tuple[int, ...] = ()
    """How many trials had ended at each look at the trial so far."""
    is_held: bool = True
    """Whether the process that has taken it up is still at work."""


@all_patient
class Leases:
    """The leases on the work of one search, as one process sees them. Each method is one transaction."""

    def __init__(self, database: Connection, search_id: int, token: str) -> None:
        """`token` is that of this process's worker."""
        self._database = database
        self._search_id = search_id
        self._token = token

    @contextmanager
    def proposing(self) -> Iterator[None]:
        """Let one process at a time propose the next trial of this search."""
        with self._database.alone(self._search_id):
            yield

    def all(self) -> list[Lease]:
        """All leases of the search, by number."""
        with self._database.reading() as connection:
            free = self._free(connection, clock(connection)).label("free")
            here = leases.c.search_id == self._search_id
            rows = connection.execute(
                sa.select(leases, free).where(here).order_by(leases.c.work, leases.c.number)
            ).all()
        return [replace(_read(row), is_held=not row.free) for row in rows]

    def grant(self, number: int, proposal: Mapping[str, object]) -> Lease | None:
        """A lease on a new trial; None if there is one with that number."""
        lease = Lease(work=Work.TRIAL, number=number, fence=0, proposal=proposal)
        with self._database.writing() as connection:
            insert = insert_into(connection, leases).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
            new = connection.execute(insert, self._row(lease, clock(connection))).rowcount
        return lease if new == 1 else None

    def take(self, work: Work, number: int | None = None) -> Lease | None:
        """A lease that nobody holds: on that trial, or on the first one; None if there is none.

        A lease on a round or on the end is new if there is none.
        """
        with self._database.writing() as connection:
            now = clock(connection)
            if work is not Work.TRIAL and number is not None:
                new = self._row(Lease(work=work, number=number, fence=-1), 0.0) | {"owner": None}
                connection.execute(insert_into(connection, leases).on_conflict_do_nothing(), new)
            free = self._free(connection, now)
            wanted = [leases.c.search_id == self._search_id, leases.c.work == work.value, free]
            if number is not None:
                wanted.append(leases.c.number == number)
            row = connection.execute(
                sa.select(leases).where(*wanted).order_by(leases.c.number).limit(1).with_for_update(skip_locked=True)
            ).one_or_none()
            if row is None:
                return None
            taken = replace(_read(row), fence=row.fence + 1)
            mine = {"owner": self._token, "until": now + LEASE, "fence": taken.fence}
            connection.execute(sa.update(leases).where(self._is(taken)).values(mine))
        return taken

    def look(self, lease: Lease, ended: int) -> Lease | None:
        """The lease after another look at its trial, when so many trials had ended; None if it is lost."""
        after = replace(lease, looks=(*lease.looks, ended))
        with self._database.writing() as connection:
            held = sa.update(leases).where(self._is(lease), leases.c.fence == lease.fence)
            kept = connection.execute(held.values(looks=list(after.looks))).rowcount
        return after if kept else None

    def end(self, lease: Lease) -> bool:
        """End a lease whose work is done; False if it was lost."""
        with self._database.writing() as connection:
            return end_lease(connection, self._search_id, lease)

    def give_back(self, held: Sequence[Lease]) -> None:
        """Leave work for any process to take up."""
        with self._database.writing() as connection:
            for lease in held:
                here = self._is(lease) & (leases.c.fence == lease.fence)
                connection.execute(sa.update(leases).where(here).values(owner=None, until=0.0))

    def _free(self, connection: sa.Connection, now: float) -> sa.ColumnElement[bool]:
        """Whether nobody holds a lease; this process's own may be late, but are not lost."""
        lost = sa.and_(leases.c.owner != self._token, leases.c.until < now)
        gone = leases.c.owner.in_(gone_workers(connection, self._search_id))
        return sa.or_(leases.c.owner.is_(None), lost, gone)

    def _is(self, lease: Lease) -> sa.ColumnElement[bool]:
        return _is(self._search_id, lease)

    def _row(self, lease: Lease, now: float) -> dict[str, object]:
        return {
            "search_id": self._search_id,
            "work": lease.work.value,
            "number": lease.number,
            "owner": self._token,
            "until": now + LEASE,
            "fence": lease.fence,
            "proposal": None if lease.proposal is None else dict(lease.proposal),
            "looks": list(lease.looks),
        }


def end_lease(connection: sa.Connection, search_id: int, lease: Lease) -> bool:
    """As `Leases.end`, in a transaction that writes what came of the work."""
    held = _is(search_id, lease) & (leases.c.fence == lease.fence)
    return connection.execute(sa.delete(leases).where(held)).rowcount > 0


def _is(search_id: int, lease: Lease) -> sa.ColumnElement[bool]:
    return sa.and_(leases.c.search_id == search_id, leases.c.work == lease.work.value, leases.c.number == lease.number)


def _read(row: Any) -> Lease:  # noqa: ANN401 - a row of the table
    return Lease(work=Work(row.work), number=row.number, fence=row.fence, proposal=row.proposal, looks=tuple(row.looks))
