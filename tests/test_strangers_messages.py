"""What an error says to type exists, works, and goes to where the fault is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import Run
from urial_opt.cli.advice import as_typed

DEAD = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def _no_pauses(pauses: list[float], no_key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def base(run: Run, space: Path, name: str, *words: object, code: int = 2) -> str:
    return run("evaluate", "--zero-shot", "--space", space, "--base", name, *words, code=code)[1].splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Qwen/Qwen3-0.6B-Base", "is hf:Qwen/Qwen3-0.6B-Base, and an aligned one hf-chat:Qwen/Qwen3-0.6B-Base"),
        ("./my model", "is hf:./my model"),
        ("gpt-4o", "is openai:gpt-4o, and an aligned one openai-chat:gpt-4o"),
        ("nanno", "did you mean 'nano'?"),
    ],
)
def test_a_model_without_the_word_for_where_it_is(run: Run, small_space: Path, name: str, says: str) -> None:
    assert says in base(run, small_space, name)


def test_a_judge_without_the_word_for_where_it_is(run: Run, small_space: Path) -> None:
    _, err = run("evaluate", "--zero-shot", "--space", small_space, "--judge", "gpt-4o", code=2)
    assert "llm:gpt-4o" in err


def test_a_dead_server_names_the_option_of_the_command(run: Run, small_space: Path) -> None:
    line = base(run, small_space, "openai:m", "--base-url", DEAD, code=1)
    assert line.endswith("start the server, or give another address as --base-url or --judge-url ADDRESS")


def test_a_dead_proxy_is_named(run: Run, small_space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:pass-word-1@127.0.0.1:9")
    line = base(run, small_space, "openai:m", "--base-url", "http://model.example/v1", code=1)
    assert "through the proxy of HTTP_PROXY" in line
    assert "unset HTTP_PROXY" in line
    assert "pass-word-1" not in line
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert "HTTP_PROXY" not in base(run, small_space, "openai:m", "--base-url", DEAD, code=1)


def test_the_doctor_says_that_nothing_answers(run: Run) -> None:
    _, err = run("doctor", "--url", DEAD, code=1)
    assert "nothing answers" in err
    assert "--url ADDRESS" in err
    assert "--url http://localhost:8000/v1" in run.refused("doctor")


def test_an_empty_list_and_an_empty_split(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("[]")
    assert "'empty.json' holds no output" in run.refused("evaluate", "--outputs", "empty.json")
    (tmp_path / "two.jsonl").write_text('{"text": "Hi?", "split": "test"}\n{"text": "Ho?", "split": "test"}\n')
    line = run.refused("evaluate", "--zero-shot", "--queries", "two.jsonl", "--split", "dev")
    assert "none of the 2 queries is in the split dev; give --split test, or --split all" in line
    (tmp_path / "one.json").write_text(json.dumps([{"instruction": "Hi?", "output": "Ho.", "generator": "x"}]))
    splits = {"dev", "validation", "test"}
    lines = [
        run("evaluate", "--outputs", "one.json", "--split", split, "--judge", "quux", code=2)[1] for split in splits
    ]
    assert sum("is in the split" in line for line in lines) == 2


def test_a_sample_too_large_names_its_option(run: Run, small_space: Path) -> None:
    assert "give --sample 8 or less" in run.refused("evaluate", "--zero-shot", "--space", small_space, "--sample", 99)


def test_a_store_without_a_search_names_itself(run: Run) -> None:
    assert "urial-opt search --store 'my store.db'" in run.refused("list", "--store", "my store.db")


def test_a_folder_that_is_none_is_told_before_the_work(run: Run, small_space: Path) -> None:
    for words in (("shift", "--html"), ("shift", "--parquet"), ("evaluate", "--zero-shot", "--just-eval")):
        line = run.refused(*words, "no/such/file", "--space", small_space)
        assert f"'no/such/file' cannot be written (No such file or directory); give another {words[-1]}" in line


OPTIONS = ("--base-url", "--judge-url", "--base-option", "--judge-option", "--budget")


@pytest.mark.parametrize(
    ("message", "options", "shown"),
    [
        ("give `budget=200`", OPTIONS, "give --budget 200"),
        ("as `url=X`", OPTIONS, "as --base-url or --judge-url X"),
        ("as `url=X`", ("--url", "--timeout"), "as --url X"),
        ("by the option `timeout=9`", OPTIONS, "by --base-option or --judge-option timeout=9"),
        ("by the option `timeout=9`", ("--url", "--timeout"), "by --timeout 9"),
        ("give device=auto for the base model, or", OPTIONS, "give --base-option device=auto, or"),
        ("type `store=a b.db`", OPTIONS, "type --store 'a b.db'"),
        ("give `judge=llm:…`", OPTIONS, "give --judge llm:…"),
    ],
)
def test_arguments_of_the_library_as_they_are_typed(message: str, options: tuple[str, ...], shown: str) -> None:
    assert as_typed(message, options) == shown
