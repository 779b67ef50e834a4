"""Samplers: opens by name our own sampler or, as a control, one of Optuna's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from urial_opt.errors import UnknownNameError
from urial_opt.search.prior import Prior
from urial_opt.search.sampler import EstimatesOf, ExemplarSampler, SampledSpace, counted
from urial_opt.search.seeding import random_generator


class _Reseeded(BaseSampler):
    """An Optuna sampler recreated for every trial, seeded by the number of earlier trials, so a search can resume."""

    def __init__(self, make: Callable[[int], BaseSampler], *, seed: int) -> None:
        self._make = make
        self._seed = seed
        self._sampler = make(seed)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        trials = study.get_trials(deepcopy=False)
        running = sum(t.state == TrialState.RUNNING and t.number != trial.number for t in trials)
        self._sampler = self._make(int(random_generator(self._seed, len(counted(trials)), running).integers(2**31)))

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> object:
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)


SAMPLERS = ("thompson", "tpe", "random")
"""Ours first."""


def make_sampler(
    name: str,
    space: SampledSpace,
    *,
    seed: int,
    estimates_of: EstimatesOf | None = None,
    prior: Prior | None = None,
) -> BaseSampler:
    """The sampler of that name; `thompson` is our own. UnknownNameError if there is none.

    Optuna's samplers learn from what they were told when a trial ended, ours from `estimates_of`; and a `prior` is for
    ours alone.
    """
    if name == "thompson":
        return ExemplarSampler(space, seed=seed, estimates_of=estimates_of, prior=prior)
    if name == "tpe":
        return _Reseeded(lambda each: TPESampler(seed=each), seed=seed)
    if name == "random":
        return _Reseeded(lambda each: RandomSampler(seed=each), seed=seed)
    raise UnknownNameError.of("sampler", name, SAMPLERS)
