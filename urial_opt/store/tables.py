"""The tables of the store."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from urial_opt.store.column_types import ExactText, Hash, JsonText

VERSION_TABLE = "urial_version"
SCHEMA_VERSION = "m007"
"""The newest migration; a test compares it with the files under `store/migrations/`."""

metadata = sa.MetaData()


def usage_columns(number: type[sa.Integer] = sa.Integer) -> list[sa.Column[int]]:
    names = ("prompt_tokens", "completion_tokens", "saved_tokens")
    return [sa.Column(name, number, nullable=False) for name in names]


def _missing() -> list[sa.Column[Any]]:
    """Why parts of a verdict are missing, and how many times it was asked for."""
    asked = sa.Column("asked", sa.Integer, nullable=False, server_default="1")
    return [sa.Column("missing", JsonText, nullable=False, server_default="{}"), asked]


searches = sa.Table(
    "urial_searches",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("settings", JsonText, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    *(sa.Column(name, JsonText) for name in ("summary", "floor", "process", "versions", "models")),
    *(sa.Column(name, ExactText) for name in ("reason", "space")),
    sa.Column("heartbeat", sa.Double),
)

exemplars = sa.Table(
    "urial_exemplars",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("text_id", Hash, nullable=False, index=True),
    sa.Column("query", ExactText, nullable=False),
    sa.Column("answer", ExactText, nullable=False),
    sa.Column("style", ExactText, nullable=False),
    sa.Column("tags", JsonText, nullable=False),
    sa.Column("parent", sa.Text),
)

prompts = sa.Table(
    "urial_prompts",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("text_id", Hash, nullable=False, index=True),
    sa.Column("system", ExactText, nullable=False),
    sa.Column("raw", ExactText),
)

prompt_exemplars = sa.Table(
    "urial_prompt_exemplars",
    metadata,
    sa.Column("prompt_id", sa.ForeignKey(prompts.c.id), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("exemplar_id", sa.ForeignKey(exemplars.c.id), nullable=False, index=True),
    sqlite_with_rowid=False,
)

queries = sa.Table(
    "urial_queries",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("name", ExactText, nullable=False),
    sa.Column("text", ExactText, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("split", sa.Text, nullable=False),
    sa.Column("tags", JsonText, nullable=False),
)

samplings = sa.Table(
    "urial_samplings",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("temperature", sa.Double, nullable=False),
    sa.Column("top_p", sa.Double, nullable=False),
    sa.Column("max_tokens", sa.Integer, nullable=False),
    sa.Column("stop", JsonText, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("repetition_penalty", sa.Double, nullable=False),
)

identities = sa.Table(
    "urial_identities",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", ExactText, nullable=False, unique=True),
)

answers = sa.Table(
    "urial_answers",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("text", ExactText, nullable=False),
)

completions = sa.Table(
    "urial_completions",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("generator_id", sa.ForeignKey(identities.c.id), nullable=False),
    sa.Column("sampling_id", sa.ForeignKey(samplings.c.id), nullable=False),
    sa.Column("answer_id", sa.ForeignKey(answers.c.id), nullable=False),
    sa.Column("finish_reason", sa.Text, nullable=False),
    *usage_columns(),
    sqlite_with_rowid=False,
)

judgments = sa.Table(
    "urial_judgments",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("judge_id", sa.ForeignKey(identities.c.id), nullable=False),
    sa.Column("query_id", sa.ForeignKey(queries.c.id), nullable=False),
    sa.Column("answer_id", sa.ForeignKey(answers.c.id), nullable=False),
    sa.Column("helpfulness", sa.Double),
    sa.Column("clarity", sa.Double),
    sa.Column("factuality", sa.Double),
    sa.Column("depth", sa.Double),
    sa.Column("engagement", sa.Double),
    sa.Column("safety", sa.Double),
    sa.Column("reasons", JsonText, nullable=False),
    sa.Column("raw", ExactText, nullable=False),
    *usage_columns(),
    *_missing(),
)

evaluations = sa.Table(
    "urial_evaluations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("prompt_id", sa.ForeignKey(prompts.c.id), index=True),
    sa.Column("sampling_id", sa.ForeignKey(samplings.c.id)),
    sa.Column("params", JsonText),
)

evaluated_queries = sa.Table(
    "urial_evaluated_queries",
    metadata,
    sa.Column("evaluation_id", sa.ForeignKey(evaluations.c.id), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("query_id", sa.ForeignKey(queries.c.id), nullable=False),
    sa.Column("answer_id", sa.ForeignKey(answers.c.id), nullable=False),
    sa.Column("judgment_id", sa.ForeignKey(judgments.c.id), nullable=False),
    sa.Column("score", sa.Double),
    sa.Column("finish_reason", sa.Text, nullable=False),
    *usage_columns(),
    sqlite_with_rowid=False,
)

trials = sa.Table(
    "urial_trials",
    metadata,
    sa.Column("search_id", sa.ForeignKey(searches.c.id), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("optuna_number", sa.Integer, nullable=False),
    sa.Column("evaluation_id", sa.ForeignKey(evaluations.c.id), nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    *(sa.Column(name, sa.Double) for name in ("observed", "estimate", "low", "high")),
    sa.Column("seconds", sa.Double, nullable=False),
    *usage_columns(),
    sa.Column("recorded_at", sa.Text, nullable=False),
    *(sa.Column(name, sa.Integer) for name in ("ended", "knew", "tick")),
    sa.Column("looks", JsonText, nullable=False, server_default="[]"),
    sa.Index("ix_urial_trials_best", "search_id", "estimate"),
)

preferences = sa.Table(
    "urial_preferences",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("judge_id", sa.ForeignKey(identities.c.id), nullable=False),
    sa.Column("query_id", sa.ForeignKey(queries.c.id), nullable=False),
    sa.Column("first_id", sa.ForeignKey(answers.c.id), nullable=False),
    sa.Column("second_id", sa.ForeignKey(answers.c.id), nullable=False),
    sa.Column("overall", sa.Text),
    sa.Column("aspects", JsonText, nullable=False),
    sa.Column("consistent", sa.Boolean),
    sa.Column("raw", ExactText, nullable=False),
    *usage_columns(),
    *_missing(),
)

results = sa.Table(
    "urial_results",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("search_id", sa.ForeignKey(searches.c.id), nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("split", sa.Text, nullable=False),
    sa.Column("candidate_id", Hash, nullable=False),
    sa.Column("evaluation_id", sa.ForeignKey(evaluations.c.id), nullable=False, unique=True),
    sa.Column("recorded_at", sa.Text, nullable=False),
    sa.UniqueConstraint("search_id", "role", "split", "candidate_id"),
)

accounts = sa.Table(
    "urial_accounts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, unique=True),
    sa.Column("search_id", sa.ForeignKey(searches.c.id), unique=True),
)

spending = sa.Table(
    "urial_spending",
    metadata,
    sa.Column("account_id", sa.ForeignKey(accounts.c.id), primary_key=True),
    sa.Column("identity_id", sa.ForeignKey(identities.c.id), primary_key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("requests", sa.BigInteger, nullable=False),
    *usage_columns(sa.BigInteger),
    sqlite_with_rowid=False,
)

replies = sa.Table(
    "urial_replies",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("identity_id", sa.ForeignKey(identities.c.id), nullable=False),
    sa.Column("body", ExactText, nullable=False),
    *usage_columns(),
)

query_tags = sa.Table(
    "urial_query_tags",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("judge_id", sa.ForeignKey(identities.c.id), nullable=False),
    sa.Column("query_id", sa.ForeignKey(queries.c.id), nullable=False),
    sa.Column("task", ExactText),
    sa.Column("topic", ExactText),
    sa.Column("difficulty", ExactText),
    sa.Column("raw", ExactText, nullable=False),
    *usage_columns(),
)

paces = sa.Table(
    "urial_paces",
    metadata,
    sa.Column("server", ExactText, primary_key=True),
    sa.Column("at_once", sa.Integer, nullable=False),
    sa.Column("not_before", sa.Double, nullable=False),
    sqlite_with_rowid=False,
)

served = sa.Table(
    "urial_served",
    metadata,
    sa.Column("model", ExactText, primary_key=True),
    sa.Column("address", ExactText, nullable=False),
    sa.Column("replies", ExactText, nullable=False),
    sa.Column("root", ExactText, nullable=False),
    sqlite_with_rowid=False,
)

aligned_answers = sa.Table(
    "urial_aligned_answers",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("aligned_id", sa.ForeignKey(identities.c.id), nullable=False),
    sa.Column("query", ExactText, nullable=False),
    sa.Column("max_tokens", sa.Integer, nullable=False),
    sa.Column("tokens", JsonText, nullable=False),
    sa.Column("pieces", JsonText, nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False),
    *usage_columns(),
)

shifts = sa.Table(
    "urial_shifts",
    metadata,
    sa.Column("id", Hash, primary_key=True),
    sa.Column("base_id", sa.ForeignKey(identities.c.id), nullable=False),
    sa.Column("aligned_id", sa.ForeignKey(identities.c.id), nullable=False),
    sa.Column("text_id", Hash, nullable=False, index=True),
    sa.Column("probe_id", Hash, nullable=False),
    sa.Column("positions", sa.Integer, nullable=False),
    sa.Column("unshifted", sa.Double, nullable=False),
    sa.Column("marginal", sa.Double, nullable=False),
    sa.Column("shifted", sa.Double, nullable=False),
    sa.Column("surprise", sa.Double, nullable=False),
    sa.Column("kl_base_aligned", sa.Double),
    sa.Column("kl_aligned_base", sa.Double),
    sa.Column("by_query", JsonText, nullable=False),
    *usage_columns(),
)
