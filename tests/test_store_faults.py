"""A fault of the database is reported in one line that says what to do next, and no record is lost."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.store_faults import GREEDY, assert_holds, evaluation_of, every_connection, refused, store_of_three, trial_of
from urial_opt.errors import StoreError
from urial_opt.records import Completion
from urial_opt.store import Store
from urial_opt.store.connection import Connection

ROOT = Path(__file__).parent.parent
WRITER = """
import sys
from tests.store_faults import evaluation_of, trial_of
from urial_opt.store import Store

with Store.open(sys.argv[1]) as store:
    store.open_search("s", {})
    number = len(store.trials("s"))
    while True:
        store.add_trial("s", trial_of(number), evaluation_of(number))
        print(number, flush=True)
        number += 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return store_of_three(tmp_path)


def test_a_full_disk_loses_nothing(file: Path) -> None:
    pages = file.stat().st_size // 4096
    with every_connection(f"PRAGMA max_page_count = {pages + 4}"), Store.open(str(file)) as store:
        with refused("the disk is full; free some space, then type the same command again"):
            store.add_trial("s", trial_of(3), evaluation_of(3, length=2000))
        with refused("the disk is full"):
            store.add_completions("g", GREEDY, ["p"], [Completion(text="long " * 20_000, finish_reason="stop")])
        assert len(store.trials("s")) == 3
        assert store.find_completions("g", GREEDY, ["p"]) == [None]
    with Store.open(str(file)) as store:
        store.add_trial("s", trial_of(3), evaluation_of(3))
    assert_holds(file, 4)


def test_no_room_for_a_new_store(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    with every_connection("PRAGMA max_page_count = 5"), refused("the disk is full"):
        Store.open(str(file))
    with Store.open(str(file)) as store:
        assert store.searches() == []


def test_a_file_that_may_not_grow_loses_nothing(file: Path) -> None:
    code = (
        "import resource, sys\n"
        "from tests.store_faults import evaluation_of, trial_of\n"
        "from urial_opt.errors import StoreError\n"
        "from urial_opt.store import Store\n"
        "with Store.open(sys.argv[1]) as store:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "    try:\n"
        "        store.add_trial('s', trial_of(3), evaluation_of(3, length=2000))\n"
        "    except StoreError as error:\n"
        "        print(error)\n"
    )
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert re.search(r"disk (is full|cannot be .* written).*type the same command again$", done.stdout.strip())
    assert done.stderr == ""
    assert_holds(file, 3)


def test_a_read_only_database_can_be_read_and_not_written(file: Path) -> None:
    with Store.open(f"sqlite:///file:{file}?mode=ro&uri=true") as store:
        assert len(store.trials("s")) == 3
        with refused("it is read-only; make the file and its folder writable"):
            store.open_search("another", {})
    assert_holds(file, 3)


def test_a_new_store_in_a_read_only_place(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with refused("it is read-only"):
        Store.open(f"sqlite:///file:{tmp_path / 'empty.db'}?mode=ro&uri=true")


def test_a_locked_database(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other, Store.open(str(file), wait_seconds=0) as store:
        other.execute("BEGIN IMMEDIATE")
        with refused("another process keeps it locked; wait for that one or end it, then type the same command again"):
            store.add_trial("s", trial_of(3), evaluation_of(3))
        assert len(store.trials("s")) == 3
        other.execute("ROLLBACK")
        store.add_trial("s", trial_of(3), evaluation_of(3))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with refused("another process keeps it locked"):
            Store.open(str(file), wait_seconds=0)
    assert_holds(file, 4)


def test_a_killed_writer_loses_no_trial_and_leaves_no_half_one(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    reported = -1
    for wait in (0.0, 0.05, 0.13):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as writer:
            assert writer.stdout is not None
            reported = int(writer.stdout.readline())
            time.sleep(wait)
            writer.kill()
            reported = max([reported, *map(int, writer.stdout.read().split())])
        with Store.open(str(file)) as store:
            trials = store.trials("s")
            assert reported + 1 <= len(trials) <= reported + 2
            assert trials == [trial_of(number) for number in range(len(trials))]
            assert all(len(store.evaluation("s", trial.number).completions) == 12 for trial in trials)
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("SELECT COUNT(*) FROM urial_evaluations").fetchone() == (len(trials),)


def test_a_new_store_waits_for_a_process_that_is_writing(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE another (a)")
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO another VALUES (1)")
        waiting = threading.Timer(0.3, lambda: other.execute("COMMIT"))
        waiting.start()
        connection = Connection(str(path), wait_seconds=10.0)
        connection.write_ahead()
        connection.close()
        waiting.join()
    with closing(sqlite3.connect(path)) as fresh:
        assert fresh.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_new_store_does_not_wait_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE another (a)")
        other.execute("BEGIN IMMEDIATE")
        connection = Connection(str(path), wait_seconds=0.1)
        with pytest.raises(StoreError, match="another process keeps it locked"):
            connection.write_ahead()
        connection.close()
