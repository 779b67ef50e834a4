"""Compare: our search and its peers on one table, at equal judged answers.

python -m experiments.tabular.compare run --table A [--methods ours,gepa,random] [--seeds 100] [--out rows.csv]
python -m experiments.tabular.compare summarise [--out rows.csv] [--table A] [--on searched|all|held_out]
python -m experiments.tabular.compare plot [--out rows.csv] [--table A] [--on searched] [--png regret.png]

`run` appends the regret share of each seed at each mark, and skips what the file has. By default it runs all methods;
slow ones have fewer seeds (`peers/methods.py`).
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from experiments.tabular.measure import EVALUATIONS, Queries, Step, over_seeds, regrets
from experiments.tabular.peers.judged import Bench, play
from experiments.tabular.peers.methods import OURS, PEERS
from experiments.tabular.peers.our_search import our_path
from experiments.tabular.table import Table
from experiments.tabular.world import World
from urial_opt.errors import InputError
from urial_opt.statistics.strata import FloatArray

MARKS = (*range(1, 21), *range(22, 51, 2))
"""Full evaluations after which a regret is written down."""
COLUMNS = ("table", "method", "seed", "evaluations", "all", "searched", "held_out")
HERE = Path(__file__).parent
REACH = 50
"""The full evaluations after which the best peer sets the target."""

Curves = dict[str, dict[int, FloatArray]]
"""By method and seed: the regret share at each mark."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "summarise", "plot"))
    parser.add_argument("--table", default="A")
    parser.add_argument("--methods", default=",".join((OURS, *PEERS)))
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=HERE / "peers" / "rows.csv")
    parser.add_argument("--png", type=Path, default=HERE / "peers" / "regret.png")
    parser.add_argument("--on", choices=get_args(Queries), default="searched", help="the queries of the regret")
    chosen = parser.parse_args()
    methods = chosen.methods.split(",")
    if unknown := [method for method in methods if method not in {OURS, *PEERS}]:
        raise SystemExit(f"there is no method {', '.join(unknown)}; there are {', '.join((OURS, *PEERS))}")
    if chosen.what == "run":
        run(opened(chosen.table), methods, range(chosen.first_seed, chosen.first_seed + chosen.seeds), chosen.out)
        return
    curves = {method: each for method, each in read(chosen.out, chosen.table, chosen.on).items() if method in methods}
    if not curves:
        raise SystemExit(f"{chosen.out} has no row of the table {chosen.table}; run them first")
    if chosen.what == "summarise":
        print("\n".join(summary(curves)))
        return
    from experiments.tabular.peers.plot import draw

    draw(curves, MARKS, chosen.png, title=f"Table {chosen.table}")


def opened(name: str) -> Table:
    """A table by its name or file; `synthetic 3` is made up from seed 3, as large as A."""
    if not name.startswith("synthetic"):
        return Table.load(name)
    return Table.synthetic(int(name.split()[-1]), exemplars=12, systems=4, queries=96, longest=3)


def run(table: Table, methods: Sequence[str], seeds: range, out: Path) -> None:
    """Append the rows that `out` lacks, seed by seed."""
    text = out.read_text(encoding="utf-8") if out.exists() else ""
    if not text.endswith("\n"):  # new, or a run was killed while it wrote
        out.write_text(text[: text.rfind("\n") + 1] or ",".join(COLUMNS) + "\n", encoding="utf-8")
    there = read(out, table.name)
    with out.open("a", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        for place, seed in enumerate(seeds):
            due = [each for each in methods if place < most_seeds(each) and seed not in there.get(each, ())]
            if not due:
                continue
            world = table.world(seed)
            bench = Bench.of(world)
            for method in due:
                before = time.perf_counter()
                path = path_of(world, bench, method)
                each = [regrets(world, path, evaluations=MARKS, on=on) for on in get_args(Queries)]
                marks = zip(MARKS, *(regret.round(4).tolist() for regret in each), strict=True)
                rows.writerows((table.name, method, seed, *mark) for mark in marks)
                file.flush()
                took = time.perf_counter() - before
                print(f"seed {seed}, {method}: {each[0][-1]:.3f} at the end, {took:.1f} s", flush=True)


def most_seeds(method: str) -> float:
    return PEERS[method].most_seeds if method in PEERS else math.inf


def path_of(world: World, bench: Bench, method: str) -> list[Step]:
    """What a method recommends as it goes, up to the last mark."""
    if method == OURS:
        return our_path(world, MARKS[-1])
    return play(PEERS[method].load(), bench, seed=world.seed, budget=MARKS[-1] * bench.queries)


def read(file: Path, table: str, on: Queries = "all") -> Curves:
    """The rows of one table, of those seeds that have every mark; InputError if the file has other columns."""
    found: dict[str, dict[int, dict[float, float]]] = {}
    with file.open(newline="", encoding="utf-8") as text:
        for row in csv.DictReader(text):
            if tuple(row) != COLUMNS:
                raise InputError(f"{file} has other columns than {', '.join(COLUMNS)}; give another file")
            if row["table"] == table:
                marks = found.setdefault(row["method"], {}).setdefault(int(row["seed"]), {})
                marks[float(row["evaluations"])] = float(row[on])
    return {
        method: {seed: np.array([at[m] for m in MARKS]) for seed, at in each.items() if {*MARKS} <= {*at}}
        for method, each in found.items()
    }


def summary(curves: Mapping[str, Mapping[int, FloatArray]]) -> Iterator[str]:
    """A table in Markdown: mean regret share ± standard error, and the answers until the best peer's end at 50."""
    marks = [mark for mark in EVALUATIONS if mark in MARKS]
    at = [MARKS.index(mark) for mark in marks]
    stacked = {method: np.array([*each.values()]) for method, each in curves.items()}
    peers = {method: each[:, MARKS.index(REACH)].mean() for method, each in stacked.items() if method != OURS}
    best = min(peers, key=lambda method: peers[method]) if peers else None
    target = peers[best] if best else math.nan
    yield f"| method | {' | '.join(map(str, marks))} | to {target:.3f}: mean, median seed | seeds |"
    yield f"|---|{'---|' * len(marks)}---|---|"
    for method, rows in sorted(stacked.items(), key=lambda each: (each[0] != OURS, each[1][:, -1].mean())):
        title = "**our search**" if method == OURS else PEERS[method].title
        figures = " | ".join(str(mean) for mean in over_seeds(rows[:, at]))
        mean, median = reached(rows.mean(axis=0), target), float(np.median([stays(row, target) for row in rows]))
        yield f"| {title} | {figures} | {_evaluations(mean)}, {_evaluations(median)} | {len(rows)} |"
    if best:
        yield ""
        yield f"The target is the mean of {PEERS[best].title} after {REACH} full evaluations. The mean over seeds first"
        yield "reaches it after so many full evaluations, and half of the seeds stay there after so many."


def reached(regret: FloatArray, target: float) -> float:
    """The first mark at which a curve is at most `target`; inf if there is none."""
    below = np.flatnonzero(regret <= target + 1e-9)
    return float(MARKS[below[0]]) if below.size else math.inf


def stays(regret: FloatArray, target: float) -> float:
    """The mark from which on a curve is at most `target`; inf if it never stays there."""
    above = np.flatnonzero(~(regret <= target + 1e-9))
    after = int(above[-1]) + 1 if above.size else 0
    return math.inf if after == len(MARKS) else float(MARKS[after])


def _evaluations(number: float) -> str:
    return "never" if math.isinf(number) else f"{number:g}"


if __name__ == "__main__":
    main()
