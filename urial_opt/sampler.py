"""The sampler: which prompt to try next, by Thompson sampling from a Bayesian linear model of ordered exemplar sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState
from scipy.linalg import cho_factor, cho_solve, solve_triangular  # type: ignore[import-untyped]

from urial_opt.errors import UnknownNameError
from urial_opt.prompt import Exemplar
from urial_opt.queries import same_words

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

START = 10
"""How many trials are drawn at random, over all K, systems and styles, before the model is asked."""
_GROWTH = 1.25
"""Prior scales are fitted anew whenever the number of trials has grown by this factor."""
_SCALES: Mapping[str, float] = {
    "intercept": 1.0,
    "system": 0.2,
    "clause": 0.1,
    "decoding": 0.15,
    "k": 0.1,
    "style": 0.1,
    "kind": 0.1,
    "style of kind": 0.1,
    "exemplar": 0.05,
    "query": 0.05,
    "first": 0.1,
    "last": 0.1,
    "style under system": 0.05,
}
"""Standard deviation of the effects of each group, in points, before any trial; fitted by marginal likelihood after."""
_MISFIT = 0.1
"""The same for what no feature explains."""
_RESTARTS = 2
"""Local searches from random prompts, beside the one from the best prompt tried."""
_PER_CLASS = 3
"""How many exemplars of one style and kind a local search looks at."""
_TOLD = (TrialState.COMPLETE, TrialState.PRUNED)


class PromptSpace(Protocol):
    """What the sampler needs of a search space; `space.SearchSpace` is one."""

    @property
    def exemplars(self) -> Mapping[str, Exemplar]: ...
    @property
    def systems(self) -> Sequence[str]: ...
    @property
    def clauses(self) -> Mapping[str, str]: ...
    @property
    def decoding(self) -> Mapping[str, Sequence[int | float]]: ...
    @property
    def k_min(self) -> int: ...
    @property
    def k_max(self) -> int: ...
    def exemplar_params(self, k: int) -> Sequence[str]: ...
    def exemplar_keys(self, params: Mapping[str, Any]) -> Sequence[str]: ...
    def distribution_of(self, name: str) -> BaseDistribution: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What the model believes one feature of a prompt adds to its score, in points."""

    feature: str
    mean: float
    standard_deviation: float
    trials: int
    """How many trials had the feature."""


