"""Paces: request limits learnt from each server, so that a restart does not overload it again."""

from __future__ import annotations

import sqlalchemy as sa

from urial_opt.memory import Pace
from urial_opt.store.statements import replace_row
from urial_opt.store.tables import paces


def find_pace(connection: sa.Connection, server: str) -> Pace | None:
    """The pace last stored for a server; None if there is none."""
    row = connection.execute(sa.select(paces).where(paces.c.server == server)).one_or_none()
    return None if row is None else Pace(at_once=row.at_once, not_before=row.not_before)


def write_pace(connection: sa.Connection, server: str, pace: Pace) -> None:
    """Store the pace of a server, replacing the earlier one."""
    replace_row(connection, paces, {"server": server}, {"at_once": pace.at_once, "not_before": pace.not_before})
