"""Sampler: chooses the next prompt by Thompson sampling and local search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from urial_opt.search.linear_model import Effect, LinearModel, fit_scales
from urial_opt.search.local_search import maximise, random_row
from urial_opt.search.prompt_features import Features, PromptSpace
from urial_opt.statistics.strata import IntArray

SAMPLER_VERSION = 2
"""Raise it when the same trials lead to other proposals (see `versions.py`)."""
START = 8
"""How many trials are random, over all K, systems and styles, before the model is used."""
_WIDER = 1.5
"""How much wider a draw is than the errors of prediction ask for; a first choice (`experiments/LOG.md`)."""
_TEMPERS = (0.5, 4.0)
"""Least and greatest scale of a draw's distance from the posterior mean, where 1 is Thompson sampling proper."""
_GROWTH = 1.25
"""Prior scales are refitted whenever the number of trials has grown by this factor."""
_RESTARTS = 2
"""Local searches from random prompts, in addition to the one from the best prompt tried."""
AGAIN = "judged_again"
"""User attribute of a trial that was judged again: the number under which it had failed."""
_TOLD = (TrialState.COMPLETE, TrialState.PRUNED)


class SampledSpace(PromptSpace, Protocol):
    """A `PromptSpace` that also knows the Optuna distributions of its parameters; `space.SearchSpace` implements it."""

    def distribution_of(self, name: str) -> BaseDistribution: ...


class ExemplarSampler(BaseSampler):
    """Proposes whole prompts for one `SampledSpace` at a time, by Thompson sampling (Thompson 1933) on a `LinearModel`.

    A finished trial counts if it is COMPLETE or PRUNED. A FAIL trial counts (and is not proposed again) if it has the
    user attribute `queries`, which a search sets before it reports the failure. The model learns from trials that have
    a value (for a pruned trial, the last one reported) and the user attribute `standard_error`.

    Only caches are kept outside the study. A proposal depends on the seed, the space and the trials that counted, so a
    resumed search continues as if it had never stopped. Other RUNNING trials are not proposed again, and they change
    the draw, so machines that work on one study do not repeat each other.
    """

    def __init__(self, space: SampledSpace, *, seed: int) -> None:
        self.space = space
        """Assign a new space when the pool has grown."""
        self.seed = seed
        self._features = Features(space)
        self._rows: dict[int, IntArray] = {}
        self._scales: tuple[tuple[int, ...], dict[str, float]] = ((), {})

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
        running = [t for t in trials if t.state == TrialState.RUNNING and t.number != trial.number and "k" in t.params]
        done = counted(trials)
        rng = random_generator(self.seed, len(done), len(running))
        tried = {self._row(t).tobytes() for t in (*done, *running)}
        if len(done) < START:
            return features.params(random_row(features, rng))
        known = [t for t in done if _teaches(t)]
        model = self._model(known)
        rows = np.array([self._row(t) for t in known])
        # A draw of the weights lacks what no feature explains: the worse the weights predict, the wider it has to be.
        surprise = model.surprise(unexplained=self._scales[1]["misfit"] ** 2)
        temper = float(np.clip(_WIDER * surprise, *_TEMPERS))
        weights = np.append(model.draw(rng, temper=temper), 0.0)
        starts = [rows[weights[features.columns(rows)].sum(axis=1).argmax()]]
        starts += [random_row(features, rng) for _ in range(_RESTARTS)]
        found = maximise(features, weights, starts, tried=tried)
        return features.params(random_row(features, rng) if found is None else found)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> object:
        seed = int(random_generator(self.seed, trial.number).integers(2**31))
        return RandomSampler(seed=seed).sample_independent(study, trial, param_name, param_distribution)

    def explain(self, study: optuna.Study, *, number: int = 20) -> list[Effect]:
        """The `number` features with the largest mean effects, largest first; empty before any trial was scored."""
        features = self._current()
        known = [t for t in study.get_trials(deepcopy=False) if _teaches(t)]
        if not known:
            return []
        model = self._model(known)
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
        if self._features.space is not self.space:
            self._features, self._rows, self._scales = Features(self.space), {}, ((), {})
        return self._features

    def _row(self, trial: FrozenTrial) -> IntArray:
        if trial.number not in self._rows:
            row = self._features.row(trial.params)
            if trial.state == TrialState.RUNNING:
                return row
            self._rows[trial.number] = row
        return self._rows[trial.number]

    def _model(self, known: Sequence[FrozenTrial]) -> LinearModel:
        features = self._features
        design = features.design(np.array([self._row(t) for t in known]))
        estimate = np.array([t.value for t in known])
        noise = np.array([t.user_attrs["standard_error"] for t in known]) ** 2
        # scales are fitted on a fixed number of first trials, so that they too depend only on the study
        fitted = START
        while int(fitted * _GROWTH) <= len(known):
            fitted = int(fitted * _GROWTH)
        numbers = tuple(t.number for t in known[:fitted])
        centre = float(estimate[:fitted].mean())
        if self._scales[0] != numbers:
            part = slice(fitted)
            scales = fit_scales(design[part], features.groups, estimate[part] - centre, noise[part])
            self._scales = (numbers, scales)
        scales = self._scales[1]
        return LinearModel(
            design=design,
            target=estimate - centre,
            noise=noise + scales["misfit"] ** 2,
            prior=np.array([scales[group] ** 2 for group in features.groups]),
        )


def counted(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that have a result: not interrupted ones, nor failed ones that were judged again and have another."""
    again = {trial.user_attrs.get(AGAIN) for trial in trials}
    return [trial for trial in trials if _has_result(trial) and trial.number not in again]


def _has_result(trial: FrozenTrial) -> bool:
    return trial.state in _TOLD or (trial.state == TrialState.FAIL and "queries" in trial.user_attrs)


def _teaches(trial: FrozenTrial) -> bool:
    return trial.state in _TOLD and trial.value is not None and "standard_error" in trial.user_attrs


def random_generator(seed: int, *position: int) -> np.random.Generator:
    """A generator that depends only on the seed and the position in the study, so that a search can be resumed."""
    return np.random.default_rng([seed, *position])
