"""Processes that work on a search together, what each of them has taken up, and what was known at each decision."""

import sqlalchemy as sa
from alembic import op

revision = "m007"
down_revision = "m006"


def upgrade() -> None:
    op.create_table(
        "urial_workers",
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("search_id", sa.Integer(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("heartbeat", sa.Double(), nullable=False),
        sa.Column("left_at", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["search_id"], ["urial_searches.id"]),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_index("ix_urial_workers_search_id", "urial_workers", ["search_id"])
    op.create_table(
        "urial_leases",
        sa.Column("search_id", sa.Integer(), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(32), nullable=True),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=True),
        sa.Column("looks", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["search_id"], ["urial_searches.id"]),
        sa.PrimaryKeyConstraint("search_id", "work", "number"),
    )
    op.create_table(
        "urial_asked",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    for name in ("ended", "knew", "tick"):
        op.add_column("urial_trials", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("urial_trials", sa.Column("looks", sa.Text(), nullable=False, server_default="[]"))
    op.execute("UPDATE urial_trials SET ended = number, knew = number")
