"""Peers on small tables: they count judged answers, keep within the budget, and find what is easy to find."""

from __future__ import annotations

import csv
import importlib.util
from contextlib import suppress
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_rel  # type: ignore[import-untyped]

from experiments.tabular import compare
from experiments.tabular.peers.judged import Bench, BudgetSpent, JudgedAnswers, Parts, play
from experiments.tabular.peers.methods import PEERS
from experiments.tabular.peers.our_search import our_path
from experiments.tabular.table import Table

pytest.importorskip("matplotlib")  # an extra, as the packages of some peers are

HERE = [name for name in PEERS if importlib.util.find_spec("promptolution") or not name.startswith("capo")]
FIXED = {"piast": "its system prompt", "drpo": "one query at each depth"}
"""Methods that need not find the optimum, because of what they do not search or judge."""
SLOW = ("gp", "capo")


@pytest.fixture(scope="module")
def easy() -> Bench:
    """Two systems and ordered sets of up to two of five exemplars, whose effects add up; the best is `1, (4, 3)`."""
    sets = [chosen for k in range(3) for chosen in permutations(range(5), k)]
    prompts = [Parts(system, chosen) for system in range(2) for chosen in sets]
    worth = [
        2 + 0.6 * each.system + sum(one * (0.2 - 0.02 * i) for i, one in enumerate(each.exemplars)) for each in prompts
    ]
    noise = np.random.default_rng(0).normal(0, 0.02, (len(prompts), 12))
    return Bench(prompts=prompts, scores=np.array(worth)[:, None] + noise, start=prompts.index(Parts(0, (0, 1))))


@pytest.mark.parametrize("name", HERE)
def test_a_peer_asks_no_more_than_its_budget_and_finds_an_easy_optimum(name: str, easy: Bench) -> None:
    budget = easy.queries * (20 if name in SLOW else len(easy.prompts))
    path = play(PEERS[name].load(), easy, seed=1, budget=budget)
    asked = [step.answers for step in path]
    assert asked == sorted(asked)
    assert asked[0] == 0
    assert asked[-1] == budget
    found, start = (easy.scores[path[place].recommended].mean() for place in (-1, 0))
    best = easy.scores.mean(axis=1).max()
    assert (found - start) / (best - start) > (0.3 if name in FIXED else 0.7)


@pytest.mark.parametrize("name", HERE)
def test_a_peer_with_a_small_budget_ends_in_time(name: str, easy: Bench) -> None:
    answers = JudgedAnswers(easy, budget=40)
    with suppress(BudgetSpent):
        PEERS[name].load()(answers, 0)
    assert answers.judged == answers.asked.sum() <= 40


def test_a_question_is_paid_once(easy: Bench) -> None:
    answers = JudgedAnswers(easy, budget=20)
    answers.ask(3, [0, 1, 2])
    answers.ask(3, [2, 1, 5, 5])
    assert answers.judged == 4
    answers.ask(4)
    assert answers.judged == 16
    with pytest.raises(BudgetSpent):
        answers.ask(5)
    assert answers.judged == 16
    assert list(answers.complete) == [4]


def test_a_missing_verdict_is_paid_and_stands_as_the_mean_so_far(easy: Bench) -> None:
    scores = easy.scores.copy()
    scores[0, 1] = np.nan
    answers = JudgedAnswers(Bench(prompts=easy.prompts, scores=scores, start=0), budget=20)
    assert answers.ask(0, [0, 1]).tolist() == [scores[0, 0], scores[0, 0]]
    assert answers.judged == 2


def test_a_prompt_outside_the_table_is_the_one_without_what_cannot_be_there(easy: Bench) -> None:
    assert easy.prompts[easy.prompt(1, [2, 2, 4, 0])] == Parts(1, (2, 4))
    changes = {easy.prompts[each] for each in easy.changes(easy.prompt(1, [2, 4]))}
    assert {Parts(0, (2, 4)), Parts(1, (4, 2)), Parts(1, (2,)), Parts(1, (2, 3)), Parts(1, (0, 4))} <= changes
    assert Parts(1, (2, 4)) not in changes
    assert len(changes) == 1 + 1 + 2 + 6


def test_scores_of_a_bench_are_contributions_to_the_average() -> None:
    table = Table.synthetic(2)
    world = table.world(0)
    bench = Bench.of(world)
    expected = table.means(table.averages_of(table.scores), world.dev)
    assert bench.scores.mean(axis=1) == pytest.approx(expected)
    assert bench.prompts[bench.start].exemplars == (0,)


@pytest.mark.skipif(not importlib.util.find_spec("promptolution"), reason="promptolution is not installed")
def test_the_fast_t_test_is_that_of_scipy() -> None:
    from experiments.tabular.peers.capo import paired_t_test

    one, other = np.random.default_rng(0).normal(0, 1, (2, 16))
    assert paired_t_test(one, other, "greater") == pytest.approx(tuple(ttest_rel(one, other, alternative="greater")))


def test_a_comparison_goes_on_where_it_stopped_and_is_summarised(tmp_path: Path) -> None:
    table, out = Table.synthetic(2, exemplars=6, longest=3), tmp_path / "rows.csv"
    compare.run(table, ["random"], range(2), out)
    before = out.read_text()
    compare.run(table, ["random", "greedy", "halving"], range(2), out)
    assert out.read_text().startswith(before)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert len(rows) == 3 * 2 * len(compare.MARKS)
    assert {row["method"] for row in rows} == {"random", "greedy", "halving"}
    printed = "\n".join(compare.summary(compare.read(out, table.name)))
    assert "| greedy forward selection |" in printed
    assert "± " in printed


def test_a_comparison_that_was_killed_while_it_wrote_goes_on(tmp_path: Path) -> None:
    table, out = Table.synthetic(2, exemplars=6, longest=3), tmp_path / "rows.csv"
    compare.run(table, ["random"], range(2), out)
    whole = compare.read(out, table.name)
    out.write_text(out.read_text()[:-40])
    assert list(compare.read(out, table.name)["random"]) == [0]
    compare.run(table, ["random"], range(2), out)
    again = compare.read(out, table.name)
    assert {seed: row.tolist() for seed, row in again["random"].items()} == {
        seed: row.tolist() for seed, row in whole["random"].items()
    }


def test_our_search_takes_part() -> None:
    world = Table.synthetic(2).world(0)
    path = our_path(world, 6)
    assert path[-1].answers >= 6 * world.full
    assert path[-1].recommended is not None


def test_a_target_is_reached_where_a_curve_stays_below_it() -> None:
    curve = np.full(len(compare.MARKS), 0.5)
    assert compare.reached(curve, 0.1) == np.inf
    curve[3], curve[10:] = 0.0, 0.1
    assert compare.reached(curve, 0.1) == compare.MARKS[10]
