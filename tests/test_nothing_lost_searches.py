"""How a search stands: planned, running, stopped, failed or finished; and which one is meant if none is named."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import urial_opt as uo
from tests.command_line import Run
from tests.small_adapters import ByLength
from tests.tiny_search import plan_tiny, search_tiny
from urial_opt.errors import AdapterError, InputError, StoreError
from urial_opt.records import Completion, Judgment, Query
from urial_opt.search.opening import Interrupted
from urial_opt.search.versions import deciding
from urial_opt.store import SearchStatus, Store, processes


class Broken(ByLength):
    """A judge whose server is gone."""

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        raise AdapterError("the server does not answer; start it")


def statuses(store: Store) -> dict[str, str]:
    return {each.name: each.status.value for each in store.searches()}


def listed(run: Run, path: Path) -> dict[str, Any]:
    return {each["name"]: each for each in json.loads(run("list", "--store", path, "--json")[0])}


def test_each_state_is_stored_with_its_reason(run: Run, store: Store, path: Path, tmp_path: Path) -> None:
    with pytest.raises(AdapterError):
        search_tiny(store, tmp_path, name="broken", judge=Broken())
    seen: list[dict[str, str]] = []
    search_tiny(store, tmp_path, name="done", meanwhile=lambda: seen.append(statuses(store)))
    assert seen[0] == seen[-1] == {"broken": "failed", "done": "running"}
    with pytest.raises(Interrupted):
        search_tiny(store, tmp_path, name="interrupted", looks=5)
    plan_tiny(store, tmp_path, name="later")
    rows = listed(run, path)
    assert {name: row["status"] for name, row in rows.items()} == {
        "done": "finished",
        "interrupted": "stopped",
        "broken": "failed",
        "later": "planned",
    }
    assert rows["interrupted"]["reason"] == "it was asked to stop"
    assert rows["broken"]["reason"] == "the server does not answer; start it"
    assert rows["done"]["process"]["pid"] > 0
    assert rows["later"]["process"] is None
    shown = run("list", "--store", path)[0]
    assert "broken failed: the server does not answer; start it" in shown
    loaded = uo.load_search("broken", store=path)
    assert (loaded.status, loaded.reason) == (SearchStatus.FAILED, "the server does not answer; start it")
    # each of them goes on, and forgets why it did not
    for name in ("interrupted", "broken", "later"):
        assert search_tiny(store, tmp_path, name=name).name == name
    assert {(row["status"], row["reason"]) for row in listed(run, path).values()} == {("finished", None)}


def test_the_default_is_the_newest_that_has_a_result(run: Run, store: Store, path: Path, tmp_path: Path) -> None:
    def meant() -> tuple[str, str]:
        out, err = run("inspect", "--store", path, "--json")
        assert uo.load_search(store=path).name == json.loads(out)["name"]
        return json.loads(out)["name"], err.strip()

    plan_tiny(store, tmp_path, name="first planned")
    assert run.refused("inspect", "--store", path).startswith("Error: no search in this store has a trial yet")
    with pytest.raises(InputError, match="has a trial"):
        uo.load_search(store=path)
    with pytest.raises(Interrupted):
        search_tiny(store, tmp_path, name="stopped", looks=5)
    assert meant() == ("stopped", "No search has a result yet; this is 'stopped', which is stopped.")
    search_tiny(store, tmp_path, name="done")
    assert meant() == ("done", "")
    plan_tiny(store, tmp_path, name="planned")
    with pytest.raises(AdapterError):
        search_tiny(store, tmp_path, name="broken", judge=Broken(identities=["other/1"]))
    assert meant() == ("done", "This is 'done', the newest search that has a result.")
    assert run("export", "--store", path)[0]


def test_a_process_on_another_host_is_gone_when_its_heartbeat_stops(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = socket.gethostname()
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    with pytest.raises(Interrupted):
        search_tiny(store, tmp_path, looks=5)
    with store.claim("tiny", versions=deciding(store.search("tiny"))) as claim:
        monkeypatch.setattr(socket, "gethostname", lambda: here)
        assert statuses(store) == {"tiny": "running"}
        with pytest.raises(StoreError, match=r"'tiny' is running already: process \d+ on elsewhere, since .*name=NEW"):
            search_tiny(store, tmp_path)
        monkeypatch.setattr(processes, "LEASE", 0.0)
        assert statuses(store) == {"tiny": "stopped"}
        search_tiny(store, tmp_path)
        claim._beat_once()
        with pytest.raises(StoreError, match="taken up by another process"):
            claim.check()
    assert statuses(store) == {"tiny": "finished"}


def test_one_process_does_not_run_a_search_twice(store: Store, tmp_path: Path) -> None:
    def again() -> None:
        with pytest.raises(StoreError, match=r"is running already: process \d+ .*\(this one\)"):
            search_tiny(store, tmp_path)

    search_tiny(store, tmp_path, meanwhile=again)
