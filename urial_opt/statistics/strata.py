"""Strata: the kinds of queries, their weights, and means over them.

A query's *contribution* is its score times the weight of its kind, divided by that kind's share of the split. The plain
mean of contributions is therefore the average of the prompt, whatever the mixture of kinds.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from urial_opt.aspects import QueryKind

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
Scores: TypeAlias = Mapping[str, float | None]
"""Score, 1 to 5, by query id; None or absent if it was not readable or the query was not asked yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strata:
    """The queries of one split, their kinds, and the weight of each kind in the average."""

    kinds: Mapping[str, QueryKind]
    """Kind by query id, in the order in which queries are asked."""
    weights: Mapping[QueryKind, float]
    """As in `Objective.kind_weights`; kinds that the split lacks are left out and the rest scaled to sum to 1."""

    def only(self, queries: Container[str]) -> Strata:
        """The strata of these queries alone; a kind without any leaves its weight to the others."""
        return replace(self, kinds={query: kind for query, kind in self.kinds.items() if query in queries})

    def contributions(self, scores: Scores) -> FloatArray:
        """Contribution of each query, in points, in the order of `kinds`; NaN where there is no score."""
        multiplier = self._multipliers()
        values = [score if (score := scores.get(query)) is not None else np.nan for query in self.kinds]
        return np.array(values, dtype=np.float64) * [multiplier[kind] for kind in self.kinds.values()]

    def _multipliers(self) -> dict[QueryKind, float]:
        kinds = list(self.kinds.values())
        total = sum(self.weights[kind] for kind in set(kinds))
        return {kind: self.weights[kind] / total * len(kinds) / kinds.count(kind) for kind in set(kinds)}

    def values(self, scores: Scores) -> list[tuple[float, FloatArray]]:
        """Weight and scores of each kind that has scores; the weights sum to 1."""
        read: dict[QueryKind, list[float]] = {}
        for query, kind in self.kinds.items():
            if (score := scores.get(query)) is not None:
                read.setdefault(kind, []).append(score)
        total = sum(self.weights[kind] for kind in read)
        return [(self.weights[kind] / total, np.array(values)) for kind, values in read.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A stratified mean."""

    mean: float
    standard_error: float
    """NaN if a kind has a single score, infinite if there is no score."""
    queries: int
    """How many scores it is the mean of."""


def stratified_mean(scores: Scores, strata: Strata) -> Mean:
    """The average of a prompt: the mean of each kind, weighted by `strata.weights`."""
    parts = strata.values(scores)
    if not parts:
        return Mean(mean=float("nan"), standard_error=float("inf"), queries=0)
    variance = sum(w**2 * (float(v.var(ddof=1)) / v.size if v.size > 1 else float("nan")) for w, v in parts)
    return Mean(
        mean=sum(weight * float(values.mean()) for weight, values in parts),
        standard_error=variance**0.5,
        queries=sum(values.size for _, values in parts),
    )
