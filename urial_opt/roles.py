"""Roles: the base model, the judge and the aligned model of a run, opened by name."""

from __future__ import annotations

from collections.abc import Mapping

from urial_opt.protocols import Metered, Noted
from urial_opt.records import Role
from urial_opt.spending import FREE, Price, price_of


def prices_of(models: Mapping[Role, object], given: Mapping[Role, Price]) -> dict[Role, Price]:
    """The price of each role's model: as given, else as the table has it; what runs on this machine is free."""
    prices = dict(given)
    for role, model in models.items():
        found = price_of(model.priced_as) if isinstance(model, Metered) else FREE
        if role not in prices and found is not None:
            prices[role] = found
    return prices


def notes_of(*models: object) -> list[str]:
    """What whoever opened the models should know."""
    return [note for model in models if isinstance(model, Noted) for note in model.notes]
