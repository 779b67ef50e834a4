"""Tests of `urial-opt doctor`: what it prints, and that its errors are one line without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.command_line import Run
from tests.quirky_server import KEY, Pretender, diagnosis
from urial_opt.cli.app import group
from urial_opt.nano.json_server import listening
from urial_opt.nano.models import open_aligned, open_base
from urial_opt.nano.server import serving

pytestmark = pytest.mark.usefixtures("quick_doctor")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The embedded models' server."""
    with serving(base=open_base(""), aligned=open_aligned("")) as url:
        yield url


def test_the_embedded_base_model(run: Run, url: str) -> None:
    out, err = run("doctor", "openai:nano", "--base-url", url, "--json")
    told = json.loads(out)
    assert set(told) == {
        *("server", "findings", "context_length", "latency", "tokens_per_second", "warnings", "command"),
    }
    assert told["server"] == f"nano at {url}"
    found_verdicts = {name: finding["verdict"] for name, finding in told["findings"].items()}
    assert {name: verdict for name, verdict in found_verdicts.items() if verdict != "yes"} == {
        "chat": "no",
        "context_length": "not known",
    }
    assert "2 tokens: 1 of begin-of-text" in told["findings"]["plain_prompts"]["says"]
    assert told["warnings"] == []
    assert f"--base openai:nano --base-url {url} --base-option concurrency=" in told["command"]
    assert "[asking] stop" in err


def test_what_it_prints_for_people(run: Run) -> None:
    with listening(Pretender("no completions", "no prompt_logprobs")) as url:
        out, _ = run("doctor", "m", "--url", url)
    for words in ("prefix cache", "ignored", "Tokens per second: ", "one token takes 0.", "Mind: It continues no text"):
        assert words in out
    assert out.splitlines()[-1].startswith("  urial-opt search --space urial --judge llm:m --judge-url")


def test_the_help_names_every_finding() -> None:
    help_text = group.get_command(None, "doctor").help  # type: ignore[arg-type, union-attr]
    assert help_text
    for name in diagnosis().findings:
        assert name in help_text


def test_the_model_may_be_left_out_where_there_is_one(run: Run, url: str) -> None:
    with listening(Pretender()) as other:
        assert json.loads(run("doctor", "--url", other, "--json")[0])["server"] == f"m at {other}"
    assert "has nano, nano-aligned; name the model" in run.refused("doctor", "--url", url)


def refused(run: Run, *words: object) -> str:
    """The one line of the error, after the lines of progress."""
    out, err = run("doctor", *words, code=1)
    assert out == ""
    *progress, line = err.splitlines()
    assert all(each.startswith("[asking] ") for each in progress)
    return line


def test_errors_are_one_line(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no model is called 'm'" in refused(run, "m", "--url", url)
    assert "nothing answers at" in refused(run, "m", "--url", "http://127.0.0.1:9/v1")
    assert "needs a key and has none" in refused(run, "m")
    assert "give one such as http://localhost:8000/v1" in run.refused("doctor", "m", "--url", "localhost")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with listening(Pretender(), key="another") as locked:
        line = refused(run, "m", "--url", locked)
    assert "does not accept the key (401); set the environment variable OPENAI_API_KEY to another key" in line
    assert KEY not in line


def test_a_key_that_a_server_repeats_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with listening(Pretender("few at once"), key=KEY) as locked:
        out, err = run("doctor", "m", "--url", locked, "--json")
    assert "slow down, ***" in out
    assert KEY not in out + err
