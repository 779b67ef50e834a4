"""Spending: prices, bills and limits, what survives a restart, and the plan made in advance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.command_line import Run
from urial_opt import plugins
from urial_opt.errors import InputError
from urial_opt.protocols import ChatGenerator, TokenScorer
from urial_opt.records import Completion, Judgment, Query, Role, Sampling, Usage
from urial_opt.roles import Models, prices_of
from urial_opt.search.opening import LimitReached, SearchOptions
from urial_opt.search.planning import plan
from urial_opt.search.run import search_space
from urial_opt.search.shift_probe import PROBES
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space
from urial_opt.spending import FREE, Bill, Meter, Price, Spent, Terms, price_of
from urial_opt.store import Store

DEAR = Price(prompt=1.0, completion=10.0, cached=0.5)
ANSWER = Usage(prompt_tokens=100, completion_tokens=50, saved_tokens=400)
VERDICT = Usage(prompt_tokens=700, completion_tokens=300)


@dataclass
class Metered:
    """A base model and a judge that are billed by the token and count their calls."""

    identity: str
    priced_as: str = "gpt-4o"
    asked: list[str] = field(default_factory=list)

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        self.asked += suffixes
        return [Completion(text=f"{len(prefix)} {s}", finish_reason="stop", usage=ANSWER) for s in suffixes]

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        judged = plugins.open_judge("nano").judge(queries, completions)
        return [
            Judgment(query_id=each.query_id, judge=self.identity, scores=each.scores, usage=VERDICT) for each in judged
        ]


class Comparable(Metered):
    """A paid model whose tokens can be compared with those of an aligned model."""

    def token_scorer(self, aligned: ChatGenerator) -> TokenScorer:
        raise AssertionError("planning reads no tokens")


@pytest.fixture(scope="module")
def space(small_space: Path) -> SearchSpace:
    return replace(load_space(str(small_space)), exemplar_floor={})  # exemplars are judged elsewhere


def test_a_price_is_read_from_the_table_or_as_given() -> None:
    assert price_of("gpt-4o") == price_of("openai/gpt-4o")
    known = price_of("gpt-4o")
    assert known is not None
    assert known.cached < known.prompt < known.completion
    assert price_of("a-model-of-my-own") is None
    assert Price.read("2.5/10") == Price(prompt=2.5, completion=10.0, cached=2.5)
    assert Price.read(" 1/10/0.5 ") == DEAR
    for wrong in ("", "1", "1/", "a/b", "1/2/3/4", "-1/2"):
        with pytest.raises(InputError, match="is not a price; give dollars"):
            Price.read(wrong)


def test_a_bill_adds_up() -> None:
    spent = {Role.BASE: Spent(calls=2, usage=ANSWER + ANSWER), Role.JUDGE: Spent(calls=1, requests=1, usage=VERDICT)}
    bill = Bill(spent=spent, prices={Role.BASE: DEAR, Role.JUDGE: FREE})
    assert bill.cost(Role.BASE) == pytest.approx((200 * 1 + 100 * 10 + 800 * 0.5) / 1e6)
    assert bill.total == bill.cost(Role.BASE)
    assert bill.tokens == 200 + 100 + 1000
    unpriced = Bill(spent=spent, prices={Role.BASE: DEAR})
    assert unpriced.total is None
    assert unpriced.as_json()["judge"] == {
        "calls": 1,
        "requests": 1,
        "prompt": 700,
        "completion": 300,
        "cached": 0,
        "cost": None,
    }


def test_prices_as_given_go_before_the_table_and_what_runs_here_is_free() -> None:
    models = {Role.BASE: plugins.open_generator("nano"), Role.JUDGE: Metered("judge"), Role.ALIGNED: Metered("x", "y")}
    assert prices_of(models, {}) == {Role.BASE: FREE, Role.JUDGE: price_of("gpt-4o")}
    assert prices_of(models, {Role.JUDGE: DEAR, Role.BASE: DEAR}) == {Role.BASE: DEAR, Role.JUDGE: DEAR}


def test_a_limit_is_not_passed_by_the_block_that_comes() -> None:
    def bill(queries: int) -> Bill:
        spent = Spent(calls=queries, usage=Usage(prompt_tokens=1000 * queries))
        return Bill(spent={Role.JUDGE: spent}, prices={Role.JUDGE: DEAR})

    meter = Meter(Terms(max_cost=0.1))
    assert [meter.look(bill(asked), 20) for asked in (0, 20, 40, 60, 80)] == [None] * 5
    assert meter.look(bill(81), 20) == "`max_cost=0.1` would be exceeded: 0.0810 dollars are spent"
    assert meter.look(bill(81), 10) is None
    restarted = Meter(Terms(max_tokens=100_000))  # it has seen no block yet, but it has the bill
    assert restarted.look(bill(81), 20) == "`max_tokens=100000` would be exceeded: 81000 tokens are spent"
    assert Meter(Terms(max_seconds=-1.0)).look(bill(0), 1) is not None


@pytest.mark.parametrize(("limit", "words"), [({"max_cost": 0.05}, "max_cost"), ({"max_tokens": 30_000}, "max_tokens")])
def test_a_limited_search_stops_below_its_limit_and_goes_on(
    space: SearchSpace, tmp_path: Path, limit: dict[str, float], words: str
) -> None:
    prices = {Role.BASE: DEAR, Role.JUDGE: DEAR}
    base, judge = Metered("base"), Metered("judge")

    def go_on(store: Store, terms: Terms) -> dict[str, object]:
        models = Models(base=base, judge=judge)
        return search_space(space, models, store, options=SearchOptions(budget=5, terms=terms)).as_json()

    with Store.open(str(tmp_path / "undisturbed.db")) as store:
        undisturbed = go_on(store, Terms(prices=prices))
    calls = len(base.asked)
    base.asked.clear()
    path = str(tmp_path / "limited.db")
    for _ in range(2):  # a restart knows what was spent: it stops at once and pays nothing more
        with Store.open(path) as store, pytest.raises(LimitReached, match=r"small-") as reached:
            go_on(store, Terms(prices=prices, **limit))  # type: ignore[arg-type]
        assert words in reached.value.limit
        paid = len(base.asked)
        assert 0 < paid < calls
    with Store.open(path) as store:
        account = store.account(reached.value.name)
        bill = Bill(spent={Role.BASE: account.spent["base"], Role.JUDGE: account.spent["judge"]}, prices=prices)
        assert (bill.total or 0) <= limit.get("max_cost", 99)
        assert bill.tokens <= limit.get("max_tokens", 1e9)
        assert account.spent["base"].calls == paid
        resumed = go_on(store, Terms(prices=prices))
    assert len(base.asked) == calls
    assert {**resumed, "seconds": 0, "database": ""} == {
        **undisturbed,
        "seconds": 0,
        "database": "",
        "tokens": resumed["tokens"],
    }


def test_limited_money_needs_prices(space: SearchSpace, tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "store.db")) as store:
        models = Models(base=Metered("base"), judge=Metered("judge"))
        options = SearchOptions(terms=Terms(prices={Role.BASE: FREE}, max_cost=1.0))
        with pytest.raises(InputError, match=r"a cost limit needs the price of the judge model 'judge'.*`price=judge="):
            search_space(space, models, store, options=options)
        assert store.searches() == []


def test_a_plan_extrapolates_a_block_that_the_search_then_finds(space: SearchSpace, tmp_path: Path) -> None:
    base, judge = Metered("base"), Metered("judge")
    options = SearchOptions(budget=10, terms=Terms(prices={Role.BASE: DEAR, Role.JUDGE: DEAR}))
    with Store.open(str(tmp_path / "store.db")) as store:
        models = Models(base=base, judge=judge)
        planned = plan(space, models, store, options=options)
        assert len(base.asked) == space.block
        assert planned.seconds is not None
        result = search_space(space, models, store, options=options)
        spent = result.bill.spent[Role.BASE]
        assert spent.calls == len(base.asked)
        assert spent.calls <= planned.at_most.spent[Role.BASE].calls
        assert planned.expected.spent[Role.BASE].calls <= planned.at_most.spent[Role.BASE].calls
        each = planned.expected.spent[Role.JUDGE]
        assert each.usage.prompt_tokens == each.calls * VERDICT.prompt_tokens
        again = plan(space, models, store, options=options)
        assert again.at_most.total == pytest.approx(planned.at_most.total)


def test_a_plan_counts_what_the_token_shift_may_take(space: SearchSpace, tmp_path: Path) -> None:
    twin = plugins.open_chat_generator("nano-aligned")
    calls = {}
    with Store.open(str(tmp_path / "store.db")) as store:
        for base in (Metered("base"), Comparable("other")):
            models = Models(base=base, judge=Metered("judge"), aligned=twin)
            most = plan(space, models, store, options=SearchOptions(budget=200)).at_most
            calls[base.identity] = {role: spent.calls for role, spent in most.spent.items()}
    # 200 trials of 8 queries allow 80 answers: 8 are written, and 8 are read under 4 prompts by both models.
    reading = {Role.BASE: 4 * PROBES, Role.ALIGNED: PROBES + 4 * PROBES, Role.JUDGE: 0}
    assert calls["other"] == {role: number + reading[role] for role, number in calls["base"].items()}


def test_the_command_line_plans_stops_and_goes_on(run: Run, small_space: Path) -> None:
    words = ("search", "--space", small_space, "--budget", 3, "--aligned", "none")
    planned = json.loads(run(*words, "--plan", "--json", "--price", "judge=1/2")[0])
    assert planned["at_most"]["roles"]["base"]["calls"] == 3 * 8 + 6 * 8 + 4 * 8
    shown = run(*words, "--plan", "--parallel", 4)[0]
    assert "if no prompt is stopped early" in shown
    assert "prompts tried at once: 4, if the server takes as many" in shown
    assert planned["at_once"] == 1
    out, err = run(*words, "--max-time", "0s", code=3)
    assert out == ""
    assert "Stopped: --max-time 0 is over" in err
    told = json.loads(run(*words, "--max-time", "1h", "--json")[0])
    assert told["cost"] == 0
    assert told["spending"]["base"]["calls"] > 0
    assert "is not a price" in run.refused(*words, "--price", "judge=1")
    assert "is not the price of a role" in run.refused(*words, "--price", "judge")
    assert "did you mean 'judge'" in run.refused(*words, "--price", "jugde=1/2")
    assert "give one such as 90s" in run.refused(*words, "--max-time", "soon")