class Features:
    """Prompts as rows of integers, and as bags of features: the columns of a linear model.

    A row is [system, clauses …, decoding choices …, exemplars in order …], its free slots -1. Counts are
    coded as steps: the second warm exemplar adds the feature `style warm #2`, so that returns may diminish.
    """

    def __init__(self, space: PromptSpace) -> None:
        self.space = space
        self.keys = list(space.exemplars)
        self.decoding = [name for name, choices in space.decoding.items() if len(choices) > 1]
        self.choices = [space.decoding[name] for name in self.decoding]
        self.composed = space.systems.index("composed") if space.clauses else -1
        self.slots = 1 + len(space.clauses) + len(self.decoding)
        """Where the exemplars of a row begin."""
        exemplars = list(space.exemplars.values())
        self.styles, self.style = _coded([exemplar.style for exemplar in exemplars])
        self.kinds, self._kind = _coded(
            ["safety" if "safety" in exemplar.tags else "regular" for exemplar in exemplars]
        )
        queries, self.query = _coded([same_words(exemplar.query) for exemplar in exemplars])
        self.k_max = min(space.k_max, len(queries))
        self.k_min = min(space.k_min, self.k_max)
        self.width = max(space.k_max, 1)
        """How many exemplars a row has slots for."""
        self.names: list[str] = []
        self.groups: list[str] = []
        self._columns: dict[str, slice] = {}
        styles, kinds, steps = self.styles, self.kinds, range(1, self.width + 1)
        self._intercept = self._add("intercept", ["intercept"])
        self._system = self._add("system", space.systems)
        self._clause = self._add("clause", space.clauses)
        self._decoded = [self._add("decoding", [f"{n} {c}" for c in space.decoding[n]]) for n in self.decoding]
        self._k = self._add("k", [f"#{step}" for step in steps])
        self._of_style = self._add("style", [f"{style} #{step}" for style in styles for step in steps])
        self._of_kind = self._add("kind", [f"{kind} #{step}" for kind in kinds for step in steps])
        self._pair = self._add("style of kind", [f"{style} {kind}" for style in styles for kind in kinds])
        self._exemplar = self._add("exemplar", self.keys)
        self._query = self._add("query", queries)
        self._first = self._add("first", [f"{style} {kind}" for style in styles for kind in kinds])
        self._last = self._add("last", [f"{style} {kind}" for style in styles for kind in kinds])
        self._under = self._add("style under system", [f"{s}, {style}" for s in space.systems for style in styles])
        self.classes = self.style * len(kinds) + self._kind
        """Style and kind of each exemplar, as one number."""

    def _add(self, group: str, names: Sequence[str] | Mapping[str, str]) -> int:
        first = len(self.names)
        self.names += [group if name == group else f"{group} {name}" for name in names]
        self.groups += [group] * len(names)
        self._columns[group] = slice(first, len(self.names))
        return first

    def columns_of(self, group: str) -> slice:
        """Where the columns of a group stand."""
        return self._columns[group]

    def row(self, params: Mapping[str, Any]) -> IntArray:
        """The row of a trial's parameters."""
        space = self.space
        row = np.full(self.slots + self.width, -1, dtype=np.intp)
        row[0] = list(space.systems).index(params["system"])
        row[1 : 1 + len(space.clauses)] = [bool(params.get(f"clause_{name}", False)) for name in space.clauses]
        chosen = [list(space.decoding[name]).index(params[name]) for name in self.decoding]
        row[1 + len(space.clauses) : self.slots] = chosen
        exemplars = [self.keys.index(key) for key in space.exemplar_keys(params)]
        row[self.slots : self.slots + len(exemplars)] = exemplars
        return row

    def params(self, row: IntArray) -> dict[str, Any]:
        """The parameters that stand for a row."""
        space = self.space
        params: dict[str, Any] = {"system": space.systems[row[0]]}
        if row[0] == self.composed:
            params |= {f"clause_{name}": bool(row[1 + i]) for i, name in enumerate(space.clauses)}
        exemplars = [self.keys[i] for i in row[self.slots :] if i >= 0]
        params |= {"k": len(exemplars), **dict(zip(space.exemplar_params(len(exemplars)), exemplars, strict=True))}
        start = 1 + len(space.clauses)
        return params | {n: space.decoding[n][row[start + i]] for i, n in enumerate(self.decoding)}

    def columns(self, rows: IntArray) -> IntArray:
        """Columns of the features of each row (rows x any width), filled up with the number of columns."""
        nothing = len(self.names)
        exemplars = rows[:, self.slots :]
        there = exemplars >= 0
        style, kind, classes = self.style[exemplars], self._kind[exemplars], self.classes[exemplars]
        before = np.tri(exemplars.shape[1], k=-1, dtype=bool) & there[:, None, :]
        same_style = ((style[:, :, None] == style[:, None, :]) & before).sum(axis=2)
        same_kind = ((kind[:, :, None] == kind[:, None, :]) & before).sum(axis=2)
        steps = exemplars.shape[1]
        in_slots = [
            self._k + np.arange(steps),
            self._of_style + style * steps + same_style,
            self._of_kind + kind * steps + same_kind,
            self._pair + classes,
            self._exemplar + exemplars,
            self._query + self.query[exemplars],
            self._under + rows[:, :1] * len(self.styles) + style,
        ]
        some = there[:, 0]
        last = np.take_along_axis(classes, np.maximum(there.sum(axis=1) - 1, 0)[:, None], axis=1)[:, 0]
        clauses = rows[:, 1 : 1 + len(self.space.clauses)]
        start = 1 + len(self.space.clauses)
        single = [
            np.full(len(rows), self._intercept),
            self._system + rows[:, 0],
            *(self._decoded[i] + rows[:, start + i] for i in range(len(self.decoding))),
            *(np.where(clauses[:, i] > 0, self._clause + i, nothing) for i in range(clauses.shape[1])),
            np.where(some, self._first + classes[:, 0], nothing),
            np.where(some, self._last + last, nothing),
        ]
        return np.hstack([np.stack(single, axis=1), *(np.where(there, part, nothing) for part in in_slots)])

    def design(self, rows: IntArray) -> FloatArray:
        """Rows x columns, how often each row has each feature."""
        columns = self.columns(rows)
        counted = np.zeros((len(rows), len(self.names) + 1))
        np.add.at(counted, (np.arange(len(rows))[:, None], columns), 1.0)
        return counted[:, :-1]


def _coded(values: Sequence[str]) -> tuple[list[str], IntArray]:
    """Different values in order of appearance, and the number of each."""
    different = list(dict.fromkeys(values))
    return different, np.array([different.index(value) for value in values], dtype=np.intp)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearModel:
    """Gaussian posterior of the weights of `design @ weights = target`, its prior mean zero.

    Exact; computed in the smaller of the dimensions, trials or columns.
    """

    design: FloatArray
    """Trials x columns."""
    target: FloatArray
    noise: FloatArray
    """Variance of each target."""
    prior: FloatArray
    """Variance of each weight."""

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """Weights drawn from the posterior by Matheron's rule: a draw of the prior, corrected by its misfit."""
        weights = rng.normal(size=self.prior.size) * np.sqrt(self.prior)
        errors = rng.normal(size=self.noise.size) * np.sqrt(self.noise)
        return weights + self._gain(self.target - self.design @ weights - errors)

    def mean(self) -> FloatArray:
        """Posterior mean of each weight."""
        return self._gain(self.target)

    def deviation(self) -> FloatArray:
        """Posterior standard deviation of each weight."""
        factor = np.linalg.cholesky(self._covariance())
        half = solve_triangular(factor, self.design * self.prior, lower=True)
        variance: FloatArray = self.prior - (half**2).sum(axis=0)
        return np.sqrt(np.maximum(variance, 0.0))

    def _covariance(self) -> FloatArray:
        covariance: FloatArray = (self.design * self.prior) @ self.design.T + np.diag(self.noise)
        return covariance

    def _gain(self, residual: FloatArray) -> FloatArray:
        gain: FloatArray
        if len(self.target) <= self.prior.size:
            gain = self.prior * (self.design.T @ cho_solve(cho_factor(self._covariance()), residual))
        else:
            scaled = self.design / self.noise[:, None]
            precision = self.design.T @ scaled + np.diag(1.0 / self.prior)
            gain = cho_solve(cho_factor(precision), scaled.T @ residual)
        return gain


