"""What goes wrong around a command is one line that says what to type next, and nothing recorded is lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest

from tests import tiny_space
from tests.command_line import Run
from tests.test_store_faults import every_connection
from urial_opt import plugins
from urial_opt.content import content_id
from urial_opt.records import Completion, Sampling
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Account, Store

ANSWERS = (
    "Europe.",
    "I am happy to help you! Here is what you do.\n1. Wait.\n2. See.\nLet me know if you have more questions!",
    "I am sorry, but I cannot help with that. It would harm people.",
    "dunno lol",
)
COMMANDS = (("search", "--budget", 1), ("list",), ("inspect",), ("export",))


class Parrot:
    """Answers at once, by chance but always the same."""

    identity = "parrot"

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        numbers = [int(content_id([prefix, suffix, sampling.id])[:6], 16) for suffix in suffixes]
        return [Completion(text=ANSWERS[number % len(ANSWERS)], finish_reason="stop") for number in numbers]


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `nano` mean the parrot."""
    monkeypatch.setattr(plugins, "open_generator", lambda *_: Parrot())


@pytest.fixture(scope="module")
def searched(small_space: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the finished search `mine`, closed."""
    path = tmp_path_factory.mktemp("searched") / "store.db"
    with Store.open(str(path)) as store:
        models = Models(base=Parrot(), judge=plugins.open_judge("nano"))
        search_space(load_space(str(small_space)), models, store, options=SearchOptions(budget=3, name="mine"))
    return path


@pytest.fixture
def file(searched: Path, tmp_path: Path) -> Path:
    """A copy of that store, to be disturbed."""
    return Path(shutil.copy(searched, tmp_path / "store.db"))


def small(space: Path, *more: object) -> tuple[object, ...]:
    """The words of a search that takes no time with the parrot."""
    return ("search", "--space", space, "--aligned", "none", *more)


def told(run: Run, *words: object) -> dict[str, Any]:
    """What a search, the newest in its store, told and recorded that is the same however often it was disturbed."""
    summary: dict[str, Any] = json.loads(run(*words, "--json")[0])
    summary["recorded"] = json.loads(run("inspect", "--top", 99, "--json", *words[-2:])[0])
    differ = ("seconds", "tokens", "spending", "cost", "database")
    return {key: value for key, value in summary.items() if key not in differ}


def assert_lists(run: Run, file: Path) -> None:
    """The search `mine` is there as it was."""
    (entry,) = json.loads(run("list", "--store", file, "--json")[0])
    assert (entry["name"], entry["status"], entry["trials"]) == ("mine", "finished", 3)
    run("inspect", "mine", "--store", file)


# The place of the store


@pytest.mark.parametrize("place", ["missing/store.db", "folder", "/proc/store.db", "file/store.db"])
def test_a_place_where_no_store_can_be(run: Run, tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    for command in COMMANDS:
        assert "--store FILE" in run.refused(*command, "--store", place)
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_read_only_store_can_be_looked_at(run: Run, file: Path, small_space: Path, parrot: None) -> None:
    url = f"sqlite:///file:{file}?mode=ro&uri=true"
    assert "mine" in run("list", "--store", url)[0]
    assert "read-only; make the file and its folder writable" in run.refused(*small(small_space), "--store", url)
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


# Files that are no store of ours


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
        (a_text, "it is not a database; give another file with --store FILE"),
        (a_foreign_database, "belongs to another program (it has the table 'customers'); give another file"),
        (a_newer_store, "by a newer version of urial-opt ('m999'); type: pip install --upgrade urial-opt"),
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
    assert "type the same command again or give another" in run.stopped(*words, "--store", file)
    assert_lists(run, file)


# A store that another process keeps


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
    """Whether we or Optuna write next: the lock comes after `step`."""
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
                assert "type the same command again" in line
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
        assert "type the same command again" in line
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
        patched.setattr(optuna.Study, "ask", _die)
        with pytest.raises(SystemExit):
            run(*words, "--store", "store.db")
    assert told(run, *words, "--store", "store.db") == undisturbed


def _die(*_: object) -> None:
    raise SystemExit


# Words that cannot be


@pytest.mark.parametrize(
    ("file_name", "old", "new", "reason"),
    [
        ("tiny.yaml", "name: tiny", "name: [tiny", "this is not YAML"),
        ("tiny.yaml", "race:", "rase:", "tiny.yaml:26: rase: is no field; did you mean 'race'"),
        ("tiny.yaml", "max: 3", "max: 9", "tiny.yaml:7: k.max: 9 is more than the pool's 3 queries; write 3 or less"),
        ("tiny.yaml", "moon/warm", "mon/warm", "tiny.yaml:15: hand_written.exemplars.1: no exemplar is called"),
        ("tiny.yaml", "queries.jsonl", "q.jsonl", "tiny.yaml:23: queries: there is no file 'q.jsonl'"),
        ("pool.jsonl", "A rock.", "A ```rock```.", "pool.jsonl:2: answers.bare: the exemplar 'moon' holds a fence"),
        ("queries.jsonl", '"split": "test"', '"split": "tst"', "queries.jsonl:5: split: should be 'dev'"),
    ],
)
def test_a_mistake_in_a_space(run: Run, tmp_path: Path, file_name: str, old: str, new: str, reason: str) -> None:
    assert old in tiny_space.FILES[file_name]
    files = {**tiny_space.FILES, file_name: tiny_space.FILES[file_name].replace(old, new)}
    path = tiny_space.write(tmp_path, files)
    assert reason in run.refused("search", "--space", path, "--judge", "nano")
    assert not (tmp_path / "urial-opt.db").exists()


def test_a_space_that_names_no_judge(run: Run, tmp_path: Path) -> None:
    path = tiny_space.write(tmp_path, tiny_space.FILES)
    assert "add --judge NAME, one of: llm, nano, panel, reward" in run.refused("search", "--space", path)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("search", "--budget", 0), "--budget 200"),
        (("search", "--budget", -3), "--budget 200"),
        (("search", "--space", "urail"), "did you mean 'urial'?"),
        (("search", "--space", "no/such.yaml"), "no/such.yaml"),
        (("search", "--base", "nanno"), "did you mean 'nano'?"),
        (("search", "--start-from", "notes.txt"), "'# Query:'"),
        (("search", "--start-from", "."), "is a folder; give the path of a prompt file in it"),
        (("search", "--start-from", "notes.json"), "export it again"),
        (("inspect", "yours"), "mine"),
        (("export", "mine", "--format", "urail"), "did you mean 'urial'?"),
        (("export", "mine", "--trial", 3), "take one from 0 to 2"),
    ],
)
def test_a_name_or_number_that_cannot_be(
    run: Run, file: Path, tmp_path: Path, words: tuple[object, ...], advice: str
) -> None:
    for name in ("notes.txt", "notes.json"):
        (tmp_path / name).write_text("Milk, eggs.\n")
    assert advice in run.refused(*words, "--store", file)
    assert_lists(run, file)


def test_a_sampler_or_judge_that_there_is_not(run: Run, file: Path, small_space: Path, parrot: None) -> None:
    assert "choose one of: llm, nano, panel, reward" in run.refused(
        *small(small_space, "--judge", "quux"), "--store", file
    )
    assert "did you mean 'random'?" in run.refused(*small(small_space, "--sampler", "randon"), "--store", file)
    assert_lists(run, file)


def test_the_same_name_with_other_options(run: Run, file: Path, small_space: Path, parrot: None) -> None:
    line = run.refused(*small(small_space, "--name", "mine", "--seed", 7), "--store", file)
    assert "seed: 0 then, 7 now" in line
    assert "another --name" in line
    assert_lists(run, file)


def test_an_exemplar_that_the_plain_format_cannot_hold(
    run: Run, small_space: Path, tmp_path: Path, parrot: None
) -> None:
    exemplar = {"query": "Show me code.", "answer": "```\nprint(1)\n```"}
    written = {"format": "urial-opt prompt 1", "system": "# Instruction\n\nHelp.\n", "exemplars": [exemplar]}
    (tmp_path / "start.json").write_text(json.dumps(written))
    run(*small(small_space, "--budget", 1, "--start-from", "start.json"))
    line = run.refused("export", "--output", "found.txt")
    assert "exemplar 1 ('Show me code.') holds a fence" in line
    assert "export as json" in line
    assert not (tmp_path / "found.txt").exists()
    assert json.loads(run("export", "--format", "json")[0])["exemplars"][0]["answer"] == exemplar["answer"]
