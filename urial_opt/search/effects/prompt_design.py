"""Prompt design: the columns of the model whose effects are shown, which knows pairs and places of exemplars."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from urial_opt.search.prompt_features import Features
from urial_opt.statistics.strata import FloatArray, IntArray

_LEAST_TRIALS = 2
"""A pair, or an exemplar in the first or last place, has a column if as many prompts have it."""
PLACES = ("first", "last", "last of kind", "first exemplar", "last exemplar")
"""The groups of columns that depend on the order of exemplars."""


class PromptDesign:
    """The features of the sampler's model, and columns for exemplars in the first and last place and for pairs.

    Prompts are rows as in `Features`. Each prompt tried has a column of its own besides, for what no feature explains.
    """

    def __init__(self, features: Features, tried: IntArray) -> None:
        """`tried` are the distinct prompts of the trials."""
        self.features, self.tried = features, tried
        self._pool = len(features.keys)
        self.first = _often(self._places(tried)[0])
        self.last = _often(self._places(tried)[1])
        pairs = self._pairs(tried)
        self.pairs = _often(pairs[pairs >= 0])
        """Pairs of exemplars in any order, as one number: the smaller index times the pool's size, plus the other."""
        sizes = {"first exemplar": self.first.size, "last exemplar": self.last.size, "pair": self.pairs.size}
        self.groups = [*features.groups, *(group for group, size in sizes.items() for _ in range(size))]
        """The group of each column."""

    def __call__(self, rows: IntArray) -> FloatArray:
        """The design matrix, shape (rows, columns)."""
        first, last = self._places(rows)
        pairs = self._pairs(rows)
        return np.hstack(
            [
                self.features.design(rows),
                (first[:, None] == self.first).astype(np.float64),
                (last[:, None] == self.last).astype(np.float64),
                _counted(pairs, self.pairs),
            ]
        )

    def exemplars(self, rows: IntArray) -> IntArray:
        """The exemplars of each row in order; -1 in free slots."""
        return rows[:, self.features.slots :]

    def sizes(self, rows: IntArray) -> IntArray:
        """How many exemplars each row has."""
        sizes: IntArray = (self.exemplars(rows) >= 0).sum(axis=1)
        return sizes

    def pair(self, number: int) -> tuple[int, int]:
        """The two exemplars of a pair."""
        return divmod(int(number), self._pool)

    def _places(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """The first and the last exemplar of each row that has at least two; -1 of others, where there is no order."""
        exemplars, sizes = self.exemplars(rows), self.sizes(rows)
        last = np.take_along_axis(exemplars, np.maximum(sizes - 1, 0)[:, None], axis=1)[:, 0]
        return np.where(sizes > 1, exemplars[:, 0], -1), np.where(sizes > 1, last, -1)

    def _pairs(self, rows: IntArray) -> IntArray:
        """The pairs of each row, shape (rows, pairs of slots); -1 where a slot is free."""
        exemplars = self.exemplars(rows)
        slots = np.array(list(combinations(range(exemplars.shape[1]), 2)), dtype=np.int64).reshape(-1, 2)
        one, other = exemplars[:, slots[:, 0]], exemplars[:, slots[:, 1]]
        pairs: IntArray = np.minimum(one, other) * self._pool + np.maximum(one, other)
        return np.where((one >= 0) & (other >= 0), pairs, -1)


def _often(values: IntArray) -> IntArray:
    """The values that come often enough, in order; -1 is none."""
    different, counts = np.unique(values[values >= 0], return_counts=True)
    return different[counts >= _LEAST_TRIALS]


def _counted(values: IntArray, known: IntArray) -> FloatArray:
    """How often each known value, in order, is among the values of each row."""
    counts = np.zeros((len(values), known.size + 1))
    place = np.searchsorted(known, values)
    found = (place < known.size) & (np.append(known, -2)[place] == values)
    np.add.at(counts, (np.arange(len(values))[:, None], np.where(found, place, known.size)), 1.0)
    return counts[:, :-1]