def fit_scales(design: FloatArray, groups: Sequence[str], target: FloatArray, noise: FloatArray) -> dict[str, float]:
    """Prior standard deviation of each group of columns, and of the `misfit`, by marginal likelihood.

    Two rounds over the groups, each scale halved or doubled where that helps; a log-normal hyperprior holds them near
    `_SCALES` as long as trials are few.
    """
    names = sorted(set(groups) - {"intercept"})
    parts = {name: design[:, [group == name for group in groups]] for name in names}
    kernels = {name: part @ part.T for name, part in parts.items()} | {"misfit": np.eye(len(target))}
    start = {**_SCALES, "misfit": _MISFIT}
    scales = {name: start[name] for name in kernels}
    fixed = np.diag(noise) + _SCALES["intercept"] ** 2
    covariance = fixed + sum(scales[name] ** 2 * kernel for name, kernel in kernels.items())
    best = _log_evidence(covariance, target)
    for _ in range(2):
        for name, kernel in kernels.items():
            for factor in (0.5, 2.0):
                scale = scales[name] * factor
                moved = covariance + (scale**2 - scales[name] ** 2) * kernel
                drift = [np.log(s / start[n]) ** 2 for n, s in ({**scales, name: scale}).items()]
                evidence = _log_evidence(moved, target) - 0.5 * sum(drift)
                if evidence > best:
                    best, covariance, scales[name] = evidence, moved, scale
    return {**scales, "intercept": _SCALES["intercept"]}


def _log_evidence(covariance: FloatArray, target: FloatArray) -> float:
    factor = np.linalg.cholesky(covariance)
    white = solve_triangular(factor, target, lower=True, check_finite=False)
    return float(-0.5 * (white @ white) - np.log(np.diag(factor)).sum())


class ExemplarSampler(BaseSampler):
    """Proposes whole prompts for one `PromptSpace` at a time.

    A finished trial counts if it is COMPLETE or PRUNED; FAIL counts (and is not proposed again) if it carries the user
    attribute `queries`, which a search sets before it tells. What a trial teaches is read from the user attributes
    `estimate` and `standard_error`, so that pruned ones teach too. Nothing is kept outside the study but caches: a
    proposal follows from the seed, the space and the trials that counted, so a resumed search goes on as if it
    had never stopped. Other RUNNING trials are not proposed again, and change the draw, so that machines working on
    one study do not repeat each other.
    """

    def __init__(self, space: PromptSpace, *, seed: int) -> None:
        self.space = space
        """Assign a larger space when the pool has grown."""
        self.seed = seed
        self._features = Features(space)
        self._rows: dict[int, IntArray] = {}
        self._scales: tuple[tuple[int, ...], dict[str, float]] = ((), {})

    def infer_relative_search_space(self, _study: optuna.Study, _trial: FrozenTrial) -> dict[str, BaseDistribution]:
        space = self._current().space
        names = ["system", *(f"clause_{name}" for name in space.clauses), "k"]
        names += [*space.exemplar_params(self._features.k_max), *self._features.decoding]
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
        weights = np.append(model.draw(rng), 0.0)
        return features.params(_maximise(features, weights, rows, tried=tried, rng=rng))

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
        estimate = np.array([t.user_attrs["estimate"] for t in known])
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
    return trial.state in _TOLD and "estimate" in trial.user_attrs


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
    features: Features, weights: FloatArray, rows: IntArray, *, tried: set[bytes], rng: np.random.Generator
) -> IntArray:
    """The best prompt under `weights` not tried yet, by local search from the best tried one and from random ones."""
    changes = _Changes(features, weights)
    best, best_score = _random_row(features, rng), -np.inf
    starts = [rows[np.argmax(weights[features.columns(rows)].sum(axis=1))]]
    starts += [_random_row(features, rng) for _ in range(_RESTARTS)]
    for start in starts:
        row, score = start, -np.inf
        while True:
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


def make_sampler(name: str, space: PromptSpace, *, seed: int) -> BaseSampler:
    """The sampler of that name, `thompson` being ours; UnknownNameError if there is none."""
    if name == "thompson":
        return ExemplarSampler(space, seed=seed)
    if name == "tpe":
        return _Reseeded(lambda each: TPESampler(seed=each), seed=seed)
    if name == "random":
        return _Reseeded(lambda each: RandomSampler(seed=each), seed=seed)
    raise UnknownNameError.of("sampler", name, SAMPLERS)
