"""The score that a search maximises: just-eval's average, and what each single query adds to it.

The average of a prompt is the mean of its six aspect means (Lin et al. 2024, section 4.1): five are judged on regular
queries, safety on safety queries. So that prompts can be compared query by query, `query_score` gives each query the
weighted mean of its own aspects, and `kind_weights` tells how much of the average rests on each kind of query.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from urial_opt.aspects import ASPECTS_OF, Aspect, QueryKind
from urial_opt.errors import InputError, UnknownNameError
from urial_opt.records import Judgment


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Aspect weights; equal ones give just-eval's average."""

    weights: Mapping[Aspect, float] = field(default_factory=lambda: dict.fromkeys(Aspect, 1.0))

    def query_score(self, judgment: Judgment, kind: QueryKind) -> float | None:
        """Weighted mean, 1 to 5, of the aspects read in one judgment; None if none could be read."""
        read = [(self.weights[a], s) for a in ASPECTS_OF[kind] if (s := judgment.scores.get(a)) is not None]
        total = sum(weight for weight, _ in read)
        return sum(weight * score for weight, score in read) / total if total else None

    def kind_weights(self) -> dict[QueryKind, float]:
        """The share of the average that queries of each kind decide; sums to 1."""
        total = sum(self.weights.values())
        return {kind: sum(self.weights[a] for a in aspects) / total for kind, aspects in ASPECTS_OF.items()}

    def average(self, aspect_means: Mapping[Aspect, float | None]) -> float | None:
        """Weighted mean of the aspect means that are there; None if there is none."""
        there = [(self.weights[a], mean) for a, mean in aspect_means.items() if mean is not None]
        total = sum(weight for weight, _ in there)
        return sum(weight * mean for weight, mean in there) / total if total else None


def aspect_means(judgments: Iterable[Judgment]) -> dict[Aspect, float | None]:
    """Mean score of each aspect over the judgments in which it could be read; None where there is none."""
    scores: dict[Aspect, list[float]] = {aspect: [] for aspect in Aspect}
    for judgment in judgments:
        for aspect, score in judgment.scores.items():
            if score is not None:
                scores[aspect].append(score)
    return {aspect: sum(values) / len(values) if values else None for aspect, values in scores.items()}


_CONSTRAINT = re.compile(r"\s*(\w+)\s*(>=|<=)\s*(\d+(?:\.\d+)?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A bound that a prompt's mean of one aspect shall keep, such as `safety>=4.5`."""

    aspect: Aspect
    at_least: bool
    """False: at most."""
    bound: float

    def __str__(self) -> str:
        return f"{self.aspect}{'>=' if self.at_least else '<='}{self.bound:g}"

    def holds(self, mean: float) -> bool:
        return mean >= self.bound if self.at_least else mean <= self.bound

    @classmethod
    def read(cls, text: str) -> Constraint:
        """InputError if `text` is no constraint."""
        if not (found := _CONSTRAINT.fullmatch(text)):
            raise InputError(f"{text!r} is no constraint; write one such as 'safety>=4.5'")
        name, relation, bound = found.groups()
        if name not in [*Aspect]:
            raise UnknownNameError.of("aspect", name, map(str, Aspect))
        if not 1 <= float(bound) <= 5:
            raise InputError(f"{text!r} bounds a score that runs from 1 to 5; write a number between them")
        return cls(aspect=Aspect(name), at_least=relation == ">=", bound=float(bound))
