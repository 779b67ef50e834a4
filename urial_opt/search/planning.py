"""Planning: estimates in advance the calls, tokens, money and time that a search will use.

It asks one block of queries under the starting prompt and extrapolates from what that used. The search begins with the
same block, and then finds the answers in the store.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.protocols import Scorable
from urial_opt.records import Role, Usage
from urial_opt.roles import Models
from urial_opt.search.agent.forecast import Forecast, forecast_rounds
from urial_opt.search.final import FINALISTS
from urial_opt.search.floor import exemplars_to_judge
from urial_opt.search.lanes import in_flight
from urial_opt.search.opening import SearchOptions, begin
from urial_opt.search.shift_probe import PROBES, affordable
from urial_opt.search.versions import check_versions
from urial_opt.spaces.space import SearchSpace
from urial_opt.spending import Bill, Spent
from urial_opt.store import Account, Store

SEEN = 0.4
"""Expected share of the dev queries asked per trial; racing saves the rest. See experiments/LOG.md."""
_YARDSTICKS = 4
"""Prompts measured on `test`: zero-shot, plain ICL, hand-written and found."""
_ENOUGH_TRIALS = 10
"""With this many recorded trials of the same search, their own share replaces `SEEN`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a search is expected to use from start to end, and what it uses if no prompt is ever stopped early."""

    name: str
    expected: Bill
    at_most: Bill
    seconds: float | None
    """None if nothing could be timed because all answers were already stored."""
    seconds_at_most: float | None
    at_once: int
    """How many prompts will be tried at once, as far as it is known before the server has answered much."""

    def as_json(self) -> dict[str, object]:
        """`at_once`; `expected` and `at_most`: by role as `Bill.as_json`, `cost` and `seconds`."""
        bills = {"expected": (self.expected, self.seconds), "at_most": (self.at_most, self.seconds_at_most)}
        return {
            "name": self.name,
            "at_once": self.at_once,
            **{
                key: {
                    "roles": bill.as_json(),
                    "cost": None if bill.total is None else round(bill.total, 4),
                    "seconds": None if seconds is None else round(seconds),
                }
                for key, (bill, seconds) in bills.items()
            },
        }


def plan(space: SearchSpace, models: Models, store: Store, *, options: SearchOptions) -> Plan:
    """Estimate what the search with these arguments would use. Errors: see `run.search_space`."""
    begun = begin(space, models, store, options)
    space, models, aligned = begun.space, begun.models, begun.models.aligned
    trials = store.trials(begun.name)
    if not options.continue_anyway:
        check_versions(store.search(begun.name), trials=len(trials))
    seen = sum(len(trial.query_scores) for trial in trials)
    a_query = sum(trial.seconds for trial in trials) / seen if seen else None
    if a_query is None:
        with begun.account.billing(*models.by_role.values()):
            a_query = _ask_a_block(space, models, begun.account, seed=options.seed)
    dev, validation, test = (len(space.queries.split(split)) for split in ("dev", "validation", "test"))
    share = seen / (dev * len(trials)) if len(trials) >= _ENOUGH_TRIALS else SEEN
    at_the_end = (FINALISTS + 1) * validation + _YARDSTICKS * test
    exemplars = len(exemplars_to_judge(space))

    answer = _tokens_of_an_answer(begun.account.spent, models)

    def bill(of_dev: float, *, at_most: bool) -> Bill:
        written = forecast_rounds(
            models.proposer, space, budget=options.budget, most=options.rounds, answer=answer, at_most=at_most
        )
        searching = round(options.budget * dev * of_dev)
        answers = searching + at_the_end
        judged = exemplars + written.exemplars + answers + (test if aligned else 0)
        calls = {Role.BASE: answers, Role.JUDGE: judged}
        if aligned:
            # An upper limit on the measurements of token shift: fewer prompts may survive the race.
            probed = min(options.budget, affordable(searching)) if isinstance(models.base, Scorable) else 0
            calls[Role.BASE] += PROBES * probed
            calls[Role.ALIGNED] = test + PROBES * (probed + 1 if probed else 0)
        spent = {role: _scaled(begun.account.spent, models.identities, role, number) for role, number in calls.items()}
        if models.proposer:
            spent[Role.PROPOSER] = _written(begun.account.spent.get(models.proposer.identity), written)
        return Bill(spent=spent, prices=options.terms.prices)

    def seconds(of: Bill) -> float | None:
        return None if a_query is None else a_query * of.spent[Role.JUDGE].calls / at_once

    at_once = in_flight(models.base, block=space.block, options=options)
    expected, at_most = bill(share, at_most=False), bill(1.0, at_most=True)
    return Plan(
        name=begun.name,
        expected=expected,
        at_most=at_most,
        seconds=seconds(expected),
        seconds_at_most=seconds(at_most),
        at_once=at_once,
    )


def _ask_a_block(space: SearchSpace, models: Models, account: Account, *, seed: int) -> float | None:
    """Seconds per query in the first block that is not entirely stored; None if every block is."""
    evaluator = Evaluator(generator=models.base, judge=models.judge, memory=account)
    for block in space.queries.blocks("dev", space.block, seed=seed):
        before = dict(account.spent)
        started = time.perf_counter()
        evaluator.evaluate(space.candidate(space.start_params), block)
        if account.spent != before:
            return (time.perf_counter() - started) / len(block)
    return None


def _tokens_of_an_answer(spent: Mapping[str, Spent], models: Models) -> float:
    """Tokens that base model and judge have written on average for a query, as far as they were paid."""
    paid = [spent.get(model, Spent()) for model in (models.base.identity, models.judge.identity)]
    return sum(each.usage.completion_tokens / max(each.calls, 1) for each in paid)


def _written(known: Spent | None, written: Forecast) -> Spent:
    """What the calls of a proposer use: at its average so far, or as forecast if it has none yet."""
    if known is None or not known.calls:
        return Spent(calls=written.calls, usage=written.usage)
    return _times(known, written.calls)


def _scaled(spent: Mapping[str, Spent], roles: Mapping[Role, str], role: Role, calls: int) -> Spent:
    """What `calls` calls of a role use at its average so far, or at the base model's if the role has no calls yet."""
    return _times(spent.get(roles[role]) or spent.get(roles[Role.BASE]) or Spent(), calls)


def _times(known: Spent, calls: int) -> Spent:
    """What `calls` calls use at the average of those that are known."""
    each = 1 / max(known.calls, 1)
    usage = Usage(
        prompt_tokens=round(known.usage.prompt_tokens * each * calls),
        completion_tokens=round(known.usage.completion_tokens * each * calls),
        saved_tokens=round(known.usage.saved_tokens * each * calls),
    )
    return Spent(calls=calls, usage=usage)
