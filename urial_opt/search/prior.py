"""Prior: what a finished search has learnt, as the first guess of another one, on another base model, say.

Its best prompts are tried early, and what it predicts has one weight, which the trials of the other search decide, and
only while these are few (`thompson.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from urial_opt.content import content_id
from urial_opt.errors import InputError
from urial_opt.records import Params
from urial_opt.search.prompt_features import Features
from urial_opt.statistics.strata import FloatArray, IntArray

_LEAST = 5e-4
"""Smaller effects, in points, are left out."""
_BEST = 8
"""How many of its best prompts are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What the search `search` has learnt."""

    search: str
    effects: Mapping[str, float]
    """Points, by the names of features (`Features.names`)."""
    best: Sequence[Params]
    """The parameters of its best prompts, the best first."""

    @classmethod
    def learnt(cls, search: str, features: Features, mean: FloatArray, best: Sequence[Params]) -> Prior:
        """From the posterior `mean` of the weights of a search's features, and its prompts, the best first."""
        named = zip(features.names, features.groups, mean.tolist(), strict=True)
        effects = {name: round(each, 4) for name, group, each in named if group != "intercept" and abs(each) >= _LEAST}
        return cls(search=search, effects=effects, best=[dict(each) for each in best[:_BEST]])

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Prior:
        """From `as_json`."""
        return cls(search=stored["search"], effects=stored["effects"], best=stored["best"])

    def as_json(self) -> dict[str, object]:
        """Keys as the fields."""
        return {"search": self.search, "effects": dict(self.effects), "best": [dict(each) for each in self.best]}

    @property
    def identity(self) -> str:
        """The search and a digest of what was learnt: another prior makes another search."""
        return f"{self.search} {content_id(self.as_json())[:6]}"

    def lead(self, features: Features) -> FloatArray:
        """The effect of each column of `features`; 0 for those that the other search did not have."""
        return np.array([self.effects.get(name, 0.0) for name in features.names])

    def rows(self, features: Features) -> list[IntArray]:
        """Its best prompts as rows; without those that `features` cannot express."""
        return [row for params in self.best if (row := _row(features, params)) is not None]

    def check(self, features: Features) -> None:
        """InputError if the two searches have no part of a prompt in common."""
        if not (self.lead(features)[features.columns_of("exemplar")]).any() and not self.rows(features):
            raise InputError(
                f"the search {self.search!r} tried none of the exemplars of this space, so it cannot be its prior; "
                "give the name of a search on the same space as `prior=NAME`"
            )


def _row(features: Features, params: Params) -> IntArray | None:
    """None if a part is missing."""
    try:
        row = features.row(params)
    except (KeyError, ValueError):
        return None
    return row if features.k_min <= int((row[features.slots :] >= 0).sum()) <= features.k_max else None
