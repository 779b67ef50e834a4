"""Completions and judgments, stored so that no generator or judge is asked the same thing twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from urial_opt.aspects import ASPECTS_OF, Aspect, AspectScores, Missing
from urial_opt.content import content_id
from urial_opt.records import Completion, Judgment, Query, Sampling, Usage
from urial_opt.store.served import find_under_names
from urial_opt.store.statements import chunks, insert_into, insert_new, missing
from urial_opt.store.tables import answers, completions, identities, judgments, queries, samplings

_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_COMPLETIONS = sa.select(completions, answers.c.text).join(answers).where(completions.c.id.in_(_IDS))
_JUDGMENTS = sa.select(judgments).where(judgments.c.id.in_(_IDS))
_ASPECT_COLUMNS = {aspect: judgments.c[aspect.value] for aspect in Aspect}
_NUMBERED = sa.select(identities.c.id).where(identities.c.name == sa.bindparam("name"))
_UNSCORED = dict.fromkeys(Aspect)
_REMEMBERED = 1024


def find_completions(
    connection: sa.Connection, generator: str, sampling: Sampling, texts: Sequence[str]
) -> list[Completion | None]:
    """The completion by `generator` of each whole rendered prompt; None where it is not stored."""
    sampling_id = sampling.id

    def find(name: str) -> list[Completion | None]:
        ids = [_completion_id(name, sampling_id, text) for text in texts]
        found = {
            row.id: read_completion(row._mapping, completions)
            for some in chunks(ids)
            for row in connection.execute(_COMPLETIONS, {"ids": some})
        }
        return [found.get(id_) for id_ in ids]

    return find_under_names(connection, generator, find)


def insert_completions(
    connection: sa.Connection, generator: str, sampling: Sampling, written: Mapping[str, Completion]
) -> None:
    """Store the completion of each whole rendered prompt, unless it has one already."""
    if not written:
        return
    insert_answers(connection, [completion.text for completion in written.values()])
    insert_new(connection, samplings, [sampling_row(sampling)])
    sampling_id = sampling.id
    common = {"generator_id": identity_id(connection, generator), "sampling_id": sampling_id}
    rows = [
        {"id": _completion_id(generator, sampling_id, text), **common, **completion_columns(completion)}
        for text, completion in written.items()
    ]
    insert_new(connection, completions, rows)


def find_judgments(
    connection: sa.Connection, judge: str, asked: Sequence[Query], given: Sequence[Completion]
) -> list[Judgment | None]:
    """The verdict of `judge` on each pair of query and completion; None where it is not stored."""

    def find(name: str) -> list[Judgment | None]:
        ids = [judgment_id(name, query, completion.text) for query, completion in zip(asked, given, strict=True)]
        rows = {row.id: row._mapping for some in chunks(ids) for row in connection.execute(_JUDGMENTS, {"ids": some})}
        return [
            read_judgment(rows[id_], query, judge) if id_ in rows else None
            for id_, query in zip(ids, asked, strict=True)
        ]

    return find_under_names(connection, judge, find)


def insert_judgments(
    connection: sa.Connection, verdicts: Sequence[Judgment], asked: Sequence[Query], given: Sequence[Completion]
) -> None:
    """Store each verdict, unless its pair has one by that judge already; see `insert_verdicts`."""
    judges = {name: identity_id(connection, name) for name in {verdict.judge for verdict in verdicts}}
    insert_queries(connection, asked)
    texts = {answer_id(completion.text): completion.text for completion in given}
    insert_answers(connection, [texts[id_] for id_ in missing(connection, answers, texts)])
    rows = [
        {
            "id": judgment_id(verdict.judge, query, completion.text),
            "judge_id": judges[verdict.judge],
            "query_id": query_id(query),
            "answer_id": answer_id(completion.text),
            **_UNSCORED,
            **verdict.scores,
            "reasons": dict(verdict.reasons),
            "raw": verdict.raw,
            "missing": dict(verdict.missing),
            "asked": verdict.asked,
            **usage_columns(verdict.usage),
        }
        for verdict, query, completion in zip(verdicts, asked, given, strict=True)
    ]
    insert_verdicts(connection, judgments, rows)


def insert_verdicts(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Store judgments or preferences, unless they are stored already.

    One that was asked for again replaces the stored one while parts of that are open, and adds its tokens.
    """
    insert_new(connection, table, [row for row in rows if row["asked"] == 1])
    for id_, row in {row["id"]: row for row in rows if row["asked"] != 1}.items():
        values = {name: value for name, value in row.items() if name != "id"}
        changes = {name: table.c[name] + each if name.endswith("_tokens") else each for name, each in values.items()}
        insert = insert_into(connection, table)
        update = insert.on_conflict_do_update(index_elements=["id"], set_=changes, where=is_open(table))
        connection.execute(update, {"id": id_, **values})


