"""Simple methods: random search, successive halving, greedy forward selection and local search without a race."""

from __future__ import annotations

from itertools import chain, islice

import numpy as np

from experiments.tabular.peers.judged import Best, JudgedAnswers

_RUNGS = (6, 12, 24, 48)
"""Queries after which successive halving drops half of its prompts, of 48."""


def random_search(answers: JudgedAnswers, seed: int) -> None:
    """The hand-written prompt, then prompts at random, each on all queries."""
    best = Best(answers)
    best.evaluate(answers.bench.start)
    for prompt in answers.bench.shuffled(np.random.default_rng(seed)):
        best.evaluate(prompt)


def successive_halving(answers: JudgedAnswers, seed: int) -> None:
    """Brackets of 16 prompts at random (Karnin et al. 2013), the first with the hand-written one; half go on."""
    rng = np.random.default_rng(seed)
    bench, best = answers.bench, Best(answers)
    rungs = [max(1, round(rung * bench.queries / _RUNGS[-1])) for rung in _RUNGS]
    order = chain([bench.start], bench.shuffled(rng))
    while going := [*islice(order, 2 ** len(rungs))]:
        queries = rng.permutation(bench.queries)
        for rung in rungs:
            going.sort(key=lambda prompt: -answers.mean(prompt, queries[:rung]))
            going = going[: max(1, len(going) // 2)]
        best.evaluate(going[0])


def greedy_forward(answers: JudgedAnswers, seed: int) -> None:
    """From no exemplars, append the one that scores best until K is reached; then the system; then again from there.

    When nothing more can be appended, each exemplar is replaced by the best one for its place, in turn.
    """
    rng = np.random.default_rng(seed)
    bench, best = answers.bench, Best(answers)
    best.evaluate(bench.start)
    system = bench.prompts[bench.start].system
    chosen: tuple[int, ...] = ()
    while len(chosen) < bench.most:
        others = [one for one in rng.permutation(bench.exemplars).tolist() if one not in chosen]
        chosen = max(((*chosen, one) for one in others), key=lambda each: best.evaluate(bench.prompt(system, each)))
    while len(answers.complete) < len(bench.prompts):
        systems = rng.permutation(bench.systems).tolist()
        system = max(systems, key=lambda each: best.evaluate(bench.prompt(each, chosen)))
        for place in range(len(chosen)):
            others = [one for one in rng.permutation(bench.exemplars).tolist() if one not in chosen] + [chosen[place]]
            tries = [(*chosen[:place], one, *chosen[place + 1 :]) for one in others]
            chosen = max(tries, key=lambda each: best.evaluate(bench.prompt(system, each)))
        before = answers.judged
        best.evaluate(int(rng.choice(bench.changes(bench.prompt(system, chosen)))))
        if answers.judged == before:
            chosen = bench.sets[int(rng.integers(len(bench.sets)))]
