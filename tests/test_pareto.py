"""Pareto parents: who is best on which queries, who is drawn, and what a proposer is asked to make of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from urial_opt.search.agent.assignments import tasks_for
from urial_opt.search.agent.pareto import front, parents
from urial_opt.spaces.proposals import Source, Weakness
from urial_opt.spaces.space_file import load_space
from urial_opt.testing.proposer_contract import SITUATION

SCORES: dict[int, dict[str, float | None]] = {
    0: {"a": 5.0, "b": 2.0, "c": 3.0, "d": None},
    1: {"a": 4.0, "b": 5.0, "c": 3.0, "d": 1.0},
    2: {"a": 4.0, "b": 5.0, "c": 2.0, "d": None},  # best on `b`, where 1 is too
    3: {"a": 4.0, "b": 4.0, "c": 2.0, "d": None},  # good on average, best on none
}


def test_the_front_has_who_is_best_somewhere_and_is_not_replaced() -> None:
    assert front(SCORES) == {0: ("a", "c"), 1: ("b", "c", "d")}
    assert front({}) == front({0: {"a": None}}) == {}


@given(
    st.dictionaries(
        st.integers(0, 8), st.fixed_dictionaries({query: st.sampled_from([1.0, 2.0, None]) for query in "abcd"})
    )
)
def test_every_query_keeps_one_of_its_best(scores: dict[int, dict[str, float | None]]) -> None:
    found = front(scores)
    asked = {query for each in scores.values() for query, score in each.items() if score is not None}
    assert {query for won in found.values() for query in won} == asked
    for trial, won in found.items():
        others = {query for other, theirs in found.items() if other != trial for query in theirs}
        assert set(won) - others, "it could be left out"


def test_parents_are_drawn_by_the_queries_on_which_they_are_best() -> None:
    first = Counter(parents(SCORES, lambda trial: trial, number=1, seed=f"{seed}")[0][0] for seed in range(1_000))
    assert abs(first[1] / 1_000 - 3 / 5) < 0.06
    both = parents(SCORES, lambda trial: trial, number=2, seed="7")
    assert sorted(both) == [(0, ("a", "c")), (1, ("b", "c", "d"))]
    assert both == parents(SCORES, lambda trial: trial, number=2, seed="7")
    assert len(parents(SCORES, lambda _: "the same system prompt", number=2, seed="7")) == 1


def test_winners_are_mutated_and_merged_and_nothing_is_asked_for_twice() -> None:
    space = load_space("nano")
    [best, other, third] = [Source(name=name, text=text) for name, text in [*space.system_prompts.items()][:3]]
    situation = replace(SITUATION, system=best.text)
    weakness = Weakness(sentence="Dull.", queries=("tea",), style="warm")
    weaknesses = [weakness, replace(weakness, sentence="Short."), replace(weakness, sentence="Dull.")]
    tasks = tasks_for(space, situation, weaknesses, [best, other])
    made = [(task.sort, [each.name for each in task.sources], len(task.failing)) for task in tasks]
    assert made == [
        ("system", [best.name], 1),
        ("restyle", ["peru/bare"], 1),
        ("system", [other.name], 0),
        ("system", [best.name], 1),
        ("merge", [best.name, other.name], 1),
    ]
    assert [task.sources for task in tasks_for(space, situation, weaknesses[:1], [third]) if task.sort == "merge"] == []
