"""Asked elsewhere: what all workers on a database are asking for, so that none asks for what another is asking for."""

from __future__ import annotations

import time
from collections.abc import Collection
from threading import Lock

import sqlalchemy as sa

from urial_opt.memory import Asking, Reserved
from urial_opt.store.connection import Connection
from urial_opt.store.patience import all_patient
from urial_opt.store.processes import LEASE
from urial_opt.store.statements import chunks, clock, insert_new
from urial_opt.store.worker_records import gone_workers
from urial_opt.store.worker_tables import asked

_LOOK = 0.25
"""Seconds between two looks at what other workers are asking for, or between two deletions of what is settled."""


@all_patient
class WorkersAsking:
    """As `memory.Asking`, for the threads of this process and for other workers; a dead one holds nothing."""

    def __init__(self, database: Connection, threads: Asking, *, token: str) -> None:
        """`threads` does the same for the threads of this process; `token` is that of its worker."""
        self._database = database
        self._threads = threads
        self._token = token
        self._lock = Lock()
        self._released: set[str] = set()
        """Released keys whose rows are not deleted yet: a transaction for each reply would be dear."""
        self._deleted_at = 0.0

    def now(self) -> int:
        """As `memory.Asking`."""
        return self._threads.now()

    def reserve(self, keys: Collection[str], *, looked: int) -> Reserved:
        """As `memory.Asking`. All keys are doubtful, since nobody hears when another process releases one."""
        here = self._threads.reserve(keys, looked=looked).keys
        if not here:
            return Reserved(keys=here)
        with self._lock:
            self._released -= here
        with self._database.writing() as connection:
            until = clock(connection) + LEASE
            insert_new(connection, asked, [{"id": key, "owner": self._token, "until": until} for key in here])
            held = self._held(connection, here)
            for some in chunks(here - held):
                connection.execute(sa.update(asked).where(asked.c.id.in_(some)).values(owner=self._token, until=until))
        self._threads.release(held)
        return Reserved(keys=here - held, doubtful=here - held)

    def release(self, keys: Collection[str]) -> None:
        """As `memory.Asking`. Other processes hear of it a moment later, or at the end of a batch: without keys."""
        with self._lock:
            self._released |= set(keys)
            if keys and time.monotonic() < self._deleted_at + _LOOK:
                some = set()
            else:
                some, self._released, self._deleted_at = self._released, set(), time.monotonic()
        if some:
            try:
                with self._database.writing() as connection:
                    for part in chunks(some):
                        connection.execute(sa.delete(asked).where(asked.c.id.in_(part), asked.c.owner == self._token))
            except BaseException:
                with self._lock:
                    self._released |= some
                    self._deleted_at = 0.0
                raise
        self._threads.release(keys)

    def wait(self, keys: Collection[str]) -> None:
        """As `memory.Asking`."""
        self._threads.wait(keys)
        waiting = set(keys)
        while waiting:
            with self._database.reading() as connection:
                waiting = self._held(connection, waiting)
            if waiting:
                time.sleep(_LOOK)

    def _held(self, connection: sa.Connection, keys: Collection[str]) -> set[str]:
        """Those of the keys that another worker holds, which is still there."""
        gone, now = gone_workers(connection), clock(connection)
        others = (asked.c.owner != self._token) & (asked.c.until > now)
        return {
            row.id
            for some in chunks(keys)
            for row in connection.execute(sa.select(asked.c.id, asked.c.owner).where(asked.c.id.in_(some), others))
            if row.owner not in gone
        }
