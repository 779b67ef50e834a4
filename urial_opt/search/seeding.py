"""Seeding: what is drawn in a search depends only on its seed and on how far it is, so that it can be resumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

_T = TypeVar("_T")
_STARTS = (0, 1)
"""Part of the seed of the first blocks of trials, which is none of a proposal's."""
CHANCES = (0, 2)
"""The same of the draws that tell whether a better prompt is left."""

_MANY = 8
"""Trials under way at once from which on steps grow; with fewer it cost answers (`experiments/LOG.md`)."""


def random_generator(seed: int, *position: int) -> np.random.Generator:
    """A generator that depends only on the seed and the position in the search."""
    return np.random.default_rng([seed, *position])


def blocks_of(blocks: Sequence[Sequence[_T]], *, seed: int, trial: int) -> list[Sequence[_T]]:
    """The blocks of queries in the order in which a trial is asked them: from one that is drawn, in a circle.

    So what is learnt from many trials that stop early is learnt of all queries, and not of the first few. The first
    trial begins with the first block, none with a short one.
    """
    whole = sum(len(block) == len(blocks[0]) for block in blocks)
    start = int(random_generator(seed, trial, *_STARTS).integers(whole)) if trial else 0
    return [*blocks[start:], *blocks[:start]]


def steps_of(blocks: Sequence[Sequence[_T]], *, parallel: int) -> list[list[_T]]:
    """What a trial is asked between two looks at it: a block, or, where many are under way, as much as all before.

    One that survives would otherwise outlast many others: each look costs the time of an answer and a verdict, and most
    trials that are stopped are stopped in their first blocks.
    """
    growing = parallel >= _MANY
    steps: list[list[_T]] = []
    seen = 0
    while seen < len(blocks):
        more = max(1, seen) if growing else 1
        steps.append([each for block in blocks[seen : seen + more] for each in block])
        seen += more
    return steps
