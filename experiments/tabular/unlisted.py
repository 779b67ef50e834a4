"""Unlisted: a world and a bench on a space of which nobody has a table; what is asked is answered by an oracle.

    space = Unlisted(load_space("nano-hard"), Oracle(folder=...))
    world = space.world(seed=3)              for `replay`, as `Table.world`; the seed is the search's, queries stay
    bench = SpaceBench.on(space)             for the peers, as `Bench.of(world)`

Prompts get their numbers as they are met. A prompt that is longer than the space's constraints allow is the one without
its last exemplars, for every method: that is what our search proposes in its place, so nobody is charged for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from experiments.tabular.oracle import Oracle
from experiments.tabular.peers.judged import Bench, Parts
from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.datasets.queries import same_words
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.records import Candidate, Params, Query, Split
from urial_opt.search.token_budget import most_tokens
from urial_opt.spaces.space import SearchSpace, without_generations
from urial_opt.statistics.strata import FloatArray, IntArray

_UNLISTED = "the prompts of this space are too many to list; take a method that does not need them all"


class Unlisted:
    """The prompts of a space by number, with the verdicts on their answers."""

    def __init__(self, space: SearchSpace, oracle: Oracle) -> None:
        self.space = space
        self.oracle = oracle
        self.keys = [*space.exemplars]
        self.queries = [same_words(each.query) for each in space.exemplars.values()]
        self.prompts: list[Parts] = []
        self.numbers: dict[Parts, int] = {}
        self.most = most_tokens(space) or np.inf

    @property
    def name(self) -> str:
        return self.space.name

    def world(self, seed: int) -> SpaceWorld:
        """For a search of that seed."""
        return SpaceWorld(listed=self, seed=seed)

    def number(self, parts: Parts) -> int:
        """The number of a prompt, a new one if it was not met before."""
        if (known := self.numbers.get(parts)) is not None:
            return known
        self.numbers[parts] = len(self.prompts)
        self.prompts.append(parts)
        return len(self.prompts) - 1

    def index_of(self, params: Params) -> int:
        """The number of the prompt that these parameters describe."""
        system = self.space.systems.index(str(without_generations(params)["system"]))
        return self.number(Parts(system, tuple(self._places[key] for key in self.space.exemplar_keys(params))))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {key: place for place, key in enumerate(self.keys)}

    def candidate(self, number: int) -> Candidate:
        """A prompt by its number."""
        return self.space.candidate(self._params(self.prompts[number]))

    def _params(self, parts: Parts) -> Params:
        return self.space.params_of(
            system=self.space.systems[parts.system],
            exemplars=[self.keys[one] for one in parts.exemplars],
            decoding=self.space.hand_written_params,
        )

    @cached_property
    def hand_written(self) -> int:
        """The number of the prompt with which every search starts."""
        return self.index_of(self.space.start_params)

    def tokens(self, parts: Parts) -> int:
        """How long a prompt is: its parts, which the embedded tokenizer never joins, and what begins every text."""
        of_system, of_exemplars, begin = self._lengths
        if parts == Parts(0, ()):
            return 0
        return begin + of_system[parts.system] + sum(of_exemplars[one] for one in parts.exemplars)

    @cached_property
    def _lengths(self) -> tuple[list[int], list[int], int]:
        def counted(system: int, *exemplars: int) -> int:
            return self.oracle.prompt_tokens(self.space.candidate(self._params(Parts(system, exemplars))))

        begin = counted(0, 0) + counted(1) - counted(1, 0)
        systems = [0, *(counted(system) - begin for system in range(1, len(self.space.systems)))]
        return systems, [counted(0, one) - begin for one in range(len(self.keys))], begin

    def fits(self, parts: Parts) -> bool:
        """Whether the constraints allow a prompt of this length."""
        return self.tokens(parts) <= self.most

    def shortened(self, system: int, exemplars: Sequence[int]) -> Parts:
        """The prompt without exemplars whose query an earlier one has, and without the last ones until it fits."""
        first = {self.queries[one]: one for one in reversed(exemplars)}
        kept = [one for one in dict.fromkeys(exemplars) if first[self.queries[one]] == one]
        while kept and not self.fits(Parts(system, tuple(kept))):
            kept.pop()
        return Parts(system, tuple(kept))

    def scores(self, number: int, queries: Sequence[Query]) -> FloatArray:
        """The score of each answer, as `Objective.query_score` computes it; NaN where no aspect could be read."""
        ahead = self.space.queries.split(queries[0].split) if len(queries) else ()
        verdicts = self.oracle.verdicts(self.candidate(number), queries, ahead=ahead).astype(float)
        weights = self.space.objective.weights
        every = [[weights[a] if a in ASPECTS_OF[q.kind] else 0.0 for a in Aspect] for q in queries]
        due = np.array(every).reshape(verdicts.shape) * (verdicts > 0)
        total = due.sum(axis=1)
        with np.errstate(invalid="ignore"):
            scores: FloatArray = np.where(total > 0, (verdicts * due).sum(axis=1) / total, np.nan)
        return scores

    def truth(self, number: int, split: Split) -> float:
        """What a prompt is worth on one split: its average, by the strata of a search."""
        queries = self.space.queries.split(split)
        strata = strata_of(queries, self.space.objective)
        scores = dict(zip(strata.kinds, self.scores(number, queries).tolist(), strict=True))
        return float(np.mean(strata.contributions(scores)))


@dataclass(frozen=True, kw_only=True)
class SpaceWorld:
    """What a search of one seed sees of the space."""

    listed: Unlisted
    seed: int

    @property
    def space(self) -> SearchSpace:
        return self.listed.space

    @cached_property
    def queries(self) -> tuple[Query, ...]:
        """The dev queries."""
        return self.space.queries.split("dev")

    @property
    def full(self) -> int:
        """Judged answers of one full evaluation."""
        return len(self.queries)

    def index_of(self, params: Params) -> int:
        """The number of the prompt."""
        return self.listed.index_of(params)

    def candidate(self, number: int) -> Candidate:
        """A prompt by its number."""
        return self.listed.candidate(number)

    def allows(self, candidate: Candidate) -> bool:
        """Whether the constraints allow a prompt of this length."""
        return self.listed.fits(self.listed.prompts[self.index_of(candidate.params)])

    def scores_of(self, prompt: int, *, places: IntArray | Sequence[int] | None = None) -> FloatArray:
        """The score of some dev queries, by default of all, as a search sees it."""
        chosen = self.queries if places is None else [self.queries[place] for place in places]
        return self.listed.scores(prompt, chosen)


@dataclass(frozen=True, kw_only=True)
class SpaceBench(Bench):
    """The bench of an unlisted space. A draw takes one system, one K and exemplars, each equally likely.

    It has no `sets`, `number` and `features`, which are of all prompts: methods that need them are for tables.
    """

    listed: Unlisted

    @classmethod
    def on(cls, listed: Unlisted) -> SpaceBench:
        """The bench of the dev queries."""
        nothing = np.empty((0, len(listed.space.queries.split("dev"))))
        return cls(prompts=listed.prompts, scores=nothing, start=listed.hand_written, listed=listed)

    @property
    def queries(self) -> int:
        return len(self._dev[0])

    @cached_property
    def systems(self) -> int:
        return len(self.listed.space.systems)

    @cached_property
    def exemplars(self) -> int:
        return len(self.listed.keys)

    @cached_property
    def most(self) -> int:
        return self.listed.space.k_max

    @cached_property
    def sets(self) -> list[tuple[int, ...]]:
        raise NotImplementedError(_UNLISTED)

    @cached_property
    def number(self) -> dict[Parts, int]:
        raise NotImplementedError(_UNLISTED)

    @cached_property
    def features(self) -> FloatArray:
        raise NotImplementedError(_UNLISTED)

    @cached_property
    def _dev(self) -> tuple[tuple[Query, ...], FloatArray]:
        """The queries, and what a score of each counts."""
        queries = self.listed.space.queries.split("dev")
        strata = strata_of(queries, self.listed.space.objective)
        return queries, strata.contributions(dict.fromkeys(strata.kinds, 1.0))

    def score(self, prompt: int, queries: IntArray) -> FloatArray:
        every, multipliers = self._dev
        scores: FloatArray = self.listed.scores(prompt, [every[place] for place in queries]) * multipliers[queries]
        return scores

    def prompt(self, system: int, exemplars: Sequence[int]) -> int:
        """The number of a prompt, without repeated queries and without the last exemplars if it is too long."""
        return self.listed.number(self.listed.shortened(system, exemplars))

    def allowed(self, parts: Parts) -> bool:
        """Whether a prompt is in the space: no query twice, and not too long."""
        return self.listed.shortened(parts.system, parts.exemplars) == parts

    def numbers(self, found: Sequence[Parts]) -> list[int]:
        return [self.listed.number(parts) for parts in found if self.allowed(parts)]

    def shuffled(self, rng: np.random.Generator) -> Iterator[int]:
        """Prompts at random without end, none twice."""
        met: set[int] = set()
        while True:
            chosen = rng.permutation(self.exemplars)[: rng.integers(self.most + 1)]
            number = self.prompt(int(rng.integers(self.systems)), chosen.tolist())
            if number not in met:
                met.add(number)
                yield number

    def drawn_sets(self, rng: np.random.Generator, number: int) -> list[tuple[int, ...]]:
        """So many ordered sets of exemplars at random."""
        found: dict[tuple[int, ...], None] = {}
        while len(found) < number:
            chosen = rng.permutation(self.exemplars)[: rng.integers(self.most + 1)]
            found[self.listed.shortened(0, chosen.tolist()).exemplars] = None
        return [*found]
