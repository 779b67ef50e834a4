"""One grammar for all commands: NAME, `--trial`, `--max-new-tokens`, `--json`; former names still answer."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click
import pytest

from tests.command_line import Run
from urial_opt.cli.app import COMMANDS, group
from urial_opt.cli.suggestions import say_suggestions, suggested, suggestion

PASSWORD = "postgresql+psycopg://me:hunter2@127.0.0.1:1/x"
WITHOUT_JSON = {"tag"}


def parameters(name: str) -> dict[str, click.Parameter]:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return {max(each.opts, key=len): each for each in command.params}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_speaks_alike(name: str) -> None:
    known = parameters(name)
    assert "--json" in known or name in WITHOUT_JSON
    searches = [
        each
        for each in known.values()
        if isinstance(each, click.Argument) and "NAME" in each.make_metavar(click.Context(group))
    ]
    if "--trial" in known:
        assert searches, "a trial is one of a search"
    if "--search" in known:
        assert known["--search"].hidden  # type: ignore[attr-defined]
    if searches:
        assert "--store" in known
    limit = known.get("--max-tokens")
    if isinstance(limit, click.Option) and not limit.hidden:
        assert "spent" in str(limit.help), "the length of an answer is --max-new-tokens"


def told(run: Run, *words: object) -> tuple[dict[str, Any], str]:
    out, err = run(*words, "--json")
    return json.loads(out), err


def test_the_search_is_an_argument_and_its_former_option_a_hint(run: Run, searched: Path, small_space: Path) -> None:
    places = ("--space", small_space, "--store", searched, "--sample", 4)
    now, err = told(run, "evaluate", "mine", *places)
    assert "is called" not in err
    then, err = told(run, "evaluate", "--search", "mine", *places)
    assert err.startswith("--search is called NAME now.\n")
    assert then["prompt"] == now["prompt"]
    assert told(run, "evaluate", "mine", "--search", "mine", *places)[0]["prompt"] == now["prompt"]
    newest, _ = told(run, "evaluate", "--trial", 1, *places)
    assert newest["prompt"] == told(run, "evaluate", "mine", "--trial", 1, *places)[0]["prompt"]
    assert "two values" in run("evaluate", "mine", "--search", "other", *places, code=2)[1]


def test_what_to_measure_is_one_thing(run: Run, searched: Path) -> None:
    for words in ("mine --zero-shot", "mine --prompt x.txt", "--zero-shot --trial 1", "mine --outputs x.json", ""):
        line = run.refused("evaluate", *words.split(), "--store", searched)
        assert "choose what to measure, one thing: the NAME of a search" in line


def test_the_length_of_an_answer(
    run: Run, searched: Path, small_space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("evaluate", "--zero-shot", "--space", small_space, "--sample", 4, "--store", searched)
    now, err = told(run, *words, "--max-new-tokens", 3)
    assert "is called" not in err
    then, err = told(run, *words, "--max-tokens", 3)
    assert err.startswith("--max-tokens is called --max-new-tokens now.\n")
    assert then["tokens"]["base"]["spent"] == 0
    assert then["average"] == now["average"]
    (tmp_path / "c.toml").write_text("[evaluate]\nmax-tokens = 3\n")
    from_file, err = told(run, "--config", "c.toml", *words)
    assert (from_file["average"], "is called --max-new-tokens" in err) == (now["average"], True)
    monkeypatch.setenv("URIAL_OPT_EVALUATE_MAX_TOKENS", "3")
    from_environment, err = told(run, *words)
    assert (from_environment["average"], "is called --max-new-tokens" in err) == (now["average"], True)
    monkeypatch.setenv("URIAL_OPT_EVALUATE_MAX_TOKENS", "40")
    assert told(run, *words, "--max-new-tokens", 3)[0]["average"] == now["average"]
    assert "two values" in run(*words, "--max-new-tokens", 3, "--max-tokens", 4, code=2)[1]


def test_former_names_are_not_in_the_help(run: Run) -> None:
    for name in ("evaluate", "shift"):
        out, _ = run(name, "--help")
        assert "[NAME]" in out
        assert "--max-new-tokens" in out
        assert "--search " not in out
        assert "--max-tokens" not in out


def test_an_export_as_json(run: Run, searched: Path, tmp_path: Path) -> None:
    as_json, _ = told(run, "export", "mine", "--trial", 1, "--store", searched)
    assert (as_json["search"], as_json["trial"], as_json["format"]) == ("mine", 1, "urial")
    assert as_json["text"] == run("export", "mine", "--trial", 1, "--store", searched)[0]
    written, _ = told(run, "export", "mine", "--trial", 1, "--store", searched, "--output", "x.txt")
    assert written["output"] == "x.txt"
    assert (tmp_path / "x.txt").read_text() == as_json["text"]


@click.command()
@click.option("--store", "store_url", envvar="URIAL_OPT_STORE", default="urial-opt.db")
def suggesting(store_url: str) -> None:
    say_suggestions("Next:", suggested("inspect", "run[/1] it's"))


@pytest.mark.parametrize(
    ("words", "variable", "shown"),
    [
        ([], None, "inspect 'run[/1] it'\"'\"'s'"),
        (["--store", "my file.db"], None, "inspect 'run[/1] it'\"'\"'s' --store 'my file.db'"),
        ([], "other.db", "inspect 'run[/1] it'\"'\"'s'"),
        (["--store", "urial-opt.db"], "other.db", "inspect 'run[/1] it'\"'\"'s' --store urial-opt.db"),
        ([], PASSWORD, "inspect 'run[/1] it'\"'\"'s'"),
        (["--store", PASSWORD], None, "--store 'postgresql+psycopg://me:***@127.0.0.1:1/x'"),
    ],
)
def test_a_suggested_command_goes_to_the_same_store(
    words: list[str],
    variable: str | None,
    shown: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("URIAL_OPT_STORE", raising=False)
    if variable:
        monkeypatch.setenv("URIAL_OPT_STORE", variable)
    suggesting(words, standalone_mode=False)
    said = capsys.readouterr().out
    assert said.splitlines()[1].endswith(shown)
    assert "hunter2" not in said
    assert ("*** stands for the store's password" in said) == ("***" in shown)
    if "***" not in shown:
        assert shlex.split(said.splitlines()[1])[2] == "run[/1] it's"


def test_a_suggestion_outside_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("URIAL_OPT_STORE", raising=False)
    assert suggestion("search", "--budget", "200") == "urial-opt search --budget 200"
    assert suggestion("list", store_url="a b.db") == "urial-opt list --store 'a b.db'"
