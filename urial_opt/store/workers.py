"""Workers: the processes that work on a search, each of which says at intervals that it is still there."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType

import sqlalchemy as sa

from urial_opt.errors import StoreError
from urial_opt.secrets import redacted
from urial_opt.store.asked_elsewhere import WorkersAsking
from urial_opt.store.connection import Connection
from urial_opt.store.entries import SearchStatus
from urial_opt.store.leases import Leases
from urial_opt.store.patience import all_patient, patient
from urial_opt.store.processes import BEAT, LEASE, WorkingProcess, lay_down, take_up, this_process
from urial_opt.store.searches import now, search_id
from urial_opt.store.statements import clock
from urial_opt.store.tables import searches, trials
from urial_opt.store.worker_records import at_work
from urial_opt.store.worker_tables import asked, leases, workers


@all_patient
class Worker:
    """This process at work on a search. Use it as a context manager: at its end its leases are anybody's.

    Entering it is a StoreError if another process works on the search, unless it is to `join` them. An exception that
    leaves the context makes the search stopped, if it is of one of the kinds in `stops`, or else failed, unless others
    go on with it; its text is the reason.
    """

    def __init__(
        self,
        database: Connection,
        search: str,
        *,
        versions: Mapping[str, int],
        join: bool = False,
        stops: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._database = database
        self._search = search
        self._versions = dict(versions)
        self._join = join
        self._stops = (*stops, KeyboardInterrupt, SystemExit, GeneratorExit)
        self._process = this_process(since=now())
        self._threads_asking = database.asking
        self._over = threading.Event()
        self._beating = threading.Thread(target=self._beat, daemon=True, name="heartbeat")
        with database.reading() as connection:
            self._search_id = search_id(connection, search)
        self.leases = Leases(database, self._search_id, self._process.token)

    @property
    def token(self) -> str:
        """Identifies this worker."""
        return self._process.token

    @patient
    def __enter__(self) -> Worker:
        take_up(self._process)
        try:
            with self._database.writing() as connection:
                search_id(connection, self._search, lock=True)
                if not self._join:
                    _refuse_others(connection, self._search, self._search_id, self._process)
                self._begin(connection)
        except BaseException:
            lay_down(self._process)
            raise
        self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._beating.join()
        self._database.asking = self._threads_asking
        stopped = error is None or isinstance(error, self._stops)
        reason = ""
        if error is not None:
            reason = redacted(" ".join(str(getattr(error, "why", error)).split())) or type(error).__name__
        try:
            # Whoever stops a search is told that its results are stored, so a store that is gone must be heard of.
            heard = () if error is not None and stopped else (StoreError,)
            with suppress(*heard):
                status = None if error is None else SearchStatus.STOPPED if stopped else SearchStatus.FAILED
                self._end(status, reason)
        finally:
            lay_down(self._process)

    @patient
    def _end(self, status: SearchStatus | None, reason: str) -> None:
        with self._database.writing() as connection:
            search_id(connection, self._search, lock=True)
            self._leave(connection, reason)
            if status is not None and not at_work(connection, self._search_id, but=self.token):
                here = searches.c.id == self._search_id
                connection.execute(sa.update(searches).where(here).values(status=status, reason=reason))

    def share(self) -> None:
        """From now on, let other workers know what this process is asking for, and ask for nothing that they do."""
        if not isinstance(self._database.asking, WorkersAsking):
            self._database.asking = WorkersAsking(self._database, self._threads_asking, token=self.token)

    def others(self) -> list[WorkingProcess]:
        """The other processes at work on the search."""
        with self._database.reading() as connection:
            return at_work(connection, self._search_id, but=self.token)

    def _begin(self, connection: sa.Connection) -> None:
        process, beat = self._process.as_json(), clock(connection)
        new = {"token": self.token, "search_id": self._search_id, "process": process, "heartbeat": beat, "reason": ""}
        connection.execute(sa.insert(workers), new)
        taken = {"status": SearchStatus.RUNNING, "reason": None, "process": process, "heartbeat": beat}
        connection.execute(sa.update(searches).where(searches.c.id == self._search_id).values(taken))
        _note_versions(connection, self._search_id, self._versions)

    def _leave(self, connection: sa.Connection, reason: str) -> None:
        here = workers.c.token == self.token
        connection.execute(sa.update(workers).where(here).values(left_at=now(), reason=reason))
        connection.execute(sa.update(leases).where(leases.c.owner == self.token).values(owner=None, until=0.0))
        connection.execute(sa.delete(asked).where(asked.c.owner == self.token))

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            self._beat_once()

    def _beat_once(self) -> None:
        """Say that this process is still there, which puts off the end of its leases."""
        with suppress(StoreError), self._database.writing() as connection:  # the next write says what is wrong
            beat = clock(connection)
            for table, owner in ((leases, leases.c.owner), (asked, asked.c.owner)):
                connection.execute(sa.update(table).where(owner == self.token).values(until=beat + LEASE))
            connection.execute(sa.update(workers).where(workers.c.token == self.token).values(heartbeat=beat))


def _refuse_others(connection: sa.Connection, name: str, number: int, process: WorkingProcess) -> None:
    if not (others := at_work(connection, number)):
        return
    other = others[0]
    same = " (this one)" if other.host == process.host and other.pid == process.pid else ""
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    raise StoreError(
        f"the search {name!r} is running already: {other}{same}{more}; let this process work on it too with "
        f"`urial-opt work {name}`, wait until it ends, end that one with `kill {other.pid}` there, or give another "
        "`name=NEW`"
    )


def _note_versions(connection: sa.Connection, number: int, versions: Mapping[str, int]) -> None:
    """Add the versions that decide from now on, unless they are those that decided before."""
    here = searches.c.id == number
    kept: Sequence[Mapping[str, object]] = connection.scalar(sa.select(searches.c.versions).where(here)) or []
    done = connection.scalar(sa.select(sa.func.count()).select_from(trials).where(trials.c.search_id == number)) or 0
    if done and not kept:
        kept = [{"first_trial": 0, "versions": None}]
    if not kept or kept[-1]["versions"] != versions:
        kept = [each for each in kept if int(str(each["first_trial"])) < done]
        kept = [*kept, {"first_trial": done, "versions": dict(versions)}]
        connection.execute(sa.update(searches).where(here).values(versions=kept))
