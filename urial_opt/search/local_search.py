"""Local search: finds the prompt with the best predicted score by changing one or two parts at a time."""

from __future__ import annotations

from collections.abc import Sequence, Set
from functools import cache
from itertools import combinations

import numpy as np

from urial_opt.search.prompt_features import Features
from urial_opt.statistics.strata import FloatArray, IntArray

_PER_CLASS = 3
"""How many exemplars of one style and kind a local search considers."""
_DECIMALS = 9
"""Predicted scores are compared with so many, since many prompts tie, and how a sum is rounded depends on the processor
and the number of threads."""
_DRAWS = 100
"""How often a random prompt is drawn again because it was tried before."""


def random_row(features: Features, rng: np.random.Generator) -> IntArray:
    """A random prompt: every K and system is equally likely; half of the time all exemplars have one style."""
    space = features.space
    row = np.full(features.slots + features.width, -1, dtype=np.int64)
    row[0] = rng.integers(len(space.systems))
    sizes = [*[2 if row[0] == features.composed else 1] * len(space.clauses), *map(len, features.choices)]
    row[1 : features.slots] = rng.integers(sizes) if sizes else []
    pool = rng.permutation(len(features.keys))
    if rng.integers(2):
        # exemplars of other styles follow, in case this style has too few
        pool = pool[np.argsort(features.style[pool] != rng.integers(len(features.styles)), kind="stable")]
    _, first = np.unique(features.query[pool], return_index=True)
    chosen = pool[np.sort(first)][: rng.integers(features.k_min, features.k_max + 1)]
    row[features.slots : features.slots + chosen.size] = chosen
    return row


def new_row(features: Features, rng: np.random.Generator, *, tried: Set[bytes]) -> IntArray:
    """A random prompt that is not among `tried` (rows as bytes), unless so many draws in a row are."""
    row = random_row(features, rng)
    for _ in range(_DRAWS):
        if row.tobytes() not in tried:
            break
        row = random_row(features, rng)
    return row


def maximise(
    features: Features, weights: FloatArray, starts: Sequence[IntArray], *, tried: Set[bytes]
) -> IntArray | None:
    """The best untried prompt under `weights`, by local search from `starts`; None if all neighbours were tried.

    The search changes each start while the score improves.
    """
    changes = _Changes(features, weights)
    best, best_score = None, -np.inf
    for start in starts:
        row, score = start, -np.inf
        while True:
            around = changes.of(row)
            scores = predicted(features, weights, around)
            top = int(scores.argmax())
            better = np.flatnonzero(scores > best_score)
            for i in better[np.argsort(-scores[better], kind="stable")]:
                if around[i].tobytes() not in tried:
                    best, best_score = around[i], float(scores[i])
                    break
            if scores[top] <= score:
                break
            row, score = around[top], float(scores[top])
    return best


def predicted(features: Features, weights: FloatArray, rows: IntArray) -> FloatArray:
    """The score of each row under `weights`, which end in a 0 for what a row does not have; equal ones are equal."""
    scores: FloatArray = np.round(weights[features.columns(rows)].sum(axis=1), _DECIMALS)
    return scores


class _Changes:
    """The rows one change away from a row: another system or decoding, an exemplar swapped, added, removed, moved."""

    def __init__(self, features: Features, weights: FloatArray) -> None:
        self._features = features
        self._pool = _worth_trying(features, weights)
        clauses = weights[features.columns_of("clause")] > 0
        self._systems = np.zeros((len(features.space.systems), 1 + clauses.size), dtype=np.int64)
        self._systems[:, 0] = range(len(self._systems))
        self._systems[features.composed, 1:] = clauses
        self._decoding = [
            (1 + clauses.size + i, c) for i, choices in enumerate(features.choices) for c in range(len(choices))
        ]

    def of(self, row: IntArray) -> IntArray:
        features, pool, slots = self._features, self._pool, self._features.slots
        exemplars = row[slots:]
        k = int((exemplars >= 0).sum())
        systems = _repeated(row, len(self._systems))
        systems[:, : self._systems.shape[1]] = self._systems
        decoding = _repeated(row, len(self._decoding))
        for i, (place, choice) in enumerate(self._decoding):
            decoding[i, place] = choice
        moves = _moves(k, exemplars.size, shorter=k > features.k_min)
        moved = _repeated(row, len(moves))
        moved[:, slots:] = np.append(exemplars, -1)[moves]
        taken = features.query[pool][:, None] == features.query[exemplars[:k]]
        times = taken.sum(axis=1)
        fits = np.argwhere(times[:, None] == taken)  # in the prompt, if at all, only in the slot that it would fill
        swapped = _repeated(row, len(fits))
        swapped[np.arange(len(fits)), slots + fits[:, 1]] = pool[fits[:, 0]]
        blocks = [systems, decoding, moved, swapped]
        if k < features.k_max:
            free = pool[times == 0]
            for i in {0, max(k - 1, 0), k}:
                longer = _repeated(row, free.size)
                longer[:, slots + i + 1 :] = exemplars[i:-1]
                longer[:, slots + i] = free
                blocks.append(longer)
        return np.vstack(blocks)


@cache
def _moves(k: int, width: int, *, shorter: bool) -> IntArray:
    """The source slot of each slot, for every way to swap two of `k` exemplars or drop one; `width` means empty."""
    order = [*range(k), *[width] * (width - k)]
    moves = [order]
    for i, j in combinations(range(k), 2):
        moves.append([*order])
        moves[-1][i], moves[-1][j] = j, i
    if shorter:
        moves += [[*order[:i], *order[i + 1 :], width] for i in range(k)]
    return np.array(moves, dtype=np.int64).reshape(-1, width)


def _repeated(row: IntArray, times: int) -> IntArray:
    return np.repeat(row[None], times, axis=0)


def _worth_trying(features: Features, weights: FloatArray) -> IntArray:
    """The exemplars that a best prompt may contain: within a style and kind, they differ only in their own weights."""
    own = weights[features.columns_of("exemplar")] + weights[features.columns_of("query")][features.query]
    order = np.lexsort((-own, features.classes))
    ranked = features.classes[order]
    rank = np.arange(order.size) - np.searchsorted(ranked, ranked)
    return order[rank < _PER_CLASS]
