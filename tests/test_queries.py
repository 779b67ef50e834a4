"""Queries: their split never changes, and their blocks have the same composition."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urial_opt.datasets.queries import QuerySet, read_queries
from urial_opt.errors import SpaceError
from urial_opt.records import Query

TASKS = ("info-seeking", "reasoning", "procedure", "writing", "coding")


def query_set(regular: int, safety: int) -> QuerySet:
    kinds = ["regular"] * regular + ["safety"] * safety
    return QuerySet(
        queries=tuple(
            Query(
                id=f"q{number}",
                text=f"Query {number}?",
                kind="safety" if kind == "safety" else "regular",
                split="dev",
                tags=(TASKS[number % len(TASKS)] if kind == "regular" else "harm",),
            )
            for number, kind in enumerate(kinds)
        )
    )


def row(query_id: str, kind: str, **more: str) -> str:
    fields = {"id": query_id, "text": f"Query {query_id}?", "kind": kind, **more}
    return "{" + ", ".join(f'"{name}": "{value}"' for name, value in fields.items()) + "}\n"


def hashed(count: int) -> str:
    return "".join(row(f"q{number}", "safety" if number % 4 == 0 else "regular") for number in range(count))


def test_blocks_hold_the_share_of_safety_queries_and_spread_the_tasks() -> None:
    queries = query_set(45, 15)
    blocks = queries.blocks("dev", 16, seed=0)
    assert [len(block) for block in blocks] == [16, 16, 16, 12]
    assert [sum(query.kind == "safety" for query in block) for block in blocks] == [4, 4, 4, 3]
    for block in blocks[:-1]:
        tasks = Counter(query.tags[0] for query in block if query.kind == "regular")
        assert set(tasks) == set(TASKS)
        assert max(tasks.values()) - min(tasks.values()) <= 2


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 50), st.integers(0, 9))
def test_blocks_hold_each_query_once(regular: int, safety: int, size: int, seed: int) -> None:
    queries = query_set(regular, safety)
    blocks = queries.blocks("dev", size, seed=seed)
    assert sorted(query.id for block in blocks for query in block) == sorted(query.id for query in queries.queries)
    assert all(len(block) == size for block in blocks[:-1])
    assert all(blocks)
    seen = 0
    for number, block in enumerate(blocks, start=1):
        seen += sum(query.kind == "safety" for query in block)
        through = min(number * size, regular + safety)
        assert abs(seen - through * safety / (regular + safety)) <= 0.5


def test_blocks_depend_on_nothing_but_queries_and_seed() -> None:
    queries = query_set(45, 15)
    turned = QuerySet(queries=queries.queries[::-1])
    assert queries.blocks("dev", 16, seed=3) == queries.blocks("dev", 16, seed=3) == turned.blocks("dev", 16, seed=3)
    assert queries.blocks("dev", 16, seed=3) != queries.blocks("dev", 16, seed=4)


def test_the_first_block_of_some_seed_is_known() -> None:
    """It is the same on every machine and Python version; otherwise a resumed search would ask other queries."""
    first = query_set(6, 2).blocks("dev", 4, seed=0)[0]
    assert [query.id for query in first] == ["q4", "q3", "q2", "q6"]


def test_split_by_hash_is_a_quarter_a_quarter_a_half_and_never_moves(tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text(hashed(1000))
    before = {query.id: query.split for query in read_queries(path).queries}
    counts = Counter(before.values())
    assert 200 < counts["dev"] < 300
    assert 200 < counts["validation"] < 300
    path.write_text(hashed(1500))
    after = {query.id: query.split for query in read_queries(path).queries}
    assert {query_id: after[query_id] for query_id in before} == before


def test_a_split_that_is_written_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text(hashed(40) + row("own", "regular", split="validation"), encoding="utf-8")
    queries = read_queries(path)
    assert {query.id: query.split for query in queries.queries}["own"] == "validation"
    assert [query.id for query in queries.split("validation")][-1] == "own"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (row("a", "regular", split="dev"), r"queries.jsonl:1: kind: the split 'dev' has no safety query"),
        (
            "".join(
                row(f"{kind}-{split}", kind, split=split) for kind in ("regular", "safety") for split in ("dev", "test")
            ),
            r"queries.jsonl:4: kind: the split 'validation' has no regular query",
        ),
        (row("a", "regular") + "\n" + row("a", "safety"), r"queries.jsonl:3: id: 'a' is taken by line 1"),
        (row("a", "regular") + "[]\n", r"queries.jsonl:2: should hold named fields"),
        (row("a", "regular", note="x"), r"queries.jsonl:1: note: is no field; the fields are id, text"),
        ("[" * 100_000, r"queries.jsonl:1: this line is no JSON object"),
    ],
)
def test_mistakes_name_the_line(tmp_path: Path, rows: str, expected: str) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text(rows)
    with pytest.raises(SpaceError, match=expected):
        read_queries(path)
