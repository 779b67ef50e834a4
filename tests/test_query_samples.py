"""Query samples: they keep the shares and the order, and change little when queries are added."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urial_opt.datasets.query_sources import sample_queries
from urial_opt.errors import InputError
from urial_opt.records import Query

LABELS = st.tuples(st.sampled_from(["regular", "safety"]), st.sampled_from("abc"), st.sampled_from("xy"))


def labelled(labels: list[tuple[Any, str, str]], name: str = "q") -> list[Query]:
    return [
        Query(id=f"{name}{number}", text=f"{number}?", kind=kind, split="test", tags=(task, topic))
        for number, (kind, task, topic) in enumerate(labels)
    ]


@given(st.lists(LABELS, min_size=1, max_size=60), st.data(), st.integers(0, 5))
def test_a_sample_keeps_the_shares_and_the_order(labels: list[Any], data: st.DataObject, seed: int) -> None:
    queries = labelled(labels)
    count = data.draw(st.integers(1, len(queries)))
    chosen = sample_queries(queries, count, seed=seed)
    assert len(chosen) == count
    assert chosen == [query for query in queries if query in chosen]
    assert sorted(query.id for query in sample_queries(queries[::-1], count, seed=seed)) == sorted(
        query.id for query in chosen
    )
    kinds, all_kinds = Counter(query.kind for query in chosen), Counter(query.kind for query in queries)
    tasks = Counter((query.kind, query.tags[0]) for query in chosen)
    all_tasks = Counter((query.kind, query.tags[0]) for query in queries)
    for kind, there in all_kinds.items():
        assert abs(kinds[kind] - count * there / len(queries)) < 1
    for (kind, task), there in all_tasks.items():
        assert abs(tasks[kind, task] - kinds[kind] * there / all_kinds[kind]) < 1


def test_adding_queries_disturbs_a_sample_little() -> None:
    labels: list[tuple[Any, str, str]] = [("regular", "a", "x"), ("regular", "b", "y"), ("safety", "c", "x")] * 100
    before = {query.id for query in sample_queries(labelled(labels), 60)}
    more = labelled(labels) + labelled(labels[:30], "new")
    after = {query.id for query in sample_queries(more, 60)}
    assert len(before & after) > 45  # a tenth more queries take about a tenth of the places
    assert before == {query.id for query in sample_queries(labelled(labels), 60)}
    assert before != {query.id for query in sample_queries(labelled(labels), 60, seed=1)}


def test_a_sample_is_no_larger_than_what_is_there() -> None:
    with pytest.raises(InputError, match=r"only 2 queries .* give `sample=2"):
        sample_queries(labelled([("regular", "a", "x")] * 2), 3)
