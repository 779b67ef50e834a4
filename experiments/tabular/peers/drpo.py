"""DRPO: the beam search of Dynamic Rewarding with Prompt Optimization (Singla et al. 2024), on the parts of a table.

A state is a prompt, and an action a change that the optimizing model proposes; here it draws one at random. As in its
code, the children of a depth are judged on the same query, a state's reward is the mean along its path, and beam 2, 3
actions and depth 20 are the defaults. DRPO stops there, after some 120 judged answers; a run that has budget left
begins again from what it found.
"""

from __future__ import annotations

import numpy as np

from experiments.tabular.peers.judged import JudgedAnswers

_BEAM, _ACTIONS, _DEPTH = 2, 3, 20
_BLOCK = 16


def drpo_published(answers: JudgedAnswers, seed: int) -> None:
    """One query at each depth, as published."""
    _run(answers, seed, block=1)


def drpo_blocks(answers: JudgedAnswers, seed: int) -> None:
    """The same with blocks of 16 queries, so that it judges better what it keeps."""
    _run(answers, seed, block=_BLOCK)


def _run(answers: JudgedAnswers, seed: int, *, block: int) -> None:
    rng = np.random.default_rng(seed)
    bench = answers.bench
    order = rng.permutation(bench.queries)
    root, depths, idle = bench.start, 0, 0
    while idle < _DEPTH:  # restarts that learn nothing new
        before = answers.judged
        beam = [(root, [answers.mean(root, np.take(order, range(block), mode="wrap"))])]
        for _ in range(_DEPTH):
            depths += 1
            queries = np.take(order, range(depths * block, (depths + 1) * block), mode="wrap")
            children = []
            for prompt, rewards in beam:
                options = bench.changes(prompt)
                for child in rng.choice(options, min(_ACTIONS, len(options)), replace=False).tolist():
                    children.append((child, [*rewards, answers.mean(child, queries)]))
            children.sort(key=lambda child: -float(np.mean(child[1])))
            beam = children[:_BEAM]
            answers.recommend(beam[0][0])
        root = beam[0][0]
        idle = idle + 1 if answers.judged == before else 0
