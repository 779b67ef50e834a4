"""Hard: our search and its peers on the space `nano-hard`, at equal judged answers of the real embedded model.

    python -m experiments.tabular.hard run [--methods ours,random] [--seeds 20] [--workers 2] [--minutes 9]
    python -m experiments.tabular.hard summarise [--on dev|validation]

`run` appends what each method recommends at each mark, and what that is worth, to `peers/hard.csv`, and skips what the
file has. Verdicts are kept in the folder `--cache`, for all methods, seeds and processes. The methods `long` and
`random-long` are our search and random prompts with budgets of 150 and 200 full evaluations, for a few seeds. The best
prompt known is the best in the file.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import math
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from experiments.tabular.compare import MARKS, Curves, summary
from experiments.tabular.measure import EVALUATIONS, Step
from experiments.tabular.oracle import CACHE, Oracle
from experiments.tabular.peers.judged import play
from experiments.tabular.peers.methods import OURS, PEERS
from experiments.tabular.replay import replay
from experiments.tabular.unlisted import SpaceBench, Unlisted
from urial_opt.spaces.space_file import load_space

SPACE = "nano-hard"
LONG = {"long": (OURS, 150), "random-long": ("random", 200)}
"""Methods that go on for longer, to learn what can be found, with their full evaluations."""
LONG_SEEDS = 4
METHODS = (OURS, "halving", "random", "tpe", "gepa", "drpo-blocks", "piast", "mipro", "mipro-many", "capo")
"""Peers that need no list of all prompts, and can begin with three hundred exemplars."""
NEEDS = {"gepa": "gepa", "mipro": "dspy", "mipro-many": "dspy", "capo": "promptolution"}
"""The package of a peer."""
COLUMNS = ("method", "seed", "evaluations", "dev", "validation", "prompt")
ROWS = Path(__file__).parent / "peers" / "hard.csv"
On = Literal["dev", "validation"]


class Job(NamedTuple):
    """One run of one method."""

    method: str
    seed: int


class Row(NamedTuple):
    """What a method recommends after so many full evaluations, and what that is worth; NaN where it is not measured."""

    method: str
    seed: int
    evaluations: float
    dev: float
    validation: float
    prompt: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "summarise"))
    here = [each for each in METHODS if importlib.util.find_spec(NEEDS.get(each, "numpy"))]
    parser.add_argument("--methods", default=",".join(here))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so many; what is done is kept")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--out", type=Path, default=ROWS)
    parser.add_argument("--on", choices=get_args(On), default="dev")
    chosen = parser.parse_args()
    if chosen.what == "summarise":
        print("\n".join(summarised(read(chosen.out), chosen.on)))
        return
    methods = chosen.methods.split(",")
    if unknown := [each for each in methods if each not in (OURS, *LONG, *PEERS)]:
        raise SystemExit(f"there is no method {', '.join(unknown)}; there are {', '.join((*LONG, *METHODS))}")
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
    there = {(row.method, row.seed) for row in read(chosen.out)}
    jobs = [Job(method, seed) for method in LONG if method in methods for seed in seeds[:LONG_SEEDS]]
    jobs += [Job(method, seed) for seed in seeds for method in methods if method not in LONG]
    due = [job for job in jobs if job not in there]
    run(due, chosen.out, workers=chosen.workers, minutes=chosen.minutes, cache=chosen.cache)


def run(jobs: Sequence[Job], out: Path, *, workers: int, minutes: float, cache: Path) -> None:
    """Append the rows of each job as soon as it is done."""
    os.environ["OMP_NUM_THREADS"] = "1"  # for the workers, which read it as they start
    until = time.monotonic() + 60 * minutes
    with out.open("a", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        if not file.tell():
            rows.writerow(COLUMNS)
        with multiprocessing.get_context("spawn").Pool(workers, begin, (cache,)) as pool:
            done = pool.imap_unordered(worked, jobs)
            for number in range(len(jobs)):
                try:
                    found, made, seconds = done.next(timeout=max(1.0, min(until - time.monotonic(), 10**6)))
                except multiprocessing.TimeoutError:
                    print(f"stopped: {len(jobs) - number} runs are left", flush=True)
                    return
                rows.writerows(found)
                file.flush()
                last = found[-1]
                print(
                    f"{number + 1}/{len(jobs)}: {last.method}, seed {last.seed}: {last.dev:.3f} on dev, "
                    f"{last.validation:.3f} on validation; {made} answers made, {seconds:.0f} s",
                    flush=True,
                )


_oracle: Oracle | None = None


def begin(cache: Path) -> None:
    """Open the oracle, once in each process."""
    global _oracle
    _oracle = Oracle(folder=cache)


def worked(job: Job) -> tuple[list[Row], int, float]:
    """One job, in a process that has begun."""
    assert _oracle is not None
    started, before = time.perf_counter(), _oracle.made
    listed = Unlisted(load_space(SPACE), _oracle)
    found = list(rows_of(listed, job, path_of(listed, job)))
    return found, _oracle.made - before, time.perf_counter() - started


def path_of(listed: Unlisted, job: Job) -> list[Step]:
    """What a method recommends as it goes, up to the last mark."""
    method, evaluations = LONG.get(job.method, (job.method, MARKS[-1]))
    if method == OURS:
        return replay(listed.world(job.seed), evaluations=evaluations)[1]
    bench = SpaceBench.on(listed)
    return play(PEERS[method].load(), bench, seed=job.seed, budget=evaluations * bench.queries)


def marks_of(method: str) -> tuple[int, ...]:
    """The full evaluations after which a method's recommendation is written down."""
    return (*MARKS, 100, LONG[method][1]) if method in LONG else MARKS


