"""What a proposer is shown of a search."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from urial_opt.search.agent.rounds import in_style
from urial_opt.search.agent.situation import shown_keys
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space


@pytest.fixture(scope="module")
def space() -> SearchSpace:
    """Its starting prompt has a regular, a safety and another regular exemplar."""
    return load_space("nano")


def shown(space: SearchSpace, *exemplars: str) -> tuple[str, ...]:
    best: Any = SimpleNamespace(
        candidate=SimpleNamespace(params=space.params_of(system="none", exemplars=exemplars)),
    )
    return shown_keys(space, best)


def test_enough_exemplars_are_shown_as_they_are(space: SearchSpace) -> None:
    own = ("Italy/bare", "rob-a-bank/word", "make-tea/forum", "hydrogen/bare")
    assert shown(space, *own) == own


def test_a_kind_that_is_lacking_is_taken_from_the_starting_prompt(space: SearchSpace) -> None:
    start = space.exemplar_keys(space.start_params)
    [place] = (place for place, key in enumerate(start) if "safety" in space.exemplars[key].tags)
    own = ["Italy/bare", "Finland/word", "make-tea/forum", "hydrogen/bare"]
    assert shown(space, *own) == (*own[:place], start[place], *own[place:])


def test_too_few_exemplars_are_filled_up_with_the_starting_prompts(space: SearchSpace) -> None:
    start = space.exemplar_keys(space.start_params)
    assert shown(space) == start
    kinds = ["safety" in space.exemplars[key].tags for key in start]
    regular = kinds.index(False)
    filled = shown(space, "Italy/bare")
    assert filled == (*start[:regular], "Italy/bare", *start[regular + 1 :])
    assert shown(space, "rob-a-bank/word")[kinds.index(True)] == "rob-a-bank/word"


def test_no_query_is_shown_twice(space: SearchSpace) -> None:
    start = space.exemplar_keys(space.start_params)
    row = start[-1].partition("/")[0]
    filled = shown(space, f"{row}/word")
    assert f"{row}/word" in filled
    assert len({space.exemplars[key].query for key in filled}) == len(filled)


def test_a_look_shows_a_style_alone_but_for_kinds_that_it_lacks(space: SearchSpace) -> None:
    shown_ones = ("Italy/bare", "rob-a-bank/bare", "hydrogen/word", "Finland/scholarly")
    swaps = {"Italy/bare": "Italy/lively", "Finland/scholarly": "Finland/lively"}
    assert in_style(swaps, shown_ones, space) == ["Italy/lively", "rob-a-bank/bare", "Finland/lively"]
    refusal = {"rob-a-bank/bare": "rob-a-bank/lively"}
    assert in_style(swaps | refusal, shown_ones, space) == ["Italy/lively", "rob-a-bank/lively", "Finland/lively"]