def is_open(table: sa.Table) -> sa.ColumnElement[bool]:
    """Whether parts of the verdict in a row of `table` are unread or refused."""
    said = sa.type_coerce(table.c.missing, sa.Text)
    return said.contains('"unread"') | said.contains('"refused"')


def keep_judgments(
    connection: sa.Connection, verdicts: Sequence[Judgment], asked: Sequence[Query], given: Sequence[Completion]
) -> list[str]:
    """As `insert_judgments`, but faster if most verdicts are stored already. Returns the ids of their rows."""
    ids = [
        judgment_id(verdict.judge, query, completion.text)
        for verdict, query, completion in zip(verdicts, asked, given, strict=True)
    ]
    insert_queries(connection, asked)
    if absent := set(missing(connection, judgments, ids)):
        places = [place for place, id_ in enumerate(ids) if id_ in absent]
        insert_judgments(
            connection,
            [verdicts[place] for place in places],
            [asked[place] for place in places],
            [given[place] for place in places],
        )
    return ids


def insert_queries(connection: sa.Connection, asked: Sequence[Query]) -> None:
    """Store each distinct query once."""
    by_id = {query_id(query): query for query in asked}
    insert_new(connection, queries, [query_row(by_id[id_]) for id_ in missing(connection, queries, by_id)])


def insert_answers(connection: sa.Connection, texts: Sequence[str]) -> None:
    """Store each distinct text once."""
    insert_new(connection, answers, [{"id": answer_id(text), "text": text} for text in texts])


def identity_id(connection: sa.Connection, name: str) -> int:
    """The row id of a generator or judge, which is inserted if it is new."""
    number = connection.scalar(_NUMBERED, {"name": name})
    if number is None:
        insert_new(connection, identities, [{"name": name}], key="name")
        number = connection.scalar(_NUMBERED, {"name": name})
    return int(number or 0)


def query_row(query: Query) -> dict[str, object]:
    return {
        "id": query_id(query),
        "name": query.id,
        "text": query.text,
        "kind": query.kind,
        "split": query.split,
        "tags": query.tags,
    }


def sampling_row(sampling: Sampling) -> dict[str, object]:
    return {
        "id": sampling.id,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "stop": sampling.stop,
        "seed": sampling.seed,
        "repetition_penalty": sampling.repetition_penalty,
    }


def completion_columns(completion: Completion) -> dict[str, object]:
    return {
        "answer_id": answer_id(completion.text),
        "finish_reason": completion.finish_reason,
        **usage_columns(completion.usage),
    }


def usage_columns(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "saved_tokens": usage.saved_tokens,
    }


def read_usage(row: Mapping[Any, Any], table: sa.Table) -> Usage:
    return Usage(
        prompt_tokens=row[table.c.prompt_tokens],
        completion_tokens=row[table.c.completion_tokens],
        saved_tokens=row[table.c.saved_tokens],
    )


def read_completion(row: Mapping[Any, Any], table: sa.Table) -> Completion:
    """The completion in a row of `table` joined with `answers`."""
    return Completion(text=row[answers.c.text], finish_reason=row[table.c.finish_reason], usage=read_usage(row, table))


def read_judgment(row: Mapping[Any, Any], query: Query, judge: str) -> Judgment:
    """The judgment in a row of `judgments`."""
    return Judgment(
        query_id=query.id,
        judge=judge,
        scores=_read_scores(row, query),
        reasons=row[judgments.c.reasons],
        raw=row[judgments.c.raw],
        usage=read_usage(row, judgments),
        missing=read_missing(row[judgments.c.missing]),
        asked=row[judgments.c.asked],
    )


def read_missing(stored: Mapping[str, str]) -> dict[str, Missing]:
    """Why parts of a verdict are missing."""
    return {name: Missing(why) for name, why in stored.items()}


def _read_scores(row: Mapping[Any, Any], query: Query) -> AspectScores:
    """Scores of the aspects due for the query, None if unreadable, and of any other aspect that has a score."""
    due = ASPECTS_OF[query.kind]
    scores = {aspect: row[column] for aspect, column in _ASPECT_COLUMNS.items()}
    return {aspect: score for aspect, score in scores.items() if score is not None or aspect in due}


# The ids below are needed several times in one trial, and hashing long texts would dominate its time.


@lru_cache(maxsize=_REMEMBERED)
def query_id(query: Query) -> str:
    return content_id([query.id, query.text, query.kind, query.split, query.tags])


@lru_cache(maxsize=_REMEMBERED)
def answer_id(text: str) -> str:
    return content_id(text)


@lru_cache(maxsize=_REMEMBERED)
def judgment_id(judge: str, query: Query, answer: str) -> str:
    # Without the split, so that a query that moves to another split is not paid for again.
    return content_id([judge, query.id, query.text, query.kind, query.tags, answer])


@lru_cache(maxsize=_REMEMBERED)
def _completion_id(generator: str, sampling_id: str, text: str) -> str:
    return content_id([generator, sampling_id, text])