def rows_of(listed: Unlisted, job: Job, path: Sequence[Step]) -> Iterator[Row]:
    """What a path recommends at each mark; validation queries are asked at some of them."""
    full = len(listed.space.queries.split("dev"))
    for mark in marks_of(job.method):
        recommended = [step.recommended for step in path if step.answers <= mark * full]
        found = next((each for each in reversed(recommended) if each is not None), listed.hand_written)
        parts = listed.prompts[found]
        held_out = listed.truth(found, "validation") if mark in (*EVALUATIONS, *marks_of(job.method)[-1:]) else math.nan
        named = " ".join([listed.space.systems[parts.system], *(listed.keys[one] for one in parts.exemplars)])
        yield Row(*job, mark, round(listed.truth(found, "dev"), 4), round(held_out, 4), named)


def read(file: Path) -> list[Row]:
    """The rows of a file, none if there is no file."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as text:
        return [
            Row(
                method=row["method"],
                seed=int(row["seed"]),
                evaluations=float(row["evaluations"]),
                dev=float(row["dev"]),
                validation=float(row["validation"]),
                prompt=row["prompt"],
            )
            for row in csv.DictReader(text)
        ]


def summarised(rows: Sequence[Row], on: On) -> Iterator[str]:
    """A table in Markdown, of regret shares; the best prompt known is the best of all rows."""
    if not rows:
        raise SystemExit("there are no rows yet; run some")
    known = [row for row in rows if not math.isnan(getattr(row, on))]
    best = max(known, key=lambda row: float(getattr(row, on)))
    hand = hand_written(on)
    top = float(getattr(best, on))
    marks = [mark for mark in MARKS if on == "dev" or mark in EVALUATIONS]
    curves: Curves = {}
    for row in known:
        if row.method not in LONG and row.evaluations in marks:
            each = curves.setdefault(row.method, {}).setdefault(row.seed, np.full(len(MARKS), np.nan))
            each[MARKS.index(int(row.evaluations))] = (top - float(getattr(row, on))) / (top - hand)
    yield f"Best known on {on}: {top:.3f}, {best.prompt} ({best.method}, seed {best.seed}); hand-written: {hand:.3f}."
    yield ""
    yield from summary(curves)


def hand_written(on: On) -> float:
    """What the hand-written prompt is worth."""
    listed = Unlisted(load_space(SPACE), Oracle())
    return listed.truth(listed.hand_written, on)


if __name__ == "__main__":
    main()
