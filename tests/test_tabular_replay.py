"""The replay of a search on a table: it walks the path of the real search, trial by trial."""

from __future__ import annotations

import pytest

from experiments.tabular.ours import path_of, searched
from experiments.tabular.replay import Walk, replay
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


def test_with_many_at_once_a_trial_takes_a_tick_a_step_and_another_begins_where_one_ends() -> None:
    world = Table.synthetic(1, exemplars=8, systems=3, queries=96, longest=3).world(2)
    walk = Walk(world, parallel=8)
    walk.go(trials=40)
    records = walk.standing.records
    assert len(records) == len(walk.path) == 40
    assert sorted(records) == [*range(40)]
    assert next(iter(records)) == 0  # the starting prompt, in one step
    assert walk.ticks[0] == 1
    began = dict.fromkeys(range(8), 0)
    for place, (number, tick) in enumerate(zip(records, walk.ticks, strict=True)):
        blocks = -(-len(records[number].query_scores) // world.space.block)
        steps = 1 + (blocks - 1).bit_length()  # each asks as much as all before
        assert number == 0 or tick == began[number] + steps
        began[place + 8] = tick
    assert walk.path[-1].answers == walk.standing.asked == walk.judged
    assert all(step.answers <= walk.judged for step in walk.path)
    assert len({str(each.candidate.params) for each in records.values()}) == 40
    alone = Walk(world)
    alone.go(trials=40)
    assert walk.ticks[-1] < alone.ticks[-1] / 2
