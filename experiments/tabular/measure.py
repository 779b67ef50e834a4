"""Measure: how good a method is on a world, from what it had asked and what it would have recommended at each time.

    path = [Step(answers=48, recommended=17), Step(answers=64, recommended=17), ...]
    regrets(world, path)                       regret share after answers worth 5, 10, 20, 50, 100 full evaluations
    answers_needed(curves, target=.01)         judged answers until the mean regret over seeds is so small

A regret share is (optimum - truth of the recommended prompt) / (optimum - truth of the hand-written prompt).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from experiments.tabular.world import World
from urial_opt.search.standing import Standing
from urial_opt.statistics.strata import FloatArray

if TYPE_CHECKING:
    from experiments.tabular.unlisted import SpaceWorld

EVALUATIONS = (5, 10, 20, 50, 100)
"""Budgets, in full evaluations of all dev queries."""


Queries = Literal["all", "searched", "held_out"]
"""On which queries a regret is measured. A prompt that is best on the queries searched is not the best on all."""


class Step(NamedTuple):
    """What a method would recommend after so many judged answers."""

    answers: int
    recommended: int | None
    """The number of a prompt in the table; None while there is none, which counts as the hand-written one."""


def step(world: World | SpaceWorld, standing: Standing) -> Step:
    """What a search would recommend now: its best complete prompt by estimate."""
    best = standing.best
    recommended = None if best is None else world.index_of(standing.records[best].candidate.params)
    return Step(answers=standing.asked, recommended=recommended)


def shares(truth: FloatArray, hand_written: int) -> FloatArray:
    """The regret share of every prompt."""
    best = float(np.nanmax(truth))
    each: FloatArray = (best - truth) / (best - truth[hand_written])
    return each


def regrets(
    world: World, path: Sequence[Step], *, evaluations: Sequence[float] = EVALUATIONS, on: Queries = "all"
) -> FloatArray:
    """The regret share at each budget, on all queries, on those searched, or on those that the method did not see.

    NaN where the path ends before: a method that stops early should repeat its last recommendation at a later step.
    """
    table = world.table
    truth = {"all": lambda: table.truth, "searched": lambda: world.searched, "held_out": lambda: world.held_out}[on]()
    regret = shares(truth, table.hand_written)
    if not path:
        raise ValueError("an empty path recommends nothing")
    found: list[float] = []
    for budget in evaluations:
        asked = [step for step in path if step.answers <= budget * world.full]
        if path[-1].answers < budget * world.full and len(asked) == len(path):
            found.append(float("nan"))
            continue
        last = asked[-1].recommended if asked else None
        found.append(float(regret[table.hand_written if last is None else last]))
    return np.array(found)


def curve(world: World, path: Sequence[Step], *, upto: int = 100, on: Queries = "all") -> FloatArray:
    """The regret share after every eighth of a full evaluation, from 0 to `upto` full evaluations."""
    return regrets(world, path, evaluations=grid(upto).tolist(), on=on)


def grid(upto: int = 100) -> FloatArray:
    """The budgets of `curve`, in full evaluations."""
    return np.arange(0, 8 * upto + 1) / 8


def answers_needed(curves: FloatArray, target: float, *, full: int = 48) -> float:
    """Judged answers after which the mean of curves (seeds x grid) is at most `target` and stays so; inf if never."""
    mean = curves.mean(axis=0)
    above = np.flatnonzero(~(mean <= target))
    after = int(above[-1]) + 1 if above.size else 0
    return math.inf if after == mean.size else after * full / 8


class Mean(NamedTuple):
    """A mean over seeds with its standard error."""

    mean: float
    error: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.error:.3f}"


def over_seeds(values: FloatArray) -> list[Mean]:
    """Mean and standard error of each column of `values` (seeds x columns)."""
    seeds = len(values)
    errors = values.std(axis=0, ddof=1) / seeds**0.5 if seeds > 1 else np.full(values.shape[1], np.nan)
    return [Mean(float(mean), float(error)) for mean, error in zip(values.mean(axis=0), errors, strict=True)]
