"""A search over real HTTP: faults change nothing, permanent errors end it at once, and no key is stored or printed."""

from __future__ import annotations

import json
import logging
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import PROGRESS, Run
from urial_opt import plugins
from urial_opt.nano.faults import FAULTS, Faults
from urial_opt.nano.json_server import listening
from urial_opt.nano.models import open_aligned, open_base
from urial_opt.nano.server import EmbeddedModels
from urial_opt.protocols import Judge
from urial_opt.records import Completion, Judgment, Query
from urial_opt.store import Store

pytestmark = pytest.mark.usefixtures("pauses")
KEY = "sk-do-not-tell-anybody"
MAY_DIFFER = ("seconds", "tokens", "spending", "cost", "database")


class CountingJudge:
    """A judge that counts how often it was asked about each answer."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.identity = judge.identity
        self.asked: Counter[tuple[str, str]] = Counter()

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        self.asked.update((query.id, completion.text) for query, completion in zip(queries, completions, strict=True))
        return self._judge.judge(queries, completions)


@pytest.fixture(scope="module")
def models() -> EmbeddedModels:
    return EmbeddedModels(base=open_base(""), aligned=open_aligned(""))


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> CountingJudge:
    counting = CountingJudge(plugins.open_judge("nano"))
    monkeypatch.setattr(plugins, "open_judge", lambda name, options: counting)
    return counting


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a search reported, recorded and printed."""

    told: Mapping[str, Any]
    trials: Sequence[object]
    printed: str


def search(run: Run, space: Path, url: str, store: str) -> Searched:
    base = ("--base", "openai:nano", "--base-url", url, "--base-option", "timeout=5")
    aligned = ("--aligned", "openai-chat:nano-aligned", "--aligned-url", url, "--aligned-option", "timeout=5")
    out, err = run("search", "--space", space, "--budget", 6, *base, *aligned, "--store", store, "--json")
    told = json.loads(out)
    with Store.open(store) as opened:
        trials = [(t.candidate, t.query_scores, t.state) for t in opened.trials(told["name"])]
    return Searched(told=told, trials=trials, printed=out + err)


def test_faults_change_nothing_and_no_key_is_left(
    run: Run,
    small_space: Path,
    models: EmbeddedModels,
    judge: CountingJudge,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with listening(models, key=KEY) as url:
        healthy = search(run, small_space, url, "healthy.db")
    once, judge.asked = judge.asked, Counter()
    port = int(url.split(":")[2].removesuffix("/v1"))  # the same port, since the address is part of a model's identity
    faults = Faults(0.3, stall=6.0)
    with listening(models, faults=faults, key=KEY, port=port) as again:
        assert again == url
        faulty = search(run, small_space, url, "faulty.db")

    struck = faults.struck.total() - faults.struck[None]
    assert len(faults.struck) >= len(FAULTS), faults.struck  # nearly all kinds occur, and so does no fault
    assert 0.2 < struck / faults.struck.total() < 0.4
    assert faulty.trials == healthy.trials
    assert {key for key in healthy.told if healthy.told[key] != faulty.told[key]} <= {*MAY_DIFFER}
    assert healthy.told["trials"]["total"] == 6
    assert healthy.told["aligned"]
    assert set(judge.asked.values()) == {1}
    assert judge.asked == once

    exported = "".join(run("export", "--store", "faulty.db", "--format", form)[0] for form in ("json", "urial"))
    assert KEY not in healthy.printed + faulty.printed + exported + caplog.text
    assert "HTTP Request" in caplog.text
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {"healthy.db", "faulty.db"} <= {file.name for file in files}
    assert not any(KEY.encode() in file.read_bytes() for file in files)


def stopped(run: Run, space: Path, url: str, model: str = "nano") -> str:
    """The one line that a search prints when a server fails permanently."""
    words = ("--space", space, "--budget", 6, "--aligned", "none", "--base", f"openai:{model}", "--base-url", url)
    out, err = run("search", *words, code=1)
    *progress, line = err.splitlines()
    assert out == ""
    assert all(PROGRESS.match(each) for each in progress), progress
    assert line.startswith("Error: ")
    return line


@pytest.fixture
def requests(models: EmbeddedModels) -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the paths that were requested from it."""
    paths: list[str] = []

    def answer(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        paths.append(path)
        return models(path, body)

    with listening(answer) as url:
        yield url, paths


def test_a_wrong_key_ends_a_search_at_once(
    run: Run, small_space: Path, models: EmbeddedModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}-of-another")
    with listening(models, key=KEY) as url:
        line = stopped(run, small_space, url)
    assert line == (
        f"Error: 'nano at {url}' does not accept the key (401); "
        "set the environment variable OPENAI_API_KEY to another key"
    )


def test_a_wrong_model_ends_a_search_at_once(run: Run, small_space: Path, requests: tuple[str, list[str]]) -> None:
    url, paths = requests
    line = stopped(run, small_space, url, "nanno")
    assert line == f"Error: no model is called 'nanno' at {url!r}; name one that it has: nano, nano-aligned"
    assert paths == ["/v1/completions", "/v1/models"]


def test_a_prompt_that_does_not_fit_ends_a_search_at_once(
    run: Run, small_space: Path, requests: tuple[str, list[str]]
) -> None:
    url, paths = requests
    long = small_space.with_name("long.yaml")
    long.write_text(small_space.read_text().replace("max_tokens: [48]", "max_tokens: [2048]"))
    line = stopped(run, long, url)
    assert f"prompt and answer do not fit 'nano at {url}'" in line
    assert line.endswith("; give a shorter one as --start-from FILE, or shorter answers: --decoding max_tokens=64")
    assert paths == ["/v1/completions"]


def test_a_dead_server_ends_a_search_at_once(run: Run, small_space: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line = stopped(run, small_space, f"http://127.0.0.1:{port}/v1")
    assert f"after 2 tries: nothing answers at 'http://127.0.0.1:{port}/v1'" in line
    assert "; start the server, or give another address as --base-url or --aligned-url or --judge-url or " in line
