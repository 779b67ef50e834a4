"""What each model was asked in each search."""

import sqlalchemy as sa
from alembic import op

revision = "m002"
down_revision = "m001"


def upgrade() -> None:
    op.create_table(
        "urial_spending",
        sa.Column("search_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("saved_tokens", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["identity_id"], ["urial_identities.id"]),
        sa.ForeignKeyConstraint(["search_id"], ["urial_searches.id"]),
        sa.PrimaryKeyConstraint("search_id", "identity_id"),
        sqlite_with_rowid=False,
    )
