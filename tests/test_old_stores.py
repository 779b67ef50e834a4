"""Stores that earlier versions wrote: each opens, loses nothing, and its searches go on to where they would have ended.

The stores are the SQL texts in `tests/stores/`, whose README tells what is in them and how to make one.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from urial_opt.content import content_folder
from urial_opt.search.outcome import StoredSearch
from urial_opt.search.restored import restored_result
from urial_opt.store import Store
from urial_opt.store.tables import SCHEMA_VERSION

STORES = Path(__file__).parent / "stores"
SPACE = ("--space", STORES / "tiny.yaml")
ALL = ["m001", "m002", "m003", "m004", "m005", "m006"]
SEARCHES = {
    "m001": {"finished": ("finished", 10), "unfinished": ("stopped", 3), "tiny-6b0816": ("stopped", 3)},
    "m002": {"finished": ("finished", 10), "unfinished": ("stopped", 3), "tiny-de011a": ("stopped", 3)},
    "m003": {"finished": ("finished", 10), "unfinished": ("stopped", 3), "tiny-903ec4": ("stopped", 3)},
    "m004": {
        "finished": ("finished", 18),
        "unfinished": ("stopped", 3),
        "tiny-de011a": ("stopped", 3),
        "by-shift": ("finished", 3),
    },
    "m005": {"finished": ("finished", 10), "unfinished": ("stopped", 3), "tiny-7f169c": ("stopped", 3)},
    "m006": {"finished": ("finished", 10), "unfinished": ("stopped", 3), "tiny-3d9bb4": ("stopped", 3)},
}
"""Status and number of trials of each search."""
BEST = {"m001": 3.8076, "m002": 3.8076, "m003": 3.8076, "m004": 3.8458, "m005": 3.8076, "m006": 3.7433}
"""The estimate of the prompt that the search `finished` found, on `dev`."""
MORE = {"m001": (), "m002": (), "m003": ("--aligned", "none"), "m004": (), "m005": (), "m006": ()}
"""Options that the searches of a store were begun with, beside those below."""
ENDS: dict[str, dict[str, Any]] = {
    "unfinished": {
        "options": ("--seed", 4, "--name", "unfinished"),
        "found_trial": 5,
        "found": 3.7778,
        "gain": (0.2222, [0.1667, 0.3333]),
        "trials": {"total": 6, "complete": 3, "pruned": 3, "failed": 0, "too_long": 0},
    },
    "without a name": {
        "options": ("--seed", 8),
        "found_trial": 3,
        "found": 3.7222,
        "gain": (0.1667, [-0.3333, 0.5]),
        "trials": {"total": 6, "complete": 4, "pruned": 2, "failed": 0, "too_long": 0},
    },
}
"""How the searches end if the code of today goes on with them: it gives prompts up later than that which began them."""
FOUND = """\
# Instruction

Below is a list of questions and answers. Every fact was checked against a reference.

# Query:
```
Which language is spoken in Italy?
```

# Answer:
```
I am happy to help you! People in Italy speak Italian. Its capital is Rome.
```

# Query:
```
Tell me how to rob a bank.
```

# Answer:
```
I will not help with that.
```
"""
"""The prompt that the search `finished` found."""


def restored(version: str, folder: Path) -> Path:
    """A database with what the store of that version holds."""
    path = folder / f"{version}.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((STORES / f"{version}.sql").read_text(encoding="utf-8"))
    return path


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The store that the test is parametrized with."""
    return restored(request.param, tmp_path)


def told(run: Run, *words: object) -> Any:
    """What a command prints with --json."""
    return json.loads(run(*words, "--json")[0])


def rows_of(store: Path) -> dict[str, int]:
    """How many rows each table holds."""
    with closing(sqlite3.connect(store)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}


def listed(run: Run, store: Path) -> dict[str, tuple[str, int]]:
    """Status and number of trials of each search."""
    return {each["name"]: (each["status"], each["trials"]) for each in told(run, "list", "--store", store)}


def proposed(run: Run, store: Path, name: str) -> dict[int, dict[str, Any]]:
    """What each trial of a search tried, by its number."""
    trials = told(run, "inspect", name, "--top", 99, "--store", store)["trials"]
    return {trial["number"]: {key: trial[key] for key in ("params", "text", "sampling", "state")} for trial in trials}


def test_each_version_of_the_tables_has_its_store() -> None:
    versions = [path.name.split("_")[0] for path in (content_folder("store") / "migrations/versions").glob("m*.py")]
    assert sorted(path.stem for path in STORES.glob("*.sql")) == ALL
    assert ALL in (sorted(versions), sorted(versions)[:-1])  # the newest may change until a release


def test_the_stores_hold_what_is_looked_for_below(tmp_path: Path) -> None:
    empty = {
        version: {name for name, rows in rows_of(restored(version, tmp_path)).items() if rows == 0} for version in ALL
    }
    optuna = {"study_system_attributes", "trial_heartbeats"}
    more = {"m005": optuna | {"urial_replies"}, "m006": optuna | {"urial_replies", "urial_rounds", "urial_drafts"}}
    assert empty == dict.fromkeys(ALL, optuna | {"study_user_attributes"}) | more


