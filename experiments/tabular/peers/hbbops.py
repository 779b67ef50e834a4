"""HbBoPs: Hyperband over queries with a Gaussian process on prompts (Schneider et al. 2024), reimplemented small.

Its deep kernel on embeddings of texts is replaced by a Matérn 5/2 kernel on the parts of a prompt, with one length for
the system and one for the exemplars and their places, both refitted by marginal likelihood.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import cho_factor, cho_solve  # type: ignore[import-untyped]
from scipy.special import ndtr  # type: ignore[import-untyped]

from experiments.tabular.peers.judged import Bench, Best, JudgedAnswers
from urial_opt.statistics.strata import FloatArray, IntArray

_LEAST, _ETA = 10, 2
"""Queries of the shortest rung, and the share that is kept: the paper's."""
_AT_RANDOM = 0.1
"""Share of proposals that are random, so that the guarantee of Hyperband stays."""
_ENOUGH = 4
"""Prompts that a rung needs before the Gaussian process is fitted on it."""
_LENGTHS = (0.7, 1.5, 3.0)
_NOISES = (0.01, 0.1, 0.5)


def hbbops_brackets(answers: JudgedAnswers, seed: int) -> None:
    """Brackets of Hyperband from the most halvings to none, over and over; the best on most queries is returned."""
    rng = np.random.default_rng(seed)
    bench, best = answers.bench, Best(answers)
    order = rng.permutation(bench.queries)  # the queries of a rung contain those of the shorter ones
    surrogate = _Surrogate(bench)
    best.evaluate(bench.start)
    halvings = int(math.log(max(bench.queries / _LEAST, 1.0), _ETA))
    rungs = [bench.queries // _ETA ** (halvings - rung) for rung in range(halvings + 1)]
    results: dict[int, dict[int, float]] = {rung: {} for rung in rungs}
    while len(answers.complete) < len(bench.prompts):
        for s in range(halvings, -1, -1):
            number = math.ceil((halvings + 1) / (s + 1) * _ETA**s)
            going: list[int] = []
            for _ in range(number):
                prompt = _propose(answers, rng, surrogate, results, going)
                going.append(prompt)
                results[rungs[halvings - s]][prompt] = answers.mean(prompt, order[: rungs[halvings - s]])
            for rung in rungs[halvings - s :]:
                for prompt in going:
                    results[rung][prompt] = answers.mean(prompt, order[:rung])
                    if rung == bench.queries:
                        best.evaluate(prompt)
                going.sort(key=lambda prompt: -results[rung][prompt])
                going = going[: max(1, len(going) // _ETA)]


def _propose(
    answers: JudgedAnswers,
    rng: np.random.Generator,
    surrogate: _Surrogate,
    results: dict[int, dict[int, float]],
    going: list[int],
) -> int:
    """The prompt with the largest expected improvement among those not asked yet."""
    new = np.flatnonzero(~answers.asked.any(axis=1))
    new = new[~np.isin(new, going)]
    if not len(new):
        return int(rng.integers(len(answers.bench.prompts)))
    fitted = [rung for rung, found in results.items() if len(found) >= _ENOUGH]
    if not fitted or rng.random() < _AT_RANDOM:
        return int(rng.choice(new))
    found = results[max(fitted)]
    mean, deviation = surrogate.predict(np.array([*found]), np.array([*found.values()]), new)
    z = (mean - max(found.values())) / deviation
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return int(new[(deviation * (z * ndtr(z) + density)).argmax()])


class _Surrogate:
    def __init__(self, bench: Bench) -> None:
        first = 1 + bench.systems
        self.parts = (bench.features[:, 1:first], bench.features[:, first:])

    def kernel(self, one: IntArray, other: IntArray, lengths: tuple[float, float]) -> FloatArray:
        """Matérn 5/2 on the distance of the systems and of the exemplars."""
        square = np.zeros((len(one), len(other)))
        for part, length in zip(self.parts, lengths, strict=True):
            a, b = part[one], part[other]
            square += np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T, 0) / length**2
        distance = np.sqrt(5 * square)
        near: FloatArray = (1 + distance + distance**2 / 3) * np.exp(-distance)
        return near

    def predict(self, seen: IntArray, values: FloatArray, new: IntArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the values of `new`, by the likeliest of a few lengths and noises."""
        centre, scale = values.mean(), max(float(values.std()), 1e-6)
        target = (values - centre) / scale
        best = (-np.inf, (1.0, 1.0), 0.1)
        for lengths in ((a, b) for a in _LENGTHS for b in _LENGTHS):
            covariance = self.kernel(seen, seen, lengths)
            for noise in _NOISES:
                factor = cho_factor(covariance + noise * np.eye(len(seen)), lower=True)
                fit = -0.5 * float(target @ cho_solve(factor, target)) - float(np.log(np.diag(factor[0])).sum())
                best = max(best, (fit, lengths, noise))
        _, lengths, noise = best
        factor = cho_factor(self.kernel(seen, seen, lengths) + noise * np.eye(len(seen)), lower=True)
        across = self.kernel(new, seen, lengths)
        mean = centre + scale * across @ cho_solve(factor, target)
        left = 1.0 - np.einsum("ij,ji->i", across, cho_solve(factor, across.T))
        return mean, scale * np.sqrt(np.maximum(left, 1e-9))
