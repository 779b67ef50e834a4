"""`urial-opt tag`: commands and search spaces can read its output as queries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from urial_opt.datasets.json_rows import read_rows
from urial_opt.datasets.queries import QueryRow
from urial_opt.datasets.query_sources import load_queries
from urial_opt.nano.json_server import listening

TAGS = {"task": "math", "topic": "stem", "difficulty": "easy"}


def answer(_: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replies of a judge that can tag all queries but one."""
    tags = {"task": "a riddle"} if "Zorp" in body["messages"][0]["content"] else TAGS
    message = {"content": json.dumps(tags)}
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 0}
    return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ...]]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with listening(answer) as url:
        yield ("--judge", "llm:wise", "--judge-url", url)


def test_queries_come_back_with_their_tags(run: Run, tmp_path: Path, judge: tuple[str, ...]) -> None:
    rows = [
        {"id": "sum", "text": "What is 1 + 1?", "task": "writing", "turns": ["And 2 + 2?", "And 3 + 3?"]},
        {"id": "zorp", "text": "Zorp?", "kind": "safety", "split": "dev"},
    ]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    out, err = run("tag", "mine.jsonl", *judge, "--output", "tagged.jsonl", "--price", "judge=1/1")
    assert "Wrote 2 queries to tagged.jsonl, 1 of them untagged." in out
    assert "4.00" in out  # one query was asked once, the other three times
    assert "[tagging] 2/2" in err
    before, after = load_queries("mine.jsonl"), load_queries("tagged.jsonl")
    assert [(q.id, q.text, q.kind, q.split, q.earlier) for q in after] == [
        (q.id, q.text, q.kind, q.split, q.earlier) for q in before
    ]
    assert [query.tags for query in after] == [("math", "stem", "easy", "writing")] * 3 + [()]


def test_a_search_space_takes_what_it_writes(run: Run, tmp_path: Path, judge: tuple[str, ...]) -> None:
    (tmp_path / "mine.csv").write_text("question\nWhat is 1 + 1?\n")
    run("tag", "mine.csv", *judge, "--output", "tagged.jsonl")
    ((_, row),) = read_rows(tmp_path / "tagged.jsonl", QueryRow)
    assert row.tags == ["math", "stem", "easy"]


def test_what_cannot_be_done_is_one_line(run: Run, tmp_path: Path, judge: tuple[str, ...]) -> None:
    (tmp_path / "mine.csv").write_text("question\nWhat is 1 + 1?\n")
    assert "cannot tag queries; give one that can" in run.refused("tag", "mine.csv", "--judge", "nano", "--output", "x")
    assert "no such file" in run.refused("tag", "no.csv", *judge, "--output", "x.jsonl")
    said = run.refused("tag", "mine.csv", *judge, "--output", "mine.csv")
    assert "'mine.csv' cannot be written (File exists); give another --output" in said
