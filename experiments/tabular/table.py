"""Table: every prompt of a bounded space with the verdicts on its answers, so that a search needs no model.

    table = Table.load("A")              or a path; "C" is A with a judge like a large language model's
    world = table.world(seed=3)          its queries split anew into dev and validation (`world.py`)

What a prompt is worth is its mean over all queries, by the objective and the strata of a search.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from experiments.tabular.noise import Noise
from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.errors import InputError, UnknownNameError
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.records import Candidate, Params, Query
from urial_opt.spaces.space import SearchSpace, without_generations
from urial_opt.spaces.space_json import read_space_text, space_text
from urial_opt.statistics.strata import FloatArray, IntArray, stratified_mean

if TYPE_CHECKING:
    from experiments.tabular.world import World

TABLES = Path(__file__).with_name("tables")
NOISY = {"C": "A"}
"""Tables that are another one with a noisy judge."""


class PromptKey(NamedTuple):
    """A prompt of a table: the name of its system prompt and the keys of its exemplars in order."""

    system: str
    exemplars: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Table:
    """A bounded space with a verdict for every prompt and query. Its arrays are never changed."""

    name: str
    about: str
    """Which models answered and judged."""
    space: SearchSpace
    """The bounded space, with the queries in the order of the arrays and in the splits that they come from."""
    prompts: tuple[PromptKey, ...]
    verdicts: npt.NDArray[np.int8]
    """Prompts x queries x aspects: 1 to 5, and 0 where an aspect is not due or has no verdict."""
    answer_tokens: npt.NDArray[np.uint16]
    """Prompts x queries."""
    prompt_tokens: npt.NDArray[np.int32]
    """Tokens of each prompt without the query."""
    noise: Noise | None = None

    def __repr__(self) -> str:
        return f"Table({self.name!r}: {len(self.prompts)} prompts, {len(self.queries)} queries)"

    @classmethod
    def load(cls, name_or_path: str | Path) -> Table:
        """The table of that name beside this file, or in that file (.npz); UnknownNameError if there is none."""
        if (name := str(name_or_path)) in NOISY:
            return replace(noisy(cls.load(NOISY[name])), name=name)
        path = Path(name) if name.endswith(".npz") else TABLES / f"{name}.npz"
        if not path.is_file():
            known = [*(file.stem for file in TABLES.glob("*.npz")), *NOISY]
            raise UnknownNameError.of("table", name, known)
        with np.load(path) as file:
            head = json.loads(bytes(file["head"]))
            # On disk the prompts come last, since their neighbours are alike, which compresses well.
            arrays = {each: np.moveaxis(file[each], -1, 0).copy() for each in ("verdicts", "answer_tokens")}
            return cls(
                name=head["name"],
                about=head["about"],
                space=read_space_text(json.dumps(head["space"])),
                prompts=tuple(PromptKey(system, tuple(exemplars)) for system, *exemplars in head["prompts"]),
                prompt_tokens=file["prompt_tokens"],
                **arrays,
            )

    @classmethod
    def synthetic(
        cls, seed: int = 0, *, exemplars: int = 5, systems: int = 2, queries: int = 16, longest: int = 2
    ) -> Table:
        """A small made-up table, for tests and first tries: see `synthetic.py`."""
        from experiments.tabular.synthetic import made_up

        return made_up(seed, exemplars=exemplars, systems=systems, queries=queries, longest=longest)

    def save(self, path: Path) -> None:
        """Write the table, without noise, to a file (.npz)."""
        head = {
            "name": self.name,
            "about": self.about,
            "space": json.loads(space_text(self.space)),
            "prompts": [[prompt.system, *prompt.exemplars] for prompt in self.prompts],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            path,
            head=np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), dtype=np.uint8),
            verdicts=np.ascontiguousarray(np.moveaxis(self.verdicts, 0, -1)),
            answer_tokens=np.ascontiguousarray(np.moveaxis(self.answer_tokens, 0, -1)),
            prompt_tokens=self.prompt_tokens,
        )

    def world(self, seed: int) -> World:
        """This table's queries split by `seed`, with a space, a generator and a judge to search on."""
        from experiments.tabular.world import World

        return World(table=self, seed=seed)

    @property
    def queries(self) -> tuple[Query, ...]:
        """The queries, in the order of the arrays."""
        return self.space.queries.queries

    @cached_property
    def systems(self) -> tuple[str, ...]:
        """The system prompts, `none` among them."""
        return self.space.systems

    @cached_property
    def numbers(self) -> dict[PromptKey, int]:
        """The number of each prompt."""
        return {prompt: number for number, prompt in enumerate(self.prompts)}

    def index_of(self, params: Params) -> int:
        """The number of the prompt that these parameters describe; InputError if the table lacks it."""
        system = str(without_generations(params).get("system", ""))
        prompt = PromptKey(system, self.space.exemplar_keys(params))
        if prompt not in self.numbers:
            raise InputError(f"the table {self.name!r} has no prompt {prompt}; take one of its space")
        return self.numbers[prompt]

    def params_of(self, number: int) -> Params:
        """The parameters of a prompt, by its number."""
        system, exemplars = self.prompts[number]
        decoding = self.space.hand_written_params
        return self.space.params_of(system=system, exemplars=exemplars, decoding=decoding)

    @cached_property
    def prefixes(self) -> dict[str, int]:
        """The number of each prompt by its text."""
        return {self.candidate(number).prompt.prefix: number for number in range(len(self.prompts))}

    def candidate(self, number: int) -> Candidate:
        """A prompt by its number."""
        return self.space.candidate(self.params_of(number))

    @cached_property
    def scores(self) -> FloatArray:
        """The verdicts without noise, NaN where there is none: prompts x queries x aspects."""
        return np.where(self.verdicts > 0, self.verdicts.astype(np.float64), np.nan)

    @cached_property
    def longer(self) -> FloatArray:
        """How many tokens each answer is longer than the usual one of its query: prompts x queries."""
        usual: FloatArray = np.median(self.answer_tokens, axis=0)
        return self.answer_tokens.astype(np.float64) - usual

    def said(self, prompts: slice | IntArray, *, world: int = 0, repeat: int = 0) -> FloatArray:
        """What the judge says of the answers of some prompts: prompts x queries x aspects, NaN for no verdict.

        Without noise it is the same in every `world` and `repeat`.
        """
        if self.noise is None:
            return self.scores[prompts]
        cells = np.arange(self.answer_tokens.size, dtype=np.int64).reshape(self.answer_tokens.shape)
        return self.noise.verdicts(
            self.scores[prompts], self.longer[prompts], cells[prompts], world=world, repeat=repeat
        )

    def averages_of(self, scores: FloatArray) -> FloatArray:
        """Score of each answer as `Objective.query_score` computes it, NaN where no aspect could be read."""
        weights = self.space.objective.weights
        due = np.array([[w if a in ASPECTS_OF[q.kind] else 0.0 for a, w in weights.items()] for q in self.queries])
        order = [list(weights).index(aspect) for aspect in Aspect]
        parts = np.where(np.isnan(scores), 0.0, due[:, order])
        total = parts.sum(axis=-1)
        with np.errstate(invalid="ignore"):
            averages: FloatArray = np.where(total > 0, (np.nan_to_num(scores) * parts).sum(axis=-1) / total, np.nan)
        return averages

    @cached_property
    def averages(self) -> FloatArray:
        """What each answer is worth, over all repeats of the judge: prompts x queries."""
        expected = self.noise.expected(self.scores, self.longer) if self.noise else self.scores
        return self.averages_of(expected)

    def means(self, averages: FloatArray, queries: IntArray | None = None) -> FloatArray:
        """The average of each prompt by its `averages` (prompts x queries), on all or some of the queries."""
        chosen = np.arange(len(self.queries)) if queries is None else queries
        strata = strata_of([self.queries[number] for number in chosen], self.space.objective)
        ids = list(strata.kinds)
        rows = averages[:, chosen]
        scores = ({q: s for q, s in zip(ids, row, strict=True) if s == s} for row in rows.tolist())
        return np.array([stratified_mean(each, strata).mean for each in scores])

    @cached_property
    def truth(self) -> FloatArray:
        """What each prompt is worth, over all queries: what a search can find by what its judge rewards."""
        return self.means(self.averages)

    @cached_property
    def quiet_truth(self) -> FloatArray:
        """The same without the judge's noise and bias."""
        return self.truth if self.noise is None else self.means(self.averages_of(self.scores))

    @property
    def best(self) -> int:
        """The number of the best prompt."""
        return int(np.nanargmax(self.truth))

    @property
    def optimum(self) -> float:
        """What the best prompt is worth."""
        return float(self.truth[self.best])

    @cached_property
    def hand_written(self) -> int:
        """The number of the hand-written prompt, with which a search starts."""
        return self.index_of(self.space.hand_written_params)

    @cached_property
    def zero_shot(self) -> int:
        """The number of the query alone."""
        return self.numbers[PromptKey("none", ())]


def noisy(table: Table, seed: int = 0, **changes: float) -> Table:
    """The table with a judge like a large language model's; `changes` are those of `Noise`."""
    noise = replace(Noise(seed=seed), **changes)  # type: ignore[arg-type]
    return replace(table, name=f"{table.name} with noise {seed}", noise=noise)
