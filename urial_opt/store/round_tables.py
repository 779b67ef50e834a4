"""Round tables: the tables of a proposer's rounds and drafts."""

from __future__ import annotations

import sqlalchemy as sa

from urial_opt.store.column_types import ExactText, JsonText
from urial_opt.store.tables import identities, metadata, searches, usage_columns

rounds = sa.Table(
    "urial_rounds",
    metadata,
    sa.Column("search_id", sa.ForeignKey(searches.c.id), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("after", sa.Integer, nullable=False),
    sa.Column("best", sa.Integer, nullable=False),
    sa.Column("proposer_id", sa.ForeignKey(identities.c.id), nullable=False),
    sa.Column("lacking", JsonText, nullable=False),
    sa.Column("shift", JsonText, nullable=False),
    sa.Column("diagnosis", JsonText),
    sa.Column("looks", JsonText),
)

drafts = sa.Table(
    "urial_drafts",
    metadata,
    sa.Column("search_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("task", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("part", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("style", ExactText, nullable=False),
    sa.Column("query", ExactText, nullable=False),
    sa.Column("text", ExactText, nullable=False),
    sa.Column("reason", ExactText, nullable=False),
    sa.Column("parents", JsonText, nullable=False),
    sa.Column("restyled", JsonText),
    sa.Column("asked", ExactText, nullable=False),
    sa.Column("reply", ExactText, nullable=False),
    sa.Column("trouble", ExactText),
    sa.Column("fate", ExactText, nullable=False),
    sa.Column("key", ExactText, nullable=False),
    *usage_columns(),
    sa.ForeignKeyConstraint(["search_id", "round"], [rounds.c.search_id, rounds.c.number]),
)
