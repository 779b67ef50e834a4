"""Search space: the exemplars, system prompts and decoding that a search may combine, as parameters for Optuna."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar, cast

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import BaseTrial

from urial_opt.aspects import Aspect
from urial_opt.content import content_id
from urial_opt.datasets.queries import QuerySet, same_words
from urial_opt.datasets.written import Written
from urial_opt.errors import InputError, UnknownNameError
from urial_opt.objective import COST, Constraint, Objective, TokenCount
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.records import Candidate, Params, Sampling
from urial_opt.spaces.restyling import StyleRule

ParamValue: TypeAlias = str | int | float | bool
ChoiceT = TypeVar("ChoiceT", str, int, float, bool)

NO_SYSTEM = "none"
COMPOSED = "composed"
IMPORTED = "imported"
_SLOT = re.compile(r"(system|exemplar_\d+)(?:@\d+)?")
"""A parameter whose choices may grow, without its generation."""


_NOT_HASHED = (
    *("name", "description", "defaults"),  # they change nothing
    *("exemplar_floor", "barred"),  # a search stores its floor among its settings
    *("generation", "system_generation", "parents", "styles"),  # what grows is stored with the search
)
"""The fields that are no part of a space's fingerprint."""


class Defaults(Written):
    """Names of the models, such as `nano` or `hf:NAME`, that a search uses if the command line names none."""

    base: str | None = None
    aligned: str | None = None
    judge: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SearchSpace:
    """The prompts that a search may propose, the queries, and the yardsticks to compare with."""

    name: str
    description: str
    exemplars: Mapping[str, Exemplar]
    """By key, such as `tea/warm`. `Exemplar.tags` begins with kind and style, except for imported exemplars."""
    system_prompts: Mapping[str, str]
    """Whole system texts by name."""
    clauses: Mapping[str, str]
    """The parts of the system prompt `composed`, in this order."""
    head: str
    """Text before the clauses."""
    tail: str
    """Text after the clauses."""
    k_min: int
    k_max: int
    decoding: Mapping[str, tuple[int | float, ...]]
    """Choices of `temperature`, `repetition_penalty` and `max_tokens`."""
    sampling: Sampling
    """The settings that all candidates share: `top_p` and `stop`."""
    hand_written_params: Params
    plain_icl_exemplars: tuple[str, ...]
    start_params: Params
    """The starting prompt of a search: the hand-written one, or an imported one (`variants.starting_from`)."""
    objective: Objective
    constraints: tuple[Constraint, ...]
    """Bounds that the prompt chosen at the end should satisfy."""
    queries: QuerySet
    block: int
    """Number of queries in a block of a race."""
    defaults: Defaults
    exemplar_floor: Mapping[Aspect, float] = field(default_factory=dict)
    """The minimum score, by aspect, that an exemplar's own answer needs for the exemplar to be proposed."""
    barred: Mapping[str, Exemplar] = field(default_factory=dict)
    """Exemplars below the floor, by key: yardsticks may contain them, but proposals do not."""
    styles: Mapping[str, StyleRule] = field(default_factory=dict)
    """Rules for styles, by name, which a proposer may apply to exemplars."""
    generation: int = 0
    """How often the exemplars have grown. Each generation has its own slots: Optuna rejects changed categoricals."""
    system_generation: int = 0
    """How often the system prompts have grown."""
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What written exemplars and system prompts were made from: keys and names, the most important first."""

    def __repr__(self) -> str:
        pool = f"{len(self.exemplars)} exemplars, {len(self.systems)} system prompts"
        return f"SearchSpace({self.name!r}: {pool}, {len(self.queries.queries)} queries)"

    @property
    def fingerprint(self) -> str:
        """Hash of everything that affects which prompts a search proposes and how it scores them, except model names.

        The floor for exemplars is not included either: a search stores it among its settings, so searches from before
        floors existed can be continued. Exclude new fields from the hash too, since including one changes every hash.
        """
        return self._hash(asdict(self))

    @property
    def fingerprint_without_turns(self) -> str | None:
        """The fingerprint of versions whose queries had no earlier turns; None if a query of this space has some."""
        if any(query.earlier for query in self.queries.queries):
            return None
        content = asdict(self)
        for query in content["queries"]["queries"]:
            del query["earlier"]
        return self._hash(content)

    @staticmethod
    def _hash(content: dict[str, Any]) -> str:
        for about in _NOT_HASHED:
            del content[about]
        for added in ("prices", "pareto"):
            if not content["objective"][added]:
                del content["objective"][added]
        return content_id({name: [*part.items()] if isinstance(part, dict) else part for name, part in content.items()})

    @property
    def counts_tokens(self) -> bool:
        """Whether the objective or a constraint is about the tokens of prompts or answers."""
        named = [*self.objective.pareto, *(each.aspect for each in self.constraints)]
        return bool(self.objective.prices) or any(name in (*TokenCount, COST) for name in named)

    @property
    def hand_written(self) -> Candidate:
        """The hand-written URIAL prompt, the main yardstick of a search."""
        return self.candidate(self.hand_written_params)

    @property
    def plain_icl(self) -> Candidate:
        """Plain in-context learning: exemplars without a system prompt, decoded like the hand-written prompt."""
        return self._yardstick(self.plain_icl_exemplars)

    @property
    def zero_shot(self) -> Candidate:
        """The query alone, decoded like the hand-written prompt."""
        return self._yardstick(())

    @property
    def contexts(self) -> dict[str, Candidate]:
        """The yardsticks by the names that commands accept, in display order."""
        return {"zero-shot": self.zero_shot, "plain-icl": self.plain_icl, "hand-written": self.hand_written}

    def _yardstick(self, exemplars: Sequence[str]) -> Candidate:
        params = self.params_of(system=NO_SYSTEM, exemplars=exemplars, decoding=self.hand_written_params)
        return self.candidate(params)

    @property
    def systems(self) -> tuple[str, ...]:
        """The choices of the parameter `system`."""
        return (NO_SYSTEM, *self.system_prompts, *([COMPOSED] if self.clauses else []))

    @property
    def system_param(self) -> str:
        """Name of the parameter that chooses the system prompt."""
        return f"system@{self.system_generation}" if self.system_generation else "system"

    def exemplar_params(self, k: int) -> tuple[str, ...]:
        """Names of the parameters that choose `k` exemplars, in order."""
        suffix = f"@{self.generation}" if self.generation else ""
        return tuple(f"exemplar_{slot}{suffix}" for slot in range(k))

    def distribution_of(self, name: str) -> BaseDistribution:
        """Optuna's distribution of the parameter `name`; UnknownNameError if the space has no such parameter."""
        if name == "k":
            return IntDistribution(self.k_min, self.k_max)
        if name == self.system_param:
            return _any_of(self.systems)
        if name in self.decoding:
            return CategoricalDistribution(self.decoding[name])
        clauses = [f"clause_{clause}" for clause in self.clauses]
        if name in clauses:
            return CategoricalDistribution((False, True))
        slots = self.exemplar_params(self.k_max)
        if name in slots:
            return _any_of(tuple(self.exemplars))
        raise UnknownNameError.of("parameter", name, ["k", self.system_param, *self.decoding, *clauses, *slots])

    def suggest(self, trial: BaseTrial) -> Candidate:
        """The candidate of `trial`, for which Optuna suggests only the parameters that are used."""
        params: dict[str, ParamValue] = {}

        def ask(*names: str) -> None:
            for name in names:
                distribution = self.distribution_of(name)
                if isinstance(distribution, IntDistribution):
                    params[name] = trial.suggest_int(name, distribution.low, distribution.high)
                elif isinstance(distribution, CategoricalDistribution):
                    params[name] = cast(ParamValue, trial.suggest_categorical(name, distribution.choices))

        ask(self.system_param)
        if params[self.system_param] == COMPOSED:
            ask(*(f"clause_{clause}" for clause in self.clauses))
        ask("k")
        ask(*self.exemplar_params(int(params["k"])))
        ask(*(name for name, choices in self.decoding.items() if len(choices) > 1))
        return self.candidate(params)

    def candidate(self, params: Mapping[str, ParamValue]) -> Candidate:
        """The candidate that `params` describe; slots may be of any generation.

        InputError if a parameter is missing; UnknownNameError if its value is not among the choices, as in parameters
        of another space.
        """
        chosen: dict[str, Any] = {
            name: _choice(name, params, choices) if len(choices) > 1 else choices[0]
            for name, choices in self.decoding.items()
        }
        known = self.known
        return Candidate(
            prompt=UrialPrompt(
                system=self._system_text(params),
                exemplars=tuple(known[key] for key in self.exemplar_keys(params)),
            ),
            sampling=replace(self.sampling, **chosen),
            params=dict(params),
        )

    def exemplar_keys(self, params: Mapping[str, ParamValue]) -> tuple[str, ...]:
        """Keys of the exemplars that `params` select, in order.

        An exemplar is left out if an earlier slot has the same query, since a prompt must not answer a query twice.
        """
        slots = without_generations(params)
        keys: dict[str, str] = {}
        known = self.known  # once: samplers ask for the keys of every trial, and with a floor this is a new mapping
        for slot in range(_choice("k", params, range(self.k_max + 1))):
            key = _choice(f"exemplar_{slot}", slots, known)
            keys.setdefault(same_words(known[key].query), key)
        return tuple(keys.values())

    @property
    def known(self) -> Mapping[str, Exemplar]:
        """All exemplars by key, with those below the floor."""
        return {**self.exemplars, **self.barred} if self.barred else self.exemplars

    def _system_text(self, params: Mapping[str, ParamValue]) -> str:
        system = _choice("system", without_generations(params), self.systems)
        if system == NO_SYSTEM:
            return ""
        if system != COMPOSED:
            return self.system_prompts[system]
        clauses = [text for name, text in self.clauses.items() if _choice(f"clause_{name}", params, (False, True))]
        return f"# Instruction\n\n{' '.join(part for part in (self.head, *clauses, self.tail) if part)}\n"

    def params_of(
        self,
        *,
        system: str,
        exemplars: Sequence[str],
        clauses: Sequence[str] = (),
        decoding: Mapping[str, ParamValue] | None = None,
    ) -> Params:
        """The parameters of a given prompt; decoding parameters that are not given take their first choice."""
        params: dict[str, ParamValue] = {self.system_param: system}
        if system == COMPOSED:
            params |= {f"clause_{name}": name in clauses for name in self.clauses}
        params["k"] = len(exemplars)
        params |= zip(self.exemplar_params(len(exemplars)), exemplars, strict=True)
        chosen = decoding or {}
        return params | {name: chosen.get(name, c[0]) for name, c in self.decoding.items() if len(c) > 1}


def without_generations(params: Mapping[str, ParamValue]) -> Params:
    """The parameters with the names that they have in a space that has not grown: `exemplar_0` for `exemplar_0@1`."""
    return {found[1] if (found := _SLOT.fullmatch(name)) else name: value for name, value in params.items()}


@lru_cache
def _any_of(names: tuple[str, ...]) -> CategoricalDistribution:
    """A cached distribution: Optuna checks every choice when it creates one, and each slot of each trial needs one."""
    return CategoricalDistribution(names)


def _choice(name: str, params: Mapping[str, ParamValue], choices: Collection[ChoiceT]) -> ChoiceT:
    if name not in params:
        raise InputError(f"the parameter {name!r} is missing; take the parameters of a trial of this space")
    for choice in choices:
        if choice == params[name]:
            return choice
    raise UnknownNameError.of(f"choice of the parameter {name!r}", str(params[name]), map(str, choices))
