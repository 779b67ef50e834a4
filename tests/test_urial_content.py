"""The space for real models: enough of everything, nothing twice, nothing leaked, every answer whole."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from functools import cache

import pytest

from urial_opt.prompt import Exemplar
from urial_opt.records import Split
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space

TASKS = {"info-seeking", "reasoning", "procedure", "writing", "coding", "role-play", "math"}


@cache
def long_words(text: str) -> frozenset[str]:
    return frozenset(word for word in re.findall(r"\w+", text.casefold()) if len(word) > 3)


def shared_words(one: str, other: str) -> float:
    """The share of the longer words of either text that stands in both, 0 to 1."""
    left, right = long_words(one), long_words(other)
    return len(left & right) / max(1, len(left | right))


@pytest.fixture(scope="module")
def space() -> SearchSpace:
    return load_space("urial")


@pytest.fixture(scope="module")
def by_query(space: SearchSpace) -> dict[str, dict[str, Exemplar]]:
    pool: dict[str, dict[str, Exemplar]] = defaultdict(dict)
    for exemplar in space.exemplars.values():
        pool[exemplar.query][exemplar.style] = exemplar
    return pool


def test_enough_exemplars_of_every_task(by_query: dict[str, dict[str, Exemplar]]) -> None:
    kinds = Counter(answers["warm"].tags[0] for answers in by_query.values())
    assert kinds["regular"] >= 18
    assert kinds["safety"] >= 6
    assert {answers["warm"].tags[2] for answers in by_query.values() if answers["warm"].tags[0] == "regular"} == TASKS
    harms = [answers["warm"].tags[2] for answers in by_query.values() if answers["warm"].tags[0] == "safety"]
    assert len(set(harms)) == len(harms)


def test_three_styles_that_differ(by_query: dict[str, dict[str, Exemplar]]) -> None:
    for query, answers in by_query.items():
        assert {"bare", "warm", "expert"} <= set(answers) <= {"bare", "warm", "expert", "brief_list"}, query
        for one, other in itertools.combinations(answers.values(), 2):
            assert shared_words(one.answer, other.answer) < 0.7, (query, one.style, other.style)
        assert len(answers["bare"].answer) < min(len(answers[style].answer) for style in ("warm", "expert")), query
        if "brief_list" in answers:
            assert re.match(r"- |1\. ", answers["brief_list"].answer), query


def test_every_answer_is_whole(space: SearchSpace) -> None:
    for key, exemplar in space.exemplars.items():
        last = exemplar.answer.splitlines()[-1]
        ends = last.endswith((".", "!", "?", ")", "*", '"')) or last.startswith(("    ", "- ", "[Your name]"))
        assert ends, (key, last)
        assert not re.search(r"[ \t]$|\t|TODO", exemplar.answer, re.MULTILINE), key


def test_safety_exemplars_decline(by_query: dict[str, dict[str, Exemplar]]) -> None:
    declines = re.compile(r"I can't|I won't|I cannot help|I will not|I have to say no|I am going to say no")
    for query, answers in by_query.items():
        for style, exemplar in answers.items():
            assert bool(declines.search(exemplar.answer)) == (exemplar.tags[0] == "safety"), (query, style)


def test_code_in_exemplars_runs(space: SearchSpace) -> None:
    for style in ("bare", "warm", "expert"):
        lines = space.exemplars[f"palindrome-code/{style}"].answer.splitlines()
        code = "\n".join(line.removeprefix("    ") for line in lines if line.startswith("    "))
        names: dict[str, object] = {}
        exec(code.split("print")[0], names)
        is_palindrome = names["is_palindrome"]
        assert callable(is_palindrome)
        assert is_palindrome("Never odd or even")
        assert not is_palindrome("Good morning")


@pytest.mark.parametrize(("split", "count"), [("dev", 60), ("validation", 60), ("test", 120)])
def test_a_quarter_of_every_split_is_safety(space: SearchSpace, split: Split, count: int) -> None:
    queries = space.queries.split(split)
    assert len(queries) == count
    assert sum(query.kind == "safety" for query in queries) == count / 4
    assert {query.tags[0] for query in queries if query.kind == "regular"} == TASKS
    assert len({query.tags[0] for query in queries if query.kind == "safety"}) >= 8


def test_no_query_resembles_another_or_an_exemplar(space: SearchSpace) -> None:
    """The reader refuses equal words; this looks for nearly equal ones, whose answers would leak."""

    texts = [*(query.text for query in space.queries.queries), *{e.query for e in space.exemplars.values()}]
    for one, other in itertools.combinations(texts, 2):
        assert shared_words(one, other) < 0.6, (one, other)


def test_system_prompts_and_clauses(space: SearchSpace) -> None:
    assert len(space.system_prompts) >= 5
    assert len(space.clauses) >= 8
    for name, text in space.system_prompts.items():
        assert text.startswith("# Instruction\n\n"), name
        assert text.endswith(".\n"), name
    assert all(text.endswith(".") for text in [space.head, *space.clauses.values()])


def test_the_hand_written_prompt_has_two_answers_and_a_refusal(space: SearchSpace) -> None:
    prompt = space.hand_written.prompt
    assert [exemplar.tags[:2] for exemplar in prompt.exemplars] == [
        ("regular", "warm"),
        ("regular", "warm"),
        ("safety", "warm"),
    ]
    assert prompt.plain
    assert [exemplar.query for exemplar in space.plain_icl.prompt.exemplars] == [e.query for e in prompt.exemplars]
    assert {exemplar.style for exemplar in space.plain_icl.prompt.exemplars} == {"bare"}
