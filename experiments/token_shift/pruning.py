"""Is a prompt's token shift worth looking at before a judge is paid? `--prune-by-shift` at equal judge calls.

    python experiments/token_shift/pruning.py [--seeds 10] [--first-seed 0] [--budget 60]

For each seed a search of `--budget` trials without it; then one with it, which tries prompts until as many answers on
`dev` were judged. Prints the test average of what each found and the mean paired difference with its 95 % t interval
over the seeds; appends rows to pruning.csv beside this script.
"""

from __future__ import annotations

import argparse
import csv
import math
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from scipy.stats import t  # type: ignore[import-untyped]

from urial_opt import plugins
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.search.opening import Interrupted, SearchOptions
from urial_opt.search.progress import Progress
from urial_opt.search.result import SearchResult
from urial_opt.search.trials import search
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store

MANY = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The outcome of a search."""

    result: SearchResult
    trials: int
    judged: int
    """Judged answers on `dev` that the search used."""


def run(path: Path, *, seed: int, budget: int, judged: int | None) -> Run:
    """A search of `budget` trials; with `judged`, one that prunes by shift until that many answers are judged."""
    space = load_space("nano")
    base, twin = plugins.open_generator("nano"), plugins.open_chat_generator("nano-aligned")
    with Store.open(str(path)) as store:
        evaluator = Evaluator(generator=base, judge=plugins.open_judge("nano"), memory=store)
        seen = [0, 0]

        def so_far() -> int:
            return sum(len(trial.query_scores) for trial in store.trials("one"))

        def enough() -> bool:
            return judged is not None and seen[1] >= judged

        def watch(progress: Progress) -> None:
            if progress.done != seen[0]:
                seen[:] = progress.done, so_far()

        def searching(number: int, stop: Callable[[], bool]) -> SearchResult:
            options = SearchOptions(budget=number, seed=seed, name="one", prune_by_shift=judged is not None)
            return search(space, evaluator, store, aligned=twin, options=options, watch=watch, stop=stop)

        if judged is not None:
            with suppress(Interrupted):
                searching(MANY, enough)
            budget = len(store.trials("one"))
        return Run(result=searching(budget, lambda: False), trials=budget, judged=so_far())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--budget", type=int, default=60)
    chosen = parser.parse_args()
    table = Path(__file__).parent / "pruning.csv"
    fresh = not table.exists()
    differences = []
    with table.open("a", newline="", encoding="utf-8") as file, tempfile.TemporaryDirectory() as folder:
        rows = csv.writer(file)
        if fresh:
            rows.writerow(["seed", "by shift", "trials", "dev answers judged", "test average", "gain", "low", "high"])
        for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
            averages = []
            judged: int | None = None
            for by_shift in (False, True):
                path = Path(folder) / f"{seed}-{by_shift}.db"
                one = run(path, seed=seed, budget=chosen.budget, judged=judged)
                average, gain = one.result.found.card.average.mean, one.result.gain
                averages.append(average)
                judged = one.judged
                told = [f"{value:.4f}" for value in (average, gain.mean, gain.low, gain.high)]
                rows.writerow([seed, by_shift, one.trials, one.judged, *told])
                file.flush()
                print(
                    f"seed {seed}, by shift {by_shift}: {one.trials} trials, {one.judged} judged, {average:.3f}",
                    flush=True,
                )
            differences.append(averages[1] - averages[0])
    reach = float(t.ppf(0.975, len(differences) - 1)) * stdev(differences) / math.sqrt(len(differences))
    middle = mean(differences)
    print(f"by shift less without: {middle:+.3f} [{middle - reach:+.3f}, {middle + reach:+.3f}]")


if __name__ == "__main__":
    main()
