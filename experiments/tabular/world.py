"""World: a table whose queries are split anew, with a space, a generator and a judge: for searches and replays.

world = Table.load("A").world(seed=3)
search_space(world.space, world.models, store, options=SearchOptions(seed=3))    a real search; no model is asked
world.scores_of(params)                                                          the same, at once and in memory
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from experiments.tabular.table import Table
from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.datasets.queries import QuerySet, draw
from urial_opt.errors import AdapterError
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.records import Candidate, Completion, Judgment, Params, Query, Sampling, Usage
from urial_opt.roles import Models
from urial_opt.search.token_budget import most_tokens
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_form import BLOCK
from urial_opt.statistics.strata import FloatArray, IntArray, Strata

_NAMED = re.compile(r"prompt (\d+), query (\S+)")


@dataclass(frozen=True, kw_only=True)
class World:
    """One split of a table's queries: half of each kind is `dev`, the others are `validation`."""

    table: Table
    seed: int

    def __repr__(self) -> str:
        return f"World({self.table.name!r}, seed {self.seed})"

    @cached_property
    def space(self) -> SearchSpace:
        """The table's space, with this world's split and today's block; `replace` it to change that."""
        there = self.table.queries
        dev = {query.id for query in half_of(there, self.seed)}
        split = tuple(replace(query, split="dev" if query.id in dev else "validation") for query in there)
        return replace(self.table.space, queries=QuerySet(queries=split), block=BLOCK)

    @cached_property
    def dev(self) -> IntArray:
        """The places of the dev queries among the table's, in the order of `space.queries.split("dev")`."""
        return self._places("dev")

    @cached_property
    def validation(self) -> IntArray:
        """The places of the queries held out."""
        return self._places("validation")

    def _places(self, split: str) -> IntArray:
        queries = self.space.queries.queries
        return np.array([place for place, query in enumerate(queries) if query.split == split], dtype=np.int64)

    @cached_property
    def queries(self) -> tuple[Query, ...]:
        """The dev queries."""
        return self.space.queries.split("dev")

    @property
    def full(self) -> int:
        """Judged answers of one full evaluation."""
        return len(self.dev)

    @cached_property
    def strata(self) -> Strata:
        """Kinds and weights of the dev queries: `strata.contributions` are what a race compares."""
        return strata_of([self.table.queries[place] for place in self.dev], self.space.objective)

    @cached_property
    def multipliers(self) -> FloatArray:
        """Score times multiplier is a dev query's contribution; the plain mean of contributions is the average."""
        return self.strata.contributions(dict.fromkeys(self.strata.kinds, 1.0))

    def blocks(self, size: int, *, seed: int = 0) -> list[IntArray]:
        """The dev queries in the blocks in which a search of that `seed` asks them, as places in `scores_of`."""
        places = {self.table.queries[place].id: number for number, place in enumerate(self.dev)}
        blocks = self.space.queries.blocks("dev", size, seed=seed)
        return [np.array([places[query.id] for query in block], dtype=np.int64) for block in blocks]

    def index_of(self, params: Params) -> int:
        """The number of the prompt in the table."""
        return self.table.index_of(params)

    def candidate(self, number: int) -> Candidate:
        """A prompt by its number."""
        return self.table.candidate(number)

    def allows(self, candidate: Candidate) -> bool:
        """Whether the constraints allow a prompt of this length."""
        most = most_tokens(self.space)
        return most is None or bool(self.table.prompt_tokens[self.index_of(candidate.params)] <= most)

    def scores_of(
        self, prompt: int | Params, *, repeat: int = 0, places: IntArray | Sequence[int] | None = None
    ) -> FloatArray:
        """The score of each dev query, or of those at `places`, as a search sees it; NaN if its verdict is missing."""
        number = prompt if isinstance(prompt, int) else self.index_of(prompt)
        scores: FloatArray = self._scores(slice(number, number + 1), repeat=repeat)[0]
        return scores if places is None else scores[np.asarray(places)]

    def scores_of_all(self, *, repeat: int = 0) -> FloatArray:
        """The same of all prompts of the table: prompts x dev queries."""
        return self._scores(slice(None), repeat=repeat)

    def _scores(self, prompts: slice, *, repeat: int) -> FloatArray:
        said = self.table.said(prompts, world=self.seed, repeat=repeat)
        scores: FloatArray = self.table.averages_of(said)[:, self.dev]
        return scores

    @cached_property
    def searched(self) -> FloatArray:
        """What each prompt is worth on the queries that a search sees, without the judge's noise."""
        return self.table.means(self.table.averages, self.dev)

    @cached_property
    def held_out(self) -> FloatArray:
        """What each prompt is worth on the queries held out, without the judge's noise."""
        return self.table.means(self.table.averages, self.validation)

    @cached_property
    def generator(self) -> TableGenerator:
        """Answers under the table's prompts; counts how many it gave."""
        return TableGenerator(self.table)

    def judge(self, *, repeat: int = 0) -> TableJudge:
        """Reads the verdicts of the table; another `repeat` asks a noisy judge once more."""
        return TableJudge(self.table, world=self.seed, repeat=repeat)

    @property
    def models(self) -> Models:
        """Generator and judge for a search."""
        return Models(base=self.generator, judge=self.judge())


