"""Served models: where each was last asked, what its server said it is, and the names it had in earlier stores."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import sqlalchemy as sa

from urial_opt.memory import Served
from urial_opt.store.statements import replace_row
from urial_opt.store.tables import identities, served

_T = TypeVar("_T")
_ADDRESS = re.compile(r" at (https?://[^\s,+]+)")
"""The address of a server in the identities of earlier versions: `llm:m at http://localhost:8000/v1, scores v1 …`."""


def find_served(connection: sa.Connection, model: str) -> Served | None:
    """What is stored of a model behind a server; of an earlier version only the address, if there is a single one."""
    row = connection.execute(sa.select(served).where(served.c.model == model)).one_or_none()
    if row is not None:
        return Served(address=row.address, replies=row.replies, root=row.root)
    names = connection.scalars(sa.select(identities.c.name))
    own = [name for name in names if re.match(rf"{re.escape(model)}(?:$|, | under )", without_address(name))]
    addresses = {address for name in own for address in _ADDRESS.findall(name)}
    return Served(address=addresses.pop()) if len(addresses) == 1 else None


def write_served(connection: sa.Connection, model: str, now: Served) -> None:
    """Store what a server says of a model, replacing what it said before."""
    replace_row(
        connection,
        served,
        {"model": model},
        {"address": now.address, "replies": now.replies, "root": now.root},
    )


def without_address(identity: str) -> str:
    """The identity as it is since servers may move."""
    return _ADDRESS.sub("", identity)


def without_addresses(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a search, with the identities of its models as they are since servers may move."""
    roles = ("base", "aligned", "judge")
    return {
        name: without_address(value) if name in roles and isinstance(value, str) else value
        for name, value in settings.items()
    }


def find_under_names(
    connection: sa.Connection, identity: str, find: Callable[[str], list[_T | None]]
) -> list[_T | None]:
    """What `find` finds under an identity, or else under the names that it had with an address."""
    found = find(identity)
    for name in _former_names(connection, identity) if None in found else ():
        found = [new if new is not None else old for new, old in zip(found, find(name), strict=True)]
    return found


def _former_names(connection: sa.Connection, identity: str) -> list[str]:
    """The names of an identity with an address in them.

    If there are several addresses, they may be of different models: then those at which a model is asked now.
    """
    names = [name for name in connection.scalars(sa.select(identities.c.name)) if name != identity]
    former = [name for name in names if without_address(name) == identity]
    if len({tuple(_ADDRESS.findall(name)) for name in former}) > 1:
        asked = {*connection.scalars(sa.select(served.c.address))}
        former = [name for name in former if {*_ADDRESS.findall(name)} <= asked]
    return former
