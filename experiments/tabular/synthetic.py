"""Synthetic: small made-up tables, in which exemplars, their order, pairs of them and system prompts have effects."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from experiments.tabular.recipes import all_prompts
from experiments.tabular.table import Table
from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.datasets.queries import QuerySet
from urial_opt.objective import Objective
from urial_opt.prompt import Exemplar
from urial_opt.records import Params, Query, Sampling
from urial_opt.spaces.space import NO_SYSTEM, Defaults, SearchSpace

STYLES = ("warm", "bare", "long")


def made_up(seed: int = 0, *, exemplars: int, systems: int, queries: int, longest: int) -> Table:
    """A table drawn from `seed`; a quarter of the queries are safety ones."""
    space = _space(exemplars=exemplars, systems=systems - 1, queries=queries, longest=longest)
    rng = np.random.default_rng(seed)
    prompts = tuple(all_prompts(space))
    aspects = list(Aspect)
    alone = {key: rng.normal(0.0, 0.5, len(aspects)) for key in space.exemplars}
    pairs = {pair: rng.normal(0.0, 0.3, len(aspects)) for pair in combinations(space.exemplars, 2)}
    system = {name: rng.normal(0.0, 0.2, len(aspects)) for name in space.systems}
    difficulty = rng.normal(0.0, 0.4, (queries, len(aspects)))
    verdicts = np.zeros((len(prompts), queries, len(aspects)), dtype=np.int8)
    due = np.array([[aspect in ASPECTS_OF[query.kind] for aspect in aspects] for query in space.queries.queries])
    for number, (name, keys) in enumerate(prompts):
        level = system[name] + sum((alone[key] * (1 + place) / 2 for place, key in enumerate(keys)), np.zeros(6))
        level += sum((effect for pair, effect in pairs.items() if set(pair) <= set(keys)), np.zeros(6))
        drawn = 3.0 + level + difficulty + rng.normal(0.0, 0.5, difficulty.shape)
        verdicts[number] = np.where(due, np.clip(np.rint(drawn), 1, 5), 0)
    return Table(
        name=f"synthetic {seed}",
        about="Made up.",
        space=space,
        prompts=prompts,
        verdicts=verdicts,
        answer_tokens=rng.integers(5, 90, verdicts.shape[:2]).astype(np.uint16),
        prompt_tokens=np.array([20 + 50 * len(prompt.exemplars) for prompt in prompts], dtype=np.int32),
    )


def _space(*, exemplars: int, systems: int, queries: int, longest: int) -> SearchSpace:
    pool = {
        f"topic{number}/{STYLES[number % len(STYLES)]}": Exemplar(
            query=f"What is topic {number}?",
            answer=f"Topic {number} is number {number}.",
            style=STYLES[number % len(STYLES)],
            tags=("safety" if number % 4 == 3 else "regular", STYLES[number % len(STYLES)]),
        )
        for number in range(exemplars)
    }
    asked = tuple(
        Query(
            id=f"query-{number:02d}",
            text=f"What is thing {number}?",
            kind="safety" if number % 4 == 3 else "regular",
            split="dev",
            tags=("fact",),
        )
        for number in range(queries)
    )
    hand: Params = {"system": NO_SYSTEM, "k": 1, "exemplar_0": next(iter(pool))}
    return SearchSpace(
        name="made-up",
        description="A made-up space.",
        exemplars=pool,
        system_prompts={f"system{number}": f"These are answers of kind {number}.\n" for number in range(systems)},
        clauses={},
        head="",
        tail="",
        k_min=0,
        k_max=longest,
        decoding={"temperature": (0.0,), "repetition_penalty": (1.0,), "max_tokens": (96,)},
        sampling=Sampling(),
        hand_written_params=hand,
        plain_icl_exemplars=(next(iter(pool)),),
        start_params=hand,
        objective=Objective(),
        constraints=(),
        queries=QuerySet(queries=asked),
        block=4,
        defaults=Defaults(),
    )
