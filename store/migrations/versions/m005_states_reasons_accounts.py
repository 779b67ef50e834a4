"""States of a search, reasons of missing verdicts, and accounts of everything that is paid."""

revision = "m005"
down_revision = "m004"


def upgrade() -> None:
    """Nothing yet."""
