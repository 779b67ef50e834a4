"""States of a search, reasons of missing verdicts, and accounts of everything that is paid."""

import sqlalchemy as sa
from alembic import op

revision = "m005"
down_revision = "m004"


def upgrade() -> None:
    _keep_served_models()


def _keep_served_models() -> None:
    op.create_table(
        "urial_served",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("replies", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model"),
        sqlite_with_rowid=False,
    )
