"""Prior: what a search on one table gains on another one, and what a misleading one costs.

python -m experiments.tabular.prior A B [--seeds 40] [--first-seed 0] [--evaluations 50] [--earlier 50]

For each seed a search on the first table ends after so many full evaluations (`--earlier`); its best prompts are the
prior of a search on the second table. A misleading prior has the worst prompts that it asked everything. Regret shares
are on the queries searched, without the judge's noise.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from experiments.tabular.measure import EVALUATIONS, over_seeds, regrets
from experiments.tabular.replay import replay
from experiments.tabular.table import Table
from experiments.tabular.world import World
from urial_opt.records import TrialState
from urial_opt.search.prior import MOST, Prior
from urial_opt.statistics.strata import FloatArray


def learnt_on(world: World, *, evaluations: float) -> tuple[Prior, Prior]:
    """What a search on this world hands on, and the worst of the prompts that it asked everything in their place."""
    standing, _ = replay(world, evaluations=evaluations)
    complete = [each for each in standing.records.values() if each.state is TrialState.COMPLETE]
    best = sorted(complete, key=lambda each: -standing.estimates[each.number].mean)
    name, params = world.table.name, [dict(each.candidate.params) for each in best]
    return Prior(search=name, best=params[:MOST]), Prior(search=name, best=params[::-1][:MOST])


def compared(first: str, second: str, earlier: float, evaluations: float, seed: int) -> Mapping[str, FloatArray]:
    """Regret shares on the second table at each budget, by the prior; the two searches have seeds of their own."""
    taught, world = Table.load(first).world(seed + 10_000), Table.load(second).world(seed)
    prior, worst = learnt_on(taught, evaluations=earlier)
    budgets = [each for each in EVALUATIONS if each <= evaluations]
    return {
        name: regrets(world, replay(world, evaluations=evaluations, prior=each)[1], evaluations=budgets, on="searched")
        for name, each in (("none", None), (f"from {first}", prior), ("misleading", worst))
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--evaluations", type=int, default=50)
    parser.add_argument("--earlier", type=int, default=50, help="full evaluations of the search that is the prior")
    parser.add_argument("--workers", type=int)
    chosen = parser.parse_args()
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
    with ProcessPoolExecutor(chosen.workers) as pool:
        rows = [
            *pool.map(partial(compared, chosen.first, chosen.second, chosen.earlier, chosen.evaluations), seeds),
        ]
    budgets = [each for each in EVALUATIONS if each <= chosen.evaluations]
    print("| prior |", " | ".join(map(str, budgets)), "| less none at", " | ".join(map(str, budgets)), "|")
    for name in rows[0]:
        shares = np.array([each[name] for each in rows])
        apart = shares - np.array([each["none"] for each in rows])
        cells = [*map(str, over_seeds(shares)), *map(str, over_seeds(apart))]
        print(f"| {name} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
