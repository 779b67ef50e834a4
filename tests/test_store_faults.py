"""What goes wrong with a database is one line that says what to type next, and nothing recorded is lost."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from urial_opt.content import content_folder
from urial_opt.errors import StoreError
from urial_opt.prompt import UrialPrompt
from urial_opt.records import (
    Candidate,
    Completion,
    Evaluation,
    Judgment,
    Query,
    Sampling,
    TrialRecord,
    TrialState,
    Usage,
)
from urial_opt.store import Store
from urial_opt.store.tables import SCHEMA_VERSION, metadata

GREEDY = Sampling()
WRITER = """
import sys
from test_store_faults import evaluation_of, trial_of
from urial_opt.store import Store
from urial_opt.store.tables import SCHEMA_VERSION, metadata

with Store.open(sys.argv[1]) as store:
    store.open_search("s", {})
    number = len(store.trials("s"))
    while True:
        store.add_trial("s", trial_of(number), evaluation_of(number))
        print(number, flush=True)
        number += 1
"""


def evaluation_of(number: int, *, length: int = 200) -> Evaluation:
    queries = [Query(id=f"q{i}", text=f"Why {i}?", kind="regular", split="dev") for i in range(12)]
    return Evaluation(
        queries=queries,
        completions=[Completion(text=f"{number}/{i} " * length, finish_reason="stop") for i in range(12)],
        judgments=[Judgment(query_id=query.id, judge="j", scores={}, raw="because " * 50) for query in queries],
    )


def trial_of(number: int) -> TrialRecord:
    return TrialRecord(
        number=number,
        optuna_number=number,
        candidate=Candidate(prompt=UrialPrompt(system=f"Number {number}.\n"), sampling=GREEDY, params={"n": number}),
        query_scores={f"q{i}": float(i) for i in range(12)},
        state=TrialState.COMPLETE,
        seconds=0.1,
        usage=Usage(prompt_tokens=number),
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store with three trials, closed."""
    file = tmp_path / "store.db"
    with Store.open(str(file)) as store:
        store.open_search("s", {})
        for number in range(3):
            store.add_trial("s", trial_of(number), evaluation_of(number))
    return file


@contextmanager
def refused(reason: str) -> Iterator[None]:
    """The block raises a StoreError of one line that gives `reason` and says what to do."""
    with pytest.raises(StoreError) as caught:
        yield
    message = str(caught.value)
    assert "\n" not in message
    assert re.search(reason, message), message
    assert re.search(r"--store|type ", message), message


@contextmanager
def every_connection(*statements: str) -> Iterator[None]:
    """Run `statements` on each SQLite connection that is opened inside."""

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        for statement in statements:
            connection.execute(statement)

    sa.event.listen(sa.Engine, "connect", prepare)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "connect", prepare)


def assert_holds(file: Path, count: int) -> None:
    with Store.open(str(file)) as store:
        assert store.trials("s") == [trial_of(number) for number in range(count)]


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
        "from test_store_faults import evaluation_of, trial_of\n"
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
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent)
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


