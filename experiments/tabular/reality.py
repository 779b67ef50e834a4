"""Reality: whether a search on a table walks the path of the same search on the model that the table was made from.

python -m experiments.tabular.reality A [--seeds 3] [--trials 15] [--base nano:FOLDER]
"""

from __future__ import annotations

import argparse
import tempfile

from experiments.tabular.recipes import RECIPES
from experiments.tabular.table import Table
from urial_opt import plugins
from urial_opt.records import TrialRecord
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.spaces.space import SearchSpace
from urial_opt.store import Store


def trials_of(space: SearchSpace, models: Models, *, seed: int, trials: int) -> tuple[list[TrialRecord], int]:
    """The trials of a whole search, and the trial that it found."""
    with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/search.db") as store:
        options = SearchOptions(budget=trials, seed=seed, name="path")
        result = search_space(space, models, store, options=options)
        return store.trials("path"), result.found_trial


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=15)
    parser.add_argument("--base", help="the base model that the table was made from, if it is not the recipe's")
    chosen = parser.parse_args()
    table = Table.load(chosen.table)
    recipe = RECIPES[chosen.table.removesuffix("-half")]
    base = plugins.open_generator(chosen.base or recipe.base, recipe.options)
    real = Models(base=base, judge=recipe.judge())
    same = 0
    for seed in range(chosen.seeds):
        world = table.world(seed)
        (ours, found), (theirs, really) = (
            trials_of(world.space, models, seed=seed, trials=chosen.trials) for models in (world.models, real)
        )
        equal = [
            (one.candidate.params, one.state, dict(one.query_scores))
            == (other.candidate.params, other.state, dict(other.query_scores))
            for one, other in zip(ours, theirs, strict=True)
        ]
        same += sum(equal)
        asked = sum(len(trial.query_scores) for trial in ours)
        print(f"seed {seed}: {sum(equal)} of {len(equal)} trials alike ({asked} answers); found {found} and {really}")
    print(f"{same} of {chosen.seeds * chosen.trials} trials have the same prompt, state and scores")


if __name__ == "__main__":
    main()
