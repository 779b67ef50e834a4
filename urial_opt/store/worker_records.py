"""Worker records: which processes work, or have worked, on a search."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from urial_opt.store.processes import WorkingProcess, is_at_work, is_gone
from urial_opt.store.worker_tables import asked, leases, workers


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """A process that works, or has worked, on a search."""

    process: WorkingProcess
    is_at_work: bool
    left_at: str | None
    """When it ended; ISO 8601, UTC; None if it is at work, or was killed."""
    reason: str
    """Why it ended before the search did."""
    trials: tuple[int, ...]
    """The trials that it has in flight."""

    def as_json(self) -> dict[str, object]:
        """Keys: `host`, `pid`, `since`, `at_work`, `left` (null if it is at work or was killed), `reason`, `trials`."""
        return {
            **self.process.as_shown(),
            "at_work": self.is_at_work,
            "left": self.left_at,
            "reason": self.reason,
            "trials": list(self.trials),
        }


def read_workers(connection: sa.Connection, of_search: int) -> list[WorkerRecord]:
    """All workers of a search, in the order in which they began."""
    held: dict[str | None, list[int]] = {}
    trial = (leases.c.search_id == of_search) & (leases.c.work == "trial")
    for row in connection.execute(sa.select(leases.c.owner, leases.c.number).where(trial).order_by(leases.c.number)):
        held.setdefault(row.owner, []).append(row.number)
    found = []
    for row in connection.execute(sa.select(workers).where(workers.c.search_id == of_search)):
        process = WorkingProcess(**row.process)
        there = row.left_at is None and is_at_work(process, row.heartbeat)
        found.append(
            WorkerRecord(
                process=process,
                is_at_work=there,
                left_at=row.left_at,
                reason=row.reason,
                trials=tuple(held.get(row.token, ())) if there else (),
            )
        )
    return sorted(found, key=lambda each: each.process.since)


def gone_workers(connection: sa.Connection, of_search: int | None = None) -> set[str]:
    """The tokens of workers of which it is known at once that they are gone: they left, or ran on this host.

    Of those with leases or questions left, that is: of others it does not matter.
    """
    left = sa.select(leases.c.owner).where(leases.c.owner.is_not(None)).union(sa.select(asked.c.owner))
    wanted = sa.select(workers).where(workers.c.token.in_(left))
    if of_search is not None:
        wanted = wanted.where(workers.c.search_id == of_search)
    rows = connection.execute(wanted)
    return {row.token for row in rows if row.left_at is not None or is_gone(WorkingProcess(**row.process))}


def at_work(connection: sa.Connection, of_search: int, *, but: str = "") -> list[WorkingProcess]:
    """The processes at work on a search, except for the worker `but`."""
    wanted = (workers.c.search_id == of_search) & workers.c.left_at.is_(None) & (workers.c.token != but)
    rows = connection.execute(sa.select(workers).where(wanted)).all()
    found = [(WorkingProcess(**row.process), row.heartbeat) for row in rows]
    return sorted((each for each, beat in found if is_at_work(each, beat)), key=lambda each: each.since)
