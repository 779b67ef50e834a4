"""Which of two answers a judge prefers, and how servers want to be asked."""

import sqlalchemy as sa
from alembic import op

revision = "m003"
down_revision = "m002"


def upgrade() -> None:
    op.create_table(
        "urial_preferences",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("judge_id", sa.Integer(), nullable=False),
        sa.Column("query_id", sa.String(length=16), nullable=False),
        sa.Column("first_id", sa.String(length=16), nullable=False),
        sa.Column("second_id", sa.String(length=16), nullable=False),
        sa.Column("overall", sa.Text(), nullable=True),
        sa.Column("aspects", sa.Text(), nullable=False),
        sa.Column("consistent", sa.Boolean(), nullable=True),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("saved_tokens", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["judge_id"], ["urial_identities.id"]),
        sa.ForeignKeyConstraint(["query_id"], ["urial_queries.id"]),
        sa.ForeignKeyConstraint(["first_id"], ["urial_answers.id"]),
        sa.ForeignKeyConstraint(["second_id"], ["urial_answers.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "urial_paces",
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("at_once", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("server"),
        sqlite_with_rowid=False,
    )
