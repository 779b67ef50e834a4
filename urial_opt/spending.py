"""Spending: the calls, tokens and money that each role of a search used, and the limits that stop it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias

from urial_opt.errors import InputError, UnknownNameError
from urial_opt.records import Role, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was paid to one model, without results that came from the store. Adding adds each count."""

    calls: int = 0
    """Answers of a model, or verdicts of a judge."""
    requests: int = 0
    """Replies that were paid: a verdict may take several. Other models than those behind servers have one a call."""
    usage: Usage = field(default_factory=Usage)

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            calls=self.calls + other.calls,
            requests=self.requests + other.requests,
            usage=self.usage + other.usage,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What each role of a search used and what that cost, over all runs of the search."""

    spent: Mapping[Role, Spent]
    prices: Mapping[Role, Price]
    """A role is left out if its price is not known."""

    def cost(self, role: Role) -> float | None:
        """Cost of a role in US dollars; None if its price is not known."""
        price = self.prices.get(role)
        return price.cost(self.spent[role].usage) if price else None

    @property
    def total(self) -> float | None:
        """Cost of all roles in US dollars; None if a price is not known."""
        costs = [self.cost(role) for role in self.spent]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    @property
    def tokens(self) -> int:
        """Tokens read and written by all roles."""
        return sum(s.usage.prompt_tokens + s.usage.completion_tokens for s in self.spent.values())

    def as_json(self) -> dict[str, object]:
        """By role: `calls`, `requests`, tokens (`prompt`, `completion`, `cached`) and `cost` (null if not known)."""
        return {
            role.value: {
                "calls": spent.calls,
                "requests": spent.requests,
                "prompt": spent.usage.prompt_tokens,
                "completion": spent.usage.completion_tokens,
                "cached": spent.usage.saved_tokens,
                "cost": None if (cost := self.cost(role)) is None else round(cost, 6),
            }
            for role, spent in self.spent.items()
        }


def bill_of(spent: Mapping[str, Spent], identities: Mapping[Role, str], prices: Mapping[Role, Price]) -> Bill:
    """The bill by role; the judge's part is what is left: it may have several identities, as for scores and pairs."""
    rest = dict(spent)
    by_role: dict[Role, Spent] = {}
    for role, name in identities.items():
        if role is not Role.JUDGE:
            by_role[role] = rest.pop(name, Spent())
    if Role.JUDGE in identities:
        by_role[Role.JUDGE] = sum(rest.values(), Spent())
    return Bill(spent=by_role, prices=prices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Limits on a search. They do not affect its result, so they may be changed when a search is continued."""

    prices: Mapping[Role, Price] = field(default_factory=dict)
    max_cost: float | None = None
    """US dollars, over all runs of the search."""
    max_tokens: int | None = None
    """Tokens read and written by all roles, over all runs of the search."""
    max_seconds: float | None = None
    """Limit on the wall-clock time of this run."""

    @classmethod
    def read(cls, limits: Mapping[str, Any]) -> Terms:
        """The terms in a mapping of their names; a price may be text, as `Price.read` takes it.

        UnknownNameError for a name that is no limit, InputError for a value that cannot be.
        """
        known = [each.name for each in fields(cls)]
        for name, value in limits.items():
            if name not in known:
                raise UnknownNameError.of("limit", name, known)
            if name != "prices" and not (value is None or (isinstance(value, int | float) and value >= 0)):
                raise InputError(f"{name} cannot be {value!r}; give a number of 0 or more, such as `{name}=20`")
        prices: dict[Role, Price] = {}
        for role, price in (limits.get("prices") or {}).items():
            if role not in [*Role]:
                raise UnknownNameError.of("role", str(role), map(str, Role))
            prices[Role(role)] = price if isinstance(price, Price) else Price.read(str(price))
        return cls(**{**limits, "prices": prices})

    def check(self, roles: Mapping[Role, str]) -> None:
        """InputError if the cost is limited and a role has no price; `roles` gives the model's name by role."""
        for role, model in roles.items():
            if self.max_cost is not None and role not in self.prices:
                raise InputError(
                    f"a cost limit needs the price of the {role} model {model!r}, which is not known; "
                    f"give dollars per million tokens: `price={role}=2.5/10`"
                )


Asked: TypeAlias = Literal["queries", "drafts"]
"""What a search asks for in blocks: answers to queries, each with a verdict, or drafts of a proposer."""


class StoppedAtLimit(Exception):  # noqa: N818 - the user's wish, not an error
    """No further request is sent, because the limit that `limit` describes is reached; what was paid is stored."""

    def __init__(self, limit: str) -> None:
        super().__init__(f"{limit}; the same call with a higher limit goes on")
        self.limit = limit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """What is asked for between two looks at the bill."""

    of: Asked
    number: int
    cost: float
    """Dollars on the bill before it."""
    tokens: int


class Meter:
    """Compares a bill with its limits: before each block of queries or drafts, and before each request.

    What a server will charge is not known in advance. Each query of a block is assumed to cost as much as a query of
    the most expensive block so far, or, before the first block, as much as the average query on the bill. Drafts of a
    proposer are assumed to cost in the same way what drafts have cost. Requests are
    sent until a limit is reached, so it is exceeded by no more than the requests that are under way then.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._began = time.monotonic()
        self._block: _Block | None = None
        self._dearest: dict[Asked, tuple[float, float]] = {}
        """Dollars and tokens for each query, or draft, of the most expensive block of its sort so far."""

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit that may be reached."""
        return {self._terms.max_cost, self._terms.max_tokens, self._terms.max_seconds} != {None}

    def look(self, bill: Bill, number: int, *, of: Asked = "queries", under_way: int | None = None) -> str | None:
        """Describe the limit that asking for `number` more queries may exceed; None if no limit is at risk.

        Where several blocks may be under way, `under_way` counts the queries of the others; as it cannot be told what
        each of them costs, all are assumed to cost as much as the average one.
        """
        cost, tokens = bill.total or 0.0, bill.tokens
        if under_way is None:
            each = self._dearest_so_far(bill, cost, tokens, of=of)
            self._block = _Block(of=of, number=number, cost=cost, tokens=tokens)
            dollars, more = each[0] * number, each[1] * number
        else:
            each, other = _average(bill, of), _average(bill, "queries")
            dollars, more = each[0] * number + other[0] * under_way, each[1] * number + other[1] * under_way
        terms = self._terms
        if terms.max_cost is not None and cost + dollars > terms.max_cost:
            return f"`max_cost={terms.max_cost:g}` would be exceeded: {cost:.4f} dollars are spent"
        if terms.max_tokens is not None and tokens + more > terms.max_tokens:
            return f"`max_tokens={terms.max_tokens}` would be exceeded: {tokens} tokens are spent"
        return self._time_is_over()

    def _dearest_so_far(self, bill: Bill, cost: float, tokens: int, *, of: Asked) -> tuple[float, float]:
        if block := self._block:
            paid = (cost - block.cost) / block.number, (tokens - block.tokens) / block.number
            before = self._dearest.get(block.of, (0.0, 0.0))
            self._dearest[block.of] = max(before[0], paid[0]), max(before[1], paid[1])
        return self._dearest.get(of) or _average(bill, of)

    def reached(self, bill: Bill) -> str | None:
        """Describe the limit that is reached; None if none is. May be called from any thread."""
        terms = self._terms
        if terms.max_cost is not None and (cost := bill.total or 0.0) >= terms.max_cost:
            return f"`max_cost={terms.max_cost:g}` is reached: {cost:.4f} dollars are spent"
        if terms.max_tokens is not None and bill.tokens >= terms.max_tokens:
            return f"`max_tokens={terms.max_tokens}` is reached: {bill.tokens} tokens are spent"
        return self._time_is_over()

    def _time_is_over(self) -> str | None:
        terms, seconds = self._terms, time.monotonic() - self._began
        if terms.max_seconds is not None and seconds > terms.max_seconds:
            return f"`max_seconds={terms.max_seconds:g}` is over: {seconds:.0f} seconds have passed"
        return None


def _average(bill: Bill, of: Asked) -> tuple[float, float]:
    """Dollars and tokens of the average query, or draft, on a bill."""
    writes = Role.PROPOSER
    roles = [role for role in bill.spent if (role is writes) == (of == "drafts")]
    # of queries, the judge's calls are too few: equal answers are judged once
    asked = max((bill.spent[role].calls for role in roles), default=0)
    if not asked:
        return 0.0, 0.0
    part = Bill(spent={role: bill.spent[role] for role in roles}, prices=bill.prices)
    return sum(part.cost(role) or 0.0 for role in roles) / asked, part.tokens / asked


_TABLE = "model_prices_and_context_window_backup.json"
_GIVEN = re.compile(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)(?:/(\d+(?:\.\d+)?))?")
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Price of a model's tokens, in US dollars per million tokens."""

    prompt: float
    completion: float
    cached: float
    """Price of prompt tokens that the server found in its cache."""

    def __str__(self) -> str:
        """As `read` takes it."""
        return f"{self.prompt:.10g}/{self.completion:.10g}/{self.cached:.10g}"

    def cost(self, usage: Usage) -> float:
        """Cost of `usage` in US dollars."""
        prompt = usage.prompt_tokens * self.prompt + usage.saved_tokens * self.cached
        return (prompt + usage.completion_tokens * self.completion) / _MILLION

    @classmethod
    def read(cls, text: str) -> Price:
        """Parse `PROMPT/COMPLETION` or `PROMPT/COMPLETION/CACHED`, such as `2.5/10`. InputError if `text` is neither.

        Without `CACHED`, cached prompt tokens cost as much as others.
        """
        if not (found := _GIVEN.fullmatch(text.strip())):
            raise InputError(f"{text!r} is not a price; give dollars per million tokens as PROMPT/COMPLETION: 2.5/10")
        prompt, completion, cached = found.groups()
        return cls(prompt=float(prompt), completion=float(completion), cached=float(cached or prompt))


FREE = Price(prompt=0.0, completion=0.0, cached=0.0)
"""The price of models that run on this machine."""


def price_of(model: str) -> Price | None:
    """The price in litellm's table of a model such as `gpt-4o` or `anthropic/claude-sonnet-4-5`; None if not listed."""
    table = _table()
    row = table.get(model) or table.get(model.rpartition("/")[2])
    if not row or "input_cost_per_token" not in row:
        return None
    prompt = float(row["input_cost_per_token"])
    return Price(
        prompt=prompt * _MILLION,
        completion=float(row.get("output_cost_per_token") or 0.0) * _MILLION,
        cached=float(row.get("cache_read_input_token_cost") or prompt) * _MILLION,
    )


@cache
def _table() -> dict[str, dict[str, Any]]:
    # read from the file, because importing litellm takes seconds and requests a newer table over the network
    found = find_spec("litellm")
    path = Path(found.origin).parent / _TABLE if found and found.origin else None
    if path is None or not path.is_file():
        return {}
    table: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return table


def usage_json(usage: Usage) -> dict[str, int]:
    """Keys: `spent` (prompt plus completion), `prompt`, `completion`, `saved`; all in tokens."""
    return {
        "spent": usage.prompt_tokens + usage.completion_tokens,
        "prompt": usage.prompt_tokens,
        "completion": usage.completion_tokens,
        "saved": usage.saved_tokens,
    }
