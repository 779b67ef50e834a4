"""The engine: how many connections a process has to its database, and how each of them is set up."""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa
from sqlalchemy.engine import URL

_CONNECTIONS, _MORE = 2, 4
"""Connections to PostgreSQL that stay open, and how many more there may be for a moment.

Each is a process of the server, which by default allows a hundred for all workers together."""
_OPEN_FILES = 16
"""Connections to a SQLite file that stay open; more are opened while more threads read at once."""
_PATIENCE = 60_000
"""Milliseconds in which another engine on a SQLite file waits for its turn."""
_LONG = 600.0
"""Seconds; how long a thread waits for a connection that other threads of this process use."""


def new_engine(url: URL, *, wait_seconds: float) -> sa.Engine:
    """An engine that many threads may use. `wait_seconds` is how long SQLite waits for another process."""
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_size=_CONNECTIONS, max_overflow=_MORE, pool_timeout=_LONG)
    pool = {} if _in_memory(url) else {"pool_size": _OPEN_FILES, "max_overflow": -1}
    engine = sa.create_engine(url, connect_args={"timeout": wait_seconds}, **pool)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", begin_sqlite)
    return engine


def beside_pool(engine: sa.Engine) -> sa.Connection:
    """A connection that is none of the engine's pool, outside any transaction."""
    return sa.create_engine(
        engine.url, poolclass=sa.NullPool, pool_reset_on_return=None, isolation_level="AUTOCOMMIT"
    ).connect()


def _in_memory(url: URL) -> bool:
    return not url.database or ":memory:" in url.database or "mode=memory" in str(url)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # By default Python's sqlite3 begins transactions itself: too late for reads, and never for DDL.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    _commit_cheaply(connection, _record)


def take_turns(connection: sqlite3.Connection, _record: object) -> None:
    """Let transactions of another engine wait for each other, and for ours (`begin_sqlite`)."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
    _commit_cheaply(connection, _record)


def _commit_cheaply(connection: sqlite3.Connection, _record: object) -> None:
    # In WAL mode a commit survives the death of the process without an fsync; with NORMAL only checkpoints call fsync.
    # Rows keyed by hash are scattered over the pages of the file. Rare checkpoints (every 16 MB) write each page once.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")


def begin_sqlite(connection: sa.Connection) -> None:
    # Without IMMEDIATE, a transaction that reads before it writes fails at once if another one wrote in between.
    if begin := connection.get_execution_options().get("urial_begin", "BEGIN IMMEDIATE"):
        connection.exec_driver_sql(begin)
