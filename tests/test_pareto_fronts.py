"""Pareto fronts: which prompts no other beats on all axes, and searches that keep such prompts in their race."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.command_line import Run
from tests.test_token_budgets import Generous, Wordy, aimed
from urial_opt.aspects import ASPECTS_OF
from urial_opt.errors import InputError
from urial_opt.evaluation.axes import Axis
from urial_opt.objective import Objective, read_objective
from urial_opt.records import Completion, Evaluation, Judgment, Query, Role, TrialState
from urial_opt.report.pareto import compared, pareto_front
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.spending import Price, Terms
from urial_opt.store import Store

QUERIES = [Query(id=f"q{n}", text=f"{n}?", kind="safety" if n % 6 == 5 else "regular", split="dev") for n in range(12)]
NOISE = (0.5, -0.5, 0.25, -0.25, 0.0, 0.0) * 2


def evaluated(score: float, prompt: float, answer: int = 10, *, noise: Sequence[float] = (0.0,) * 12) -> Evaluation:
    return Evaluation(
        queries=QUERIES,
        completions=[Completion(text="x", finish_reason="stop")] * len(QUERIES),
        judgments=[
            Judgment(query_id=each.id, judge="j", scores=dict.fromkeys(ASPECTS_OF[each.kind], score + more))
            for each, more in zip(QUERIES, noise, strict=True)
        ],
        prompt_tokens=prompt,
        answer_tokens=[answer] * len(QUERIES),
    )


def axes(*names: str, objective: Objective | None = None, price: Price | None = None) -> list[Axis]:
    return [Axis(name=name, objective=objective or Objective(), price=price) for name in names]


PROMPTS = {
    0: evaluated(4.0, 400),
    1: evaluated(3.5, 200),
    2: evaluated(3.0, 300),  # worse than 1 everywhere
    3: evaluated(3.45, 200, noise=NOISE),  # a little worse than 1, by chance perhaps
    4: evaluated(2.0, 100, answer=5),
    5: evaluated(4.0, 400),  # as 0
}


def test_the_front_and_what_is_beaten_surely() -> None:
    prompts = compared(PROMPTS, axes("average", "prompt_tokens"), found=1)
    told = [(each.trial, each.beaten_by, each.surely) for each in prompts]
    assert told == [
        (0, None, False),
        (5, None, False),
        (1, None, False),
        (4, None, False),
        (3, 1, False),
        (2, 1, True),
    ]
    assert [each.trial for each in prompts if each.found] == [1]
    assert prompts[0].values["average"].mean == pytest.approx(4.0)
    assert prompts[0].values["prompt_tokens"].mean == 400
    assert prompts[5].as_json()["front"] is False


def test_all_axes_count_and_their_order_only_sorts() -> None:
    front = {each.trial for each in compared(PROMPTS, axes("answer_tokens", "prompt_tokens")) if each.beaten_by is None}
    assert front == {4}
    priced = read_objective("prompt_tokens=-1/100").objective
    [best, *_] = compared(PROMPTS, axes("value", "prompt_tokens", objective=priced))
    assert best.trial == 1  # 3.5 - 2, and 4 - 4 of trial 0
    by_safety = compared({0: PROMPTS[0], 1: PROMPTS[1]}, axes("safety", "average"))
    assert [(each.trial, each.beaten_by) for each in by_safety] == [(0, None), (1, 0)]
    [cheapest, *_] = compared(PROMPTS, axes("cost", "average", price=Price.read("10/100")))
    assert cheapest.values["cost"].mean == pytest.approx(1000 * (100 * 10 + 5 * 100) / 1e6)


def test_what_is_not_known_is_not_compared() -> None:
    unknown = {0: Evaluation(queries=QUERIES, completions=PROMPTS[0].completions, judgments=PROMPTS[0].judgments)}
    with pytest.raises(InputError, match="prompt_tokens is not known of all prompts"):
        compared(unknown, axes("average", "prompt_tokens"))


def test_a_search_with_several_aims_keeps_what_is_short_in_its_race(small_space: Path, store: Store) -> None:
    """The judge likes long answers, which come of long prompts: in score alone, all that is short falls behind."""
    complete = {}
    for aims in ("average", "average,prompt_tokens"):
        result = search_space(
            aimed(small_space, aims),
            Models(base=Wordy(), judge=Generous()),
            store,
            options=SearchOptions(budget=12, name=aims),
        )
        records = store.trials(aims)
        states = {(each.candidate.prompt.id): each.state for each in records}
        complete[aims] = sum(state is TrialState.COMPLETE for state in states.values())
        assert result.found.card.average.mean == 4.0
    assert complete["average,prompt_tokens"] > complete["average"]
    base = Wordy()
    lengths = [base.count_tokens(each.candidate.prompt.prefix) for each in records]
    shortest = min(range(len(records)), key=lambda n: (lengths[n], n))
    assert records[shortest].state is TrialState.COMPLETE
    front = pareto_front(store, store.search("average,prompt_tokens"), ("average", "prompt_tokens"))
    on_it = [each for each in front.prompts if each.beaten_by is None]
    assert shortest in [each.trial for each in on_it]
    for one in on_it:
        assert one.values["prompt_tokens"].mean == lengths[one.trial]
        words = 2 + 2 * records[one.trial].candidate.prompt.prefix.count("# Answer:")
        assert not any(
            lengths[n] < lengths[one.trial] and 2 + 2 * each.candidate.prompt.prefix.count("# Answer:") >= words
            for n, each in enumerate(records)
        )


def test_costs_need_a_price(small_space: Path, store: Store) -> None:
    space, models = aimed(small_space, "average,cost"), Models(base=Wordy(), judge=Generous())
    with pytest.raises(InputError, match=r"`price=base=2.5/10`"):
        search_space(space, models, store, options=SearchOptions(budget=3))
    terms = Terms(prices={Role.BASE: Price.read("2/4")})
    name = search_space(space, models, store, options=SearchOptions(budget=3, terms=terms)).name
    front = pareto_front(store, store.search(name), ("average", "cost"))
    dearer = pareto_front(store, store.search(name), ("average", "cost"), price=Price.read("20/40"))
    costs = [[each.values["cost"].mean for each in one.prompts] for one in (front, dearer)]
    assert costs[1] == pytest.approx([10 * each for each in costs[0]])


def test_the_command_shows_it(run: Run, searched: Path, small_space: Path) -> None:
    out, _ = run("inspect", "mine", "--pareto", "average,prompt_tokens", "--store", searched)
    assert "Pareto front of mine over average and prompt_tokens, on the dev queries" in out
    assert "prompts that were asked every dev query" in out
    costs = ("--pareto", "average,cost", "--store", searched)
    assert "--price base=2.5/10" in run("inspect", "mine", *costs, code=2)[1]
    told = json.loads(run("inspect", "mine", *costs, "--price", "base=2.5/10", "--json")[0])["front"]
    assert told["axes"] == ["average", "cost"]
    assert any(each["front"] for each in told["prompts"])
    assert {*told["prompts"][0]["values"]} == {"average", "cost"}
    assert (
        "did you mean 'prompt_tokens'?"
        in run("inspect", "mine", "--pareto", "average,prompt_token", "--store", searched, code=2)[1]
    )
    assert (
        "write for example average,cost"
        in run("inspect", "mine", "--pareto", "average", "--store", searched, code=2)[1]
    )
    both = ("--pareto", "average,cost", "--trial", 0)
    assert "--pareto shows the whole search" in run("inspect", "mine", *both, "--store", searched, code=2)[1]
    words = ("--space", small_space, "--budget", 2, "--aligned", "none", "--exemplar-floor", "none", "--name", "two")
    run("search", *words, "--objective", "average,answer_tokens")
    assert "Pareto front of two over average and answer_tokens" in run("inspect", "two")[0]
    assert json.loads(run("inspect", "two", "--json")[0])["front"]["axes"] == ["average", "answer_tokens"]
    assert json.loads(run("inspect", "mine", "--json", "--store", searched)[0])["front"] is None
