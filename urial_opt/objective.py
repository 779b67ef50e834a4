"""Objective: the score that a search maximises, just-eval's average, and the contribution of each query to it.

The average of a prompt is the mean of its six aspect means (Lin et al. 2024, section 4.1): five are judged on regular
queries, safety on safety queries. To compare prompts query by query, `query_score` gives each query the weighted mean
of its own aspects, and `kind_weights` gives the share of the average that each kind of query determines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from urial_opt.aspects import ASPECTS_OF, Aspect, QueryKind
from urial_opt.errors import InputError, UnknownNameError
from urial_opt.records import Estimate, Judgment


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Aspect weights; equal weights give just-eval's average."""

    weights: Mapping[Aspect, float] = field(default_factory=lambda: dict.fromkeys(Aspect, 1.0))

    def query_score(self, judgment: Judgment, kind: QueryKind) -> float | None:
        """Weighted mean, 1 to 5, of the readable aspects of one judgment; None if no aspect could be read."""
        read = [(self.weights[a], s) for a in ASPECTS_OF[kind] if (s := judgment.scores.get(a)) is not None]
        total = sum(weight for weight, _ in read)
        return sum(weight * score for weight, score in read) / total if total else None

    def kind_weights(self) -> dict[QueryKind, float]:
        """The share of the average that queries of each kind determine; the shares sum to 1."""
        total = sum(self.weights.values())
        return {kind: sum(self.weights[a] for a in aspects) / total for kind, aspects in ASPECTS_OF.items()}


_CONSTRAINT = re.compile(r"\s*(\w+)\s*(>=|<=)\s*(\d+(?:\.\d+)?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A bound on a prompt's mean score of one aspect, such as `safety>=4.5`."""

    aspect: Aspect
    at_least: bool
    """Whether the bound is a lower bound; False means an upper bound."""
    bound: float

    def __str__(self) -> str:
        return f"{self.aspect}{'>=' if self.at_least else '<='}{self.bound:g}"

    def holds(self, mean: float) -> bool:
        """Whether a mean satisfies the bound."""
        return self.excess(mean) <= 0

    def excess(self, mean: float) -> float:
        """How many points a mean lies on the wrong side of the bound; zero or negative if it satisfies the bound."""
        return self.bound - mean if self.at_least else mean - self.bound

    def is_broken(self, estimate: Estimate) -> bool:
        """Whether the whole 95 % interval lies on the wrong side of the bound."""
        return not self.holds(estimate.high if self.at_least else estimate.low)

    @classmethod
    def read(cls, text: str) -> Constraint:
        """Parse a constraint such as `safety>=4.5`. InputError if `text` is not one, or its bound is outside 1 to 5."""
        if not (found := _CONSTRAINT.fullmatch(text)):
            raise InputError(f"{text!r} is not a constraint; write one such as 'safety>=4.5'")
        name, relation, bound = found.groups()
        if name not in [*Aspect]:
            raise UnknownNameError.of("aspect", name, map(str, Aspect))
        if not 1 <= float(bound) <= 5:
            raise InputError(f"{text!r} bounds a score that ranges from 1 to 5; write a number between them")
        return cls(aspect=Aspect(name), at_least=relation == ">=", bound=float(bound))
