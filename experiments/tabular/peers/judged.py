"""Judged answers: the prompts and scores of a table as a peer sees them, and how many answers it has had judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations

import numpy as np

from experiments.tabular.measure import Step
from experiments.tabular.world import World
from urial_opt.statistics.strata import FloatArray, IntArray


class BudgetSpent(BaseException):
    """The next question costs more than is left; no Exception, since optimizers catch those and go on."""


@dataclass(frozen=True, slots=True, order=True)
class Parts:
    """A prompt as numbers: its system prompt, and its exemplars in order."""

    system: int
    exemplars: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """All prompts of a bounded space with the score of each query, the dev queries of one seed."""

    prompts: Sequence[Parts]
    scores: FloatArray
    """[prompt, query]: contributions, whose plain mean is the objective. A verdict that is missing is nan."""
    start: int
    """The hand-written prompt, from which methods begin that begin somewhere."""

    @classmethod
    def of(cls, world: World) -> Bench:
        """A world's bench; the noise of its judge is that of its first repeat."""
        table = world.table
        systems = {name: number for number, name in enumerate(table.systems)}
        exemplars = {key: number for number, key in enumerate(table.space.exemplars)}
        return cls(
            prompts=[
                Parts(systems[each.system], tuple(exemplars[key] for key in each.exemplars)) for each in table.prompts
            ],
            scores=world.scores_of_all() * world.multipliers,
            start=table.hand_written,
        )

    @property
    def queries(self) -> int:
        return len(self.scores[0])

    @cached_property
    def systems(self) -> int:
        return 1 + max(parts.system for parts in self.prompts)

    @cached_property
    def exemplars(self) -> int:
        return 1 + max(max(parts.exemplars, default=-1) for parts in self.prompts)

    @cached_property
    def most(self) -> int:
        """The largest number of exemplars in a prompt."""
        return max(len(parts.exemplars) for parts in self.prompts)

    @cached_property
    def sets(self) -> list[tuple[int, ...]]:
        """All ordered sets of exemplars, the smallest first."""
        return sorted({parts.exemplars for parts in self.prompts}, key=lambda chosen: (len(chosen), chosen))

    @cached_property
    def number(self) -> dict[Parts, int]:
        return {parts: number for number, parts in enumerate(self.prompts)}

    def prompt(self, system: int, exemplars: Sequence[int]) -> int:
        """The number of a prompt; an exemplar that the table has in no prompt after those before it is left out."""
        kept: tuple[int, ...] = ()
        for one in exemplars:
            if Parts(system, (*kept, one)) in self.number:
                kept = (*kept, one)
        return self.number[Parts(system, kept)]

    def changes(self, prompt: int) -> list[int]:
        """The prompts that are one change away: another system, an exemplar replaced, added, taken away or moved."""
        system, chosen = self.prompts[prompt].system, self.prompts[prompt].exemplars
        others = [one for one in range(self.exemplars) if one not in chosen]
        k = len(chosen)
        sets = {(*chosen[:i], one, *chosen[i + 1 :]) for i in range(k) for one in others}
        sets |= {(*chosen[:i], one, *chosen[i:]) for i in range(k + 1) for one in others if k < self.most}
        sets |= {chosen[:i] + chosen[i + 1 :] for i in range(k)}
        sets |= {
            moved for moved in permutations(chosen) if sum(a != b for a, b in zip(moved, chosen, strict=True)) == 2
        }
        found = [Parts(system, each) for each in sorted(sets)]
        found += [Parts(other, chosen) for other in range(self.systems) if other != system]
        return self.numbers(found)

    def numbers(self, found: Sequence[Parts]) -> list[int]:
        """The numbers of those that are there."""
        return [self.number[parts] for parts in found if parts in self.number]

    def score(self, prompt: int, queries: IntArray) -> FloatArray:
        """The contributions of some queries under a prompt."""
        scores: FloatArray = self.scores[prompt, queries]
        return scores

    def shuffled(self, rng: np.random.Generator) -> Iterator[int]:
        """All prompts, in random order."""
        yield from rng.permutation(len(self.prompts)).tolist()

    def drawn_sets(self, rng: np.random.Generator, number: int) -> list[tuple[int, ...]]:
        """So many ordered sets of exemplars at random, or all of them if there are fewer."""
        drawn = rng.choice(len(self.sets), min(number, len(self.sets)), replace=False)
        return [self.sets[place] for place in drawn]

    @cached_property
    def features(self) -> FloatArray:
        """[prompt, feature]: intercept, system, K, each exemplar, each exemplar in each place."""
        rows = np.zeros((len(self.prompts), 1 + self.systems + self.most + 1 + self.exemplars * (1 + self.most)))
        rows[:, 0] = 1
        for row, parts in zip(rows, self.prompts, strict=True):
            row[1 + parts.system] = 1
            row[1 + self.systems + len(parts.exemplars)] = 1
            for place, one in enumerate(parts.exemplars):
                row[2 + self.systems + self.most + one] = 1
                row[2 + self.systems + self.most + self.exemplars * (1 + place) + one] = 1
        return rows


