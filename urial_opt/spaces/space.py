"""Search spaces: which exemplars, system prompts and decoding a search may combine, and what Optuna sees of them."""

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
from urial_opt.objective import Constraint, Objective
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.records import Candidate, Params, Sampling

ParamValue: TypeAlias = str | int | float | bool
ChoiceT = TypeVar("ChoiceT", str, int, float, bool)

NO_SYSTEM = "none"
COMPOSED = "composed"
IMPORTED = "imported"
_SLOT = re.compile(r"exemplar_(\d+)(?:@\d+)?")


class Defaults(Written):
    """What a search takes where the command line names none, such as `nano` or `hf:NAME`."""

    base: str | None = None
    aligned: str | None = None
    judge: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SearchSpace:
    """Which prompts a search may propose, on which queries, and the yardsticks that it is measured by."""

    name: str
    description: str
    exemplars: Mapping[str, Exemplar]
    """By key, such as `tea/warm`. `Exemplar.tags` begin with kind and style, except for imported ones."""
    system_prompts: Mapping[str, str]
    """Whole system texts by name."""
    clauses: Mapping[str, str]
    """What the system prompt `composed` is made of, in this order."""
    head: str
    """Comes before the clauses."""
    tail: str
    """Comes after the clauses."""
    k_min: int
    k_max: int
    decoding: Mapping[str, tuple[int | float, ...]]
    """Choices of `temperature`, `repetition_penalty` and `max_tokens`."""
    sampling: Sampling
    """What is the same for all candidates: `top_p` and `stop`."""
    hand_written_params: Params
    plain_icl_exemplars: tuple[str, ...]
    start_params: Params
    """Where a search starts: the hand-written prompt, or an imported one (`variants.starting_from`)."""
    objective: Objective
    constraints: tuple[Constraint, ...]
    """Bounds that the prompt chosen at the end has to keep."""
    queries: QuerySet
    block: int
    """How many queries a race asks at a time."""
    defaults: Defaults
    exemplar_floor: Mapping[Aspect, float] = field(default_factory=dict)
    """The least that a judge has to give an exemplar's own answer, by aspect, for the exemplar to be proposed."""
    barred: Mapping[str, Exemplar] = field(default_factory=dict)
    """Exemplars below the floor, by key: yardsticks may hold them, no proposal does."""
    generation: int = 0
    """How often the pool has grown. Optuna refuses a categorical that grows: each generation has its own slots."""

    def __repr__(self) -> str:
        pool = f"{len(self.exemplars)} exemplars, {len(self.systems)} system prompts"
        return f"SearchSpace({self.name!r}: {pool}, {len(self.queries.queries)} queries)"

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides what a search proposes and how it scores; names of models are not part of it.

        Neither is the floor for exemplars, which a search keeps among its settings, so that searches that began before
        there was one can be continued. A field that is added here changes every hash: leave it out likewise.
        """
        return self._hash(asdict(self))

    @property
    def fingerprint_without_turns(self) -> str | None:
        """The fingerprint in versions whose queries had no earlier turns; None if a query of this space has some."""
        if any(query.earlier for query in self.queries.queries):
            return None
        content = asdict(self)
        for query in content["queries"]["queries"]:
            del query["earlier"]
        return self._hash(content)

    @staticmethod
    def _hash(content: dict[str, Any]) -> str:
        for about in ("name", "description", "defaults", "generation", "exemplar_floor", "barred"):
            del content[about]
        return content_id({name: [*part.items()] if isinstance(part, dict) else part for name, part in content.items()})

    @property
    def hand_written(self) -> Candidate:
        """The URIAL prompt written by hand, the yardstick of a search."""
        return self.candidate(self.hand_written_params)

    @property
    def plain_icl(self) -> Candidate:
        """Bare answers and no system text, decoded as the hand-written prompt."""
        return self._yardstick(self.plain_icl_exemplars)

    @property
    def zero_shot(self) -> Candidate:
        """The query alone, decoded as the hand-written prompt."""
        return self._yardstick(())

    @property
    def contexts(self) -> dict[str, Candidate]:
        """The yardsticks by the names that commands know them by, in the order shown."""
        return {"zero-shot": self.zero_shot, "plain-icl": self.plain_icl, "hand-written": self.hand_written}

    def _yardstick(self, exemplars: Sequence[str]) -> Candidate:
        params = self.params_of(system=NO_SYSTEM, exemplars=exemplars, decoding=self.hand_written_params)
        return self.candidate(params)

    @property
    def systems(self) -> tuple[str, ...]:
        """The choices of the parameter `system`."""
        return (NO_SYSTEM, *self.system_prompts, *([COMPOSED] if self.clauses else []))

    def exemplar_params(self, k: int) -> tuple[str, ...]:
        """Names of the parameters that choose `k` exemplars, in order."""
        suffix = f"@{self.generation}" if self.generation else ""
        return tuple(f"exemplar_{slot}{suffix}" for slot in range(k))

    def distribution_of(self, name: str) -> BaseDistribution:
        """What Optuna shall know of the parameter `name`; UnknownNameError if the space has none of that name."""
        if name == "k":
            return IntDistribution(self.k_min, self.k_max)
        if name == "system":
            return CategoricalDistribution(self.systems)
        if name in self.decoding:
            return CategoricalDistribution(self.decoding[name])
        clauses = [f"clause_{clause}" for clause in self.clauses]
        if name in clauses:
            return CategoricalDistribution((False, True))
        slots = self.exemplar_params(self.k_max)
        if name in slots:
            return _any_of(tuple(self.exemplars))
        raise UnknownNameError.of("parameter", name, ["k", "system", *self.decoding, *clauses, *slots])

    def suggest(self, trial: BaseTrial) -> Candidate:
        """The candidate that `trial` stands for, asking Optuna only for the parameters that matter in it."""
        params: dict[str, ParamValue] = {}

        def ask(*names: str) -> None:
            for name in names:
                distribution = self.distribution_of(name)
                if isinstance(distribution, IntDistribution):
                    params[name] = trial.suggest_int(name, distribution.low, distribution.high)
                elif isinstance(distribution, CategoricalDistribution):
                    params[name] = cast(ParamValue, trial.suggest_categorical(name, distribution.choices))

        ask("system")
        if params["system"] == COMPOSED:
            ask(*(f"clause_{clause}" for clause in self.clauses))
        ask("k")
        ask(*self.exemplar_params(int(params["k"])))
        ask(*(name for name, choices in self.decoding.items() if len(choices) > 1))
        return self.candidate(params)

    def candidate(self, params: Mapping[str, ParamValue]) -> Candidate:
        """What `params` mean, slots of any generation included.

        InputError if one is missing or is none of the choices, as when they come from another space.
        """
        chosen: dict[str, Any] = {
            name: _choice(name, params, choices) if len(choices) > 1 else choices[0]
            for name, choices in self.decoding.items()
        }
        return Candidate(
            prompt=UrialPrompt(
                system=self._system_text(params),
                exemplars=tuple(self._known[key] for key in self.exemplar_keys(params)),
            ),
            sampling=replace(self.sampling, **chosen),
            params=dict(params),
        )

    def exemplar_keys(self, params: Mapping[str, ParamValue]) -> tuple[str, ...]:
        """The exemplars that `params` put into the prompt, in order.

        One whose query already stands in an earlier slot is left out: a prompt does not answer a query twice.
        """
        slots = {f"exemplar_{found[1]}": value for name, value in params.items() if (found := _SLOT.fullmatch(name))}
        keys: dict[str, str] = {}
        for slot in range(_choice("k", params, range(self.k_max + 1))):
            key = _choice(f"exemplar_{slot}", slots, self._known)
            keys.setdefault(same_words(self._known[key].query), key)
        return tuple(keys.values())

    @property
    def _known(self) -> Mapping[str, Exemplar]:
        return {**self.exemplars, **self.barred} if self.barred else self.exemplars

    def _system_text(self, params: Mapping[str, ParamValue]) -> str:
        system = _choice("system", params, self.systems)
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
        """The parameters of a prompt put together by hand; decoding not named is the first choice."""
        params: dict[str, ParamValue] = {"system": system}
        if system == COMPOSED:
            params |= {f"clause_{name}": name in clauses for name in self.clauses}
        params["k"] = len(exemplars)
        params |= zip(self.exemplar_params(len(exemplars)), exemplars, strict=True)
        chosen = decoding or {}
        return params | {name: chosen.get(name, c[0]) for name, c in self.decoding.items() if len(c) > 1}


@lru_cache
def _any_of(names: tuple[str, ...]) -> CategoricalDistribution:
    """Optuna looks at each choice when it makes one of these, and a pool is asked for in every slot of every trial."""
    return CategoricalDistribution(names)


def _choice(name: str, params: Mapping[str, ParamValue], choices: Collection[ChoiceT]) -> ChoiceT:
    if name not in params:
        raise InputError(f"the parameter {name!r} is missing; take the parameters of a trial of this space")
    for choice in choices:
        if choice == params[name]:
            return choice
    raise UnknownNameError.of(f"choice of the parameter {name!r}", str(params[name]), map(str, choices))
