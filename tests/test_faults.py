"""A fault during a command is reported in one line that says what to do next, and no record is lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from tests.parrot import Parrot, assert_lists, search_with_parrot, small, told
from tests.store_faults import every_connection
from urial_opt import plugins
from urial_opt.search.study import SearchStudy
from urial_opt.store import Account, Store

COMMANDS = (("search", "--budget", 1), ("list",), ("inspect",), ("export",))


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `nano` mean the parrot."""
    monkeypatch.setattr(plugins, "open_generator", lambda *_: Parrot())


@pytest.fixture(scope="module")
def searched(small_space: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the finished search `mine`, closed."""
    path = tmp_path_factory.mktemp("searched") / "store.db"
    search_with_parrot(path, small_space)
    return path


@pytest.fixture
def file(searched: Path, tmp_path: Path) -> Path:
    """A copy of that store, to be disturbed."""
    return Path(shutil.copy(searched, tmp_path / "store.db"))


# The place of the store


@pytest.mark.parametrize("place", ["missing/store.db", "folder", "/proc/store.db", "file/store.db"])
def test_a_place_where_no_store_can_be(run: Run, tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    for command in COMMANDS:
        assert "; give " in run.refused(*command, "--store", place)
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_read_only_store_can_be_looked_at(run: Run, file: Path, small_space: Path, parrot: None) -> None:
    url = f"sqlite:///file:{file}?mode=ro&uri=true"
    assert "mine" in run("list", "--store", url)[0]
    assert "read-only; make the file and its folder writable" in run.stopped(*small(small_space), "--store", url)
    assert_lists(run, file)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(run: Run, file: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        assert "writable" in run.refused("search", "--budget", 1)
        assert "writable" in run.refused("search", "--budget", 1, "--store", file)
    finally:
        tmp_path.chmod(0o755)
    assert_lists(run, file)


# Files that are not our store


def a_text(file: Path) -> None:
    file.write_text("These are my notes.\n" * 500)


def a_foreign_database(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")


def a_newer_store(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE urial_version SET version_num = 'm999'")


def a_damaged_store(file: Path) -> None:
    with file.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xa5" * (file.stat().st_size - 4096))


@pytest.mark.parametrize(
    ("become", "reason"),
    [
        (a_text, "it is not a database; give another file"),
        (a_foreign_database, "belongs to another program (it has the table 'customers'); give another file"),
        (a_newer_store, "by a newer version of urial-opt ('m999'); install the newer version of urial-opt"),
        (a_damaged_store, "it is damaged; restore a copy"),
    ],
)
def test_a_file_that_is_no_store_is_left_alone(
    run: Run, file: Path, become: Callable[[Path], None], reason: str
) -> None:
    become(file)
    before = file.read_bytes()
    for command in COMMANDS:
        assert reason in run.refused(*command, "--store", file)
    assert file.read_bytes() == before


def test_tables_of_another_optuna(run: Run, file: Path, small_space: Path, parrot: None) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v99.0.0.a'")
    assert "pip install -U optuna" in run.stopped(*small(small_space), "--store", file)
    (entry,) = [e for e in json.loads(run("list", "--store", file, "--json")[0]) if e["name"] == "mine"]
    assert entry["trials"] == 3


def test_damage_in_the_tables_of_optuna(run: Run, file: Path, small_space: Path, parrot: None) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE trial_params SET distribution_json = '{\"name\": '")
    words = small(small_space, "--name", "mine", "--budget", 4)
    assert "start the same search again, or give another database as --store URL" in run.stopped(
        *words, "--store", file
    )
    assert_lists(run, file, status="failed")  # it went on with a larger budget


# A store that another process has locked


def test_a_locked_store(run: Run, file: Path) -> None:
    with every_connection("PRAGMA busy_timeout = 0"), closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        for command in COMMANDS:
            assert "another process keeps it locked; wait" in run.refused(*command, "--store", file)
    assert_lists(run, file)


@pytest.mark.parametrize(
    ("step", "budget"),
    [
        *(("open_search", 3), ("add_completions", 3), ("add_trial", 3), ("add_trial", 1), ("set_estimates", 3)),
        ("finish", 1),
    ],
)
def test_a_store_that_is_locked_under_way(
    run: Run, small_space: Path, monkeypatch: pytest.MonkeyPatch, parrot: None, step: str, budget: int
) -> None:
    """The lock is taken after `step`, so that either our next write or Optuna's fails."""
    search_words = small(small_space, "--budget", budget)
    undisturbed = told(run, *search_words, "--store", "undisturbed.db")
    owner = Account if step == "add_completions" else Store
    original = getattr(owner, step)

    with closing(sqlite3.connect("store.db", isolation_level=None)) as other:

        def then_lock(self: Account | Store, *arguments: Any, **named: Any) -> Any:
            result = original(self, *arguments, **named)
            if step != "set_estimates" or arguments[1]:
                other.execute("BEGIN IMMEDIATE")
            return result

        monkeypatch.setattr("time.sleep", lambda _: None)  # Optuna tries some calls again
        with every_connection("PRAGMA busy_timeout = 0"), monkeypatch.context() as patched:
            patched.setattr(owner, step, then_lock)
            if step == "finish":
                assert told(run, *search_words, "--store", "store.db") == undisturbed
            else:
                line = run.stopped(*search_words, "--store", "store.db")
                assert "locked" in line
                assert "again, or give another database as --store URL" in line or "type the same command again" in line
        other.execute("ROLLBACK")
    assert told(run, *search_words, "--store", "store.db") == undisturbed


# A disk that is full


def test_a_disk_that_fills_up_again_and_again(
    run: Run, small_space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parrot: None
) -> None:
    words = small(small_space, "--budget", 12)
    undisturbed = told(run, *words, "--store", "undisturbed.db")
    monkeypatch.setattr("time.sleep", lambda _: None)  # Optuna tries some calls again
    pages = (tmp_path / "undisturbed.db").stat().st_size // 4096
    recorded = 0
    for limit in range(4, pages, max(1, pages // 30)):
        with every_connection(f"PRAGMA max_page_count = {limit}"):
            line = run.stopped(*words, "--store", "store.db")
        assert "is full" in line
        assert "again, or give another database as --store URL" in line or "type the same command again" in line
        before, recorded = recorded, _trials(tmp_path / "store.db")
        assert recorded >= before
    assert recorded > 0
    assert told(run, *words, "--store", "store.db") == undisturbed


def _trials(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'urial_trials'").fetchone():
            return 0
        return int(connection.execute("SELECT count(*) FROM urial_trials").fetchone()[0])


# Interrupted before the first trial


def test_a_search_that_died_before_its_first_trial_tries_the_starting_prompt_once(
    run: Run, small_space: Path, monkeypatch: pytest.MonkeyPatch, parrot: None
) -> None:
    words = small(small_space, "--budget", 4)
    undisturbed = told(run, *words, "--store", "undisturbed.db")
    with monkeypatch.context() as patched:
        patched.setattr(SearchStudy, "begin", _die)
        with pytest.raises(SystemExit):
            run(*words, "--store", "store.db")
    assert told(run, *words, "--store", "store.db") == undisturbed


def _die(*_: object) -> None:
    raise SystemExit
