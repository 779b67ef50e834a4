"""What a floor for exemplars costs: the default search with some floors and without one, over some seeds.

    python experiments/nano/floor.py [--seeds 8] [--first-seed 0] [--budget 200] [--floors default strict without]

`default` is the floor of spaces that name none, safety 4 and factuality 4; `strict` asks for factuality 5. Prints the
test average and the gain over the hand-written prompt of what each search found, how many exemplars of the found prompt
fall below the default floor, and each floor's mean paired difference to none, with its 95 % t interval over the seeds;
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
from urial_opt.aspects import Aspect
from urial_opt.roles import Models
from urial_opt.search.floor import hold_to_floor
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.spaces.space_file import load_space
from urial_opt.spaces.space_form import EXEMPLAR_FLOOR
from urial_opt.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--floors", nargs="+", default=["default", "strict", "without"])
    chosen = parser.parse_args()
    space = load_space("nano")
    default = replace(space, exemplar_floor={Aspect(name): least for name, least in EXEMPLAR_FLOOR.items()})
    strict = {**default.exemplar_floor, Aspect.FACTUALITY: 5.0}
    known = {
        "default": default,
        "strict": replace(space, exemplar_floor=strict),
        "without": replace(space, exemplar_floor={}),
    }
    spaces = {name: known[name] for name in chosen.floors}
    averages: dict[str, list[float]] = {name: [] for name in spaces}
    table = Path(__file__).with_name("floor.csv")
    fresh = not table.exists()
    with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/all.db") as store, table.open("a") as file:
        rows = csv.writer(file)
        if fresh:
            rows.writerow(["floor", "seed", "budget", "test average", "gain", "low", "high", "below the floor", "k"])
        models = Models(base=plugins.open_generator("nano"), judge=plugins.open_judge("nano"))
        below = {exemplar.id for exemplar in hold_to_floor(default, models.judge, store).space.barred.values()}
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
                    f"floor {name}, seed {seed}: {average:.3f}, gain {reach}, {low} of {len(exemplars)} exemplars "
                    f"below the floor ({result.seconds:.0f} s)",
                    flush=True,
                )
    for name in [each for each in averages if each != "without" and "without" in averages and chosen.seeds > 1]:
        differences = [one - other for one, other in zip(averages[name], averages["without"], strict=True)]
        half = float(t.ppf(0.975, len(differences) - 1)) * stdev(differences) / math.sqrt(len(differences))
        middle = mean(differences)
        print(f"{name} less without: {middle:+.3f} [{middle - half:+.3f}, {middle + half:+.3f}]")


if __name__ == "__main__":
    main()
