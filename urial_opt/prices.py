"""Prices: what a model's tokens cost, from the table that litellm carries, or as given."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from urial_opt.errors import InputError
from urial_opt.records import Usage

_TABLE = "model_prices_and_context_window_backup.json"
_GIVEN = re.compile(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)(?:/(\d+(?:\.\d+)?))?")
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Price of a model's tokens, in US dollars for a million of them."""

    prompt: float
    completion: float
    cached: float
    """Prompt tokens that the server had in its cache."""

    def cost(self, usage: Usage) -> float:
        """US dollars."""
        prompt = usage.prompt_tokens * self.prompt + usage.saved_tokens * self.cached
        return (prompt + usage.completion_tokens * self.completion) / _MILLION

    @classmethod
    def read(cls, text: str) -> Price:
        """`2.5/10` or `2.5/10/1.25`: prompt, completion and, where it differs from prompt, cached; else InputError."""
        if not (found := _GIVEN.fullmatch(text.strip())):
            raise InputError(f"{text!r} is no price; give dollars for a million tokens as PROMPT/COMPLETION: 2.5/10")
        prompt, completion, cached = found.groups()
        return cls(prompt=float(prompt), completion=float(completion), cached=float(cached or prompt))


FREE = Price(prompt=0.0, completion=0.0, cached=0.0)
"""What runs on one's own machine."""


def price_of(model: str) -> Price | None:
    """The price of the model of that name, such as `gpt-4o` or `anthropic/claude-sonnet-4-5`; None if not known."""
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
    # read from its file: importing litellm takes seconds and asks the network for a newer table
    found = find_spec("litellm")
    path = Path(found.origin).parent / _TABLE if found and found.origin else None
    if path is None or not path.is_file():
        return {}
    table: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return table
