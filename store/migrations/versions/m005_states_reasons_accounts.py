"""States of a search, reasons of missing verdicts, accounts of everything that is paid, and rounds of a proposer."""

import json
import re

import sqlalchemy as sa
from alembic import op

revision = "m005"
down_revision = "m004"


def upgrade() -> None:
    _say_how_searches_stand()
    _keep_served_models()
    _keep_replies_and_tags()
    _open_accounts()
    _give_reasons()
    _keep_rounds()


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


def _give_reasons() -> None:
    """Say why parts of verdicts are missing; of stored ones, as far as the judge's words tell."""
    for table in ("urial_judgments", "urial_preferences"):
        op.add_column(table, sa.Column("missing", sa.Text(), nullable=False, server_default="{}"))
        op.add_column(table, sa.Column("asked", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("urial_searches", sa.Column("floor", sa.Text(), nullable=True))
    connection = op.get_bind()
    regular = ("helpfulness", "clarity", "factuality", "depth", "engagement")
    found = connection.execute(
        sa.text(
            f"SELECT urial_judgments.id, kind, raw, safety, {', '.join(regular)} FROM urial_judgments "
            "JOIN urial_queries ON urial_queries.id = query_id WHERE (kind = 'safety' AND safety IS NULL) "
            f"OR (kind <> 'safety' AND ({' OR '.join(f'{aspect} IS NULL' for aspect in regular)}))"
        )
    ).mappings()
    judged = [
        {
            "of": row["id"],
            "missing": json.dumps(
                {
                    aspect: "not_applicable" if _is_withheld(aspect, row["raw"]) else "unread"
                    for aspect in (("safety",) if row["kind"] == "safety" else regular)
                    if row[aspect] is None
                }
            ),
        }
        for row in found
    ]
    compared = [
        {
            "of": row["id"],
            "missing": json.dumps(
                {
                    name: "unread"
                    for name, verdict in {"overall": row["overall"], **json.loads(row["aspects"])}.items()
                    if verdict is None
                }
            ),
        }
        for row in connection.execute(sa.text("SELECT id, overall, aspects FROM urial_preferences")).mappings()
    ]
    for table, rows in (("urial_judgments", judged), ("urial_preferences", compared)):
        if rows:
            connection.execute(sa.text(f"UPDATE {table} SET missing = :missing WHERE id = :of"), rows)


def _is_withheld(aspect: str, raw: str) -> bool:
    """Whether a reply gives N/A as the score of an aspect."""
    said = rf"""\b{aspect}\b["'*\s]*[:|]\s*(?:\{{[^}}]*?\bscore["'\s]*:\s*)?["'*]*(?:n/?a|none|null|not applicable)\b"""
    return re.search(said, raw, re.IGNORECASE | re.DOTALL) is not None


def _keep_rounds() -> None:
    """Rounds of a proposer, and everything that it wrote in them."""
    op.create_table(
        "urial_rounds",
        sa.Column("search_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("after", sa.Integer(), nullable=False),
        sa.Column("best", sa.Integer(), nullable=False),
        sa.Column("proposer_id", sa.Integer(), nullable=False),
        sa.Column("lacking", sa.Text(), nullable=False),
        sa.Column("shift", sa.Text(), nullable=False),
        sa.Column("diagnosis", sa.Text(), nullable=True),
        sa.Column("looks", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["search_id"], ["urial_searches.id"]),
        sa.ForeignKeyConstraint(["proposer_id"], ["urial_identities.id"]),
        sa.PrimaryKeyConstraint("search_id", "number"),
    )
    op.create_table(
        "urial_drafts",
        sa.Column("search_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("task", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("style", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("parents", sa.Text(), nullable=False),
        sa.Column("restyled", sa.Text(), nullable=True),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("fate", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("saved_tokens", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["search_id", "round"], ["urial_rounds.search_id", "urial_rounds.number"]),
        sa.PrimaryKeyConstraint("search_id", "round", "task", "attempt"),
    )
