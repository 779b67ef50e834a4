"""Until done: when a search with --until-done stops, and how often a clearly better prompt was left.

python -m experiments.tabular.until_done A C [--seeds 20] [--first-seed 0] [--evaluations 120] [--exemplars 6]

A prompt is clearly better if it is so by .02 points on the queries searched, without the judge's noise. Those that were
not tried are what the search speaks of; others it had tried and given up. With `--exemplars` each seed has a part of
the table: the hand-written prompt's three exemplars and others that are drawn, and two system prompts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from experiments.tabular.replay import replay
from experiments.tabular.table import Table
from urial_opt.search.stopping import BETTER


class End(NamedTuple):
    """How one search ended."""

    stopped: float
    """1 if it stopped before the evaluations were spent."""
    evaluations: float
    left: float
    """1 if a prompt that was not tried is clearly better."""
    any_left: float
    """1 if any prompt is."""
    regret: float
    """In points, on the queries searched."""


def part_of(table: Table, exemplars: int, seed: int) -> Table:
    """The prompts of so many exemplars and two systems."""
    space = table.space
    needed = space.exemplar_keys(space.hand_written_params)
    others = [key for key in space.exemplars if key not in needed]
    drawn = np.random.default_rng([seed, 5]).permutation(others)[: exemplars - len(needed)]
    chosen = {key: each for key, each in space.exemplars.items() if key in {*needed, *drawn}}
    system = str(space.hand_written_params["system"])
    smaller = replace(space, exemplars=chosen, system_prompts={system: space.system_prompts[system]})
    keep = [
        number
        for number, prompt in enumerate(table.prompts)
        if prompt.system in smaller.systems and set(prompt.exemplars) <= chosen.keys()
    ]
    return replace(
        table,
        space=smaller,
        prompts=tuple(table.prompts[number] for number in keep),
        verdicts=table.verdicts[keep],
        answer_tokens=table.answer_tokens[keep],
        prompt_tokens=table.prompt_tokens[keep],
    )


def ended(name: str, evaluations: float, exemplars: int | None, seed: int) -> End:
    """The end of the search on the table's world of that seed."""
    table = Table.load(name)
    world = (part_of(table, exemplars, seed) if exemplars else table).world(seed)
    standing, path = replay(world, evaluations=evaluations, until_done=True)
    truth, best = world.searched, path[-1].recommended
    worth = float(truth[world.table.hand_written if best is None else best])
    better = truth > worth + BETTER
    tried = [world.index_of(record.candidate.params) for record in standing.records.values()]
    return End(
        stopped=float(standing.asked < evaluations * world.full),
        evaluations=standing.asked / world.full,
        left=float(np.delete(better, tried).any()),
        any_left=float(better.any()),
        regret=float(truth.max()) - worth,
    )


def told(table: str, ends: Sequence[End]) -> str:
    """A row of the table."""
    stopped = [end for end in ends if end.stopped]
    shares = np.array(stopped).mean(axis=0) if stopped else np.full(len(End._fields), np.nan)
    when = np.median([end.evaluations for end in stopped]) if stopped else np.nan
    whole = f"{len(stopped)} of {len(ends)} | {when:.0f} | {shares[2]:.2f} | {shares[3]:.2f} | {shares[4]:.3f}"
    return f"| {table} | {whole} | {np.mean([end.regret for end in ends]):.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--evaluations", type=float, default=120)
    parser.add_argument("--exemplars", type=int, help="of a part of the table")
    parser.add_argument("--workers", type=int)
    chosen = parser.parse_args()
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
    print("| table | stopped | after, median | untried better left | any better | regret, points | of all |")
    for name in chosen.tables:
        with ProcessPoolExecutor(chosen.workers) as pool:
            ends = [*pool.map(partial(ended, name, chosen.evaluations, chosen.exemplars), seeds)]
        print(told(name, ends), flush=True)


if __name__ == "__main__":
    main()
