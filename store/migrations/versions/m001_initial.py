"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "m001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "urial_answers",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "urial_exemplars",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("text_id", sa.String(length=16), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("style", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_urial_exemplars_text_id"), "urial_exemplars", ["text_id"], unique=False)
    op.create_table(
        "urial_identities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "urial_prompts",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("text_id", sa.String(length=16), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_urial_prompts_text_id"), "urial_prompts", ["text_id"], unique=False)
    op.create_table(
        "urial_queries",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("split", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "urial_samplings",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("temperature", sa.Double(), nullable=False),
        sa.Column("top_p", sa.Double(), nullable=False),
        sa.Column("max_tokens", sa.Integer(), nullable=False),
        sa.Column("stop", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("repetition_penalty", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "urial_searches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "urial_completions",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("generator_id", sa.Integer(), nullable=False),
        sa.Column("sampling_id", sa.String(length=16), nullable=False),
        sa.Column("answer_id", sa.String(length=16), nullable=False),
        sa.Column("finish_reason", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("saved_tokens", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"],
            ["urial_answers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["generator_id"],
            ["urial_identities.id"],
        ),
        sa.ForeignKeyConstraint(
            ["sampling_id"],
            ["urial_samplings.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "urial_evaluations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.String(length=16), nullable=True),
        sa.Column("sampling_id", sa.String(length=16), nullable=True),
        sa.Column("params", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["prompt_id"],
            ["urial_prompts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["sampling_id"],
            ["urial_samplings.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_urial_evaluations_prompt_id"), "urial_evaluations", ["prompt_id"], unique=False)
    op.create_table(
        "urial_judgments",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("judge_id", sa.Integer(), nullable=False),
        sa.Column("query_id", sa.String(length=16), nullable=False),
        sa.Column("answer_id", sa.String(length=16), nullable=False),
        sa.Column("helpfulness", sa.Double(), nullable=True),
        sa.Column("clarity", sa.Double(), nullable=True),
        sa.Column("factuality", sa.Double(), nullable=True),
        sa.Column("depth", sa.Double(), nullable=True),
        sa.Column("engagement", sa.Double(), nullable=True),
        sa.Column("safety", sa.Double(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("saved_tokens", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"],
            ["urial_answers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["judge_id"],
            ["urial_identities.id"],
        ),
        sa.ForeignKeyConstraint(
            ["query_id"],
            ["urial_queries.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "urial_prompt_exemplars",
        sa.Column("prompt_id", sa.String(length=16), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("exemplar_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["exemplar_id"],
            ["urial_exemplars.id"],
        ),
        sa.ForeignKeyConstraint(
            ["prompt_id"],
            ["urial_prompts.id"],
        ),
        sa.PrimaryKeyConstraint("prompt_id", "position"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_urial_prompt_exemplars_exemplar_id"), "urial_prompt_exemplars", ["exemplar_id"], unique=False
    )
    op.create_table(
        "urial_evaluated_queries",
        sa.Column("evaluation_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("query_id", sa.String(length=16), nullable=False),
        sa.Column("answer_id", sa.String(length=16), nullable=False),
        sa.Column("judgment_id", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("finish_reason", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("saved_tokens", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"],
            ["urial_answers.id"],
        ),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["urial_evaluations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["judgment_id"],
            ["urial_judgments.id"],
        ),
        sa.ForeignKeyConstraint(
            ["query_id"],
            ["urial_queries.id"],
        ),
        sa.PrimaryKeyConstraint("evaluation_id", "position"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "urial_results",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("search_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("split", sa.Text(), nullable=False),
        sa.Column("candidate_id", sa.String(length=16), nullable=False),
        sa.Column("evaluation_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["urial_evaluations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["search_id"],
            ["urial_searches.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("evaluation_id"),
        sa.UniqueConstraint("search_id", "role", "split", "candidate_id"),
    )
    op.create_table(
        "urial_trials",
        sa.Column("search_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("optuna_number", sa.Integer(), nullable=False),
        sa.Column("evaluation_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("observed", sa.Double(), nullable=True),
        sa.Column("estimate", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("saved_tokens", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["urial_evaluations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["search_id"],
            ["urial_searches.id"],
        ),
        sa.PrimaryKeyConstraint("search_id", "number"),
        sa.UniqueConstraint("evaluation_id"),
    )
    op.create_index("ix_urial_trials_best", "urial_trials", ["search_id", "estimate"], unique=False)
