"""CASE: challenger arms for the best m subsets in a linear bandit (Purohit et al. 2025), after its code.

An arm is a prompt, its features are its parts, and a pull judges it on all queries. Of all arms only five challengers
and the current best m are looked at in a round. The pull is the one that tells most about the difference between the
most doubtful of the best m and its challenger.
"""

from __future__ import annotations

import math

import numpy as np

from experiments.tabular.peers.judged import Best, JudgedAnswers
from urial_opt.statistics.strata import FloatArray

_M, _CHALLENGERS = 10, 5
_DELTA, _SIGMA = 0.05, 0.5
_IDLE = 50
"""Rounds in a row that ask nothing new, after which it ends."""


def case(answers: JudgedAnswers, seed: int) -> None:
    """The best m begin as random arms; each round, the best challenger is judged and may replace the worst of them."""
    rng = np.random.default_rng(seed)
    bench, best = answers.bench, Best(answers)
    features = bench.features
    inverse, target = np.eye(features.shape[1]), np.zeros(features.shape[1])
    centre = best.evaluate(bench.start)
    top = [bench.start, *rng.choice(len(bench.prompts), _M, replace=False).tolist()][:_M]
    pulled: set[int] = set()
    challengers: list[int] = []
    rounds, idle = 0, 0

    def pull(arm: int) -> None:
        nonlocal inverse, target
        reward = best.evaluate(arm) - centre
        if arm in pulled:
            return  # the same verdicts again tell nothing new
        pulled.add(arm)
        direction = inverse @ features[arm]
        inverse = inverse - np.outer(direction, direction) / (1 + features[arm] @ direction)
        target = target + reward * features[arm]

    for arm in top:
        pull(arm)
    while idle < _IDLE:
        rounds, before = rounds + 1, answers.judged
        means = features @ (inverse @ target)
        drawn = rng.integers(len(bench.prompts), size=_CHALLENGERS).tolist()
        pool = [arm for arm in {*challengers, *drawn} if arm not in top]
        challengers = sorted(pool, key=lambda arm: -means[arm])[:_CHALLENGERS]
        if not challengers:
            idle += 1
            continue
        width = _SIGMA * math.sqrt(2 * math.log((math.log(rounds) + 1) / _DELTA))
        gaps = _gaps(features, inverse, means, challengers, top, width)
        leader = top[int(gaps.max(axis=0).argmax())]  # of the best m, the one most in doubt
        rival = challengers[int(gaps[:, top.index(leader)].argmax())]
        direction = features[leader] - features[rival]
        pull(_most_telling(features, inverse, direction, [*top, *challengers]))
        means = features @ (inverse @ target)
        first, worst = max(challengers, key=lambda arm: means[arm]), min(top, key=lambda arm: means[arm])
        pull(first)
        if means[first] > means[worst]:
            top[top.index(worst)] = first
            challengers = [worst if arm == first else arm for arm in challengers]
        idle = idle + 1 if answers.judged == before else 0


def _gaps(
    features: FloatArray, inverse: FloatArray, means: FloatArray, rivals: list[int], top: list[int], width: float
) -> FloatArray:
    """[rival, top]: by how much a rival may be better, at most."""
    apart = features[rivals][:, None, :] - features[top][None]
    norm = np.sqrt(np.einsum("abi,ij,abj->ab", apart, inverse, apart))
    gaps: FloatArray = means[rivals][:, None] - means[top][None] + width * norm
    return gaps


def _most_telling(features: FloatArray, inverse: FloatArray, direction: FloatArray, arms: list[int]) -> int:
    """The arm after whose pull the difference in `direction` is known best."""
    rows = features[arms]
    across = rows @ inverse
    less = (across @ direction) ** 2 / (1 + np.einsum("ij,ij->i", across, rows))
    return arms[int(less.argmax())]
