"""Changes: copies of prompts with one part changed, as rows of integers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from urial_opt.search.prompt_features import Features
from urial_opt.statistics.strata import IntArray

_SEED = 20231201
"""Of the random choices, which are the same each time."""


class Changes:
    """Changes prompts, as rows of `Features`, with the exemplars that were tried."""

    def __init__(self, features: Features, exemplars: IntArray) -> None:
        self._features, self._exemplars = features, exemplars
        self.kind = features.classes % len(features.kinds)
        """The kind of each exemplar, as a number."""
        self._safety = features.kinds.index("safety") if "safety" in features.kinds else -1

    def safety(self, exemplars: IntArray) -> npt.NDArray[np.bool_]:
        """Which of the exemplars, -1 for none, are safety ones."""
        safety: npt.NDArray[np.bool_] = (exemplars >= 0) & (self.kind[exemplars] == self._safety)
        return safety

    def with_system(self, rows: IntArray, system: int, like: IntArray) -> IntArray:
        """The rows with a system prompt; the clauses of `composed` are taken from the rows `like`, in turn."""
        end = 1 + len(self._features.space.clauses)
        changed = rows.copy()
        changed[:, :end] = like[np.arange(len(rows)) % len(like), :end]
        changed[:, 0] = system
        return changed

    def thinned(self, rows: IntArray, k: int) -> IntArray:
        """The rows with `k` of their exemplars, chosen at random, in their order."""
        rng = np.random.default_rng([_SEED, k])
        changed = rows.copy()
        for row in changed:
            exemplars = self._of(row)
            kept = exemplars[np.sort(rng.permutation(exemplars.size)[:k])]
            self._set(row, kept)
        return changed

    def shuffled(self, rows: IntArray, draw: int) -> IntArray:
        """The rows with their exemplars in a random order."""
        rng = np.random.default_rng([_SEED, draw])
        changed = rows.copy()
        for row in changed:
            self._set(row, rng.permutation(self._of(row)))
        return changed

    def moved(self, rows: IntArray, of_sort: npt.NDArray[np.bool_], *, last: bool) -> IntArray:
        """The rows with one exemplar of the sort moved to the first or last place; `of_sort` is by exemplar."""
        changed = rows.copy()
        for row in changed:
            exemplars = self._of(row)
            places = np.flatnonzero(of_sort[exemplars])
            place = places[-1 if last else 0]
            others = np.delete(exemplars, place)
            self._set(row, np.insert(others, others.size if last else 0, exemplars[place]))
        return changed

    def in_style(self, rows: IntArray, style: int) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """The rows with all exemplars in a style, by those of the same kind, and if possible of the same query.

        An exemplar stays if no other of its kind has the style; the rows in which all stay are not possible.
        """
        features = self._features
        fitting = self._exemplars[features.style[self._exemplars] == style]
        rng = np.random.default_rng(_SEED)
        changed, possible = rows.copy(), np.zeros(len(rows), dtype=bool)
        for number, row in enumerate(changed):
            exemplars = self._of(row)
            for place, each in enumerate(exemplars):
                alike = fitting[self.kind[fitting] == self.kind[each]]
                same = alike[features.query[alike] == features.query[each]]
                free = same if same.size else self._free(alike, exemplars, place)
                if free.size:
                    exemplars[place] = rng.choice(free)
                    possible[number] = True
            self._set(row, exemplars)
        return changed, possible

    def with_safety(self, rows: IntArray, number: int) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """The rows with so many safety exemplars among as many exemplars, if possible in the same style."""
        rng = np.random.default_rng(_SEED)
        changed, possible = rows.copy(), np.zeros(len(rows), dtype=bool)
        for which, row in enumerate(changed):
            exemplars = self._of(row)
            order = rng.permutation(exemplars.size)
            for place in order:
                there = int(self.safety(exemplars).sum())
                is_safety = bool(self.safety(exemplars[place : place + 1])[0])
                if (there > number and is_safety) or (there < number and not is_safety):
                    pool = self._exemplars[self.safety(self._exemplars) != is_safety]
                    free = self._free(pool, exemplars, place)
                    alike = free[self._features.style[free] == self._features.style[exemplars[place]]]
                    if free.size:
                        exemplars[place] = rng.choice(alike if alike.size else free)
            possible[which] = self.safety(exemplars).sum() == number
            self._set(row, exemplars)
        return changed, possible

    def with_exemplar(self, rows: IntArray, exemplar: int) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """The rows with an exemplar in a place drawn at random; not possible if another one has its query."""
        rng = np.random.default_rng(_SEED)
        changed, possible = rows.copy(), np.zeros(len(rows), dtype=bool)
        for which, row in enumerate(changed):
            exemplars = self._of(row)
            place = int(rng.integers(exemplars.size))
            possible[which] = self._free(np.array([exemplar]), exemplars, place).size > 0
            row[self._features.slots + place] = exemplar
        return changed, possible

    def with_pair(self, rows: IntArray, one: int, other: int) -> IntArray:
        """Copies of each row with both exemplars, with one, with the other and with neither, in the same two places.

        Shape (rows, 4, width); the rows in which a query would come twice are left out.
        """
        rng = np.random.default_rng(_SEED)
        found = []
        for row in rows:
            exemplars = self._of(row)
            a, b = rng.permutation(exemplars.size)[:2]
            left = np.delete(exemplars, [a, b])
            queries = self._features.query[[*left, one, other, exemplars[a], exemplars[b]]]
            if np.unique(queries).size < queries.size:
                continue
            copies = np.repeat(row[None], 4, axis=0)
            copies[[0, 1], self._features.slots + a] = one
            copies[[0, 2], self._features.slots + b] = other
            found.append(copies)
        return np.array(found, dtype=np.int64).reshape(len(found), 4, rows.shape[1])

    def _free(self, pool: IntArray, exemplars: IntArray, place: int) -> IntArray:
        """Those of the pool whose query no exemplar in another place has."""
        query = self._features.query
        taken = query[pool][:, None] == query[exemplars]
        taken[:, place] = False
        free: IntArray = pool[~taken.any(axis=1)]
        return free

    def _of(self, row: IntArray) -> IntArray:
        exemplars = row[self._features.slots :]
        return exemplars[exemplars >= 0].copy()

    def _set(self, row: IntArray, exemplars: IntArray) -> None:
        row[self._features.slots :] = -1
        row[self._features.slots : self._features.slots + exemplars.size] = exemplars