@pytest.mark.parametrize("place", ["missing/store.db", "folder", "/proc/store.db", "file/store.db"])
def test_a_place_where_no_file_can_be(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with refused("cannot be opened; give one in a folder that exists and is writable with --store FILE"):
        Store.open(str(tmp_path / place))


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


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("These are my notes.\n" * 500)
    before = file.read_bytes()
    with refused("it is not a database; give another file with --store FILE"):
        Store.open(str(file))
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE trials (id INTEGER)")
        other.execute("CREATE TABLE customers (name TEXT)")
    before = file.read_bytes()
    with refused(r"belongs to another program \(it has the table 'customers'\); give another file"):
        Store.open(str(file))
    assert file.read_bytes() == before


def test_a_newer_store_is_left_alone(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("UPDATE urial_version SET version_num = 'm999'")
    with refused(r"by a newer version of urial-opt \('m999'\); type: pip install --upgrade urial-opt"):
        Store.open(str(file))
    with closing(sqlite3.connect(file)) as other, other:
        other.execute(f"UPDATE urial_version SET version_num = '{SCHEMA_VERSION}'")
    assert_holds(file, 3)


def test_a_store_of_the_first_schema_is_brought_up_to_date(file: Path) -> None:
    migrations = content_folder("store") / "migrations" / "versions"
    first = re.findall(r'create_table\(\s*"(\w+)"', migrations.joinpath("m001_initial.py").read_text("utf-8"))
    with closing(sqlite3.connect(file)) as other, other:
        for table in {*metadata.tables} - {*first}:
            other.execute(f"DROP TABLE {table}")
        other.execute("UPDATE urial_version SET version_num = 'm001'")
    assert_holds(file, 3)
    with Store.open(str(file)) as store:
        assert store.account("s").spent == {}
        assert store.find_pace("m") is None


def test_bytes_overwritten_in_the_middle(file: Path) -> None:
    size = file.stat().st_size
    with file.open("r+b") as raw:
        raw.seek(8192)
        raw.write(b"\xa5" * (size - 8192))
    with refused("it is damaged; restore a copy"), Store.open(str(file)) as store:
        store.trials("s")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE urial_evaluations SET params = '{\"n\": '",
        "UPDATE urial_prompts SET system = CAST(x'ff41' AS TEXT)",
        "UPDATE urial_trials SET state = 'cmplete'",
        "DELETE FROM urial_prompts",
    ],
)
def test_a_value_that_nobody_wrote(file: Path, damage: str) -> None:
    with closing(sqlite3.connect(file)) as other, other:
        other.execute(damage)
    with Store.open(str(file)) as store, refused("it is damaged; restore a copy"):
        store.trials("s")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://host/name", "databases of the kind 'mysql' are not supported; give a file, or postgresql"),
        (
            "postgresql://me:secret@host:port:1/name",
            r"^'postgresql://me:\*\*\*@host:port:1/name' is no database URL; give",
        ),
        ("postgresql+psycopg://me:secret@127.0.0.1:1/name", "the store 'postgresql.*me:\\*\\*\\*@127.0.0.1:1/name'"),
    ],
)
def test_a_url_that_leads_nowhere(url: str, reason: str) -> None:
    with refused(reason):
        Store.open(url)


def test_a_killed_writer_loses_no_trial_and_leaves_no_half_one(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    reported = -1
    for wait in (0.0, 0.05, 0.13):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
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


@pytest.mark.skipif("URIAL_OPT_TEST_POSTGRESQL" not in os.environ, reason="no PostgreSQL server is given")
def test_postgresql_behaves_alike() -> None:
    url = os.environ["URIAL_OPT_TEST_POSTGRESQL"]
    with Store.open(url) as store, Store.open(url) as second:
        store.open_search("s", {"budget": 2})
        second.open_search("s", {"budget": 2})
        texts = [f"{time.time()} \0 {i}" for i in range(2000)]
        made = [Completion(text=text, finish_reason="stop") for text in texts]
        store.add_completions("g", GREEDY, texts, made)
        second.add_completions("g", GREEDY, texts, made)
        assert second.find_completions("g", GREEDY, texts) == made
        number = len(store.trials("s"))
        store.add_trial("s", trial_of(number), evaluation_of(number))
        second.add_trial("s", trial_of(number), evaluation_of(number))
        assert second.trials("s")[-1] == trial_of(number)
        store.add_result("s", "found", "test", trial_of(0).candidate, evaluation_of(0))
        assert len(store.results("s")) == 1
        store.finish("s", {"done": True})
        assert second.search("s").summary == {"done": True}


def test_a_schema_that_is_no_text(file: Path) -> None:
    with Store.open(str(file)) as store:
        store.open_search("s", {})
    file.write_bytes(file.read_bytes().replace(b"INTEGER NOT NULL", b"\xe8NTEGER NOT \xe8ULL"))
    with refused("it is damaged; restore a copy"), Store.open(str(file)) as store:
        store.searches()
