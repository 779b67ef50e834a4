"""Roles: the base model, the judge, the aligned model and the proposer of a run, opened by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from urial_opt import plugins
from urial_opt.errors import InputError
from urial_opt.plugins import NO_OPTIONS, Options
from urial_opt.protocols import ChatGenerator, Generator, Judge, Metered, Noted, Proposer
from urial_opt.records import Role
from urial_opt.spending import FREE, Price, price_of

_ModelT = TypeVar("_ModelT")

NO_MODEL = "none"
"""The name to give for no aligned model, or no proposer."""
DEFAULT_PROPOSER = "clauses"
"""The proposer of a search that names none."""
DEFAULT_ROUNDS = 4
"""How many rounds it may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The models of a run, by role."""

    base: Generator
    judge: Judge
    aligned: ChatGenerator | None = None
    proposer: Proposer | None = None
    opened_as: Mapping[Role, Named] = field(default_factory=dict)
    """How those were asked for that have a name; others were opened by the caller."""

    @property
    def by_role(self) -> dict[Role, object]:
        """The models that are present, by role."""
        opened: dict[Role, object] = {Role.BASE: self.base, Role.JUDGE: self.judge}
        opened |= {Role.ALIGNED: self.aligned} if self.aligned else {}
        return opened | ({Role.PROPOSER: self.proposer} if self.proposer else {})

    @property
    def identities(self) -> dict[Role, str]:
        """Identities of the models; answers, verdicts and costs are stored under them."""
        named = {Role.BASE: self.base.identity, Role.JUDGE: self.judge.identity}
        named |= {Role.ALIGNED: self.aligned.identity} if self.aligned else {}
        return named | ({Role.PROPOSER: self.proposer.identity} if self.proposer else {})

    @property
    def notes(self) -> list[str]:
        """What whoever opened the models should know."""
        return notes_of(*self.by_role.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A model as it was asked for: by a name such as `hf:NAME`, with the options to open it with; or opened already."""

    name: object = None
    """Its name, or the opened model itself; None: `default` is meant."""
    options: Mapping[str, object] = field(default_factory=lambda: NO_OPTIONS)
    """Values other than text are turned into text."""
    default: str | None = None
    """The name that the space gives; None if it names no model for the role."""

    @property
    def wanted(self) -> object:
        """The name or the model that is meant; None if there is neither."""
        return self.name or self.default

    @property
    def is_absent(self) -> bool:
        """Whether no model is meant."""
        return self.wanted is None or self.wanted == NO_MODEL


NO_ONE = Named(name=NO_MODEL)
_KINDS: Mapping[Role, plugins.Kind] = {Role.JUDGE: "judge", Role.PROPOSER: "proposer"}
"""The kinds of plugins for roles that are no generators."""


def open_models(base: Named, judge: Named, aligned: Named = NO_ONE, proposer: Named = NO_ONE) -> Models:
    """Open the models of a run. Judge and proposer come first, because they fail fastest.

    No aligned model and no proposer is opened if none is named, or "none". Errors: see `base_of`.
    """
    judged = judge_of(judge)
    proposes = None if proposer.is_absent else proposer_of(proposer)
    if proposer.is_absent and proposer.options:
        raise InputError(
            f"there is no proposer to open with the option {min(proposer.options)!r}; "
            "give one, such as `proposer=dspy:MODEL`"
        )
    generator = base_of(base)
    asked = {Role.BASE: base, Role.JUDGE: judge, Role.ALIGNED: aligned, Role.PROPOSER: proposer}
    asked = {role: NO_ONE if each.is_absent else each for role, each in asked.items()}
    return Models(
        base=generator,
        judge=judged,
        aligned=None if aligned.is_absent else aligned_of(aligned),
        proposer=proposes,
        opened_as={role: each for role, each in asked.items() if isinstance(each.wanted, str)},
    )


