"""The replay of a search on a table: it walks the path of the real search, trial by trial."""

from __future__ import annotations

import pytest

from experiments.tabular.ours import path_of, searched
from experiments.tabular.replay import replay
from experiments.tabular.table import Table, noisy


@pytest.mark.parametrize("missing", [False, True])
def test_it_walks_the_path_of_the_search(missing: bool) -> None:
    table = Table.synthetic(1, exemplars=8, systems=3, queries=96, longest=3)
    world = (noisy(table) if missing else table).world(2)
    trials = searched(world, evaluations=8)
    standing, path = replay(world, evaluations=9)
    records = [*standing.records.values()]
    number = len(trials)
    assert number > 20
    assert [(each.candidate, each.state, each.query_scores) for each in trials] == [
        (each.candidate, each.state, each.query_scores) for each in records[:number]
    ]
    assert path_of(world, trials) == path[:number]
    assert any(None in each.query_scores.values() for each in records) is missing
