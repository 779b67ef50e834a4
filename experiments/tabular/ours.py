"""Ours: runs the real search on a world and tells what it would have recommended at each time.

python -m experiments.tabular.ours A [--seeds 10] [--first-seed 0] [--evaluations 50] [--block 16] [--sampler thompson]
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import suppress
from dataclasses import replace

import numpy as np

from experiments.tabular.measure import EVALUATIONS, Step, over_seeds, regrets, step
from experiments.tabular.table import Table
from experiments.tabular.world import World
from urial_opt.evaluation.constraints import Keeping
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.records import TrialRecord
from urial_opt.search.opening import Interrupted, SearchOptions
from urial_opt.search.pruners import DEFAULT_PRUNER, make_race
from urial_opt.search.run import search_space
from urial_opt.search.standing import Standing
from urial_opt.spaces.space import SearchSpace
from urial_opt.store import Store


def searched(
    world: World,
    *,
    evaluations: float,
    seed: int | None = None,
    sampler: str = "thompson",
    space: SearchSpace | None = None,
) -> list[TrialRecord]:
    """The trials of a real search that goes on until these had judged answers worth so many full evaluations.

    `seed` is the world's unless given; `space` is the world's with other settings, such as another `block`.
    """
    chosen = space or world.space
    models = world.models
    # A trial that is stopped is not stored, so there is one more.
    limit = world.generator.answered + (evaluations + 1) * world.full
    options = SearchOptions(budget=10**6, seed=world.seed if seed is None else seed, sampler=sampler, name="table")
    with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/search.db") as store:
        with suppress(Interrupted):
            search_space(chosen, models, store, options=options, stop=lambda: world.generator.answered >= limit)
        return store.trials("table")


def path_of(
    world: World, trials: list[TrialRecord], *, seed: int | None = None, space: SearchSpace | None = None
) -> list[Step]:
    """What the search would have recommended after each trial: its best complete one by estimate (`Standing.best`)."""
    chosen = space or world.space
    blocks = chosen.queries.blocks("dev", chosen.block, seed=world.seed if seed is None else seed)
    strata = strata_of([query for block in blocks for query in block], chosen.objective)
    standing = Standing(race=make_race(DEFAULT_PRUNER, strata))
    path = []
    for trial in trials:
        standing.learn(trial, Keeping.KEPT)
        path.append(step(world, standing))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--evaluations", type=int, default=50)
    parser.add_argument("--block", type=int)
    parser.add_argument("--sampler", default="thompson")
    chosen = parser.parse_args()
    table = Table.load(chosen.table)
    budgets = [each for each in EVALUATIONS if each <= chosen.evaluations]
    rows = []
    for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
        world = table.world(seed)
        space = replace(world.space, block=chosen.block or world.space.block)
        trials = searched(world, evaluations=chosen.evaluations, sampler=chosen.sampler, space=space)
        rows.append(regrets(world, path_of(world, trials, space=space), evaluations=budgets))
        print(f"seed {seed}: {len(trials)} trials, {np.round(rows[-1], 3)}", flush=True)
    for budget, mean in zip(budgets, over_seeds(np.array(rows)), strict=True):
        print(f"regret share after {budget} full evaluations: {mean}")


if __name__ == "__main__":
    main()
