"""Facts: what a table is like, as a row of the README.

    python -m experiments.tabular.facts A C

How much of the variance of truth a linear model explains is told for prompts that it has not seen (ten folds, ridge),
once from all other prompts and once from 200; and how far its predictions correlate with truth within the best fifth.
"""

from __future__ import annotations

import argparse
from itertools import combinations

import numpy as np

from experiments.tabular.table import TABLES, Table
from urial_opt.search.prompt_features import Features
from urial_opt.statistics.strata import FloatArray

_RIDGES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_FOLDS = 10
NEAR = (0.02, 0.05, 0.2)


def designs(table: Table) -> dict[str, FloatArray]:
    """Features of every prompt: exemplars with their positions, the same with pairs, and those of our sampler."""
    features = Features(table.space)
    rows = np.array([features.row(table.params_of(number)) for number in range(len(table.prompts))])
    keys, systems = list(table.space.exemplars), list(table.systems)
    single, pairs = [], []
    for system, chosen in table.prompts:
        numbers = [keys.index(key) for key in chosen]
        alone = np.zeros(len(systems) + 4 + len(keys) * 3)
        alone[systems.index(system)] = 1
        alone[len(systems) + min(len(chosen), 3)] = 1
        for place, number in enumerate(numbers):
            first = len(systems) + 4 + number * 3
            alone[first] = 1
            alone[first + 1] = place == 0
            alone[first + 2] = place == len(numbers) - 1
        single.append(alone)
        pairs.append([float(a in numbers and b in numbers) for a, b in combinations(range(len(keys)), 2)])
    additive = np.array(single)
    return {
        "additive with position": additive,
        "with pairs": np.hstack([additive, np.array(pairs)]),
        "our features": features.design(rows),
        "ours with pairs": np.hstack([features.design(rows), np.array(pairs)]),
    }


def explained(design: FloatArray, truth: FloatArray, *, known: int | None = None, seed: int = 0) -> tuple[float, float]:
    """Share of the variance explained for unseen prompts, by the best ridge; from `known` prompts, or nine tenths.

    The second figure is the correlation of prediction and truth within the best fifth.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(truth))
    best, within = -np.inf, np.nan
    top = truth > np.quantile(truth, 0.8)
    for ridge in _RIDGES:
        predicted = np.zeros(len(truth))
        for fold in range(_FOLDS):
            unseen = order[fold::_FOLDS]
            seen = np.setdiff1d(order, unseen)
            seen = seen if known is None else rng.permutation(seen)[:known]
            middle = truth[seen].mean()
            x = design[seen]
            weights = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ (truth[seen] - middle))
            predicted[unseen] = middle + design[unseen] @ weights
        share = 1 - float(((truth - predicted) ** 2).mean() / truth.var())
        if share > best:
            best, within = share, float(np.corrcoef(predicted[top], truth[top])[0, 1])
    return best, within


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+")
    for name in parser.parse_args().tables:
        table = Table.load(name)
        truth, best = table.truth, table.best
        file = TABLES / f"{name}.npz"
        size = f", {file.stat().st_size / 1e6:.2f} MB" if file.is_file() else ""
        print(f"{table!r}{size}: {table.about}")
        print(f"optimum {table.optimum:.3f}: {table.prompts[best]}; without noise {table.quiet_truth[best]:.3f}")
        print(f"hand-written {truth[table.hand_written]:.3f}, zero-shot {truth[table.zero_shot]:.3f}")
        print(f"random mean {truth.mean():.3f}, sd {truth.std():.3f}, worst {truth.min():.3f}")
        near = ", ".join(f"{int((truth >= table.optimum - each).sum())} within {each}" for each in NEAR)
        print(f"{near}; {int((truth > truth[table.hand_written]).sum())} beat the hand-written one")
        means = np.nanmean(np.where(table.verdicts > 0, table.verdicts, np.nan)[best], axis=0)
        print(f"aspects of the best prompt: {np.round(means, 2)}")
        noise = (table.averages - table.averages.mean(axis=0) - table.averages.mean(axis=1)[:, None]).std(axis=1)
        print(f"scores around a prompt's mean and a query's: sd {noise.mean():.2f}, of the best {noise[best]:.2f}")
        for label, design in designs(table).items():
            (many, within), (few, hardly) = (explained(design, truth, known=known) for known in (None, 200))
            print(f"{label}: {many:.2f}, within the best fifth {within:.2f}; from 200: {few:.2f}, {hardly:.2f}")


if __name__ == "__main__":
    main()
