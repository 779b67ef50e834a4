"""States of a search, reasons of missing verdicts, and accounts of everything that is paid."""

import sqlalchemy as sa
from alembic import op

revision = "m005"
down_revision = "m004"


def upgrade() -> None:
    _say_how_searches_stand()


def _say_how_searches_stand() -> None:
    """A search that had not finished was "running", whether or not a process was at work on it."""
    for column in (
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("process", sa.Text(), nullable=True),
        sa.Column("heartbeat", sa.Double(), nullable=True),
        sa.Column("versions", sa.Text(), nullable=True),
        sa.Column("space", sa.Text(), nullable=True),
        sa.Column("models", sa.Text(), nullable=True),
    ):
        op.add_column("urial_searches", column)
    op.execute("UPDATE urial_searches SET status = 'stopped' WHERE status = 'running'")
