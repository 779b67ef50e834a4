"""Our sampler against random search and TPE, on the embedded world.

    python experiments/sampler/embedded.py [--seeds 5] [--budget 200] [--samplers thompson random]

Whole searches: race on `dev`, choose on `validation`, report on `test`. Prints the test average of what each found, and
the mean difference to random search with its 95 % t interval over the seeds; appends rows to embedded.csv beside this
script. All searches share one store, so that what they have in common is paid once.
"""

from __future__ import annotations

import argparse
import csv
import math
import tempfile
from pathlib import Path
from statistics import mean, stdev

from scipy.stats import t  # type: ignore[import-untyped]

from urial_opt import plugins
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store


def interval(differences: list[float]) -> str:
    """Mean and 95 % interval of paired differences over seeds."""
    if len(differences) < 2:
        return f"{mean(differences):+.3f}"
    reach = float(t.ppf(0.975, len(differences) - 1)) * stdev(differences) / math.sqrt(len(differences))
    return f"{mean(differences):+.3f} [{mean(differences) - reach:+.3f}, {mean(differences) + reach:+.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--samplers", nargs="+", default=["thompson", "random"])
    chosen = parser.parse_args()
    space = load_space("nano")
    found: dict[str, list[float]] = {sampler: [] for sampler in chosen.samplers}
    table = Path(__file__).parent / "embedded.csv"
    fresh = not table.exists()
    with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/all.db") as store, table.open("a") as file:
        rows = csv.writer(file)
        if fresh:
            rows.writerow(["sampler", "seed", "budget", "test average", "gain", "low", "high", "trial", "tokens"])
        models = Models(base=plugins.open_generator("nano"), judge=plugins.open_judge("nano"))
        for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
            for sampler in chosen.samplers:
                options = SearchOptions(budget=chosen.budget, seed=seed, sampler=sampler)
                result = search_space(space, models, store, options=options)
                average, gain = result.found.card.average.mean, result.gain
                found[sampler].append(average)
                spent = result.usage.prompt_tokens + result.usage.completion_tokens
                told = [f"{value:.4f}" for value in (average, gain.mean, gain.low, gain.high)]
                rows.writerow([sampler, seed, chosen.budget, *told, result.found_trial, spent])
                file.flush()
                print(f"{sampler} seed {seed}: {average:.3f} ({result.seconds:.0f} s)", flush=True)
    for sampler, averages in found.items():
        line = f"{sampler}: {mean(averages):.3f}"
        if sampler != "random" and "random" in found:
            differences = [ours - theirs for ours, theirs in zip(averages, found["random"], strict=True)]
            line += f", against random {interval(differences)}"
        print(line)


if __name__ == "__main__":
    main()
