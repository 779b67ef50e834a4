"""Parallel: what a search loses in regret when it keeps N trials in flight, and what it gains in time.

python -m experiments.tabular.parallel run A B [--seeds 50] [--first-seed 0] [--at-once 1,4,16,32,64]
python -m experiments.tabular.parallel summarise A B

`run` appends a row for each seed and N to a file, and skips what it has. A row holds regret shares after judged answers
worth 10, 20 and 50 full evaluations, and of a search of `--trials` prompts the regret share, the full evaluations and
the ticks that it took. In a tick each trial in flight is asked a block. `summarise` also pairs each N with 1.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from experiments.tabular.measure import over_seeds, regrets
from experiments.tabular.replay import Walk
from experiments.tabular.table import Table
from urial_opt.statistics.strata import FloatArray

AT_ONCE = (1, 4, 16, 32, 64)
MARKS = (10, 20, 50)
FIGURES = (*(f"regret_{mark}" for mark in MARKS), "ticks_50", "regret_trials", "evaluations_trials", "ticks_trials")
COLUMNS = ("table", "at_once", "seed", *FIGURES)
OUT = Path(__file__).with_name("parallel.csv")

Runs = dict[int, dict[int, FloatArray]]
"""The figures of each seed, by N."""


def walked(table: str, trials: int, at_once: int, seed: int) -> list[float]:
    """The figures of one seed; regret is on the queries searched."""
    world = Table.load(table).world(seed)
    equal = Walk(world, parallel=at_once)
    equal.go(evaluations=MARKS[-1])
    shares = regrets(world, equal.path, evaluations=MARKS, on="searched")
    whole = Walk(world, parallel=at_once)
    whole.go(trials=trials)
    answers = whole.path[-1].answers / world.full
    share = regrets(world, whole.path, evaluations=[answers], on="searched")
    ticks = next(t for t, each in zip(equal.ticks, equal.path, strict=True) if each.answers >= MARKS[-1] * world.full)
    return [*shares.round(4).tolist(), ticks, round(float(share[0]), 4), round(answers, 2), whole.ticks[-1]]


def read(out: Path, table: str) -> Runs:
    """The rows of a table in the file."""
    found: Runs = {}
    if out.exists():
        with out.open(newline="", encoding="utf-8") as text:
            for row in csv.DictReader(text):
                if row["table"] == table:
                    runs = found.setdefault(int(row["at_once"]), {})
                    runs[int(row["seed"])] = np.array([float(row[each]) for each in FIGURES])
    return found


def told(runs: Mapping[int, Mapping[int, FloatArray]]) -> Iterator[str]:
    """Rows of a table in Markdown: means, and differences to N = 1 over the seeds that both have."""
    alone = runs.get(1, {})
    for at_once, each in sorted(runs.items()):
        rows = np.array([*each.values()])
        seeds = [seed for seed in each if seed in alone]
        regret = [0, 1, 2, 4]
        cells = [*map(str, over_seeds(rows[:, regret]))]
        if at_once > 1 and len(seeds) > 1:
            apart = over_seeds(np.array([each[seed] - alone[seed] for seed in seeds])[:, regret])
            cells = [f"{cell} ({mean.mean:+.3f} ± {mean.error:.3f})" for cell, mean in zip(cells, apart, strict=True)]
        evaluations, ticks = rows[:, 5].mean(), rows[:, [3, 6]].mean(axis=0)
        cells += [f"{evaluations:.1f}", f"{ticks[1]:.0f}", f"{ticks[0]:.0f}"]
        yield f"| {at_once} | {' | '.join(cells)} | {len(rows)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "summarise"))
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--at-once", default=",".join(map(str, AT_ONCE)))
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    for table in chosen.tables:
        if chosen.what == "run":
            seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
            run(table, chosen, [*map(int, chosen.at_once.split(","))], seeds)
        print(f"Table {table}: regret share after {MARKS} evaluations and {chosen.trials} trials, (less N = 1)")
        print("| N |", " | ".join(map(str, MARKS)), "| trials | evaluations | ticks | ticks to 50 | seeds |")
        print("\n".join(told(read(chosen.out, table))), flush=True)


def run(table: str, chosen: argparse.Namespace, at_once: Sequence[int], seeds: range) -> None:
    """Append the rows that the file lacks."""
    there, new = read(chosen.out, table), not chosen.out.exists()
    with chosen.out.open("a", newline="", encoding="utf-8") as file, ProcessPoolExecutor(chosen.workers) as pool:
        rows = csv.writer(file, lineterminator="\n")
        if new:
            rows.writerow(COLUMNS)
        for number in at_once:
            due = [seed for seed in seeds if seed not in there.get(number, {})]
            each = pool.map(partial(walked, table, chosen.trials, number), due)
            for seed, figures in zip(due, each, strict=True):
                rows.writerow((table, number, seed, *figures))
                file.flush()


if __name__ == "__main__":
    main()
