"""Dead ends of long queries: one that does not fit the base model's context window is left out, and said."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from tests.scripted_judge import Model, by_length
from tests.small_adapters import ByLength, Echo
from tests.tiny_search import space_in
from urial_opt.cli.tables import show_result
from urial_opt.datasets.fitting import Fitting
from urial_opt.errors import ContextError, InputError
from urial_opt.evaluation.measurement import Answering, Measurement, measure
from urial_opt.nano.json_server import Refused, listening
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Candidate, Completion, ProbeKey, Query, Role, Sampling, Split
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.restored import restored_result
from urial_opt.search.run import search_space
from urial_opt.search.shift_probe import ShiftWatch
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.variants import starting_from
from urial_opt.spending import FREE
from urial_opt.store import Store

LONG = "What is the moon? " * 100
PLAIN = Candidate(prompt=UrialPrompt(), sampling=Sampling(), params={})


@dataclass(frozen=True)
class Narrow(Echo):
    """Says what does not fit only when it is asked, as a server does; a token is a character."""

    reads: int = 1000
    blocks: list[int] = field(default_factory=list)
    """The sizes of the blocks that it was asked."""

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        self.blocks.append(len(suffixes))
        self._look([prefix + suffix for suffix in suffixes])
        return super().generate(prefix, suffixes, sampling)

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        self._look(queries)
        return super().answer(queries, sampling)

    def _look(self, texts: Sequence[str]) -> None:
        if any(len(text) > self.reads for text in texts):
            raise ContextError("prompt and answer do not fit 'narrow'; use fewer exemplars or a lower max_tokens")


@dataclass(frozen=True)
class Windowed(Narrow):
    """Knows its window."""

    @property
    def context_window(self) -> int:
        return self.reads

    def count_tokens(self, text: str) -> int:
        return len(text)


def query(name: str, text: str = "", *, split: Split = "test", **more: Any) -> Query:
    return Query(**{"id": name, "text": text or f"{name}?", "kind": "regular", "split": split, **more})


QUERIES = [query("long", LONG), *(query(f"q{number}") for number in range(6)), query("safe", LONG, kind="safety")]


def measured(store: Store, queries: Sequence[Query], base: Narrow, *, against: Candidate | None = None) -> Measurement:
    answering = Answering(generator=base, candidate=PLAIN)
    prices = {Role.BASE: FREE, Role.JUDGE: FREE}
    return measure(queries, ByLength(), store, answers=answering, against=against, prices=prices)


def test_queries_that_do_not_fit_are_missing_with_their_reason(store: Store) -> None:
    assessment = measured(store, QUERIES, base := Narrow()).assessment
    told: Any = assessment.as_json()
    assert (told["queries"], told["missing"], told["too_long"], told["unread"]) == (8, 6, 6, 0)
    assert told["too_long_queries"] == ["long", "safe"]
    assert [each.id for each in assessment.evaluation.queries] == [f"q{number}" for number in range(6)]
    depth, safety = told["aspects"]["depth"], told["aspects"]["safety"]
    assert (depth["n"], depth["missing"], depth["too_long"]) == (6, 1, 1)
    assert (safety["mean"], safety["n"], safety["missing"], safety["too_long"]) == (None, 0, 1, 1)
    assert told["average"] == depth["mean"]
    assert "NaN" not in json.dumps(told)
    assert base.blocks[:2] == [7, 1]  # the block, and the shortest query by itself


def test_what_was_answered_is_not_asked_again(store: Store) -> None:
    measured(store, QUERIES, Narrow())
    again = measured(store, QUERIES, base := Narrow())
    assert again.assessment.too_long == ["long", "safe"]
    assert max(base.blocks) == 1
    assert again.bill.spent[Role.BASE].calls == again.bill.spent[Role.JUDGE].calls == 0
    assert measured(store, QUERIES, Narrow(reads=10_000)).assessment.too_long == []


def test_a_prompt_with_which_no_query_fits_ends_it_at_once(store: Store) -> None:
    base = Narrow(reads=3)
    with pytest.raises(ContextError, match="use fewer exemplars"):
        measured(store, QUERIES, base)
    assert base.blocks == [7, 1]
    with pytest.raises(ContextError, match="use fewer exemplars"):
        measured(store, QUERIES[:1], Narrow())


def test_long_queries_in_every_block() -> None:
    queries = [query(str(number), LONG if number % 5 else "") for number in range(40)]

    def ask(some: Sequence[Query]) -> list[str]:
        if any(each.text == LONG for each in some):
            raise ContextError("no")
        return [each.id for each in some]

    fitting = Fitting(ask, queries)
    parts = [part for start in range(0, 40, 8) for part in fitting.parts(queries[start : start + 8])]
    assert [each.id for part, _ in parts for each in part] == [str(number) for number in range(40)]
    assert [id_ for _, found in parts for id_ in found or []] == [str(number) for number in range(0, 40, 5)]


def test_a_later_turn_that_does_not_fit(store: Store) -> None:
    """The turns before are answered; only the conversation that grows too long is left out."""
    talk = [
        query("talk", "Hi."),
        query("talk-2", "And now?", earlier=("Hi.",)),
        query("talk-3", "Bye.", earlier=("Hi.", LONG)),
    ]
    assessment = measured(store, talk, Narrow()).assessment
    assert assessment.too_long == ["talk-3"]
    assert [each.id for each in assessment.evaluation.queries] == ["talk", "talk-2"]


def test_a_comparison_leaves_out_what_fits_one_of_the_prompts_alone(store: Store) -> None:
    longer = UrialPrompt(system="Be kind. " * 80)
    queries = [*QUERIES, query("longish", "Moon? " * 60)]
    against = Candidate(prompt=longer, sampling=Sampling(), params={})
    comparison = measured(store, queries, Narrow(), against=against).comparison
    assert comparison is not None
    told: Any = comparison.as_json()
    assert told["too_long_queries"] == ["long", "safe", "longish"]
    assert (told["queries"], told["overall"]["unread"]) == (9, 3)
    assert told["missing"] == {"not_applicable": 0, "unread": 0, "refused": 0, "too_long": 3 + 5 + 1 + 5}
    assert sum(told["overall"][each] for each in ("wins", "ties", "losses")) == 6


@pytest.fixture
def space(tmp_path: Path) -> SearchSpace:
    """The tiny space with a long test query."""
    found = space_in(tmp_path)
    queries = [replace(each, text=LONG if each.id == "t2" else each.text) for each in found.queries.queries]
    return replace(found, queries=replace(found.queries, queries=(*queries, query("t3"))))


def test_a_search_leaves_out_a_long_test_query_and_says_so(
    space: SearchSpace, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    models = Models(base=Narrow(), judge=ByLength(), aligned=Narrow())
    result = search_space(space, models, store, options=SearchOptions(budget=3))
    told: Any = result.as_json()
    for role in ("zero_shot", "plain_icl", "hand_written", "found", "aligned"):
        assert (told[role]["too_long_queries"], told[role]["queries"]) == (["t2"], 3)
        assert (told[role]["missing"], told[role]["too_long"]) == (1, 1)
    assert told["missing"]["too_long"] == 5
    for each in (result, restored_result(store, store.search(result.name))):
        show_result(each, store_url=store.url)
        printed = capsys.readouterr().out
        assert "on test, found: 1 of 3 queries does not fit the base model's context window: t2." in printed
        assert "on test, aligned model: 1 of 3 queries does not fit the aligned model's context window: t2." in printed


def test_a_prompt_with_which_fewer_validation_queries_fit_comes_last(tmp_path: Path, store: Store) -> None:
    """The starting prompt, which holds a long exemplar, is among those with which one does not fit."""
    space = space_in(tmp_path)
    long = replace(space.exemplars["tea/warm"], answer="Boil water. " * 25)
    pool = {**space.exemplars, "tea/warm": long}
    queries = [replace(each, text=LONG[:300] if each.id == "v2" else each.text) for each in space.queries.queries]
    changed = replace(space, exemplars=pool, queries=replace(space.queries, queries=tuple(queries)))
    models = Models(base=Narrow(reads=800), judge=ByLength())
    result = search_space(changed, models, store, options=SearchOptions(budget=8))
    finalists = [each for each in store.results(result.name) if each.role == "finalist"]
    assert {len(each.evaluation.queries) for each in finalists} == {1, 2}
    (chosen,) = [each for each in finalists if each.candidate == result.found.candidate]
    assert len(chosen.evaluation.queries) == 2


def test_a_hand_written_prompt_that_is_too_long_is_told_before_anything_is_asked(tmp_path: Path, store: Store) -> None:
    found = space_in(tmp_path)
    long = replace(found.exemplars["bomb/warm"], answer="Sorry. " * 200)
    space = replace(found, exemplars={**found.exemplars, "bomb/warm": long})
    started = starting_from(space, UrialPrompt(exemplars=(found.exemplars["tea/warm"],)))
    base = Windowed()
    with pytest.raises(InputError, match=r"hand-written prompt, .*, is too long: .* reads 1000; give a space with"):
        search_space(started, Models(base=base, judge=ByLength()), store, options=SearchOptions(budget=2))
    assert base.blocks == []


class Served:
    """A base model behind a server that reads 1000 characters, and counts what it answers and what it refuses."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answered: list[str] = []
        self.refused: list[str] = []

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path != "/v1/completions":
            raise Refused(404, "Not Found")
        with self.lock:
            (self.answered if len(body["prompt"]) < 1000 else self.refused).append(body["prompt"])
        if len(body["prompt"]) >= 1000:
            raise Refused(400, "This model's maximum context length is 256 tokens. However, you requested 900 tokens.")
        usage = {"prompt_tokens": 10, "completion_tokens": 5}
        return {"model": "m", "choices": [{"text": "A rock.\n```\n", "finish_reason": "stop"}], "usage": usage}


