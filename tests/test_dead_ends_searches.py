"""Commands that manage stored searches: show, resume, rename and rm."""

from __future__ import annotations

import json
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from tests.small_adapters import ByLength, Echo
from tests.tiny_search import plan_tiny, search_tiny
from urial_opt import plugins
from urial_opt.cli.tables import show_result
from urial_opt.errors import InputError
from urial_opt.records import Role
from urial_opt.roles import Models, Named
from urial_opt.search.opening import Interrupted
from urial_opt.search.reopening import opened_as_json, reopened
from urial_opt.store import Store


def studies(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [name for (name,) in database.execute("SELECT study_name FROM studies ORDER BY study_name")]


def test_show_prints_what_the_search_printed(
    run: Run, store: Store, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = search_tiny(store, tmp_path)
    show_result(result, store_url=str(path))
    printed = capsys.readouterr().out
    assert run("show", "tiny", "--store", path)[0] == printed
    assert run("show", "--store", path)[0] == printed
    assert json.loads(run("show", "--store", path, "--json")[0]) == {**result.as_json(), "space": "tiny"}
    assert "did you mean 'tiny'?" in run.refused("show", "tinny", "--store", path)
    with pytest.raises(Interrupted):
        search_tiny(store, tmp_path, name="other", looks=5)
    assert "'other' is stopped and has no result yet; type: urial-opt resume other" in run.refused(
        "show", "other", "--store", path
    )


def test_a_search_by_another_name_is_the_same(run: Run, store: Store, path: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        search_tiny(store, tmp_path, looks=5)
    plan_tiny(store, tmp_path, name="taken")
    assert "there is a search 'taken' already" in run.refused("rename", "tiny", "taken", "--store", path)
    assert "urial-opt resume mine" in run("rename", "tiny", "mine", "--store", path)[0]
    assert studies(path) == ["mine"]
    assert sum(search_tiny(store, tmp_path, name="mine").states.values()) == 3
    run("rename", "mine", "tiny", "--store", path)
    assert json.loads(run("show", "--store", path, "--json")[0])["name"] == "tiny"


def test_a_removed_search_leaves_what_was_paid(run: Run, store: Store, path: Path, tmp_path: Path) -> None:
    search_tiny(store, tmp_path)
    before = search_tiny(store, tmp_path, name="kept")
    assert "add --yes" in run.refused("rm", "tiny", "--store", path, "--json")
    assert json.loads(run("rm", "tiny", "--yes", "--store", path, "--json")[0])["trials"] == 3
    assert [each.name for each in store.searches()] == ["kept"]
    assert studies(path) == ["kept"]
    again = search_tiny(store, tmp_path)
    assert {spent.calls for spent in again.bill.spent.values()} == {0}
    assert again.gain == before.gain
    refused: list[str] = []
    search_tiny(store, tmp_path, meanwhile=lambda: refused.append(run.refused("rm", "tiny", "--yes", "--store", path)))
    assert "'tiny' is running: process" in refused[0]


def test_what_a_search_needs_to_go_on_is_stored_without_secrets(store: Store, tmp_path: Path) -> None:
    plan_tiny(store, tmp_path, name="tiny")
    with pytest.raises(InputError, match=r"base model of the search 'tiny' was opened by a program.*`base=NAME`"):
        reopened(store, store.search("tiny"), {})
    given = {Role.BASE: Named(name="openai:m"), Role.JUDGE: Named(name="llm:m")}
    again = reopened(store, store.search("tiny"), given)
    assert (again.budget, again.models[Role.ALIGNED].name) == (3, "none")
    (tmp_path / "pool.jsonl").unlink()
    opened = {"api_key": "k-123456", "url": "http://me:pass-word@host/v1", "rows": 4}
    models = Models(base=Echo(), judge=ByLength(), opened_as={Role.BASE: Named(name="openai:m", options=opened)})
    stored = opened_as_json(models, budget=3)
    assert stored["base"] == {"name": "openai:m", "options": {"rows": "4"}, "withheld": ["api_key", "url"]}
    assert again.space.fingerprint == store.search("tiny").settings["fingerprint"]


def commands_in(err: str) -> list[list[str]]:
    """The commands that are told to type."""
    joined = err.replace(" \\\n", " ")
    return [shlex.split(line)[1:] for line in joined.splitlines() if line.startswith("  urial-opt ")]


def test_a_search_that_stops_at_a_limit_names_the_commands_that_go_on(run: Run, small_space: Path) -> None:
    words = ("search", "--space", small_space, "--budget", 3, "--aligned", "none", "--store", "my store.db")
    _, err = run(*words, "--max-time", "0s", code=3)
    (first,) = commands_in(err)
    name = json.loads(run("list", "--store", "my store.db", "--json")[0])[0]["name"]
    assert first == ["resume", name, "--store", "my store.db"]
    _, err = run(*first, "--max-tokens", 1_200, code=3)
    again, end = commands_in(err)
    assert again == first
    assert end[:3] == ["resume", name, "--budget"]
    result = json.loads(run(*end, "--json")[0])
    assert result["name"] == name
    assert result["trials"]["total"] == int(end[3]) < 3
    assert json.loads(run(*again, "--budget", 3, "--json")[0])["trials"]["total"] == 3


def test_a_search_that_is_stopped_at_once_names_itself(
    run: Run, small_space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, asked = type(plugins.open_judge("nano")), iter(range(1000))

    def judge_or_stop(self: Any, *given: Any) -> Any:
        if next(asked) == 2:
            raise KeyboardInterrupt
        return own(self, *given)

    own = judge.judge
    monkeypatch.setattr(judge, "judge", judge_or_stop)
    words = ("search", "--space", small_space, "--budget", 2, "--aligned", "none")
    _, err = run(*words, code=130)
    (command,) = commands_in(err)
    assert "Stopped at once" in err
    assert f"as {command[1]!r}" in err
    assert json.loads(run(*command, "--json")[0])["trials"]["total"] == 2
