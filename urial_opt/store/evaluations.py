"""Evaluations: a candidate, the queries it was tried on, their answers and judgments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from urial_opt.content import content_id
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.records import Candidate, Completion, Evaluation, Judgment, Query, Sampling
from urial_opt.store.paid_work import (
    completion_columns,
    keep_judgments,
    query_id,
    read_completion,
    read_judgment,
    sampling_row,
)
from urial_opt.store.statements import chunks, insert_new
from urial_opt.store.tables import (
    answers,
    evaluated_queries,
    evaluations,
    exemplars,
    identities,
    judgments,
    prompt_exemplars,
    prompts,
    queries,
    samplings,
)

_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_CANDIDATES = sa.select(evaluations).where(evaluations.c.id.in_(_IDS))
_PROMPTS = sa.select(prompts).where(prompts.c.id.in_(_IDS))
_SAMPLINGS = sa.select(samplings).where(samplings.c.id.in_(_IDS))
_EXEMPLARS = (
    sa.select(prompt_exemplars.c.prompt_id, exemplars)
    .join(exemplars)
    .where(prompt_exemplars.c.prompt_id.in_(_IDS))
    .order_by(prompt_exemplars.c.prompt_id, prompt_exemplars.c.position)
)
_SCORES = (
    sa.select(evaluated_queries.c.evaluation_id, queries.c.name, evaluated_queries.c.score)
    .join(queries)
    .where(evaluated_queries.c.evaluation_id.in_(_IDS))
    .order_by(evaluated_queries.c.evaluation_id, evaluated_queries.c.position)
)
_EVALUATED = (
    sa.select(evaluated_queries, queries, answers.c.text, judgments, identities.c.name)
    .join(queries, queries.c.id == evaluated_queries.c.query_id)
    .join(answers, answers.c.id == evaluated_queries.c.answer_id)
    .join(judgments, judgments.c.id == evaluated_queries.c.judgment_id)
    .join(identities, identities.c.id == judgments.c.judge_id)
    .where(evaluated_queries.c.evaluation_id.in_(_IDS))
    .order_by(evaluated_queries.c.evaluation_id, evaluated_queries.c.position)
)


def insert_evaluation(
    connection: sa.Connection,
    candidate: Candidate | None,
    evaluation: Evaluation,
    *,
    scores: Sequence[float | None],
) -> int:
    """Store an evaluation and everything it refers to; `scores` runs parallel to its queries. Returns its id."""
    columns: dict[str, object] = {"prompt_id": None, "sampling_id": None, "params": None}
    if candidate is not None:
        insert_new(connection, samplings, [sampling_row(candidate.sampling)])
        prompt_id = _insert_prompt(connection, candidate.prompt)
        columns = {"prompt_id": prompt_id, "sampling_id": candidate.sampling.id, "params": dict(candidate.params)}
    id_: int = connection.execute(sa.insert(evaluations).values(columns).returning(evaluations.c.id)).scalar_one()
    judgment_ids = keep_judgments(connection, evaluation.judgments, evaluation.queries, evaluation.completions)
    pairs = zip(evaluation.queries, evaluation.completions, judgment_ids, scores, strict=True)
    rows = [
        {
            "evaluation_id": id_,
            "position": position,
            "query_id": query_id(query),
            "judgment_id": judgment_id,
            "score": score,
            **completion_columns(completion),
        }
        for position, (query, completion, judgment_id, score) in enumerate(pairs)
    ]
    if rows:
        connection.execute(sa.insert(evaluated_queries), rows)
    return id_


def delete_evaluation(connection: sa.Connection, id_: int | None) -> None:
    """Delete an evaluation that nothing refers to any more; its answers and verdicts stay."""
    connection.execute(sa.delete(evaluated_queries).where(evaluated_queries.c.evaluation_id == id_))
    connection.execute(sa.delete(evaluations).where(evaluations.c.id == id_))


def read_candidates(connection: sa.Connection, ids: Iterable[int]) -> dict[int, Candidate | None]:
    """The candidate of each evaluation; None if it had no prompt."""
    rows = [row for some in chunks(ids) for row in connection.execute(_CANDIDATES, {"ids": some})]
    shown = _read_prompts(connection, {row.prompt_id for row in rows if row.prompt_id is not None})
    decoding = _read_samplings(connection, {row.sampling_id for row in rows if row.sampling_id is not None})
    return {
        row.id: None
        if row.prompt_id is None
        else Candidate(prompt=shown[row.prompt_id], sampling=decoding[row.sampling_id], params=row.params)
        for row in rows
    }


def read_scores(connection: sa.Connection, ids: Iterable[int]) -> dict[int, dict[str, float | None]]:
    """For each evaluation, the score of each query by query id, in the order seen."""
    scores: defaultdict[int, dict[str, float | None]] = defaultdict(dict)
    for some in chunks(ids):
        for evaluation_id, name, score in connection.execute(_SCORES, {"ids": some}):
            scores[evaluation_id][name] = score
    return scores


def read_evaluations(connection: sa.Connection, ids: Iterable[int]) -> dict[int, Evaluation]:
    """Each evaluation with all its texts."""
    rows: dict[int, list[tuple[Query, Completion, Judgment]]] = {id_: [] for id_ in ids}
    for some in chunks(rows):
        for row in connection.execute(_EVALUATED, {"ids": some}).mappings():
            query = Query(
                id=row[queries.c.name],
                text=row[queries.c.text],
                kind=row[queries.c.kind],
                split=row[queries.c.split],
                tags=tuple(row[queries.c.tags]),
            )
            completion = read_completion(row, evaluated_queries)
            judgment = read_judgment(row, query, row[identities.c.name])
            rows[row[evaluated_queries.c.evaluation_id]].append((query, completion, judgment))
    return {id_: _evaluation(found) for id_, found in rows.items()}


def _evaluation(rows: Sequence[tuple[Query, Completion, Judgment]]) -> Evaluation:
    return Evaluation(
        queries=tuple(query for query, _, _ in rows),
        completions=tuple(completion for _, completion, _ in rows),
        judgments=tuple(judgment for _, _, judgment in rows),
    )


def _insert_prompt(connection: sa.Connection, prompt: UrialPrompt) -> str:
    rows = [_exemplar_row(exemplar) for exemplar in prompt.exemplars]
    id_ = content_id([prompt.system, prompt.raw, [row["id"] for row in rows]])
    insert_new(connection, exemplars, rows)
    insert_new(connection, prompts, [{"id": id_, "text_id": prompt.id, "system": prompt.system, "raw": prompt.raw}])
    places = [{"prompt_id": id_, "position": place, "exemplar_id": row["id"]} for place, row in enumerate(rows)]
    insert_new(connection, prompt_exemplars, places, key="position")
    return id_


def _exemplar_row(exemplar: Exemplar) -> dict[str, object]:
    content = [exemplar.query, exemplar.answer, exemplar.style, exemplar.tags, exemplar.parent]
    return {
        "id": content_id(content),
        "text_id": exemplar.id,
        "query": exemplar.query,
        "answer": exemplar.answer,
        "style": exemplar.style,
        "tags": exemplar.tags,
        "parent": exemplar.parent,
    }


def _read_prompts(connection: sa.Connection, ids: Iterable[str]) -> dict[str, UrialPrompt]:
    ids = list(ids)
    shown: defaultdict[str, list[Exemplar]] = defaultdict(list)
    for some in chunks(ids):
        for row in connection.execute(_EXEMPLARS, {"ids": some}):
            shown[row.prompt_id].append(
                Exemplar(query=row.query, answer=row.answer, style=row.style, tags=tuple(row.tags), parent=row.parent)
            )
    return {
        row.id: UrialPrompt(system=row.system, exemplars=tuple(shown[row.id]), raw=row.raw)
        for some in chunks(ids)
        for row in connection.execute(_PROMPTS, {"ids": some})
    }


def _read_samplings(connection: sa.Connection, ids: Iterable[str]) -> dict[str, Sampling]:
    return {
        row.id: Sampling(
            temperature=row.temperature,
            top_p=row.top_p,
            max_tokens=row.max_tokens,
            stop=tuple(row.stop),
            seed=row.seed,
            repetition_penalty=row.repetition_penalty,
        )
        for some in chunks(ids)
        for row in connection.execute(_SAMPLINGS, {"ids": some})
    }
