"""Replay: our search on a world without a store or a study, in a fifth of the time.

It joins the parts of `urial_opt.search` that decide as the search does, so that it walks the same path, trial by trial
(`tests/test_tabular_replay.py`).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from experiments.tabular.measure import Step, step
from experiments.tabular.world import World
from urial_opt.evaluation.constraints import Keeping
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.records import TrialRecord, TrialState, Usage
from urial_opt.search.prior import Prior
from urial_opt.search.prompt_features import Features
from urial_opt.search.pruners import DEFAULT_PRUNER, make_race
from urial_opt.search.racing import RaceVerdict
from urial_opt.search.seeding import CHANCES, blocks_of, random_generator
from urial_opt.search.standing import Standing, estimates_of
from urial_opt.search.stopping import BETTER, EVERY, UNLIKELY
from urial_opt.search.thompson import START, Scored, Thompson, fitted_on
from urial_opt.statistics.strata import IntArray


def replay(
    world: World,
    *,
    evaluations: float,
    pruner: str = DEFAULT_PRUNER,
    prior: Prior | None = None,
    until_done: bool = False,
) -> tuple[Standing, list[Step]]:
    """The search when its trials have had judged answers worth so many full evaluations, and what it would have
    recommended after each trial. With `until_done` it may end before."""
    space, seed = world.space, world.seed
    features = Features(space)
    thompson = Thompson(features, prior=prior)
    blocks = space.queries.blocks("dev", space.block, seed=seed)
    strata = strata_of([query for block in blocks for query in block], space.objective)
    places = {world.table.queries[place].id: number for number, place in enumerate(world.dev)}
    standing = Standing(race=make_race(pruner, strata))
    rows: list[IntArray] = []
    path: list[Step] = []

    @cache
    def early(trials: int) -> Scored:
        return Scored.of(rows[:trials], [*estimates_of(standing.records[:trials], strata).values()])

    def next_row() -> IntArray:
        if not rows:
            return features.row(space.start_params)
        rng, tried = random_generator(seed, len(rows), 0), {row.tobytes() for row in rows}
        if len(rows) < START:
            return thompson.first(len(rows), tried=tried, rng=rng)
        known = Scored.of(rows, [*standing.estimates.values()])
        return thompson.choose(known, early(fitted_on(len(rows))), tried=tried, rng=rng)

    def is_done() -> bool:
        if not until_done or standing.best is None or len(rows) % EVERY or len(rows) < START:
            return False
        known, first = Scored.of(rows, [*standing.estimates.values()]), early(fitted_on(len(rows)))
        rng, tried = random_generator(seed, len(rows), *CHANCES), {row.tobytes() for row in rows}
        best = standing.estimates[standing.best]
        chance = thompson.chance_of_better(known, first, best, by=BETTER, at_most=UNLIKELY, tried=tried, rng=rng)
        return chance < UNLIKELY

    while standing.asked < evaluations * world.full and not is_done():
        row = next_row()
        prompt = world.index_of(features.params(row))
        known = world.scores_of(prompt)
        scores: dict[str, float | None] = {}
        verdict = RaceVerdict.GO_ON
        for block in blocks_of(blocks, seed=seed, trial=len(rows)):
            each = {query.id: float(known[places[query.id]]) for query in block}
            scores |= {query: None if np.isnan(score) else score for query, score in each.items()}
            verdict = standing.look(scores, Keeping.KEPT)
            if verdict is not RaceVerdict.GO_ON:
                break
        record = TrialRecord(
            number=len(rows),
            optuna_number=len(rows),
            candidate=world.table.candidate(prompt),
            query_scores=scores,
            state=TrialState.COMPLETE if verdict is RaceVerdict.COMPLETED else TrialState.PRUNED,
            seconds=0.0,
            usage=Usage(),
        )
        standing.learn(record, Keeping.KEPT)
        rows.append(row)
        path.append(step(world, standing))
    return standing, path
