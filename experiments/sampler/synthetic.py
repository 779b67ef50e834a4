"""Samplers on a synthetic stand-in for prompts: 0 is a random prompt, 1 the optimum.

    python experiments/sampler/synthetic.py --seeds 24 --trials 200

The stand-in holds what a linear model cannot: saturation in K, a best number of safety exemplars, a price for length,
system prompts that suit one style, clauses that get into each other's way, recency, and answers that are simply wrong.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from urial_opt.prompt import Exemplar
from urial_opt.search.samplers import SAMPLERS, make_sampler

STYLES = ("terse", "plain", "warm", "structured")
NOISE = 0.1
"""Standard error, in points, of a prompt's mean over the dev queries."""


def _pool(queries: int, safety: int) -> dict[str, Exemplar]:
    return {
        f"q{number}/{style}": Exemplar(
            query=f"What is thing {number}?",
            answer=f"{style} answer {number}",
            style=style,
            tags=("safety" if number < safety else "regular", style),
        )
        for number in range(queries)
        for style in STYLES
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A search space whose prompts have a known score; its effects are drawn from `seed`."""

    seed: int
    exemplars: Mapping[str, Exemplar] = field(default_factory=lambda: _pool(30, 8))
    systems: tuple[str, ...] = ("none", *(f"system{i}" for i in range(6)), "composed")
    clauses: Mapping[str, str] = field(default_factory=lambda: {f"clause{i}": f"Clause {i}." for i in range(6)})
    decoding: Mapping[str, tuple[int | float, ...]] = field(
        default_factory=lambda: {"repetition_penalty": (1.0, 1.1, 1.2), "max_tokens": (96,)}
    )
    k_min: int = 0
    k_max: int = 6
    generation: int = 0
    system_param: str = "system"
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def exemplar_params(self, k: int) -> tuple[str, ...]:
        suffix = f"@{self.generation}" if self.generation else ""
        return tuple(f"exemplar_{slot}{suffix}" for slot in range(k))

    def exemplar_keys(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        slots = {name.split("@")[0]: value for name, value in params.items()}
        keys: dict[str, str] = {}
        for slot in range(params["k"]):
            key = slots[f"exemplar_{slot}"]
            keys.setdefault(self.exemplars[key].query, key)
        return tuple(keys.values())

    def distribution_of(self, name: str) -> BaseDistribution:
        if name == "k":
            return IntDistribution(self.k_min, self.k_max)
        if name == "system":
            return CategoricalDistribution(self.systems)
        if name in self.decoding:
            return CategoricalDistribution(self.decoding[name])
        if name.startswith("clause_"):
            return CategoricalDistribution((False, True))
        return CategoricalDistribution(tuple(self.exemplars))

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """The parameters of a trial, asking only for those that matter in it."""
        params: dict[str, Any] = {"system": trial.suggest_categorical("system", self.systems)}
        if params["system"] == "composed":
            for name in self.clauses:
                params[f"clause_{name}"] = trial.suggest_categorical(f"clause_{name}", (False, True))
        params["k"] = trial.suggest_int("k", self.k_min, self.k_max)
        for name in self.exemplar_params(params["k"]):
            params[name] = trial.suggest_categorical(name, tuple(self.exemplars))
        for name, choices in self.decoding.items():
            if len(choices) > 1:
                params[name] = trial.suggest_categorical(name, choices)
        return params


class Truth:
    """The score, 1 to 5, that each prompt of a stand-in would have without noise."""

    def __init__(self, space: StandIn) -> None:
        rng = np.random.default_rng([space.seed, 1])
        self.space = space
        self.system = dict(zip(space.systems, rng.normal(0, 0.2, len(space.systems)), strict=True))
        self.clause = dict(zip(space.clauses, rng.normal(0.05, 0.15, len(space.clauses)), strict=True))
        self.clash = rng.choice(list(space.clauses), 2, replace=False) if len(space.clauses) > 1 else ()
        self.style = dict(zip(STYLES, rng.permutation([-0.5, -0.1, 0.3, 0.5]), strict=True))
        self.suits = {s: dict(zip(STYLES, rng.normal(0, 0.15, len(STYLES)), strict=True)) for s in space.systems}
        self.quality = {key: rng.normal(0, 0.12) - 0.5 * (rng.random() < 0.15) for key in space.exemplars}
        self.refusals = rng.integers(1, 4)
        self.penalty = {1.0: 0.0, 1.1: rng.normal(0.1, 0.1), 1.2: rng.normal(-0.1, 0.1)}
        self.saturation = rng.uniform(1.0, 2.5)

    def score(self, params: Mapping[str, Any]) -> float:
        keys = self.space.exemplar_keys(params)
        exemplars = [self.space.exemplars[key] for key in keys]
        system = params["system"]
        total = 2.6 + self.system[system] + self.penalty[params.get("repetition_penalty", 1.0)]
        if system == "composed":
            there = [name for name in self.space.clauses if params[f"clause_{name}"]]
            total += sum(self.clause[name] for name in there)
            total -= 0.3 * (len(self.clash) > 0 and all(name in there for name in self.clash))
        if exemplars:
            # the style an answer takes on is that of the exemplars, the later the more
            recency = 1.3 ** np.arange(len(exemplars))
            share = recency / recency.sum()
            fit = [self.style[e.style] + self.suits[system][e.style] for e in exemplars]
            strength = 1 - np.exp(-len(exemplars) / self.saturation)
            total += strength * (0.5 + float(share @ fit) + float(share @ [self.quality[key] for key in keys]))
            total += 0.2 * strength * (len({e.style for e in exemplars}) == 1)
            total -= 0.004 * len(exemplars) ** 2
            total -= 0.15 * ("safety" in exemplars[-1].tags)
        refusing = sum("safety" in e.tags for e in exemplars)
        total += 0.4 - 0.12 * (refusing - self.refusals) ** 2
        return float(3 + 2 * np.tanh((total - 3) / 2))

    def random(self, rng: np.random.Generator) -> dict[str, Any]:
        space = self.space
        params: dict[str, Any] = {"system": str(rng.choice(space.systems)), "k": int(rng.integers(0, space.k_max + 1))}
        params |= {f"clause_{name}": bool(rng.integers(2)) for name in space.clauses}
        params |= {name: str(rng.choice(list(space.exemplars))) for name in space.exemplar_params(space.k_max)}
        return params | {n: choices[rng.integers(len(choices))] for n, choices in space.decoding.items()}

    def optimum(self, *, restarts: int = 12) -> float:
        """The best score found by coordinate ascent on the truth from many random prompts."""
        rng = np.random.default_rng([self.space.seed, 2])
        best = -np.inf
        for _ in range(restarts):
            params = self.random(rng)
            reached = self.score(params)
            while True:
                before = reached
                for name in rng.permutation(list(params)):
                    for choice in _choices(self.space, str(name)):
                        changed = {**params, str(name): choice}
                        if (score := self.score(changed)) > reached:
                            params, reached = changed, score
                if reached <= before:
                    break
            best = max(best, reached)
        return best


def _choices(space: StandIn, name: str) -> Sequence[Any]:
    distribution = space.distribution_of(name)
    if isinstance(distribution, IntDistribution):
        return range(distribution.low, distribution.high + 1)
    return distribution.choices if isinstance(distribution, CategoricalDistribution) else ()


def run(name: str, space: StandIn, *, trials: int, noise: float = NOISE) -> tuple[list[float], float]:
    """True score of the prompt with the best observed mean after each trial, and seconds for each proposal."""
    truth, rng = Truth(space), np.random.default_rng([space.seed, 3])
    study = optuna.create_study(direction="maximize", sampler=make_sampler(name, space, seed=space.seed))
    observed, best, seconds = -np.inf, -np.inf, 0.0
    found = []
    for _ in range(trials):
        began = time.perf_counter()
        trial = study.ask()
        params = space.suggest(trial)
        seconds += time.perf_counter() - began
        score = truth.score(params)
        seen = score + rng.normal(0, noise)
        if seen > observed:
            observed, best = seen, score
        found.append(best)
        trial.set_user_attr("standard_error", noise)
        study.tell(trial, seen)
    return found, seconds / trials


def main() -> None:
    parser = argparse.ArgumentParser(description="Samplers on a synthetic stand-in: 0 a random prompt, 1 the optimum.")
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--samplers", nargs="+", default=list(SAMPLERS))
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    marks = sorted({25, 50, 100, asked.trials} & set(range(asked.trials + 1)))
    scales = []
    for seed in range(asked.seeds):
        truth, rng = Truth(StandIn(seed=seed)), np.random.default_rng([seed, 4])
        scales.append((np.mean([truth.score(truth.random(rng)) for _ in range(1000)]), truth.optimum()))
    print(f"| sampler | {' | '.join(f'after {mark}' for mark in marks)} | ms a proposal |")
    print("|---|" + "---|" * (len(marks) + 1))
    for name in asked.samplers:
        reached, times = [], []
        for seed, (low, high) in enumerate(scales):
            found, seconds = run(name, StandIn(seed=seed), trials=asked.trials)
            reached.append([(found[mark - 1] - low) / (high - low) for mark in marks])
            times.append(seconds)
        mean, error = np.mean(reached, axis=0), np.std(reached, axis=0, ddof=1) / len(reached) ** 0.5
        cells = [f"{m:.3f} ± {1.96 * e:.3f}" for m, e in zip(mean, error, strict=True)]
        print(f"| {name} | {' | '.join(cells)} | {1000 * np.mean(times):.1f} |", flush=True)


if __name__ == "__main__":
    main()