def base_of(asked: Named) -> Generator:
    """The base model that was asked for.

    InputError if no model is named, if there are options for an opened one, or if what was given is something else;
    otherwise as `plugins.open_judge`.
    """
    return _opened(Role.BASE, asked, plugins.open_generator, plugins.is_generator)


def judge_of(asked: Named) -> Judge:
    """The judge that was asked for: see `base_of`."""
    return _opened(Role.JUDGE, asked, plugins.open_judge, plugins.is_judge)


def aligned_of(asked: Named) -> ChatGenerator:
    """The aligned model that was asked for: see `base_of`."""
    return _opened(Role.ALIGNED, asked, plugins.open_chat_generator, plugins.is_chat_generator)


def proposer_of(asked: Named) -> Proposer:
    """The proposer that was asked for: see `base_of`."""
    return _opened(Role.PROPOSER, asked, plugins.open_proposer, plugins.is_proposer)


def proposer_for(name: object, options: Mapping[str, object], *, rounds: int) -> Named:
    """The proposer of a search: `DEFAULT_PROPOSER` if none is named, and none if there are no rounds."""
    return Named(name=name if rounds else NO_MODEL, options=options, default=DEFAULT_PROPOSER)


def _opened(
    role: Role, asked: Named, opener: Callable[[str, Options], _ModelT], fits: Callable[[object], bool]
) -> _ModelT:
    wanted = asked.wanted
    word = role.value if role in _KINDS else f"{role} model"
    if wanted is None:
        known = ", ".join(plugins.names(_KINDS.get(role, "generator")))
        raise InputError(f"no {role} is named, and the space names none; give `{role}=NAME`, one of: {known}")
    if isinstance(wanted, str):
        return opener(wanted, as_texts(asked.options))
    if asked.options:
        raise InputError(
            f"`{role}_options=…` is for a model given by name, and the {word} is opened already; "
            "give the options when it is opened"
        )
    if not fits(wanted):
        raise InputError(f"{wanted!r:.80} is no {word}; give one by name, or opened by `open_{role}`")
    return cast("_ModelT", wanted)


def as_texts(options: Mapping[str, object]) -> dict[str, str]:
    """Options as plugins take them: every value as text, `yes` and `no` for booleans."""
    words = {True: "yes", False: "no"}
    return {name: words[value] if isinstance(value, bool) else str(value) for name, value in options.items()}


def open_base(name: str, **options: object) -> Generator:
    """The base model of that `name`, such as `hf:NAME_OR_FOLDER`, with `options` such as `device="cuda"`.

    UnknownNameError if no plugin or option is called so, InputError if it is another kind of model or an option's value
    is wrong, AdapterError if a package that it needs is missing or the model cannot be loaded.
    """
    return base_of(Named(name=name, options=options))


def open_aligned(name: str, **options: object) -> ChatGenerator:
    """The aligned model of that `name`, such as `hf-chat:NAME_OR_FOLDER`; `options` and errors as in `open_base`."""
    return aligned_of(Named(name=name, options=options))


def open_judge(name: str, **options: object) -> Judge:
    """The judge of that `name`, such as `llm:gpt-4o`; `options` and errors as in `open_base`."""
    return judge_of(Named(name=name, options=options))


def open_proposer(name: str, **options: object) -> Proposer:
    """The proposer of that `name`, such as `dspy:openai/gpt-4o`; `options` and errors as in `open_base`."""
    return proposer_of(Named(name=name, options=options))


def notes_of(*models: object) -> list[str]:
    """What whoever opened the models should know."""
    return [note for model in models if isinstance(model, Noted) for note in model.notes]


def prices_of(models: Mapping[Role, object], given: Mapping[Role, Price]) -> dict[Role, Price]:
    """The price of each role's model: the given one, else the one in litellm's table. Local models are free.

    A role is left out if the price of its model is not known.
    """
    prices = dict(given)
    for role, model in models.items():
        found = price_of(model.priced_as) if isinstance(model, Metered) else FREE
        if role not in prices and found is not None:
            prices[role] = found
    return prices
