"""PIAST: replaces, drops or keeps the exemplar with the least Shapley value (Batorski and Swoboda 2025).

After its code: each round values the exemplars by one random permutation on 30 queries and a replay of earlier ones,
and tries the prompt without the worst exemplar and with three others in its place. The system prompt stays, and so does
the order. Nothing is ever added, so it starts at the largest K.
"""

from __future__ import annotations

import numpy as np

from experiments.tabular.peers.judged import JudgedAnswers

_QUERIES, _REPLAY, _CANDIDATES, _ROUNDS = 30, 5, 3, 10


def piast_rounds(answers: JudgedAnswers, seed: int) -> None:
    """Ten rounds, its default, then again from other exemplars as long as the budget lasts; the best end is kept."""
    rng = np.random.default_rng(seed)
    bench = answers.bench
    start = bench.prompts[bench.start]
    best, best_score = bench.start, -np.inf
    chosen = list(start.exemplars)
    idle = 0
    while idle < _ROUNDS:
        before = answers.judged
        others = [one for one in rng.permutation(bench.exemplars).tolist() if one not in chosen]
        chosen = [*chosen, *others][: bench.most]
        score = -np.inf
        replay: set[int] = set()
        for _ in range(_ROUNDS):
            sample = rng.choice(bench.queries, min(_QUERIES, bench.queries), replace=False)
            queries = np.array(sorted({*sample.tolist(), *replay}))
            chosen, score = _round(answers, rng, start.system, chosen, queries)
            replay |= set(rng.choice(sample, min(_REPLAY, len(sample)), replace=False).tolist())
            if score > best_score or best_score == -np.inf:
                answers.recommend(bench.prompt(start.system, chosen))
        if score > best_score:
            best, best_score = bench.prompt(start.system, chosen), score
        answers.recommend(best)
        chosen = []
        idle = idle + 1 if answers.judged == before else 0


def _round(
    answers: JudgedAnswers, rng: np.random.Generator, system: int, chosen: list[int], queries: np.ndarray
) -> tuple[list[int], float]:
    def value(exemplars: list[int]) -> float:
        return answers.mean(answers.bench.prompt(system, exemplars), queries)

    base = value(chosen)
    if not chosen:
        return chosen, base
    gained, prefix, last = {}, list[int](), value([])
    for one in rng.permutation(chosen).tolist():
        prefix = [each for each in chosen if each in (*prefix, one)]
        gained[one], last = (new := value(prefix)) - last, new
    worst = min(chosen, key=lambda one: gained[one])
    place = chosen.index(worst)
    dropped = chosen[:place] + chosen[place + 1 :]
    drop = value(dropped) if len(chosen) > 1 else -np.inf
    others = [one for one in range(answers.bench.exemplars) if one not in chosen]
    tries = rng.choice(others, min(_CANDIDATES, len(others)), replace=False).tolist()
    replaced = [(value(each), each) for one in tries for each in [[*chosen[:place], one, *chosen[place + 1 :]]]]
    refined, better = max(replaced, default=(-np.inf, chosen))
    if refined >= drop and refined >= base:
        return better, refined
    return (dropped, drop) if drop >= base else (chosen, base)