def half_of(queries: Sequence[Query], seed: int) -> list[Query]:
    """Half of the queries of each kind, drawn by `seed`."""
    found: list[Query] = []
    for kind in ASPECTS_OF:
        drawn = sorted((query for query in queries if query.kind == kind), key=lambda query: draw(seed, query.id))
        found += drawn[: len(drawn) // 2]
    return found


@dataclass
class TableGenerator:
    """A generator that knows the prompts of a table. Its answers name the prompt and the query, for `TableJudge`."""

    table: Table
    answered: int = field(default=0, init=False)
    """How many answers it gave."""

    @property
    def identity(self) -> str:
        return f"table:{self.table.name}"

    @cached_property
    def _queries(self) -> dict[str, int]:
        prompt = self.table.candidate(self.table.hand_written).prompt
        return {prompt.suffix(query.text): place for place, query in enumerate(self.table.queries)}

    def generate(self, prefix: str, suffixes: Sequence[str], _sampling: Sampling) -> list[Completion]:
        """As `protocols.Generator`; AdapterError if the table lacks the prompt or a query."""
        if prefix not in self.table.prefixes:
            raise AdapterError(f"{self.identity} has no prompt that begins {prefix[:60]!r}; propose one of its space")
        number = self.table.prefixes[prefix]
        if unknown := next((suffix for suffix in suffixes if suffix not in self._queries), None):
            raise AdapterError(f"{self.identity} has no query {unknown!r}; ask one of its space")
        self.answered += len(suffixes)
        places = [self._queries[suffix] for suffix in suffixes]
        prefix_tokens = int(self.table.prompt_tokens[number])
        return [
            Completion(
                text=f"prompt {number}, query {self.table.queries[place].id}",
                finish_reason="stop",
                usage=Usage(
                    prompt_tokens=0 if row else prefix_tokens,
                    completion_tokens=int(self.table.answer_tokens[number, place]),
                    saved_tokens=prefix_tokens if row else 0,
                ),
            )
            for row, place in enumerate(places)
        ]


@dataclass
class TableJudge:
    """The verdicts of a table on the answers of `TableGenerator`."""

    table: Table
    world: int = 0
    repeat: int = 0

    @property
    def identity(self) -> str:
        noise = f" world {self.world} repeat {self.repeat}" if self.table.noise else ""
        return f"table:{self.table.name}{noise}"

    @cached_property
    def _places(self) -> dict[str, int]:
        return {query.id: place for place, query in enumerate(self.table.queries)}

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        """As `protocols.Judge`; AdapterError if an answer is not of this table."""
        found: list[Judgment] = []
        said: dict[int, FloatArray] = {}
        for query, completion in zip(queries, completions, strict=True):
            named = _NAMED.fullmatch(completion.text)
            if named is None or named[2] != query.id:
                raise AdapterError(f"{self.identity} cannot judge {completion.text!r} as an answer to {query.id!r}")
            number = int(named[1])
            if number not in said:
                rows = self.table.said(slice(number, number + 1), world=self.world, repeat=self.repeat)
                said[number] = rows[0]
            row = said[number][self._places[query.id]]
            scores = dict(zip(Aspect, row.tolist(), strict=True))
            found.append(
                Judgment(
                    query_id=query.id,
                    judge=self.identity,
                    scores={a: None if np.isnan(scores[a]) else scores[a] for a in ASPECTS_OF[query.kind]},
                )
            )
        return found
