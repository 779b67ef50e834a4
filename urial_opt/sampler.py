"""The sampler: which prompt to try next, by Thompson sampling and local search, half of it near the best so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import combinations, count
from typing import Any, Protocol

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from urial_opt.errors import UnknownNameError
from urial_opt.prompt_model import Effect, Features, FloatArray, IntArray, LinearModel, PromptSpace, fit_scales

START = 20
"""How many trials are drawn at random, over all K, systems and styles, before the model is asked."""
_TEMPER = 0.5
"""How far a draw lies from the posterior mean, 1 being the posterior: with hundreds of uncertain effects a full draw
follows chance in most of them at once."""
_NEAR = 0.5
"""Share of the proposals that stay near a good prompt: what makes it good may be what no feature says."""
_STEPS = (1, 2, 4)
"""How many changes such a proposal is away at most, one of these by chance."""
_GROWTH = 1.25
"""Prior scales are fitted anew whenever the number of trials has grown by this factor."""
_RESTARTS = 2
"""Local searches from random prompts, beside the one from the best prompt tried."""
_PER_CLASS = 3
"""How many exemplars of one style and kind a local search looks at."""
_TOLD = (TrialState.COMPLETE, TrialState.PRUNED)


class SampledSpace(PromptSpace, Protocol):
    """A `PromptSpace` that also knows what Optuna stores of it; `space.SearchSpace` is one."""

    def distribution_of(self, name: str) -> BaseDistribution: ...


class ExemplarSampler(BaseSampler):
    """Proposes whole prompts for one `SampledSpace` at a time.

    A finished trial counts if it is COMPLETE or PRUNED; FAIL counts (and is not proposed again) if it carries the user
    attribute `queries`, which a search sets before it tells. A trial teaches its value (a pruned one the last that was
    reported) with the user attribute `standard_error`. Nothing is kept outside the study but caches: a proposal follows
    from the seed, the space and the trials that counted, so a resumed search goes on as if it had never stopped. Other
    RUNNING trials are not proposed again, and change the draw, so that machines working on one study do not repeat each
    other.
    """

    def __init__(self, space: SampledSpace, *, seed: int) -> None:
        self.space = space
        """Assign a larger space when the pool has grown."""
        self.seed = seed
        self._features = Features(space)
        self._rows: dict[int, IntArray] = {}
        self._scales: tuple[tuple[int, ...], dict[str, float]] = ((), {})

    def infer_relative_search_space(self, _study: optuna.Study, _trial: FrozenTrial) -> dict[str, BaseDistribution]:
        features, space = self._current(), self.space
        names = ["system", *(f"clause_{name}" for name in space.clauses), "k"]
        names += [*space.exemplar_params(features.k_max), *features.decoding]
        return {name: space.distribution_of(name) for name in names}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, _search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        features = self._current()
        trials = study.get_trials(deepcopy=False)
        running = [t for t in trials if t.state == TrialState.RUNNING and t.number != trial.number and "k" in t.params]
        done = [t for t in trials if _counts(t)]
        rng = _generator(self.seed, len(done), len(running))
        tried = {self._row(t).tobytes() for t in (*done, *running)}
        if len(done) < START:
            return features.params(_random_row(features, rng))
        known = [t for t in done if _teaches(t)]
        model = self._model(known)
        rows = np.array([self._row(t) for t in known])
        weights = np.append(model.draw(rng, temper=_TEMPER), 0.0)
        if rng.random() < _NEAR:
            luck = np.array([t.user_attrs["standard_error"] for t in known]) * rng.normal(size=len(known))
            starts = [rows[(np.array([t.value for t in known]) + _TEMPER * luck).argmax()]]
            steps = int(rng.choice(_STEPS))
        else:
            starts = [rows[weights[features.columns(rows)].sum(axis=1).argmax()]]
            starts += [_random_row(features, rng) for _ in range(_RESTARTS)]
            steps = None
        found = _maximise(features, weights, starts, steps=steps, tried=tried)
        return features.params(_random_row(features, rng) if found is None else found)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> object:
        seed = int(_generator(self.seed, trial.number).integers(2**31))
        return RandomSampler(seed=seed).sample_independent(study, trial, param_name, param_distribution)

    def explain(self, study: optuna.Study, *, number: int = 20) -> list[Effect]:
        """The features believed to matter most, largest mean effect first; empty before any trial was scored."""
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
            self._features, self._rows = Features(self.space), {}
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
        # scales are fitted on the first so many trials, so that they too depend on the study alone
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


def _counts(trial: FrozenTrial) -> bool:
    """Whether a trial has been told its result; one that was merely interrupted has not."""
    return trial.state in _TOLD or (trial.state == TrialState.FAIL and "queries" in trial.user_attrs)


def _teaches(trial: FrozenTrial) -> bool:
    return trial.state in _TOLD and trial.value is not None and "standard_error" in trial.user_attrs


def _generator(seed: int, *position: int) -> np.random.Generator:
    return np.random.default_rng([seed, *position])


def _random_row(features: Features, rng: np.random.Generator) -> IntArray:
    """Every K and system equally likely; half of the time all exemplars in one style."""
    space = features.space
    row = np.full(features.slots + features.width, -1, dtype=np.intp)
    row[0] = rng.integers(len(space.systems))
    sizes = [*[2 if row[0] == features.composed else 1] * len(space.clauses), *map(len, features.choices)]
    row[1 : features.slots] = rng.integers(sizes) if sizes else []
    pool = rng.permutation(len(features.keys))
    if rng.integers(2):
        # others come after, should one style not suffice
        pool = pool[np.argsort(features.style[pool] != rng.integers(len(features.styles)), kind="stable")]
    _, first = np.unique(features.query[pool], return_index=True)
    chosen = pool[np.sort(first)][: rng.integers(features.k_min, features.k_max + 1)]
    row[features.slots : features.slots + chosen.size] = chosen
    return row


def _maximise(
    features: Features, weights: FloatArray, starts: Sequence[IntArray], *, steps: int | None, tried: set[bytes]
) -> IntArray | None:
    """The best prompt under `weights` not tried yet, by local search from `starts`; None if all around was tried.

    At most `steps` changes away from them, or, if None, as many as help.
    """
    changes = _Changes(features, weights)
    best, best_score = None, -np.inf
    for start in starts:
        row, score = start, -np.inf
        for _ in range(steps) if steps else count():
            around = changes.of(row)
            scores = weights[features.columns(around)].sum(axis=1)
            top = int(scores.argmax())
            better = np.flatnonzero(scores > best_score)
            for i in better[np.argsort(-scores[better], kind="stable")]:
                if around[i].tobytes() not in tried:
                    best, best_score = around[i], float(scores[i])
                    break
            if scores[top] <= score + 1e-9:
                break
            row, score = around[top], float(scores[top])
    return best


class _Changes:
    """The rows one change away from a row: another system or decoding, an exemplar swapped, added, removed, moved."""

    def __init__(self, features: Features, weights: FloatArray) -> None:
        self._features = features
        self._pool = _worth_trying(features, weights)
        clauses = weights[features.columns_of("clause")] > 0
        self._systems = np.zeros((len(features.space.systems), 1 + clauses.size), dtype=np.intp)
        self._systems[:, 0] = range(len(self._systems))
        self._systems[features.composed, 1:] = clauses
        self._decoding = [
            (1 + clauses.size + i, c) for i, choices in enumerate(features.choices) for c in range(len(choices))
        ]

    def of(self, row: IntArray) -> IntArray:
        features, pool, slots = self._features, self._pool, self._features.slots
        exemplars = row[slots:]
        k = int((exemplars >= 0).sum())
        systems = _repeated(row, len(self._systems))
        systems[:, : self._systems.shape[1]] = self._systems
        decoding = _repeated(row, len(self._decoding))
        for i, (place, choice) in enumerate(self._decoding):
            decoding[i, place] = choice
        moves = _moves(k, exemplars.size, shorter=k > features.k_min)
        moved = _repeated(row, len(moves))
        moved[:, slots:] = np.append(exemplars, -1)[moves]
        taken = features.query[pool][:, None] == features.query[exemplars[:k]]
        times = taken.sum(axis=1)
        fits = np.argwhere(times[:, None] == taken)  # in the prompt at most in the very slot that it would fill
        swapped = _repeated(row, len(fits))
        swapped[np.arange(len(fits)), slots + fits[:, 1]] = pool[fits[:, 0]]
        blocks = [systems, decoding, moved, swapped]
        if k < features.k_max:
            free = pool[times == 0]
            for i in {0, max(k - 1, 0), k}:
                longer = _repeated(row, free.size)
                longer[:, slots + i + 1 :] = exemplars[i:-1]
                longer[:, slots + i] = free
                blocks.append(longer)
        return np.vstack(blocks)


@cache
def _moves(k: int, width: int, *, shorter: bool) -> IntArray:
    """Which slot fills each slot, for all ways to exchange two of `k` exemplars or drop one; `width` leaves it free."""
    order = [*range(k), *[width] * (width - k)]
    moves = [order]
    for i, j in combinations(range(k), 2):
        moves.append([*order])
        moves[-1][i], moves[-1][j] = j, i
    if shorter:
        moves += [[*order[:i], *order[i + 1 :], width] for i in range(k)]
    return np.array(moves, dtype=np.intp).reshape(-1, width)


def _repeated(row: IntArray, times: int) -> IntArray:
    return np.repeat(row[None], times, axis=0)


def _worth_trying(features: Features, weights: FloatArray) -> IntArray:
    """The exemplars that can stand in a best prompt: within a style and kind only their own weights tell them apart."""
    own = weights[features.columns_of("exemplar")] + weights[features.columns_of("query")][features.query]
    order = np.lexsort((-own, features.classes))
    ranked = features.classes[order]
    rank = np.arange(order.size) - np.searchsorted(ranked, ranked)
    return order[rank < _PER_CLASS]


class _Reseeded(BaseSampler):
    """A stock sampler made anew for every trial, seeded by how many came before: it too resumes as if undisturbed."""

    def __init__(self, make: Callable[[int], BaseSampler], *, seed: int) -> None:
        self._make = make
        self._seed = seed
        self._sampler = make(seed)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        trials = study.get_trials(deepcopy=False)
        running = sum(t.state == TrialState.RUNNING and t.number != trial.number for t in trials)
        self._sampler = self._make(int(_generator(self._seed, sum(map(_counts, trials)), running).integers(2**31)))

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


def make_sampler(name: str, space: SampledSpace, *, seed: int) -> BaseSampler:
    """The sampler of that name, `thompson` being ours; UnknownNameError if there is none."""
    if name == "thompson":
        return ExemplarSampler(space, seed=seed)
    if name == "tpe":
        return _Reseeded(lambda each: TPESampler(seed=each), seed=seed)
    if name == "random":
        return _Reseeded(lambda each: RandomSampler(seed=each), seed=seed)
    raise UnknownNameError.of("sampler", name, SAMPLERS)
