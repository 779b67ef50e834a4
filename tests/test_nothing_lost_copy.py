"""A copied search: it is shown, continued and paid for in its new store as in the old one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from tests.tiny_search import plan_tiny, search_tiny
from urial_opt.search.opening import Interrupted
from urial_opt.search.study import copy_study
from urial_opt.store import Store


def told(run: Run, *words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json")[0])
    return found


def test_a_finished_search_is_shown_alike_and_pays_nothing(run: Run, store: Store, path: Path, tmp_path: Path) -> None:
    search_tiny(store, tmp_path)
    other = tmp_path / "other.db"
    copied = told(run, "copy", "tiny", "--to", other, "--as", "there", "--store", path)
    assert (copied["name"], copied["trials"]) == ("there", 3)
    here, there = (told(run, "show", name, "--store", where) for name, where in (("tiny", path), ("there", other)))
    assert {**here, "name": "there", "database": there["database"]} == there
    with Store.open(str(other)) as opened:
        before = opened.account("there").spent
        search_tiny(opened, tmp_path, name="there")
        assert opened.account("there").spent == before == store.account("tiny").spent != {}
        assert opened.trials("there") == store.trials("tiny")


def test_an_interrupted_search_goes_on_in_the_copy_as_it_would_have(store: Store, tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "whole.db")) as whole:
        expected = search_tiny(whole, tmp_path)
    with pytest.raises(Interrupted):
        search_tiny(store, tmp_path, looks=5)
    with Store.open(str(tmp_path / "other.db")) as other:
        store.copy_search("tiny", other, "tiny")
        copy_study(store, "tiny", other, "tiny")
        found = search_tiny(other, tmp_path)
        assert found.gain == expected.gain
        assert [trial.candidate for trial in other.trials("tiny")] == [
            trial.candidate for trial in search_trials(tmp_path / "whole.db")
        ]
        assert found.bill.spent == expected.bill.spent


def search_trials(path: Path) -> list[Any]:
    with Store.open(str(path)) as store:
        return store.trials("tiny")


def test_a_planned_search_has_no_study_to_copy(run: Run, store: Store, path: Path, tmp_path: Path) -> None:
    plan_tiny(store, tmp_path, name="tiny")
    assert told(run, "copy", "tiny", "--to", tmp_path / "o.db", "--store", path)["trials"] == 0


def test_what_cannot_be_copied_is_one_line(run: Run, store: Store, path: Path, tmp_path: Path) -> None:
    search_tiny(store, tmp_path)
    assert "is the store that holds 'tiny'; give another one as --to STORE" in run.refused(
        "copy", "tiny", "--to", path, "--store", path
    )
    assert "did you mean 'tiny'?" in run.refused("copy", "tinny", "--to", tmp_path / "o.db", "--store", path)
    run("copy", "tiny", "--to", tmp_path / "o.db", "--store", path)
    assert "there is a search 'tiny' already; give another name" in run.refused(
        "copy", "tiny", "--to", tmp_path / "o.db", "--store", path
    )
