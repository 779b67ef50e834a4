"""A file that is not a readable store is reported in one line and left unchanged; an old store is migrated."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.store_faults import assert_holds, refused, store_of_three
from urial_opt.store import Store
from urial_opt.store.tables import SCHEMA_VERSION


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return store_of_three(tmp_path)


@pytest.mark.parametrize("place", ["missing/store.db", "folder", "/proc/store.db", "file/store.db"])
def test_a_place_where_no_file_can_be(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with refused("cannot be opened; give one in a folder that exists and is writable"):
        Store.open(str(tmp_path / place))


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("These are my notes.\n" * 500)
    before = file.read_bytes()
    with refused("it is not a database; give another file"):
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
    with refused(r"by a newer version of urial-opt \('m999'\); install the newer version of urial-opt"):
        Store.open(str(file))
    with closing(sqlite3.connect(file)) as other, other:
        other.execute(f"UPDATE urial_version SET version_num = '{SCHEMA_VERSION}'")
    assert_holds(file, 3)


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


def test_a_schema_that_is_no_text(file: Path) -> None:
    with Store.open(str(file)) as store:
        store.open_search("s", {})
    file.write_bytes(file.read_bytes().replace(b"INTEGER NOT NULL", b"\xe8NTEGER NOT \xe8ULL"))
    with refused("it is damaged; restore a copy"), Store.open(str(file)) as store:
        store.searches()
