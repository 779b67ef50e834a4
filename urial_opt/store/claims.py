"""Claims: a search belongs to one process at a time, which says at intervals that it is still at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType

import sqlalchemy as sa

from urial_opt.errors import StoreError
from urial_opt.secrets import redacted
from urial_opt.store.connection import Connection
from urial_opt.store.entries import SearchStatus
from urial_opt.store.processes import BEAT, WorkingProcess, lay_down, take_up, this_process
from urial_opt.store.searches import now, read_search, search_id
from urial_opt.store.tables import searches, trials


class Claim:
    """The claim of this process on a search. Use it as a context manager: at its end the search is no longer running.

    Entering it is a StoreError if another process works on the search. An exception that leaves the context makes the
    search stopped, if it is of one of the kinds in `stops`, or else failed; its text is the reason.
    """

    def __init__(
        self,
        database: Connection,
        search: str,
        *,
        versions: Mapping[str, int],
        stops: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._database = database
        self._search = search
        self._versions = dict(versions)
        self._stops = (*stops, KeyboardInterrupt, SystemExit, GeneratorExit)
        self._process = this_process(since=now())
        self._over = threading.Event()
        self._lost = False
        self._beating = threading.Thread(target=self._beat, daemon=True, name="heartbeat")

    def __enter__(self) -> Claim:
        take_up(self._process)
        try:
            with self._database.writing() as connection:
                _take(connection, self._search, self._process)
                _note_versions(connection, self._search, self._versions)
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
        try:
            if error is None or self._lost:
                return
            stopped = isinstance(error, self._stops)
            reason = redacted(" ".join(str(getattr(error, "why", error)).split())) or type(error).__name__
            status = SearchStatus.STOPPED if stopped else SearchStatus.FAILED
            # Whoever stops a search is told that its results are stored, so a store that is gone must be heard of.
            with suppress(*(() if stopped else (StoreError,))), self._database.writing() as connection:
                _set(connection, self._search, self._process, status=status, reason=reason)
        finally:
            lay_down(self._process)

    def check(self) -> None:
        """StoreError if another process has taken up the search meanwhile."""
        if self._lost:
            raise StoreError(
                f"the search {self._search!r} was taken up by another process, which had not heard of this one for "
                "minutes; look who runs it with: urial-opt list"
            )

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            self._beat_once()

    def _beat_once(self) -> None:
        if not self._lost:
            with suppress(StoreError), self._database.writing() as connection:  # the next write says what is wrong
                self._lost = not _set(connection, self._search, self._process, heartbeat=time.time())


def _take(connection: sa.Connection, name: str, process: WorkingProcess) -> None:
    number = search_id(connection, name, lock=True)
    record = read_search(connection, name)
    if record.status is SearchStatus.RUNNING and record.process:
        other = record.process
        same = " (this one)" if other.host == process.host and other.pid == process.pid else ""
        raise StoreError(
            f"the search {name!r} is running already: {other}{same}; wait until it ends, end that one with "
            f"`kill {other.pid}` there, or give another `name=NEW`"
        )
    taken = {"status": SearchStatus.RUNNING, "reason": None, "process": process.as_json(), "heartbeat": time.time()}
    connection.execute(sa.update(searches).where(searches.c.id == number).values(taken))


def _note_versions(connection: sa.Connection, name: str, versions: Mapping[str, int]) -> None:
    """Add the versions that decide from now on, unless they are those that decided before."""
    number = search_id(connection, name)
    kept = connection.scalar(sa.select(searches.c.versions).where(searches.c.id == number)) or []
    done = connection.scalar(sa.select(sa.func.count()).select_from(trials).where(trials.c.search_id == number)) or 0
    if done and not kept:
        kept = [{"first_trial": 0, "versions": None}]
    if not kept or kept[-1]["versions"] != versions:
        kept = [each for each in kept if each["first_trial"] < done]
        kept = [*kept, {"first_trial": done, "versions": dict(versions)}]
        connection.execute(sa.update(searches).where(searches.c.id == number).values(versions=kept))


def _set(connection: sa.Connection, name: str, process: WorkingProcess, **values: object) -> bool:
    """Change a search that this process works on; False if another one does."""
    mine = (searches.c.name == name) & (searches.c.process == process.as_json())
    return connection.execute(sa.update(searches).where(mine).values(**values)).rowcount > 0
