"""Roles: the base model, the judge and the aligned model of a run, opened by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from urial_opt import plugins
from urial_opt.errors import InputError
from urial_opt.plugins import NO_OPTIONS, Options
from urial_opt.protocols import ChatGenerator, Generator, Judge, Metered, Noted
from urial_opt.records import Role
from urial_opt.spending import FREE, Price, price_of

NO_MODEL = "none"
"""The name to give for no aligned model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The models of a run, by role."""

    base: Generator
    judge: Judge
    aligned: ChatGenerator | None = None

    @property
    def by_role(self) -> dict[Role, object]:
        """The models that are present, by role."""
        opened: dict[Role, object] = {Role.BASE: self.base, Role.JUDGE: self.judge}
        return opened | ({Role.ALIGNED: self.aligned} if self.aligned else {})

    @property
    def identities(self) -> dict[Role, str]:
        """Identities of the models; answers, verdicts and costs are stored under them."""
        named = {Role.BASE: self.base.identity, Role.JUDGE: self.judge.identity}
        return named | ({Role.ALIGNED: self.aligned.identity} if self.aligned else {})

    @property
    def notes(self) -> list[str]:
        """What whoever opened the models should know."""
        return notes_of(*self.by_role.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The name of a model, such as `hf:NAME`, and the options to open it with."""

    name: str | None
    """None if no model is named for the role."""
    options: Options = field(default_factory=lambda: NO_OPTIONS)


def open_models(base: Named, judge: Named, aligned: Named) -> Models:
    """Open the models of a run. The judge comes first, because it fails fastest.

    The name of `aligned` may be None or "none". InputError if no base model or no judge is named; other errors are
    those of `plugins.open_judge`.
    """
    judged = plugins.open_judge(_required(Role.JUDGE, judge), judge.options)
    generator = plugins.open_generator(_required(Role.BASE, base), base.options)
    twin = None
    if aligned.name and aligned.name != NO_MODEL:
        twin = plugins.open_chat_generator(aligned.name, aligned.options)
    return Models(base=generator, judge=judged, aligned=twin)


def _required(role: Role, named: Named) -> str:
    if named.name is None:
        known = ", ".join(plugins.names("judge" if role is Role.JUDGE else "generator"))
        raise InputError(f"no {role} is named, and the space names none; give `{role}=NAME`, one of: {known}")
    return named.name


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
