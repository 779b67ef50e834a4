"""The connection to the database: opens it, runs transactions, and translates database errors into advice."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError

from urial_opt.errors import StoreError
from urial_opt.memory import Asking
from urial_opt.secrets import keep_secrets_of, redacted
from urial_opt.store.asking import ThreadsAsking
from urial_opt.store.engine import begin_sqlite, beside_pool, new_engine, take_turns
from urial_opt.store.folder_lock import locked_folder
from urial_opt.store.patience import passes, patient
from urial_opt.store.presence import OpenedFile

_BY_SQLITE_ERROR = {
    "SQLITE_FULL": "the disk is full; free some space, then type the same command again",
    "SQLITE_IOERR": "the disk cannot be read or written; check it and its free space, then type the same command again",
    "SQLITE_READONLY": "it is read-only; make the file and its folder writable, or give another one",
    "SQLITE_CANTOPEN": "the file cannot be opened; give one in a folder that exists and is writable",
    "SQLITE_BUSY": "another process keeps it locked; wait for that one or end it, then type the same command again",
    "SQLITE_LOCKED": "another process keeps it locked; wait for that one or end it, then type the same command again",
    "SQLITE_NOTADB": "it is not a database; give another file",
    "SQLITE_CORRUPT": "it is damaged; restore a copy or save what is left with `sqlite3 FILE .recover`, "
    "or begin another one",
}
_OTHERWISE = "look at that message, then type the same command again or give another database"
_ADVICE = "give a file, or postgresql+psycopg://USER@HOST/NAME"
_PAUSE = 0.05
"""Seconds between two tries to switch a database that another process is using."""
_OTHERS = 60.0
"""Seconds to wait for what other processes do one after another."""
_ALONE = 7_812_605
"""Number of the advisory lock of `Connection.alone` on PostgreSQL."""
_NOT_IDLE_FOR_LONG = sa.text(
    "SELECT set_config(name, '2min', false) FROM pg_settings WHERE name LIKE 'idle%session_timeout'"
)
"""A process that is paused while it holds the lock loses it."""
_NUMBER = sa.text("SELECT txid_current_if_assigned()")
_STATUS = sa.text("SELECT txid_status(:number)")
_STUDY_NAMES = "CREATE UNIQUE INDEX IF NOT EXISTS ix_studies_study_name ON studies (study_name)"


class Connection:
    """A database engine. Every read and write is a transaction; database errors become StoreError."""

    def __init__(self, url_or_path: str, *, wait_seconds: float) -> None:
        self._url = _read_url(url_or_path)
        self._secrets = keep_secrets_of(url_or_path)
        self._wait_seconds = wait_seconds
        self.dialect = self._url.get_backend_name()
        try:
            self._engine = new_engine(self._url, wait_seconds=wait_seconds)
        except ArgumentError as error:
            raise StoreError(f"the database {self.name!r} has an unknown driver; {_ADVICE}") from error
        except ImportError as error:
            advice = "type: pip install 'psycopg[binary]'"
            raise StoreError(f"the database {self.name!r} needs a driver that is missing; {advice}") from error
        # SQLite has one writer at a time: threads queue here, since it lets those that wait try again by chance.
        self._turn = Lock() if self.dialect == "sqlite" else nullcontext()
        self.asking: Asking = ThreadsAsking()
        """What the memories on this connection are asking models for."""
        self._file: OpenedFile | None = None
        self._reading = self._engine.execution_options(urial_begin="BEGIN")
        if self.dialect == "postgresql":
            self._reading = self._engine.execution_options(isolation_level="REPEATABLE READ")

    @property
    def url(self) -> str:
        """URL of the database, with its password, for Optuna or another process."""
        return self._url.render_as_string(hide_password=False)

    @property
    def name(self) -> str:
        """The database as shown in messages: a path, or a URL without its password."""
        path = self._url.database if self.dialect == "sqlite" else None
        return path or redacted(self._url.render_as_string())

    @property
    def path(self) -> Path | None:
        """The SQLite file, where the URL names one plainly."""
        path = self._url.database
        plain = self.dialect == "sqlite" and path and path != ":memory:" and not path.startswith("file:")
        return Path(path) if plain and path else None

    def refuse_to_create(self) -> None:
        """StoreError if opening would create a new SQLite file."""
        if (path := self.path) and not path.exists():
            advice = f"give the path of one, or begin it with: urial-opt search `store={path}`"
            raise StoreError(f"there is no store {str(path)!r}; {advice}")

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A read transaction, which sees one snapshot of the database."""
        self.check_presence()
        with self._explained(), self._reading.connect() as connection:
            try:
                yield connection
            except (ValueError, KeyError) as error:
                # Only valid values are written, so one that cannot be read back was damaged on the disk.
                raise StoreError(f"the store {self.name!r}: {_BY_SQLITE_ERROR['SQLITE_CORRUPT']}") from error

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A write transaction: all of it is written, or nothing."""
        self.check_presence()
        with self._explained(), self._turn, self._engine.connect() as connection, connection.begin() as transaction:
            yield connection
            number = connection.scalar(_NUMBER) if self.dialect == "postgresql" else None
            try:
                transaction.commit()
            except DBAPIError as error:
                if number is None or not passes(error) or not self._is_committed(number):
                    raise
        self.check_presence()

    @patient
    def _is_committed(self, number: int) -> bool:
        """Whether PostgreSQL has committed a transaction, which it may have done before the connection was lost.

        Asked beside the pool: others may wait for what this thread holds, each with a connection of the pool.
        """
        with self._explained(), beside_pool(self._engine) as connection:
            while (status := connection.scalar(_STATUS, {"number": number})) == "in progress":
                time.sleep(_PAUSE)
        return bool(status == "committed")

    def watch_file(self) -> None:
        """From now on, notice in each transaction if the SQLite file is no longer the one that is there now."""
        if path := self.path:
            self._file = OpenedFile.at(path.absolute())

    def check_presence(self) -> None:
        """StoreError if the SQLite file was removed, moved or replaced since it was opened."""
        if self._file:
            self._file.check()

    def write_ahead(self) -> None:
        """Switch SQLite to write-ahead logging, in which readers do not block the writer. The file keeps this mode.

        SQLite does not wait for another process here, as it does elsewhere: it is asked again until the time is up.
        """
        give_up = time.monotonic() + self._wait_seconds
        with self._explained(), self._engine.execution_options(urial_begin="").connect() as connection:
            while connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete":
                try:
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                except OperationalError:
                    if time.monotonic() > give_up:
                        raise
                    time.sleep(_PAUSE)

    @contextmanager
    def alone(self, search_id: int = 0) -> Iterator[None]:
        """Let one process at a time do what several connections do, such as creating Optuna's tables.

        With `search_id` it is one process of those that work on that search; in SQLite, one of all.
        A transaction cannot do that, since the other connections would wait for it. The lock ends with the process.
        """
        if self.dialect == "postgresql":
            lock = self._locked(search_id)
            try:
                yield
            finally:
                lock.close()
        elif path := self.path:
            try:
                with locked_folder(path.parent, wait_seconds=max(self._wait_seconds, _OTHERS)):
                    yield
            except TimeoutError as error:
                raise StoreError(f"the store {self.name!r}: {_BY_SQLITE_ERROR['SQLITE_LOCKED']}") from error
        else:
            yield

    @patient
    def _locked(self, search_id: int) -> sa.Connection:
        """A connection that holds the lock of `alone` until it is closed, or lost.

        It is none of the pool's, which may all be wanted by what is done meanwhile.
        """
        with self._explained():
            connection = beside_pool(self._engine)
            try:
                connection.execute(_NOT_IDLE_FOR_LONG)
                connection.execute(sa.text(f"SELECT pg_advisory_lock({_ALONE}, {search_id})"))
            except BaseException:
                connection.close()
                raise
            return connection

    @property
    def connections_of_others(self) -> dict[str, int | bool]:
        """How many connections another engine in this process may open, as arguments of `create_engine`."""
        if self.dialect != "postgresql":
            return {}
        return {"pool_size": 1, "max_overflow": 1, "pool_pre_ping": True}

    def tune(self, engine: sa.Engine) -> None:
        """Give another engine on this database, such as Optuna's, the commit settings of this one.

        Optuna creates its tables one by one. If the disk fills up in between, the index that keeps two studies from
        having one name is missing, and Optuna does not create it later: it is created here.
        """
        if self.dialect == "sqlite":
            # Its transactions wait for each other, as ours do: those that read before they write would fail at once.
            sa.event.listen(engine, "connect", take_turns)
            sa.event.listen(engine, "begin", begin_sqlite)
            engine.dispose()  # drops connections that were made without the settings
            with self._explained(), engine.begin() as connection:
                connection.exec_driver_sql(_STUDY_NAMES)

    def close(self) -> None:
        self._engine.dispose()

    def _redacted(self, words: str) -> str:
        return redacted(words, also=self._secrets)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(f"the store {self.name!r}: {self._redacted(_explanation(error.orig))}") from error
        except SQLAlchemyError as error:
            words = self._redacted(_one_line(error))
            raise StoreError(f"the store {self.name!r}: {words}; {_OTHERWISE}") from error
        except UnicodeDecodeError as error:  # sqlite3 cannot even read the schema
            raise StoreError(f"the store {self.name!r}: {_BY_SQLITE_ERROR['SQLITE_CORRUPT']}") from error


def _read_url(url_or_path: str) -> URL:
    if "://" not in url_or_path:
        return URL.create("sqlite", database=str(Path(url_or_path).expanduser()))
    try:
        url = make_url(url_or_path)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"{url_or_path!r} is no database URL; {_ADVICE}") from error
    if backend not in ("sqlite", "postgresql"):
        raise StoreError(f"databases of the kind {backend!r} are not supported; {_ADVICE}")
    return url


def _explanation(error: BaseException | None) -> str:
    name = getattr(error, "sqlite_errorname", "")
    for prefix, explanation in _BY_SQLITE_ERROR.items():
        if name.startswith(prefix):
            return explanation
    if isinstance(error, sqlite3.OperationalError) and "decode to UTF-8" in str(error):
        return _BY_SQLITE_ERROR["SQLITE_CORRUPT"]
    return f"{_one_line(error)}; {_OTHERWISE}"


def _one_line(error: BaseException | None) -> str:
    return " ".join(str(error).split())
