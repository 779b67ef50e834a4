"""Replay: our search on a world without a store or a study, in a fifth of the time.

It joins the parts of `urial_opt.search` that decide as the search does, so that it walks the same path, trial by trial
(`tests/test_tabular_replay.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from experiments.tabular.measure import Step, step
from experiments.tabular.world import World
from urial_opt.evaluation.constraints import Keeping
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.records import TrialRecord, TrialState, Usage
from urial_opt.search.prior import Prior
from urial_opt.search.prompt_features import Features
from urial_opt.search.proposing import PROPOSALS
from urial_opt.search.pruners import DEFAULT_PRUNER, make_race
from urial_opt.search.racing import RaceVerdict
from urial_opt.search.seeding import CHANCES, blocks_of, random_generator
from urial_opt.search.standing import Standing, estimates_of
from urial_opt.search.stopping import BETTER, EVERY, UNLIKELY
from urial_opt.search.thompson import START, Scored, Thompson, fitted_on
from urial_opt.search.token_budget import shortened
from urial_opt.statistics.strata import IntArray

if TYPE_CHECKING:
    from experiments.tabular.unlisted import SpaceWorld


def replay(
    world: World | SpaceWorld,
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
    places = {query.id: place for place, query in enumerate(world.queries)}
    standing = Standing(race=make_race(pruner, strata))
    rows: list[IntArray] = []
    path: list[Step] = []

    @cache
    def early(trials: int) -> Scored:
        return Scored.of(rows[:trials], [*estimates_of([*standing.records.values()][:trials], strata).values()])

    def next_row(opened: Sequence[IntArray]) -> IntArray:
        if not rows:
            return features.row(space.start_params)
        rng, tried = random_generator(seed, len(rows), len(opened)), {row.tobytes() for row in (*rows, *opened)}
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
        row = _short_enough(world, features, rows, next_row)
        prompt = world.index_of(features.params(row))
        scores: dict[str, float | None] = {}
        verdict = RaceVerdict.GO_ON
        for block in blocks_of(blocks, seed=seed, trial=len(rows)):
            said = world.scores_of(prompt, places=[places[query.id] for query in block]).tolist()
            each = zip(block, said, strict=True)
            scores |= {query.id: None if np.isnan(score) else score for query, score in each}
            verdict = standing.look(scores, Keeping.KEPT)
            if verdict is not RaceVerdict.GO_ON:
                break
        record = TrialRecord(
            number=len(rows),
            optuna_number=len(rows),
            candidate=world.candidate(prompt),
            query_scores=scores,
            state=TrialState.COMPLETE if verdict is RaceVerdict.COMPLETED else TrialState.PRUNED,
            seconds=0.0,
            usage=Usage(),
        )
        standing.learn(record, Keeping.KEPT)
        rows.append(row)
        path.append(step(world, standing))
    return standing, path


def _short_enough(
    world: World | SpaceWorld,
    features: Features,
    rows: Sequence[IntArray],
    next_row: Callable[[Sequence[IntArray]], IntArray],
) -> IntArray:
    """The next proposal that the constraints allow, as `urial_opt.search.proposing` finds it."""
    row = next_row([])
    tried = {each.tobytes() for each in rows}
    opened, known = list[IntArray](), None
    while not world.allows(world.space.candidate(features.params(row))):
        if len(opened) == PROPOSALS:
            assert known is not None
            return known
        found = shortened(world.space, features.params(row), world.allows)
        if found is not None and (shorter := features.row(found.params)).tobytes() not in tried:
            return shorter
        known = known if known is not None or found is None else features.row(found.params)
        opened.append(row)
        row = next_row(opened)
    return row
