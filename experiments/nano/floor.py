"""What the floor for exemplars costs: the default search with it and without it, over some seeds.

    python experiments/nano/floor.py [--seeds 8] [--first-seed 0] [--budget 200]

Prints the test average and the gain on the hand-written prompt of what each search found, how many of the exemplars in
the found prompt fall below the default floor, and the mean paired difference with its 95 % t interval over the seeds;
appends rows to floor.csv beside this script.
"""

from __future__ import annotations

import argparse
import csv
import math
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

from scipy.stats import t  # type: ignore[import-untyped]

from urial_opt import plugins
from urial_opt.roles import Models
from urial_opt.search.floor import hold_to_floor
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--budget", type=int, default=200)
    chosen = parser.parse_args()
    space = load_space("nano")
    spaces = {"with": space, "without": replace(space, exemplar_floor={})}
    averages: dict[str, list[float]] = {name: [] for name in spaces}
    table = Path(__file__).with_name("floor.csv")
    fresh = not table.exists()
    with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/all.db") as store, table.open("a") as file:
        rows = csv.writer(file)
        if fresh:
            rows.writerow(["floor", "seed", "budget", "test average", "gain", "low", "high", "below the floor", "k"])
        models = Models(base=plugins.open_generator("nano"), judge=plugins.open_judge("nano"))
        below = {exemplar.id for exemplar in hold_to_floor(space, models.judge, store).space.barred.values()}
        print(f"{len(below)} distinct exemplars fall below the floor")
        for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
            for name, each in spaces.items():
                result = search_space(each, models, store, options=SearchOptions(budget=chosen.budget, seed=seed))
                average, gain = result.found.card.average.mean, result.gain
                averages[name].append(average)
                exemplars = result.prompt.exemplars
                low = sum(exemplar.id in below for exemplar in exemplars)
                figures = [f"{value:.4f}" for value in (average, gain.mean, gain.low, gain.high)]
                rows.writerow([name, seed, chosen.budget, *figures, low, len(exemplars)])
                file.flush()
                reach = f"{gain.mean:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]"
                print(
                    f"{name} floor, seed {seed}: {average:.3f}, gain {reach}, {low} of {len(exemplars)} exemplars "
                    f"below the floor ({result.seconds:.0f} s)",
                    flush=True,
                )
    differences = [one - other for one, other in zip(averages["with"], averages["without"], strict=True)]
    if len(differences) > 1:
        half = float(t.ppf(0.975, len(differences) - 1)) * stdev(differences) / math.sqrt(len(differences))
        middle = mean(differences)
        print(f"with less without: {middle:+.3f} [{middle - half:+.3f}, {middle + half:+.3f}]")


if __name__ == "__main__":
    main()