@pytest.fixture
def served() -> Iterator[tuple[Served, list[str]]]:
    base = Served()
    with listening(base) as url, listening(Model(by_length)) as judge:
        yield base, ["--base", "openai:m", "--base-url", url, "--judge", "llm:wise", "--judge-url", judge]


@pytest.mark.usefixtures("no_key")
def test_behind_a_server_every_reply_that_was_paid_is_kept(
    run: Run, small_space: Path, served: tuple[Served, list[str]]
) -> None:
    base, models = served
    rows = [{"id": f"q{row}", "text": LONG if row == 7 else f"What is tea {row}?"} for row in range(12)]
    Path("queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("evaluate", "--zero-shot", "--queries", "queries.jsonl", "--space", small_space, *models)
    out, _ = run(*words)
    assert "1 of 12 queries does not fit the base model's context window: q7." in out
    assert "too long" in out
    assert len(base.answered) == len(set(base.answered)) == 11
    refused = len(base.refused)
    told = json.loads(run(*words, "--json")[0])
    assert (told["queries"], told["missing"], told["too_long"], told["too_long_queries"]) == (12, 5, 5, ["q7"])
    assert len(base.answered) == 11
    assert len(base.refused) <= refused + 5
    assert told["spending"]["base"]["requests"] == 0


def test_shift_leaves_out_a_query_that_does_not_fit(run: Run, small_space: Path) -> None:
    rows = [{"id": f"q{row}", "text": LONG * 9 if row == 3 else f"What is tea {row}?"} for row in range(6)]
    Path("queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("shift", "--queries", "queries.jsonl", "--space", small_space)
    assert "1 of 6 queries does not fit the models' context windows: q3." in run(*words)[0]
    told = json.loads(run(*words, "--json")[0])
    assert (told["answers"], told["too_long_queries"]) == (5, ["q3"])
    others = [row for row in rows if row["id"] != "q3"]
    Path("queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in others))
    assert json.loads(run(*words, "--json")[0])["contexts"] == told["contexts"]


def test_a_probe_that_does_not_fit_ends_no_search() -> None:
    class TooLong:
        key = ProbeKey(base="b", aligned="a", queries=(LONG,), max_tokens=8)
        asked = 0

        def measure(self, prompt: UrialPrompt) -> None:
            self.asked += 1
            raise ContextError("too long")

    probe: Any = TooLong()
    watch = ShiftWatch(probe=probe)
    for _ in range(2):
        watch.take({0: UrialPrompt(), 1: UrialPrompt(system="Be kind.\n")}, asked=10_000)
    assert (watch.by_trial, probe.asked) == ({}, 2)
