"""Worker tables: the tables of the processes that work on searches, and of what each of them has taken up."""

from __future__ import annotations

import sqlalchemy as sa

from urial_opt.store.column_types import Hash, JsonText
from urial_opt.store.tables import metadata, searches

_TOKEN = sa.String(32)

workers = sa.Table(
    "urial_workers",
    metadata,
    sa.Column("token", _TOKEN, primary_key=True),
    sa.Column("search_id", sa.ForeignKey(searches.c.id), nullable=False, index=True),
    sa.Column("process", JsonText, nullable=False),
    sa.Column("heartbeat", sa.Double, nullable=False),
    sa.Column("left_at", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
)

leases = sa.Table(
    "urial_leases",
    metadata,
    sa.Column("search_id", sa.ForeignKey(searches.c.id), primary_key=True),
    sa.Column("work", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", _TOKEN),
    sa.Column("until", sa.Double, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("proposal", JsonText),
    sa.Column("looks", JsonText, nullable=False),
)

asked = sa.Table(
    "urial_asked",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("owner", _TOKEN, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
)
