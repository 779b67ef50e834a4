"""Winner: the estimate of the prompt that a search recommends, against what the prompt is worth.

python -m experiments.tabular.winner A [--seeds 100] [--first-seed 0] [--evaluations 50]

The estimate is that on the dev queries (`Standing.estimates`), by which the winner was chosen, so that it may be too
high. It is held against the judge's expected verdicts on the same queries, and on all 96, and so is its 95 % interval.
A search reports neither: it measures the winner once more, on `test`.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from experiments.tabular.measure import over_seeds
from experiments.tabular.replay import replay
from experiments.tabular.table import Table


def told(table: str, evaluations: float, seed: int) -> list[float]:
    """Estimate less truth on the dev queries and on all, and whether the interval covers each."""
    world = Table.load(table).world(seed)
    standing, _ = replay(world, evaluations=evaluations)
    [winner] = standing.finalists(1)
    estimate = standing.estimates[winner]
    low, high = estimate.interval.low, estimate.interval.high
    number = world.index_of(standing.records[winner].candidate.params)
    truths = [float(world.searched[number]), float(world.table.truth[number])]
    return [*(estimate.mean - truth for truth in truths), *(float(low <= truth <= high) for truth in truths)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--evaluations", type=int, default=50)
    chosen = parser.parse_args()
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
    with ProcessPoolExecutor() as pool:
        rows = np.array([*pool.map(partial(told, chosen.table, chosen.evaluations), seeds)])
    names = (
        "estimate less truth, dev queries",
        "the same, all queries",
        "covered, dev queries",
        "covered, all queries",
    )
    for name, mean in zip(names, over_seeds(rows), strict=True):
        print(f"{name}: {mean}")


if __name__ == "__main__":
    main()
