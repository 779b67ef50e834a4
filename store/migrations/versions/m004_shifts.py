"""How far a base model under a prompt is from the aligned model, and the aligned answers it is measured on."""

import sqlalchemy as sa
from alembic import op

revision = "m004"
down_revision = "m003"


def upgrade() -> None:
    op.create_table(
        "urial_aligned_answers",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("aligned_id", sa.Integer(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("max_tokens", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Text(), nullable=False),
        sa.Column("pieces", sa.Text(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("saved_tokens", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["aligned_id"], ["urial_identities.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "urial_shifts",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("base_id", sa.Integer(), nullable=False),
        sa.Column("aligned_id", sa.Integer(), nullable=False),
        sa.Column("text_id", sa.String(length=16), nullable=False),
        sa.Column("probe_id", sa.String(length=16), nullable=False),
        sa.Column("positions", sa.Integer(), nullable=False),
        sa.Column("unshifted", sa.Double(), nullable=False),
        sa.Column("marginal", sa.Double(), nullable=False),
        sa.Column("shifted", sa.Double(), nullable=False),
        sa.Column("surprise", sa.Double(), nullable=False),
        sa.Column("kl_base_aligned", sa.Double(), nullable=True),
        sa.Column("kl_aligned_base", sa.Double(), nullable=True),
        sa.Column("by_query", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("saved_tokens", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["base_id"], ["urial_identities.id"]),
        sa.ForeignKeyConstraint(["aligned_id"], ["urial_identities.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_urial_shifts_text_id", "urial_shifts", ["text_id"])
