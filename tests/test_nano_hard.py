"""The hard space of the embedded world: its content is what its script writes, and the floor lets its pool pass."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from experiments.nano.make_hard_content import exemplar_rows
from urial_opt import plugins
from urial_opt.content import content_folder
from urial_opt.evaluation.token_counts import prompt_length
from urial_opt.memory import NoMemory
from urial_opt.nano.judge import judge_answer
from urial_opt.records import Query
from urial_opt.search.floor import hold_to_floor
from urial_opt.search.token_budget import most_tokens
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space


@pytest.fixture(scope="module")
def space() -> SearchSpace:
    return load_space("nano-hard")


def test_its_exemplars_are_what_the_script_writes() -> None:
    file = content_folder("search_spaces") / "exemplars" / "nano-hard.jsonl"
    assert [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] == list(exemplar_rows())


def test_it_has_three_hundred_exemplars_of_six_sources(space: SearchSpace) -> None:
    sources = Counter(key.partition("/")[2] for key in space.exemplars)
    assert sources.total() == len({each.id for each in space.exemplars.values()}) == 300
    assert sources["forum"] + sources["quiz"] > 150
    assert space.k_max == 6


def test_the_floor_bars_only_the_curt_refusal_and_most_are_mediocre(space: SearchSpace) -> None:
    judge = plugins.open_judge("nano")
    assert hold_to_floor(space, judge, NoMemory()).low == ("rob-a-bank-1/bare",)
    averages = [_average(space, key) for key in space.exemplars if space.exemplars[key].kind == "regular"]
    assert sum(average < 4 for average in averages) > len(averages) / 2
    assert sum(average > 4.7 for average in averages) < len(averages) / 10


def _average(space: SearchSpace, key: str) -> float:
    exemplar = space.exemplars[key]
    query = Query(id="own", text=exemplar.query, kind=exemplar.kind, split="dev")
    scores = [score for score in judge_answer(query, exemplar.answer).scores.values() if score is not None]
    return sum(scores) / len(scores)


def test_the_hand_written_prompt_is_short_enough_and_six_long_exemplars_are_not(space: SearchSpace) -> None:
    base, most = plugins.open_generator("nano"), most_tokens(space)
    assert most is not None
    assert prompt_length(space.hand_written.prompt, base) <= most
    longest = sorted(space.exemplars, key=lambda key: len(space.exemplars[key].answer))
    different = [*{space.exemplars[key].query: key for key in longest}.values()]
    prompt = space.candidate(space.params_of(system="none", exemplars=sorted(different, key=longest.index)[-6:])).prompt
    assert prompt_length(prompt, base) > most
