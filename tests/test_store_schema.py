"""The store's tables: schema, migrations and documentation agree, and Optuna can use the same database."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from tests.store_content import GREEDY, candidate, evaluated, queries, trial
from urial_opt.content import content_folder
from urial_opt.records import Estimate
from urial_opt.store import Store
from urial_opt.store.schema import schema_sql
from urial_opt.store.tables import SCHEMA_VERSION, metadata


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a folder? 100%25 @home" / "store.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    file.parent.mkdir()
    with Store.open(str(file)) as store:
        store.open_search("first", {"budget": 3, "seed": 0})
        yield store


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("first", ["optuna", "urial"])
def test_optuna_lives_in_the_same_database(tmp_path: Path, first: str) -> None:
    path = str(tmp_path / "store.db")
    if first == "urial":
        Store.open(path).close()
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    optuna.create_study(storage=storage, study_name="s").ask().suggest_float("x", 0, 1)
    with Store.open(path) as store:
        store.open_search("s", {})
        study = optuna.load_study(storage=store.url, study_name="s")
        assert len(study.trials) == 1
        study._storage.remove_session()
    storage.remove_session()
    storage.engine.dispose()


def test_opening_an_up_to_date_store_needs_no_alembic(store: Store, file: Path) -> None:
    code = (
        "import sys; from urial_opt.store import Store; Store.open(sys.argv[1]).searches(); "
        "assert not {'alembic', 'sqlalchemy.orm'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=True)


def test_four_processes_open_a_new_store_at_once(tmp_path: Path) -> None:
    code = "import sys; from urial_opt.store import Store; Store.open(sys.argv[1]).open_search('one', {'budget': 1})"
    command = [sys.executable, "-c", code, str(tmp_path / "store.db")]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4


def test_schema_sql_is_fresh() -> None:
    text = content_folder("store").joinpath("schema.sql").read_text("utf-8")
    assert text == schema_sql(), "type: python -m urial_opt.store.schema"


def test_migrations_make_the_tables_of_the_metadata(store: Store) -> None:
    engine = sa.create_engine(store.url)
    with engine.connect() as connection:
        ours = {"include_name": lambda name, type_, _: type_ != "table" or name in metadata.tables}
        assert compare_metadata(MigrationContext.configure(connection, opts=ours), metadata) == []
        rowless = "SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%' ORDER BY name"
        without = [
            table.name for table in metadata.tables.values() if not table.dialect_options["sqlite"]["with_rowid"]
        ]
        assert connection.scalars(sa.text(rowless)).all() == sorted(without)
    engine.dispose()
    assert ScriptDirectory(str(content_folder("store") / "migrations")).get_heads() == [SCHEMA_VERSION]


def test_the_dictionary_names_every_table_and_its_five_queries_run(store: Store) -> None:
    evaluation = evaluated(queries(8), word="base")
    store.add_completions("base", GREEDY, ["a"], evaluation.completions[:1])
    store.add_trial("first", trial(0, evaluation), evaluation)
    store.set_estimates("first", {0: Estimate(mean=4.0, low=3.0, high=5.0)})
    store.add_result("first", "found", "test", candidate(1), evaluated(queries(8, split="test"), word="found"))
    readme = content_folder("store").joinpath("README.md").read_text("utf-8")
    found = re.findall(r"```sql\n(.*?);\n```", readme, re.DOTALL)
    assert len(found) == 5
    engine = sa.create_engine(store.url)
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        explained = re.findall(r"^\| `(urial_\w+)` \|", readme, re.MULTILINE)
        assert sorted(explained) == sorted([*inspector.get_table_names(), *inspector.get_view_names()])
        answers = [connection.execute(sa.text(statement)).mappings().all() for statement in found]
        means = connection.execute(sa.text("SELECT * FROM urial_aspect_means WHERE role = 'trial'")).mappings().one()
        cost = connection.execute(sa.text("SELECT * FROM urial_cost")).mappings().one()
    engine.dispose()
    assert [len(rows) for rows in answers] == [1, 1, 3, 7, 2]
    assert (answers[0][0]["estimate"], answers[0][0]["queries"], answers[0][0]["exemplars"]) == (4.0, 8, 3)
    assert means["depth"] is None
    assert means["safety"] == pytest.approx((6.1 + 10.1) / 2)
    assert (cost["trials"], cost["saved_tokens"]) == (1, 30)
