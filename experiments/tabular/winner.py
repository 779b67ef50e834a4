"""Winner: the estimate of the prompt that a search recommends, against what the prompt is worth.

python -m experiments.tabular.winner A [--seeds 100] [--first-seed 0] [--evaluations 50]

The estimate is that on the dev queries (`Standing.estimates`), by which the winner was chosen, so that it may be too
high. It is held against the judge's expected verdicts on the same queries, and on all 96, and so is its 95 % interval.
A search reports neither: it measures the winner once more, on `test`. So half of the queries that the search did not
see are asked once, and that report, with the interval that a search prints, is held against the other half. Each half
is a sample of its own, so the interval is widened by the square root of two for that.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from experiments.tabular.measure import over_seeds
from experiments.tabular.replay import replay
from experiments.tabular.table import Table
from experiments.tabular.world import World, half_of
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.statistics.bootstrap import bootstrap_average


def told(table: str, evaluations: float, seed: int) -> list[float]:
    """Estimate less truth on the dev queries and on all, report less truth, and whether the intervals cover each."""
    world = Table.load(table).world(seed)
    standing, _ = replay(world, evaluations=evaluations)
    [winner] = standing.finalists(1)
    estimate = standing.estimates[winner]
    low, high = estimate.interval.low, estimate.interval.high
    number = world.index_of(standing.records[winner].candidate.params)
    truths = [float(world.searched[number]), float(world.table.truth[number])]
    apart, covered = reported(world, number)
    return [*(estimate.mean - truth for truth in truths), apart, *(float(low <= t <= high) for t in truths), covered]


def reported(world: World, number: int) -> tuple[float, float]:
    """A report on fresh queries less the truth on others, and whether its interval, widened, covers that."""
    table, places = world.table, {query.id: place for place, query in enumerate(world.table.queries)}
    unseen = [table.queries[place] for place in world.validation]
    asked = half_of(unseen, world.seed)
    said = table.averages_of(table.said(slice(number, number + 1), world=world.seed))[0]
    scores = {query.id: float(said[places[query.id]]) for query in asked}
    read = {name: score for name, score in scores.items() if not np.isnan(score)}
    report = bootstrap_average(read, strata_of([query for query in asked if query.id in read], world.space.objective))
    others = np.array([places[query.id] for query in unseen if query.id not in scores])
    truth = float(table.means(table.averages[number : number + 1], others)[0])
    reach = 2**0.5
    low, high = (report.mean + reach * (end - report.mean) for end in (report.low, report.high))
    return report.mean - truth, float(low <= truth <= high)


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
        "report on fresh queries less truth on others",
        "covered, dev queries",
        "covered, all queries",
        "covered, fresh queries",
    )
    for name, mean in zip(names, over_seeds(rows), strict=True):
        print(f"{name}: {mean}")


if __name__ == "__main__":
    main()
