"""Wrong words on the command line are refused in one line, and no record is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests import tiny_space
from tests.command_line import Run
from tests.parrot import Parrot, assert_lists, search_with_parrot, small
from urial_opt import plugins


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `nano` mean the parrot."""
    monkeypatch.setattr(plugins, "open_generator", lambda *_: Parrot())


@pytest.fixture(scope="module")
def searched(small_space: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the finished search `mine`, closed."""
    path = tmp_path_factory.mktemp("searched") / "store.db"
    search_with_parrot(path, small_space)
    return path


@pytest.fixture
def file(searched: Path, tmp_path: Path) -> Path:
    """A copy of that store, to be disturbed."""
    return Path(shutil.copy(searched, tmp_path / "store.db"))


@pytest.mark.parametrize(
    ("file_name", "old", "new", "reason"),
    [
        ("tiny.yaml", "name: tiny", "name: [tiny", "this is not YAML"),
        ("tiny.yaml", "race:", "rase:", "tiny.yaml:26: rase: is no field; did you mean 'race'"),
        ("tiny.yaml", "max: 3", "max: 9", "tiny.yaml:7: k.max: 9 is more than the pool's 3 queries; write 3 or less"),
        ("tiny.yaml", "moon/warm", "mon/warm", "tiny.yaml:15: hand_written.exemplars.1: no exemplar is called"),
        ("tiny.yaml", "queries.jsonl", "q.jsonl", "tiny.yaml:23: queries: there is no file 'q.jsonl'"),
        ("pool.jsonl", "A rock.", "A ```rock```.", "pool.jsonl:2: answers.bare: the exemplar 'moon' contains a fence"),
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
    assert "give --judge NAME, one of: llm, nano, panel, reward" in run.refused("search", "--space", path)


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
    assert "another --name NEW" in line
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