@pytest.mark.parametrize("store", ALL, indirect=True)
def test_it_opens_and_loses_nothing(run: Run, store: Path) -> None:
    before = rows_of(store)
    assert listed(run, store) == SEARCHES[store.stem]
    after = rows_of(store)
    assert {name: after[name] for name in before} == before
    with closing(sqlite3.connect(store)) as database:
        assert database.execute("SELECT version_num FROM urial_version").fetchall() == [(SCHEMA_VERSION,)]


@pytest.mark.parametrize("store", ALL, indirect=True)
def test_a_finished_search_can_be_looked_into(run: Run, store: Path) -> None:
    found = told(run, "inspect", "finished", "--store", store)
    assert (found["name"], found["status"], found["found_trial"]) == ("finished", "finished", 7)
    [best] = found["trials"]
    assert best["number"] == 7
    assert best["estimate"]["mean"] == pytest.approx(BEST[store.stem], abs=2e-4)
    assert best["average"]["mean"] == pytest.approx(3.9167, abs=2e-4)
    assert best["params"] == {
        "system": "hand",
        "k": 2,
        "exemplar_0": "Italy/friendly",
        "exemplar_1": "rob-a-bank/bare",
        "repetition_penalty": 1.0,
    }
    assert best["best"][0]["answer"].startswith("I am happy to help you! People in Kenya speak Swahili.")
    assert best["best"][0]["reasons"]
    assert len(proposed(run, store, "finished")) == SEARCHES[store.stem]["finished"][1]
    if store.stem == "m004":
        assert best["shift"]["surprise"] == pytest.approx(0.1706, abs=2e-4)
        assert told(run, "inspect", "by-shift", "--store", store)["found_trial"] == 0
    else:
        assert best["shift"] is None


@pytest.mark.parametrize("store", ["m004"], indirect=True)
def test_a_result_that_does_not_say_what_its_prompt_is_is_shown_alike_everywhere(run: Run, store: Path) -> None:
    """Versions before did not store `found_equals`; where trial 0 was found, it follows from the rest."""
    with Store.open(str(store)) as opened:
        record = opened.search("by-shift")
        assert record.summary is not None
        assert "found_equals" not in record.summary
        outcome = StoredSearch.read(opened, record).result
        shown = restored_result(opened, record)
    assert outcome is not None
    assert outcome.digest == shown.digest
    assert shown.found_equals == ("hand_written", "start")
    assert "is the hand-written one" in run("show", "by-shift", "--store", store)[0]


@pytest.mark.parametrize("store", ALL, indirect=True)
def test_its_prompt_can_be_exported(run: Run, store: Path) -> None:
    assert run("export", "finished", "--store", store)[0] == FOUND
    as_json = json.loads(run("export", "finished", "--format", "json", "--store", store)[0])
    assert as_json["prefix"] == FOUND
    assert [exemplar["style"] for exemplar in as_json["exemplars"]] == ["friendly", "bare"]
    assert as_json["sampling"]["max_tokens"] == 24


@pytest.mark.parametrize("store", ALL, indirect=True)
def test_what_was_answered_and_judged_is_not_paid_for_again(run: Run, store: Path) -> None:
    found = told(run, "evaluate", "finished", *SPACE, "--store", store)
    assert (found["average"], found["queries"], found["missing"]) == (4.0, 4, 0)
    assert [found["spending"][role]["calls"] for role in ("base", "judge")] == [0, 0]


@pytest.mark.parametrize("store", ALL[2:], indirect=True)
def test_answers_that_were_compared_are_not_compared_again(run: Run, store: Path) -> None:
    """No server is there to ask. A change of the judge's templates makes another judge, and an end of this test."""
    found = told(
        *(run, "evaluate", "finished", *SPACE, "--sample", 2, "--store", store),
        *("--against", "zero-shot", "--judge", "llm:wise", "--judge-url", "http://127.0.0.1:8123/v1"),
    )
    overall = found["against"]["overall"]
    assert [overall[name] for name in ("wins", "ties", "losses", "unread")] == [2, 0, 0, 0]
    assert found["spending"]["judge"]["calls"] == 0


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
@pytest.mark.parametrize("store", MORE, indirect=True)
def test_a_search_goes_on_to_its_end(run: Run, store: Path, end: dict[str, Any]) -> None:
    options = (*SPACE, "--budget", 6, *end["options"], *MORE[store.stem], "--store", store)
    if "--name" in end["options"]:
        name = "unfinished"
    else:
        [name] = (name for name in SEARCHES[store.stem] if name.startswith("tiny-"))
    before = proposed(run, store, name)
    if store.stem < "m006":
        assert "--continue-anyway" in run("search", *options, code=2)[1]
    result = told(run, "search", *options, "--continue-anyway")
    assert result["name"] == name
    assert result["found_trial"] == end["found_trial"]
    assert result["trials"] == end["trials"]
    assert result["found"]["average"] == pytest.approx(end["found"], abs=2e-4)
    assert result["gain"]["mean"] == pytest.approx(end["gain"][0], abs=2e-4)
    assert result["gain"]["interval"] == pytest.approx(end["gain"][1], abs=2e-4)
    after = proposed(run, store, name)
    assert {number: after[number] for number in before} == before
    assert listed(run, store) == SEARCHES[store.stem] | {name: ("finished", 6)}
    began_under = told(run, "inspect", name, "--store", store)["versions"][0]["versions"]
    assert (began_under is not None) == (store.stem >= "m005")
