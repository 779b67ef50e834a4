"""The agent's work as people see it: rounds and drafts, family trees, what it wrote of a prompt, and what it cost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import urial_opt as uo
from tests import tiny_space
from tests.agent_search import Scripted, tiny_models
from tests.command_line import Run
from tests.tiny_search import search_tiny
from urial_opt.store import Store

SYSTEM, EXEMPLAR = "r2-0", "tea/lively 1"


@pytest.fixture(scope="module")
def agreed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the finished search `a`, which took two rounds; what they wrote is in the prompt found."""
    folder = tmp_path_factory.mktemp("agreed")
    space = tiny_space.write(folder, tiny_space.FILES)
    with tiny_models(Scripted()):
        found = uo.run_search(
            space,
            base="nano",
            judge="nano",
            proposer="clauses",
            rounds=2,
            budget=12,
            name="a",
            store=folder / "s.db",
            limits={"prices": {"proposer": "1/2"}},
        )
    assert {each.name for each in found.written} == {SYSTEM, EXEMPLAR}
    assert "the proposer wrote the system prompt 'r2-0' (round 2, from 'r1-0') and the exemplar" in str(found)
    return folder / "s.db"


def as_json(run: Run, *words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json")[0])
    return found


def test_the_result_says_what_the_proposer_wrote(run: Run, agreed: Path) -> None:
    shown, _ = run("show", "a", "--store", agreed)
    said = "the system prompt 'r2-0' (round 2, from 'r1-0') and the exemplar 'tea/lively 1' (round 1, from 'tea/warm')"
    assert f"The proposer wrote {said}." in shown
    assert "inspect a --lineage" in shown
    assert "proposer" in shown.partition("usage and cost")[2].partition("gains")[0]
    written = as_json(run, "show", "a", "--store", agreed)["written"]
    assert written[0] == {"part": "system", "name": SYSTEM, "round": 2, "parents": ["r1-0"]}
    inspected = as_json(run, "inspect", "a", "--store", agreed)["trials"][0]
    assert inspected["written"] == written
    assert f"written by the proposer: {said}" in run("inspect", "a", "--store", agreed)[0]
    loaded = uo.load_search("a", store=agreed)
    assert loaded.result is not None
    assert [each.as_json() for each in loaded.result.written] == written


def test_the_family_tree_goes_back_to_a_person(run: Run, agreed: Path) -> None:
    tree = as_json(run, "inspect", "a", "--lineage", "--store", agreed)
    system, tea, moon, _ = tree["parts"]
    assert [system["name"], tea["name"], moon["name"]] == [SYSTEM, EXEMPLAR, "moon/warm"]
    assert moon["written"] is None
    [parent] = system["parents"]
    [grandparent] = parent["parents"]
    assert [each["written"]["round"] for each in (system, parent)] == [2, 1]
    assert (grandparent["name"], grandparent["written"], grandparent["parents"]) == ("kind", None, [])
    assert grandparent["text"].strip().endswith("Be kind.")
    assert parent["written"]["weakness"] == "The answers are cold."
    assert parent["written"]["reason"] == "Reasons make answers warm."
    look = parent["written"]["look"]
    assert (look["against"], look["shows"], look["gain"]["mean"], look["queries"]) == (0, ["r1-0"], 1.0, 2)
    assert tree["left_out"] == {"no text": 4, "guard 'layout'": 4}


@pytest.mark.parametrize("view", ["--lineage", "--rounds"])
def test_people_can_read_it_at_any_width(run: Run, agreed: Path, monkeypatch: pytest.MonkeyPatch, view: str) -> None:
    for columns in (60, 80, 240):
        monkeypatch.setenv("COLUMNS", str(columns))
        shown, _ = run("inspect", "a", view, "--store", agreed)
        lines = [line for line in shown.splitlines() if str(agreed) not in line]  # a path is to be copied whole
        assert max(map(len, lines)) <= columns
    assert "against: The answers are cold." in shown
    assert "+1.00 [+1.00, +1.00]" in shown
    assert "left out: 4 by the guard 'layout', 4 without a text." in shown


def test_another_trial_has_another_tree(run: Run, agreed: Path) -> None:
    shown, _ = run("inspect", "a", "--lineage", "--trial", 0, "--store", agreed)
    assert "The proposer 'scripted 1' wrote no part of this prompt." in shown
    assert "system prompt kind, written by a person" in shown
    assert "has no trial 99" in run.refused("inspect", "a", "--lineage", "--trial", 99, "--store", agreed)


def test_every_draft_can_be_read_with_what_was_asked_and_replied(run: Run, agreed: Path) -> None:
    first, second = as_json(run, "inspect", "a", "--rounds", "--store", agreed)["rounds"]
    assert first["diagnosis"]["reply"] == "They are cold."
    assert first["looks"][0]["shows"] == ["r1-0"]
    draft, refused, again = first["drafts"][0], first["drafts"][2], first["drafts"][3]
    assert (draft["name"], draft["parents"], draft["fate"]) == ("r1-0", ["kind"], "in the pool")
    assert (draft["asked"], draft["reply"]) == ("Write a system.", "Here is my system.")
    assert (draft["weakness"], draft["reason"]) == ("The answers are cold.", "Reasons make answers warm.")
    assert draft["usage"]["prompt_tokens"] == 30
    assert refused["fate"].startswith("the guard 'layout': The text contains chat markup")
    assert (again["attempt"], again["text"], again["fate"]) == (2, None, "the model failed: 503")
    assert (second["after"], second["best"]) == (8, 7)
    assert "leave out --lineage and --trial" in run.refused("inspect", "a", "--rounds", "--trial", 0, "--store", agreed)


def test_a_search_without_a_proposer_says_so(run: Run, tmp_path: Path, path: Path) -> None:
    with Store.open(str(path)) as store:
        search_tiny(store, tmp_path)
    assert "a person wrote every part of this prompt" in run("inspect", "tiny", "--lineage", "--store", path)[0]
    assert "took no round of a proposer" in run("inspect", "tiny", "--rounds", "--store", path)[0]
    assert as_json(run, "inspect", "tiny", "--rounds", "--store", path)["rounds"] == []
    assert as_json(run, "show", "tiny", "--store", path)["written"] == []
    assert "proposer" not in run("show", "tiny", "--store", path)[0]


def test_what_was_written_goes_where_its_search_goes(run: Run, agreed: Path, tmp_path: Path) -> None:
    path, other = tmp_path / "mine.db", tmp_path / "other.db"
    shutil.copy(agreed, path)
    tree = as_json(run, "inspect", "a", "--lineage", "--store", path)["parts"]
    run("rename", "a", "b", "--store", path)
    run("copy", "b", "--to", other, "--store", path)
    run("rm", "b", "--yes", "--store", path)
    assert as_json(run, "inspect", "b", "--lineage", "--store", other)["parts"] == tree
    assert "'lively 1'" in run("inspect", "b", "--rounds", "--store", other)[0]
    assert json.loads(run("list", "--json", "--store", path)[0]) == []
    assert [each["name"] for each in json.loads(run("list", "--json", "--store", other)[0])] == ["b"]


def test_a_prompt_with_written_parts_is_exported_measured_and_started_from(
    run: Run, agreed: Path, tmp_path: Path
) -> None:
    path = shutil.copy(agreed, tmp_path / "mine.db")
    space = tiny_space.write(tmp_path, tiny_space.FILES)
    run("export", "a", "--format", "json", "--output", "found.json", "--store", path)
    assert "Say why. Say why." in (tmp_path / "found.json").read_text()
    with tiny_models(Scripted()):
        words = ["--space", space, "--judge", "nano", "--store", path]
        measured = as_json(run, "evaluate", "a", *words, "--base", "nano")
        assert measured["average"] == 5.0
        more = ["--start-from", "found.json", "--budget", 8, "--proposer", "clauses", "--name", "next"]
        run("search", *words, *more)
    tree = as_json(run, "inspect", "next", "--lineage", "--trial", 0, "--store", path)
    assert [each["written"] for each in tree["parts"]] == [None] * 4
