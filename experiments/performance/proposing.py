"""What a proposal costs: our sampler alone, after 200 and 2,000 trials that were each asked a part of 64 queries.

    python experiments/performance/proposing.py

Prompts are random, of pools of 60 and 500 exemplars in four styles; nothing is stored. The time is that of learning one
more trial (`Standing.learn`) and of choosing a prompt (`Thompson.choose`). Bars: 30 ms after 200 trials, pool of 60;
150 ms after 2,000, pool of 500.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from experiments.sampler.synthetic import StandIn, _pool
from urial_opt.evaluation.constraints import Keeping
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Candidate, Sampling, TrialRecord, TrialState, Usage
from urial_opt.search.local_search import new_row
from urial_opt.search.prompt_features import Features
from urial_opt.search.pruners import DEFAULT_PRUNER, make_race
from urial_opt.search.seeding import blocks_of
from urial_opt.search.standing import Standing, estimates_of
from urial_opt.search.thompson import Scored, Thompson, fitted_on
from urial_opt.statistics.strata import Strata

_QUERIES = 64
_BLOCK = 4


def measure(exemplars: int, trials: int, *, repeats: int) -> tuple[list[float], list[float]]:
    """Seconds of learning and of choosing, for each of the last `repeats` trials."""
    features = Features(StandIn(seed=0, exemplars=_pool(exemplars // 4, exemplars // 15)))
    rng = np.random.default_rng(0)
    ids = [f"q{number}" for number in range(_QUERIES)]
    strata = Strata(
        kinds={query: "safety" if number % 4 == 3 else "regular" for number, query in enumerate(ids)},
        weights={"regular": 5.0, "safety": 1.0},
    )
    blocks = [tuple(ids[start : start + _BLOCK]) for start in range(0, _QUERIES, _BLOCK)]
    difficulty = rng.normal(0, 0.5, _QUERIES)
    worth = np.append(rng.normal(0, 0.05, len(features.names)), 0.0)
    rows = [new_row(features, rng, tried=set()) for _ in range(trials)]
    records = []
    for number, row in enumerate(rows):
        seen = _QUERIES if number % 20 == 0 else _BLOCK * int(rng.integers(1, 5))
        asked = [query for block in blocks_of(blocks, seed=0, trial=number) for query in block][:seen]
        level = 3.5 + worth[features.columns(row[None])].sum()
        scores = {
            query: float(np.clip(level + difficulty[ids.index(query)] + rng.normal(0, 0.5), 1, 5)) for query in asked
        }
        records.append(
            TrialRecord(
                number=number,
                optuna_number=number,
                candidate=Candidate(prompt=UrialPrompt(), sampling=Sampling(), params={}),
                query_scores=scores,
                state=TrialState.COMPLETE if seen == _QUERIES else TrialState.PRUNED,
                seconds=0.0,
                usage=Usage(),
            )
        )
    standing = Standing(race=make_race(DEFAULT_PRUNER, strata))
    standing.records |= {each.number: each for each in records[: trials - repeats - 1]}
    standing.keeping |= {each.number: Keeping.KEPT for each in standing.records.values()}
    standing.scored |= set(ids)
    standing.contributions |= {
        each.number: strata.contributions(each.query_scores) for each in standing.records.values()
    }
    standing.learn(records[trials - repeats - 1], Keeping.KEPT)
    first = fitted_on(trials - repeats)
    early = Scored.of(rows[:first], [*estimates_of(records[:first], strata).values()])
    thompson = Thompson(features)
    learning, choosing = [], []
    for number in range(trials - repeats, trials):
        before = time.perf_counter()
        standing.learn(records[number], Keeping.KEPT)
        learnt = time.perf_counter()
        known = Scored.of(rows[: number + 1], [*standing.estimates.values()])
        thompson.choose(known, early, tried={row.tobytes() for row in rows[: number + 1]}, rng=rng)
        learning.append(learnt - before)
        choosing.append(time.perf_counter() - learnt)
    return learning, choosing[1:]  # the first fits the scales


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    print("| trials | pool | learning, ms | choosing, ms | both |\n|---|---|---|---|---|")
    for trials in (200, 2000):
        for exemplars in (60, 500):
            learning, choosing = measure(exemplars, trials, repeats=repeats)
            each = [1000 * float(np.median(times)) for times in (learning, choosing)]
            print(f"| {trials:,} | {exemplars} | {each[0]:.0f} | {each[1]:.0f} | {sum(each):.0f} |", flush=True)


if __name__ == "__main__":
    main()
