"""Table D, of a real base model: it holds its whole space, and whatever works on the other tables works on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.tabular import compare, facts
from experiments.tabular.measure import regrets
from experiments.tabular.ours import path_of, searched
from experiments.tabular.recipes import RECIPES, all_prompts
from experiments.tabular.replay import replay
from experiments.tabular.table import Table
from experiments.tabular.winner import told
from urial_opt.aspects import ASPECTS_OF, Aspect


@pytest.fixture(scope="module")
def table() -> Table:
    return Table.load("D")


def test_it_holds_every_prompt_of_its_recipe_with_every_verdict_that_is_due(table: Table) -> None:
    assert table.space == RECIPES["D"].space()
    assert list(table.prompts) == list(all_prompts(table.space))
    due = [[aspect in ASPECTS_OF[query.kind] for aspect in Aspect] for query in table.queries]
    assert np.array_equal(table.verdicts > 0, np.broadcast_to(due, table.verdicts.shape))
    assert table.answer_tokens.max() <= 40
    assert table.optimum > table.truth[table.hand_written] > table.truth[table.zero_shot]


def test_a_world_has_16_dev_queries_4_of_them_harmful(table: Table) -> None:
    world = table.world(5)
    assert (world.full, len(world.validation)) == (16, 16)
    assert [table.queries[place].kind for place in world.dev].count("safety") == 4
    assert [len(block) for block in world.blocks(world.space.block)] == [4] * 4


def test_a_search_and_its_replay_walk_the_same_path(table: Table) -> None:
    world = table.world(1)
    trials = searched(world, evaluations=6)
    standing, path = replay(world, evaluations=7)
    assert [each.candidate for each in trials] == [
        each.candidate for each in [*standing.records.values()][: len(trials)]
    ]
    assert path_of(world, trials) == path[: len(trials)]
    assert regrets(world, path, evaluations=(0.5, 6))[1] < 1.0


def test_methods_are_compared_and_the_winner_is_held_against_the_truth(table: Table, tmp_path: Path) -> None:
    compare.run(table, ["random", "halving", "greedy"], range(1), tmp_path / "rows.csv")
    curves = compare.read(tmp_path / "rows.csv", "D", "searched")
    assert {method: rows[0].shape for method, rows in curves.items()} == dict.fromkeys(curves, (len(compare.MARKS),))
    assert abs(told("D", 6, 0)[0]) < 1.0


def test_its_facts_are_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["facts", "D"])
    facts.main()
    printed = capsys.readouterr().out
    assert "Gemma 3 270M" in printed
    assert "our features" in printed
