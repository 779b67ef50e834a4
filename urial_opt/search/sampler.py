"""Sampler: the sampler of Optuna that proposes whole prompts, chosen by Thompson sampling and local search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from urial_opt.errors import InputError
from urial_opt.search.linear_model import Effect
from urial_opt.search.prior import Prior
from urial_opt.search.prompt_features import Features, PromptSpace
from urial_opt.search.seeding import CHANCES, random_generator
from urial_opt.search.thompson import START, Scored, Thompson, fitted_on
from urial_opt.statistics.shrinkage import TrialEstimate
from urial_opt.statistics.strata import IntArray

SAMPLER_VERSION = 4
"""Raise it when the same trials lead to other proposals (see `versions.py`)."""
AGAIN = "judged_again"
"""User attribute of a trial that was judged again: the number under which it had failed."""
TOO_LONG = "too_long"
"""User attribute of a running trial that is only open so that it is not proposed again (`proposing.py`)."""
_TOLD = (TrialState.COMPLETE, TrialState.PRUNED)

EstimatesOf = Callable[[Sequence[int]], Mapping[int, TrialEstimate]]
"""The estimates of trials by their numbers in the study, from these trials alone; without those it does not know."""


class SampledSpace(PromptSpace, Protocol):
    """A `PromptSpace` that also knows the Optuna distributions of its parameters; `space.SearchSpace` implements it."""

    def distribution_of(self, name: str) -> BaseDistribution: ...


class ExemplarSampler(BaseSampler):
    """Proposes whole prompts for one `SampledSpace` at a time, as `Thompson` chooses them; the first few at random.

    A finished trial counts if it is COMPLETE or PRUNED. A FAIL trial counts (and is not proposed again) if it has the
    user attribute `queries`, which a search sets before it reports the failure. What trials scored is taken from
    `estimates_of` at the time of each proposal. Without it, it is what the study was told once: the value of a trial
    (of a pruned one, the last one reported) and the user attribute `standard_error`.

    Only caches are kept outside the study. A proposal depends on the seed, the space and the trials that counted, so a
    resumed search continues as if it had never stopped. Other RUNNING trials are not proposed again, and they change
    the draw, so trials that run side by side, on one machine or on several, do not repeat each other. The model knows
    nothing of them: to take them as seen, at the score expected of them, did not help (`experiments/LOG.md`).
    """

    def __init__(
        self, space: SampledSpace, *, seed: int, estimates_of: EstimatesOf | None = None, prior: Prior | None = None
    ) -> None:
        self.space = space
        """Assign a new space when the pool has grown."""
        self.seed = seed
        self.estimates_of = estimates_of
        """A search learns more of a trial after it has ended, from others; Optuna keeps what it was told first."""
        self.prior = prior
        self._thompson = Thompson(Features(space), prior=prior)
        self._rows: dict[int, IntArray] = {}
        self._early: tuple[tuple[int, ...], Mapping[int, TrialEstimate]] = ((), {})

    def infer_relative_search_space(self, _study: optuna.Study, _trial: FrozenTrial) -> dict[str, BaseDistribution]:
        features, space = self._current(), self.space
        names = [space.system_param, *(f"clause_{name}" for name in space.clauses), "k"]
        names += [*space.exemplar_params(features.k_max), *features.decoding]
        return {name: space.distribution_of(name) for name in names}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, _search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        features = self._current()
        trials = study.get_trials(deepcopy=False)
        others = [t for t in trials if t.state == TrialState.RUNNING and t.number != trial.number]
        running = {t.number: row for t in others if (row := self._row_if_whole(t)) is not None}
        done = counted(trials)
        rng = random_generator(self.seed, len(done), len(running))
        tried = {row.tobytes() for row in (*map(self._row, done), *running.values())}
        if len(done) < START or not (known := self._known(done)):
            number = len(done) + sum(t.number in running and TOO_LONG not in t.user_attrs for t in others)
            return features.params(self._thompson.first(number, tried=tried, rng=rng))
        scored, early = self._scored(known)
        return features.params(self._thompson.choose(scored, early, tried=tried, rng=rng))

    def chance_of_better(self, study: optuna.Study, than: TrialEstimate, *, by: float, at_most: float) -> float:
        """As `Thompson.chance_of_better`, from the trials of a study; 1 while they are too few to tell."""
        self._current()
        done = counted(study.get_trials(deepcopy=False))
        if len(done) < START or not (known := self._known(done)):
            return 1.0
        scored, early = self._scored(known)
        return self._thompson.chance_of_better(
            scored,
            early,
            than,
            by=by,
            at_most=at_most,
            tried={self._row(each).tobytes() for each in done},
            rng=random_generator(self.seed, len(done), *CHANCES),
        )

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> object:
        seed = int(random_generator(self.seed, trial.number).integers(2**31))
        return RandomSampler(seed=seed).sample_independent(study, trial, param_name, param_distribution)

    def explain(self, study: optuna.Study, *, number: int = 20) -> list[Effect]:
        """The `number` features with the largest mean effects, largest first; empty before any trial was scored."""
        features = self._current()
        known = self._known(study.get_trials(deepcopy=False))
        if not known:
            return []
        model = self._thompson.model(*self._scored(known))
        mean, deviation, trials = model.mean(), model.deviation(), (model.design > 0).sum(axis=0)
        largest = [i for i in np.argsort(-np.abs(mean), kind="stable") if features.groups[i] != "intercept"]
        return [
            Effect(
                feature=features.names[i],
                mean=float(mean[i]),
                standard_deviation=float(deviation[i]),
                trials=int(trials[i]),
            )
            for i in largest[:number]
        ]

    def _current(self) -> Features:
        if self._thompson.features.space is not self.space:
            self._thompson, self._rows = Thompson(Features(self.space), prior=self.prior), {}
        return self._thompson.features

    def _row(self, trial: FrozenTrial) -> IntArray:
        if trial.number not in self._rows:
            self._rows[trial.number] = self._thompson.features.row(trial.params)
        return self._rows[trial.number]

    def _row_if_whole(self, running: FrozenTrial) -> IntArray | None:
        """None if it lacks a part: who wrote it was killed meanwhile; or has one that this space lacks."""
        try:
            return self._thompson.features.row(running.params)
        except (InputError, KeyError, ValueError):
            return None

    def _known(self, trials: Sequence[FrozenTrial]) -> dict[int, tuple[FrozenTrial, TrialEstimate]]:
        """The trials that have a score, each with its estimate as it is now, by number."""
        scored = [t for t in trials if _teaches(t)]
        estimates = self._estimates_of(scored)
        return {t.number: (t, estimates[t.number]) for t in scored if t.number in estimates}

    def _scored(self, known: Mapping[int, tuple[FrozenTrial, TrialEstimate]]) -> tuple[Scored, Scored]:
        """All these trials, and the first of them as they are estimated from themselves alone."""
        first = tuple(known)[: fitted_on(len(known))]
        if self._early[0] != first:
            self._early = (first, self._estimates_of([known[number][0] for number in first]))
        rows = {number: self._row(trial) for number, (trial, _) in known.items()}
        early = Scored.of([rows[number] for number in first], [self._early[1][number] for number in first])
        return Scored.of([*rows.values()], [estimate for _, estimate in known.values()]), early

    def _estimates_of(self, trials: Sequence[FrozenTrial]) -> Mapping[int, TrialEstimate]:
        if self.estimates_of is not None:
            return self.estimates_of([t.number for t in trials])
        return {
            t.number: TrialEstimate(mean=t.value, standard_error=t.user_attrs["standard_error"], queries=0)
            for t in trials
            if t.value is not None
        }


def counted(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that have a result: not interrupted ones, nor failed ones that were judged again and have another."""
    again = {trial.user_attrs.get(AGAIN) for trial in trials}
    return [trial for trial in trials if _has_result(trial) and trial.number not in again]


def _has_result(trial: FrozenTrial) -> bool:
    return trial.state in _TOLD or (trial.state == TrialState.FAIL and "queries" in trial.user_attrs)


def _teaches(trial: FrozenTrial) -> bool:
    return trial.state in _TOLD and trial.value is not None and "standard_error" in trial.user_attrs
