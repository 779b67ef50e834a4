"""Pareto parents: prompts that are each best on some queries, from which new ones are made (as in GEPA)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from random import Random

Scores = Mapping[str, float | None]
"""By query."""


def front(scores: Mapping[int, Scores]) -> dict[int, tuple[str, ...]]:
    """The queries on which each trial is best or equal to the best, for the trials that no others replace.

    `scores` are those of trials that were asked the same queries. A trial is replaced if the others that stay are
    best wherever it is; the one that is best on the fewest queries goes first, of equals the later one.
    """
    best: dict[str, float] = {}
    for each in scores.values():
        for query, score in each.items():
            if score is not None:
                best[query] = max(score, best.get(query, score))
    wins = {
        trial: {query for query, score in each.items() if score is not None and score == best[query]}
        for trial, each in scores.items()
    }
    for trial in sorted(wins, key=lambda trial: (len(wins[trial]), -trial)):
        others = set[str]().union(*(won for other, won in wins.items() if other != trial))
        if wins[trial] <= others:
            del wins[trial]
    return {trial: tuple(sorted(won)) for trial, won in sorted(wins.items())}


def parents(
    scores: Mapping[int, Scores], part: Callable[[int], Hashable], *, number: int, seed: str
) -> list[tuple[int, tuple[str, ...]]]:
    """At most `number` trials of the front with different parts, and the queries on which each is best.

    They are drawn, each as probably as the number of its queries says; the same seed draws the same ones.
    """
    left = front(scores)
    dice = Random(seed)
    drawn: list[tuple[int, tuple[str, ...]]] = []
    while left and len(drawn) < number:
        [trial] = dice.choices([*left], weights=[len(won) for won in left.values()])
        drawn.append((trial, left[trial]))
        left = {other: won for other, won in left.items() if part(other) != part(trial)}
    return drawn
