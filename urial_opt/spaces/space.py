"""Search spaces: which exemplars, system prompts and decoding a search may combine, and what Optuna sees of them."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar, cast

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import BaseTrial

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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    """Where a search starts: the hand-written prompt, or the imported one (`starting_from`)."""
    objective: Objective
    constraints: tuple[Constraint, ...]
    queries: QuerySet
    block: int
    """How many queries a race asks at a time."""
    defaults: Defaults
    generation: int = 0
    """How often the pool has grown. Optuna refuses a categorical that grows: each generation has its own slots."""

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides what a search proposes and how it scores; names of models are not part of it."""
        content = asdict(self)
        for about in ("name", "description", "defaults", "generation"):
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
                exemplars=tuple(self.exemplars[key] for key in self.exemplar_keys(params)),
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
            key = _choice(f"exemplar_{slot}", slots, self.exemplars)
            keys.setdefault(same_words(self.exemplars[key].query), key)
        return tuple(keys.values())

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

    def with_exemplars(self, more: Mapping[str, Exemplar]) -> SearchSpace:
        """This space with a larger pool, in a new generation; itself if `more` holds nothing new.

        InputError if a key names another exemplar already, or a query of the splits would become an exemplar.
        """
        new = {key: exemplar for key, exemplar in more.items() if self.exemplars.get(key) != exemplar}
        return self._with_pool(new, generation=self.generation + 1) if new else self

    def _with_pool(self, new: Mapping[str, Exemplar], *, generation: int) -> SearchSpace:
        asked = {same_words(query.text): query for query in self.queries.queries}
        for key, exemplar in new.items():
            if key in self.exemplars:
                raise InputError(f"the exemplar {key!r} is in the pool with other words; give the new one another key")
            if query := asked.get(same_words(exemplar.query)):
                raise InputError(
                    f"the exemplar {key!r} has the query {query.id!r} of the {query.split} split, so scores would lie; "
                    "leave it out"
                )
        return replace(self, exemplars={**self.exemplars, **new}, generation=generation)

    def decoding_by(self, fixed: Mapping[str, float]) -> SearchSpace:
        """This space with one value of each decoding parameter named, for all prompts.

        UnknownNameError if it has no such parameter, InputError if that cannot have the value.
        """
        values: dict[str, tuple[int | float, ...]] = {}
        for name, value in fixed.items():
            if name not in self.decoding:
                raise UnknownNameError.of("parameter of decoding", name, self.decoding)
            least = 0.0 if name == "temperature" else math.ulp(0.0)
            if not least <= value < math.inf or (name == "max_tokens" and value % 1):
                raise InputError(f"{name} cannot be {value:g}; give another number, such as {self.decoding[name][0]}")
            values[name] = (int(value) if name == "max_tokens" else value,)
        return replace(
            self,
            decoding={**self.decoding, **values},
            hand_written_params={n: v for n, v in self.hand_written_params.items() if n not in values},
            start_params={n: v for n, v in self.start_params.items() if n not in values},
        )

    def starting_from(self, prompt: UrialPrompt) -> SearchSpace:
        """This space, its pool and system prompts grown by those of `prompt`, and `prompt` as its start.

        It is rendered in the layout, whatever `prompt.raw` is, and answers no query twice. InputError as
        `with_exemplars`.
        """
        keys = {exemplar.id: key for key, exemplar in self.exemplars.items()}
        new = {}
        for number, exemplar in enumerate(prompt.exemplars, start=1):
            if exemplar.id not in keys:
                key = f"{IMPORTED}-{number}/{exemplar.style or IMPORTED}"
                keys[exemplar.id], new[key] = key, exemplar
        grown = replace(
            self._with_pool(new, generation=self.generation),
            system_prompts={**self.system_prompts, **({IMPORTED: prompt.system} if prompt.system else {})},
            k_min=min(self.k_min, len(prompt.exemplars)),
            k_max=max(self.k_max, len(prompt.exemplars)),
        )
        start = grown.params_of(
            system=IMPORTED if prompt.system else NO_SYSTEM,
            exemplars=[keys[exemplar.id] for exemplar in prompt.exemplars],
            decoding=self.hand_written_params,
        )
        return replace(grown, start_params=start)


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
