"""Reopening: how the models of a search were opened, as a store keeps it, so that its name is enough to resume it.

Secrets are not kept: an option that may hold one is named, and has to be given again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from urial_opt.errors import InputError
from urial_opt.records import Role
from urial_opt.roles import DEFAULT_ROUNDS, NO_MODEL, Models, Named, as_texts
from urial_opt.search.effects.earlier import prior_of
from urial_opt.search.prior import Prior
from urial_opt.search.pruners import DEFAULT_PRUNER
from urial_opt.secrets import is_secret, redacted
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_json import read_space_text
from urial_opt.spending import Price
from urial_opt.store import SearchRecord, Store

_ROLES = (Role.BASE, Role.JUDGE, Role.ALIGNED, Role.PROPOSER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """What a stored search needs to go on, except for its models, which are named and not opened yet."""

    space: SearchSpace
    models: Mapping[Role, Named]
    """All four; "none" where there is no aligned model, or no proposer."""
    budget: int
    seed: int
    sampler: str
    pruner: str
    rounds: int
    prior: str
    """The search that is its prior; empty without one."""
    until_done: bool


def opened_as_json(
    models: Models,
    *,
    budget: int,
    until_done: bool = False,
    start_tokens: int | None = None,
    price: Price | None = None,
    prior: Prior | None = None,
) -> dict[str, object]:
    """How the models were opened: `budget`, and for each role `name`, `options` and `withheld`, or null.

    `start_tokens` are those that the base model counts in the prompt that the search starts from, or null;
    `base_price` is its `price` as text, or null. `until_done` and `prior` are there if they are not false and none.

    A model that the caller opened has null. `withheld` names options that may hold a secret.
    """
    roles: dict[str, object] = {}
    for role in _ROLES:
        asked = models.opened_as.get(role)
        if asked is None:
            roles[role.value] = None
            continue
        options = as_texts(asked.options)
        withheld = sorted(name for name, value in options.items() if _may_hold_secret(name, value))
        kept = {name: value for name, value in options.items() if name not in withheld}
        roles[role.value] = {"name": str(asked.wanted), "options": kept, "withheld": withheld}
    found = {"budget": budget, "start_tokens": start_tokens, "base_price": price and str(price), **roles}
    return found | ({"until_done": True} if until_done else {}) | ({"prior": prior.as_json()} if prior else {})


def _may_hold_secret(name: str, value: str) -> bool:
    return is_secret(name) or redacted(value) != value


def reopened(store: Store, record: SearchRecord, given: Mapping[Role, Named]) -> Reopened:
    """What the search needs to go on. A name or option in `given` replaces the stored one.

    InputError if something is missing that the store does not hold.
    """
    text, stored = store.stored_space(record.name), record.models
    if text is None or stored is None:
        raise InputError(
            f"the search {record.name!r} was begun by a version that did not store its space and models; "
            "continue it with the command that it was begun with: urial-opt search"
        )
    return Reopened(
        space=read_space_text(text),
        models={role: _named(record, role, stored.get(role.value), given.get(role, Named())) for role in _ROLES},
        budget=int(stored["budget"]),
        seed=int(str(record.settings["seed"])),
        sampler=str(record.settings["sampler"]),
        pruner=str(record.settings.get("pruner", DEFAULT_PRUNER)),
        rounds=int(str(record.settings.get("rounds", DEFAULT_ROUNDS))),
        prior=prior.search if (prior := prior_of(record)) else "",
        until_done=bool(stored.get("until_done")),
    )


def _named(record: SearchRecord, role: Role, stored: Mapping[str, Any] | None, given: Named) -> Named:
    if stored is None or given.name is not None:
        if given.name is None and record.settings.get(role.value) is None:
            return Named(name=NO_MODEL)
        if given.name is None:
            raise InputError(
                f"the {_word(role)} of the search {record.name!r} was opened by a program, and the store does not hold "
                f"how; it calls itself {record.settings[role.value]!r}; give `{role}=NAME`"
            )
        return given
    options = {**stored["options"], **given.options}
    if missing := [name for name in stored["withheld"] if name not in options]:
        name = missing[0]
        how = f"--{role}-url URL" if name == "url" else f"--{role}-option {name}=VALUE"
        raise InputError(
            f"the option {name!r} of the {_word(role)} of {record.name!r} may hold a secret and was not stored; "
            f"give it again: {how}"
        )
    return Named(name=stored["name"], options=options)


def _word(role: Role) -> str:
    return role.value if role in (Role.JUDGE, Role.PROPOSER) else f"{role} model"
