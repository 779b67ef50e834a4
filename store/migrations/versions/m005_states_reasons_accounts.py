"""States of a search, reasons of missing verdicts, and accounts of everything that is paid."""

import json
import re

import sqlalchemy as sa
from alembic import op

revision = "m005"
down_revision = "m004"


def upgrade() -> None:
    _give_reasons()


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