@dataclass(slots=True)
class JudgedAnswers:
    """The questions that one run of a method has asked; each pair of prompt and query is paid once."""

    bench: Bench
    budget: int
    steps: list[Step] = field(init=False)
    asked: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = field(init=False)
    judged: int = 0
    _sum: float = 0.0
    _known: int = 0

    def __post_init__(self) -> None:
        self.steps = [Step(answers=0, recommended=self.bench.start)]
        self.asked = np.zeros(self.bench.scores.shape, dtype=bool)  # grows with a bench that numbers what it meets

    def ask(self, prompt: int, queries: Sequence[int] | IntArray | None = None) -> FloatArray:
        """The scores of `prompt` on these queries, by default all; BudgetSpent if they cost more than is left.

        A missing verdict is paid for, and stands as the mean of all verdicts so far: most peers know no missing ones.
        """
        places = np.arange(self.bench.queries) if queries is None else np.asarray(queries, dtype=int)
        if prompt >= len(self.asked):
            more = max(prompt + 1 - len(self.asked), len(self.asked))
            self.asked = np.vstack([self.asked, np.zeros((more, self.bench.queries), dtype=bool)])
        new = np.unique(places[~self.asked[prompt, places]])
        if self.judged + len(new) > self.budget:
            raise BudgetSpent
        self.asked[prompt, new] = True
        self.judged += len(new)
        fresh = self.bench.score(prompt, new)
        self._sum += float(np.nansum(fresh))
        self._known += int(np.isfinite(fresh).sum())
        scores = self.bench.score(prompt, places)
        return np.where(np.isnan(scores), self._sum / max(self._known, 1), scores)

    def mean(self, prompt: int, queries: Sequence[int] | IntArray | None = None) -> float:
        return float(self.ask(prompt, queries).mean())

    def recommend(self, prompt: int) -> None:
        """Note that the method would return `prompt` now."""
        if prompt != self.steps[-1].recommended:
            self.steps.append(Step(answers=self.judged, recommended=prompt))

    @property
    def complete(self) -> IntArray:
        """The prompts whose queries have all been asked."""
        return np.flatnonzero(self.asked.all(axis=1))


class Best:
    """The best prompt of those that were judged on all queries, by their plain mean."""

    def __init__(self, answers: JudgedAnswers) -> None:
        self.answers = answers
        self.prompt = answers.bench.start
        self.score = -np.inf

    def evaluate(self, prompt: int) -> float:
        """Judge `prompt` on all queries, and recommend it if it is the best so far."""
        score = self.answers.mean(prompt)
        if score > self.score:
            self.prompt, self.score = prompt, score
            self.answers.recommend(prompt)
        return score


Method = Callable[[JudgedAnswers, int], None]
"""Searches with the given seed until it ends by itself or `ask` raises BudgetSpent, and recommends as it goes."""


def play(method: Method, bench: Bench, *, seed: int, budget: int) -> list[Step]:
    """What one run recommends, from the hand-written prompt before any answer to the last one, at the whole budget."""
    answers = JudgedAnswers(bench, budget)
    with suppress(BudgetSpent):
        method(answers, seed)
    return [*answers.steps, Step(answers=budget, recommended=answers.steps[-1].recommended)]
