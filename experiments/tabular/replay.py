"""Replay: our search on a world without a store or a study, in a fifth of the time.

It joins the parts of `urial_opt.search` that decide as the search does, so that it walks the same path, trial by trial
(`tests/test_tabular_replay.py`). With N trials at once it goes from one event to the next: a block takes one tick, the
event of the smallest tick and number comes first, and where a trial ends another one begins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from experiments.tabular.measure import Step, step
from experiments.tabular.world import World
from urial_opt.evaluation.constraints import Keeping
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.records import Query, TrialRecord, TrialState, Usage
from urial_opt.search.prior import Prior
from urial_opt.search.prompt_features import Features
from urial_opt.search.proposing import PROPOSALS
from urial_opt.search.pruners import DEFAULT_PRUNER, make_race
from urial_opt.search.racing import RaceVerdict
from urial_opt.search.seeding import CHANCES, blocks_of, random_generator, steps_of
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
    parallel: int = 1,
) -> tuple[Standing, list[Step]]:
    """The search when its trials have had judged answers worth so many full evaluations, and what it would have
    recommended after each trial. With `until_done` it may end before."""
    walk = Walk(world, pruner=pruner, prior=prior, parallel=parallel)
    walk.go(evaluations=evaluations, until_done=until_done)
    return walk.standing, walk.path


@dataclass(slots=True, kw_only=True)
class _Running:
    """A trial in flight."""

    row: IntArray
    prompt: int
    steps: list[list[Query]]
    """The queries of each step that is left, the next one last."""
    at: int
    """The tick at which the next step's verdicts are looked at."""
    scores: dict[str, float | None] = field(default_factory=dict)


class Walk:
    """A search with `parallel` trials in flight, from event to event."""

    def __init__(
        self,
        world: World | SpaceWorld,
        *,
        pruner: str = DEFAULT_PRUNER,
        prior: Prior | None = None,
        parallel: int = 1,
    ) -> None:
        space = world.space
        self.world, self.parallel = world, parallel
        self.features = Features(space)
        self.thompson = Thompson(self.features, prior=prior)
        self.blocks = space.queries.blocks("dev", space.block, seed=world.seed)
        strata = strata_of([query for block in self.blocks for query in block], space.objective)
        self.standing = Standing(race=make_race(pruner, strata))
        self.rows: dict[int, IntArray] = {}
        """Of all prompts proposed, by number."""
        self.running: dict[int, _Running] = {}
        self.path: list[Step] = []
        self.ticks: list[int] = []
        """When each step of the path was."""
        self.judged = 0
        """Answers, those of running trials too."""
        self._early: tuple[list[int], Scored] | None = None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {query.id: place for place, query in enumerate(self.world.queries)}

    def go(self, *, evaluations: float = math.inf, trials: float = math.inf, until_done: bool = False) -> None:
        """Until so many full evaluations were judged, or so many trials have ended."""
        tick = 0
        while True:
            answers = self.path[-1].answers if self.path else 0
            if answers >= evaluations * self.world.full or (until_done and self._is_done()):
                break
            while len(self.running) < self.parallel and len(self.rows) < trials:
                self._propose(tick)
            if not self.running:
                break
            tick = self._advance()

    def _advance(self) -> int:
        """Go on to the next end of a trial; its tick."""
        while True:
            number, trial = min(self.running.items(), key=lambda each: (each[1].at, each[0]))
            asked = trial.steps.pop()
            said = self.world.scores_of(trial.prompt, places=[self._places[query.id] for query in asked]).tolist()
            each = zip(asked, said, strict=True)
            trial.scores |= {query.id: None if np.isnan(score) else score for query, score in each}
            self.judged += len(asked)
            verdict = self.standing.look(trial.scores, Keeping.KEPT)
            if verdict is not RaceVerdict.GO_ON or not trial.steps:
                self._learn(number, complete=verdict is RaceVerdict.COMPLETED)
                return trial.at
            trial.at += 1

    def _learn(self, number: int, *, complete: bool) -> None:
        trial = self.running.pop(number)
        record = TrialRecord(
            number=number,
            optuna_number=number,
            candidate=self.world.candidate(trial.prompt),
            query_scores=trial.scores,
            state=TrialState.COMPLETE if complete else TrialState.PRUNED,
            seconds=0.0,
            usage=Usage(),
        )
        self.standing.learn(record, Keeping.KEPT)
        self.path.append(step(self.world, self.standing)._replace(answers=self.judged))
        self.ticks.append(trial.at)

    def _propose(self, tick: int) -> None:
        number = len(self.rows)
        row = self._short_enough()
        blocks = blocks_of(self.blocks, seed=self.world.seed, trial=number)
        steps = steps_of(blocks, parallel=self.parallel)
        if not number and self.parallel > 1:  # the others have nothing to race against until it has ended
            steps = [[query for block in steps for query in block]]
        prompt = self.world.index_of(self.features.params(row))
        self.rows[number] = row
        self.running[number] = _Running(row=row, prompt=prompt, steps=steps[::-1], at=tick + 1)

    def _next_row(self, opened: Sequence[IntArray]) -> IntArray:
        if not self.rows:
            return self.features.row(self.world.space.start_params)
        done, running = len(self.standing.records), len(self.running)
        rng = random_generator(self.world.seed, done, running + len(opened))
        tried = {row.tobytes() for row in (*self.rows.values(), *opened)}
        if done < START:
            return self.thompson.first(done + running, tried=tried, rng=rng)
        return self.thompson.choose(*self._known(), tried=tried, rng=rng)

    def _is_done(self) -> bool:
        standing, done = self.standing, len(self.standing.records)
        if standing.best is None or done % EVERY or done < START:
            return False
        chance = self.thompson.chance_of_better(
            *self._known(),
            standing.estimates[standing.best],
            by=BETTER,
            at_most=UNLIKELY,
            tried={self.rows[number].tobytes() for number in standing.records},
            rng=random_generator(self.world.seed, done, *CHANCES),
        )
        return chance < UNLIKELY

    def _known(self) -> tuple[Scored, Scored]:
        """All finished trials, by number as the sampler takes them, and the first as estimated from themselves."""
        standing = self.standing
        numbers = sorted(standing.estimates)
        first = numbers[: fitted_on(len(numbers))]
        if self._early is None or self._early[0] != first:
            alone = estimates_of([standing.records[number] for number in first], standing.race.strata)
            self._early = first, Scored.of([self.rows[number] for number in first], [*alone.values()])
        known = Scored.of([self.rows[n] for n in numbers], [standing.estimates[n] for n in numbers])
        return known, self._early[1]

    def _short_enough(self) -> IntArray:
        """The next proposal that the constraints allow, as `urial_opt.search.proposing` finds it."""
        world, features = self.world, self.features
        row = self._next_row([])
        tried = {each.tobytes() for each in self.rows.values()}
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
            row = self._next_row(opened)
        return row
