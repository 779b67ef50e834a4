"""Pruners: what each finds at equal judged answers on a table, and how often it gives up the best prompt.

python -m experiments.tabular.pruners A [--seeds 32] [--first-seed 300] [--pruners race,wilcoxon,none]

Of the prompts that a search proposed, the best on its queries (without the judge's noise) is lost if it was given up.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from experiments.tabular.measure import EVALUATIONS, over_seeds, regrets
from experiments.tabular.replay import replay
from experiments.tabular.table import Table
from urial_opt.records import TrialState
from urial_opt.search.pruners import PRUNERS


def searched(table: str, pruner: str, budgets: Sequence[float], seed: int) -> list[float]:
    """Trials, complete ones, whether the best proposed was lost, the same of the optimum (NaN if it was not proposed),
    and the regret shares."""
    world = Table.load(table).world(seed)
    standing, path = replay(world, evaluations=budgets[-1], pruner=pruner)
    trials = [*standing.records.values()]
    prompts = [world.index_of(trial.candidate.params) for trial in trials]
    lost = [trial.state is not TrialState.COMPLETE for trial in trials]
    best = int(np.argmax(world.searched[prompts]))
    is_optimum = world.searched[prompts[best]] == world.searched.max()
    counts = [len(trials), len(trials) - sum(lost), lost[best], lost[best] if is_optimum else np.nan]
    return [*map(float, counts), *regrets(world, path, evaluations=budgets, on="searched")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--seeds", type=int, default=32)
    parser.add_argument("--first-seed", type=int, default=300)
    parser.add_argument("--evaluations", type=int, default=50)
    parser.add_argument("--pruners", default=",".join(PRUNERS))
    chosen = parser.parse_args()
    budgets = [each for each in EVALUATIONS if each <= chosen.evaluations]
    heads = ["pruner", "trials", "complete", "best lost", "optimum lost", *map(str, budgets)]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for pruner in chosen.pruners.split(","):
        seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
        with ProcessPoolExecutor() as pool:
            rows = np.array([*pool.map(partial(searched, chosen.table, pruner, budgets), seeds)])
        proposed = rows[np.isfinite(rows[:, 3]), 3]
        means = [f"{mean:.1f}" for mean in rows[:, :2].mean(axis=0)]
        optimum = f"{proposed.mean():.0%} of {proposed.size}" if proposed.size else "never proposed"
        shares = map(str, over_seeds(rows[:, 4:]))
        print(f"| {' | '.join([pruner, *means, f'{rows[:, 2].mean():.0%}', optimum, *shares])} |", flush=True)


if __name__ == "__main__":
    main()
