"""Prior: the best prompts of a finished search, which another one, on another base model, say, tries early.

That is all it takes over. A prior that is wrong costs a few prompts, which are given up after a few answers. Effects of
single parts were taken over too, and kept the other search from what is good there (`experiments/LOG.md`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from urial_opt.content import content_id
from urial_opt.errors import InputError, UnknownNameError
from urial_opt.records import Params
from urial_opt.search.prompt_features import Features
from urial_opt.statistics.strata import IntArray

MOST = 8
"""How many of its best prompts a search hands on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What the search `search` hands on."""

    search: str
    best: Sequence[Params]
    """The parameters of its best prompts, the best first."""

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Prior:
        """From `as_json`."""
        return cls(search=stored["search"], best=stored["best"])

    def as_json(self) -> dict[str, object]:
        """Keys as the fields."""
        return {"search": self.search, "best": [dict(each) for each in self.best]}

    @property
    def identity(self) -> str:
        """The search and a digest of its prompts: another prior makes another search."""
        return f"{self.search} {content_id(self.as_json())[:6]}"

    def rows(self, features: Features) -> list[IntArray]:
        """The prompts as rows; without those that `features` cannot express."""
        return [row for params in self.best if (row := _row(features, params)) is not None]

    def check(self, features: Features) -> None:
        """InputError if none of the prompts belongs to this space."""
        if not self.rows(features):
            raise InputError(
                f"none of the best prompts of the search {self.search!r} belongs to this space, so it cannot be its "
                "prior; give the name of a search on the same space as `prior=NAME`"
            )


def _row(features: Features, params: Params) -> IntArray | None:
    """None if a part is missing."""
    try:
        row = features.row(params)
    except (UnknownNameError, KeyError, ValueError):
        return None
    return row if features.k_min <= int((row[features.slots :] >= 0).sum()) <= features.k_max else None
