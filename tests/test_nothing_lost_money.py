"""Nothing that was paid is lost: replies are stored as they come, limits hold for each request, bills are kept."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from urial_opt.nano.json_server import Refused, listening
from urial_opt.store import Store

AT_ONCE = 4
TAGS = {"task": "math", "topic": "stem", "difficulty": "easy"}
USAGE = {"prompt_tokens": 100, "completion_tokens": 10}


class Counting:
    """A judge that tags and scores, and counts its replies; it refuses everything after `refuse_after` of them."""

    def __init__(self, *, seconds: float = 0.0, refuse_after: int = 10**9) -> None:
        self.answered = 0
        self._seconds = seconds
        self._refuse_after = refuse_after
        self._lock = threading.Lock()

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path == "/v1/models":
            return {"data": [{"id": "wise"}]}
        time.sleep(self._seconds)
        with self._lock:
            if self.answered >= self._refuse_after:
                raise Refused(401, "no")
            self.answered += 1
        asked = body["response_format"]["json_schema"]["schema"]["properties"]
        reply: Mapping[str, Any] = TAGS if "task" in asked else {key: {"reason": "so", "score": 4} for key in asked}
        message = {"content": json.dumps(reply)}
        return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": USAGE}


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps({"id": f"q{i}", "text": f"Question {i}?"}) + "\n" for i in range(60)))
    return path


def tagging(queries: Path, url: str, *more: object) -> tuple[object, ...]:
    judge = ("--judge", "llm:wise", "--judge-url", url, "--judge-option", f"concurrency={AT_ONCE}")
    return ("tag", queries, *judge, "--output", queries.with_name("tagged.jsonl"), *more)


def bill_of(store: Path) -> tuple[int, int, int]:
    """Calls, requests and tokens that the account `tag` paid."""
    with closing(sqlite3.connect(store)) as database:
        rows = database.execute(
            "SELECT SUM(calls), SUM(requests), SUM(prompt_tokens + completion_tokens) FROM urial_bill "
            "WHERE account = 'tag'"
        ).fetchall()
    return rows[0]  # type: ignore[no-any-return]


def test_a_killed_command_loses_what_is_in_the_air_and_pays_only_the_rest(
    run: Run, queries: Path, tmp_path: Path
) -> None:
    server, store = Counting(seconds=0.02), tmp_path / "store.db"
    with listening(server) as url:
        words = tagging(queries, url, "--store", store)
        killed = subprocess.Popen([sys.executable, "-m", "urial_opt", *map(str, words)], stderr=subprocess.DEVNULL)
        while server.answered < 25:
            assert killed.poll() is None
            time.sleep(0.005)
        killed.kill()
        killed.wait()
        time.sleep(0.1)
        answered = server.answered
        calls, requests, tokens = bill_of(store)
        assert answered - 2 * AT_ONCE <= calls <= requests <= answered < 60
        assert tokens == requests * 110
        assert not queries.with_name("tagged.jsonl").exists()
        assert [path.name for path in tmp_path.iterdir() if "tagged" in path.name] == []
        server.answered = 0
        out, _ = run(*words)
    assert server.answered == 60 - requests
    assert "Wrote 60 queries" in out
    assert len(queries.with_name("tagged.jsonl").read_text().splitlines()) == 60
    assert bill_of(store) == (60, 60, 6600)


def test_an_error_keeps_what_came_and_says_how_much_that_is(run: Run, queries: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    with listening(Counting(refuse_after=30)) as url:
        said = run(*tagging(queries, url, "--store", store), code=1)[1]
    assert "30 of 60 queries are tagged" in said
    again = Counting()
    with listening(again) as url:
        run(*tagging(queries, url, "--store", store))
    assert again.answered == 30


def test_a_limit_is_passed_by_no_more_than_what_is_in_the_air(run: Run, queries: Path, tmp_path: Path) -> None:
    server, store = Counting(seconds=0.005), tmp_path / "store.db"
    with listening(server) as url:
        said = run(*tagging(queries, url, "--store", store, "--max-tokens", 1100), code=3)[1]
        assert "--max-tokens 1100 is reached" in said
        assert 10 <= server.answered <= 10 + 2 * AT_ONCE
        assert bill_of(store)[:2] == (server.answered, server.answered)
        before = server.answered
        run(*tagging(queries, url, "--store", store))
    assert server.answered == 60
    assert before < 60


def test_an_output_that_exists_is_refused_before_anything_is_paid(run: Run, queries: Path, tmp_path: Path) -> None:
    server = Counting()
    queries.with_name("tagged.jsonl").write_text("mine")
    with listening(server) as url:
        said = run.refused(*tagging(queries, url, "--store", tmp_path / "store.db"))
    assert "cannot be written (File exists); give another --output" in said
    assert server.answered == 0
    assert queries.with_name("tagged.jsonl").read_text() == "mine"


def test_parts_of_a_verdict_are_billed_and_not_paid_again(run: Run, tmp_path: Path) -> None:
    rows = [{"query": f"Question {i}?", "answer": "Yes.", "scores": {"helpfulness": 4}} for i in range(4)]
    (tmp_path / "rated.json").write_text(json.dumps(rows))
    store = tmp_path / "store.db"
    options = ("--judge-option", "mode=aspects", "--judge-option", "concurrency=1", "--store", store)
    broken = Counting(refuse_after=7)
    with listening(broken) as url:
        run("judge-check", tmp_path / "rated.json", "--judge", "llm:wise", "--judge-url", url, *options, code=1)
    with Store.open(str(store)) as opened:
        [spent] = opened.bill()["judge-check"].values()
    assert (spent.requests, spent.calls) == (7, 1)
    whole = Counting()
    with listening(whole) as url:
        run("judge-check", tmp_path / "rated.json", "--judge", "llm:wise", "--judge-url", url, *options)
    undisturbed = Counting()
    with listening(undisturbed) as url:
        other = (*options[:-1], tmp_path / "other.db")
        run("judge-check", tmp_path / "rated.json", "--judge", "llm:wise", "--judge-url", url, *other)
    assert broken.answered + whole.answered == undisturbed.answered
