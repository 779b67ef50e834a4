"""States of a search, reasons of missing verdicts, and accounts of everything that is paid."""

import sqlalchemy as sa
from alembic import op

revision = "m005"
down_revision = "m004"


def upgrade() -> None:
    _keep_replies_and_tags()
    _open_accounts()


def _usage(number: type[sa.Integer] = sa.Integer) -> list[sa.Column[int]]:
    names = ("prompt_tokens", "completion_tokens", "saved_tokens")
    return [sa.Column(name, number(), nullable=False) for name in names]


def _keep_replies_and_tags() -> None:
    op.create_table(
        "urial_replies",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        *_usage(),
        sa.ForeignKeyConstraint(["identity_id"], ["urial_identities.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "urial_query_tags",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("judge_id", sa.Integer(), nullable=False),
        sa.Column("query_id", sa.String(length=16), nullable=False),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("difficulty", sa.Text(), nullable=True),
        sa.Column("raw", sa.Text(), nullable=False),
        *_usage(),
        sa.ForeignKeyConstraint(["judge_id"], ["urial_identities.id"]),
        sa.ForeignKeyConstraint(["query_id"], ["urial_queries.id"]),
        sa.PrimaryKeyConstraint("id"),
    )


def _open_accounts() -> None:
    """Spending belonged to searches; now it belongs to accounts, one of them for each search that has spent."""
    op.create_table(
        "urial_accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("search_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["search_id"], ["urial_searches.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("search_id"),
    )
    op.execute(
        "INSERT INTO urial_accounts (search_id) SELECT DISTINCT search_id FROM urial_spending ORDER BY search_id"
    )
    op.create_table(
        "urial_spending_by_account",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        *_usage(sa.BigInteger),
        sa.ForeignKeyConstraint(["account_id"], ["urial_accounts.id"]),
        sa.ForeignKeyConstraint(["identity_id"], ["urial_identities.id"]),
        sa.PrimaryKeyConstraint("account_id", "identity_id"),
        sqlite_with_rowid=False,
    )
    # Requests were not counted apart from answers and verdicts: there was at least one for each.
    op.execute(
        "INSERT INTO urial_spending_by_account SELECT urial_accounts.id, identity_id, calls, calls, "
        "prompt_tokens, completion_tokens, saved_tokens FROM urial_spending JOIN urial_accounts USING (search_id)"
    )
    op.drop_table("urial_spending")
    op.rename_table("urial_spending_by_account", "urial_spending")
