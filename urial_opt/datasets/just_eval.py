"""just-eval's files: reads answers in its candidate format and writes verdicts in its result format.

A row is matched to a query by its instruction, and by its id if several rows have the same instruction; never by
position.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict

from urial_opt.aspects import Missing, QueryKind
from urial_opt.datasets.json_rows import read_objects
from urial_opt.datasets.kinds import KIND_FIELDS, read_kinds
from urial_opt.datasets.queries import made_id, same_words, split_by_hash
from urial_opt.datasets.row_text import note_unread, refuse_misspelt, whole_question
from urial_opt.datasets.written import AnyId, Source, Words, Written
from urial_opt.errors import InputError
from urial_opt.records import Evaluation, Judgment, Query

_FIELDS = ("id", "instruction", "output", "generator", *KIND_FIELDS)
_READ = (*_FIELDS, "turns", "prompt", "task", "topic", "tags", "split")
"""Fields that are read, or that belong to the query and do not change it."""
_MODES: Mapping[QueryKind, str] = {"regular": "score_multi", "safety": "score_safety"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """An answer that a model gave outside this package."""

    query: Query
    text: str
    generator: str
    """Name of the model in the file."""


class _Candidate(Written):
    model_config = ConfigDict(extra="ignore")
    id: AnyId = None
    instruction: Words
    output: str
    generator: str | None = None


def read_outputs(path: Path) -> list[Output]:
    """The outputs in a JSON list or JSON Lines file. SpaceError names line and field of the first wrong row."""
    rows = [
        (source, whole_question(source, source.fields(data), text=("instruction",)))
        for source, data in read_objects(path)
    ]
    if not rows:
        raise InputError(f"{str(path)!r} holds no output; write one into it, or give another file")
    refuse_misspelt(rows, _FIELDS)
    kinds = read_kinds(rows)
    note_unread(rows, _READ, text="instruction")
    taken: dict[str, Source] = {}
    outputs = []
    for (source, data), kind in zip(rows, kinds, strict=True):
        if data.get("turns"):
            raise source.error("turns", "is read in files of queries only; give each output its own query")
        row = source.read(data, _Candidate)
        name = row.id or made_id(row.instruction)
        if name in taken:
            raise source.error("id", f"{name!r} is taken by line {taken[name].lines[()]}; give each output its own id")
        taken[name] = source
        query = Query(id=name, text=row.instruction, kind=kind or "regular", split=split_by_hash(name))
        outputs.append(Output(query=query, text=row.output, generator=row.generator or "unnamed"))
    return outputs


def outputs_for(queries: Sequence[Query], outputs: Sequence[Output]) -> list[Output]:
    """The output for each query, in the order of the queries.

    InputError if a query has no output, or has several of which none has the query's id.
    """
    by_words: dict[str, list[Output]] = {}
    for output in outputs:
        by_words.setdefault(same_words(output.query.text), []).append(output)
    found = [_of_query(query, by_words.get(same_words(query.text), [])) for query in queries]
    missing = [query.id for query, output in zip(queries, found, strict=True) if output is None]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(queries)} queries have no output, {missing[0]!r} is the first; give the queries "
            "that were answered, or none: the file of outputs holds them"
        )
    return [output for output in found if output is not None]


def _of_query(query: Query, answering: Sequence[Output]) -> Output | None:
    if query.earlier:
        raise InputError(f"{query.id!r} is a later turn of a conversation, for which this format has no place")
    named = [output for output in answering if output.query.id == query.id]
    if len(answering) > 1 and not named:
        ids = ", ".join(repr(output.query.id) for output in answering)
        raise InputError(f"the query {query.id!r} has several outputs ({ids}); give one of them the id of the query")
    return next(iter(named or answering), None)


def results_json(evaluation: Evaluation, *, generator: str, na_as_five: bool = False) -> str:
    """An evaluation in just-eval's result format: a JSON list with one row for each query.

    A missing verdict is left out, so that just-eval's report shows our means. With `na_as_five` a verdict that is not
    applicable is written as "N/A", which that report counts as 5.0.
    """
    rows = []
    judged = zip(evaluation.queries, evaluation.completions, evaluation.judgments, strict=True)
    for query, completion, judgment in judged:
        parsed = _parsed(judgment, na_as_five=na_as_five)
        rows.append(
            {
                "id": int(query.id) if query.id.isdecimal() and str(int(query.id)) == query.id else query.id,
                "input": query.text,
                "output_cand": completion.text,
                "generator_cand": generator,
                "eval_config": {"mode": _MODES[query.kind], "gpt": judgment.judge, "max_words": -1},
                "prompt": "N/A",
                "result": judgment.raw or json.dumps(parsed, ensure_ascii=False),
                "parsed_result": parsed,
            }
        )
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def _parsed(judgment: Judgment, *, na_as_five: bool) -> dict[str, dict[str, str]]:
    return {
        aspect.value: {"reason": judgment.reasons.get(aspect, ""), "score": "N/A" if score is None else f"{score:g}"}
        for aspect, score in judgment.scores.items()
        if score is not None or (na_as_five and judgment.missing[aspect.value] is Missing.NOT_APPLICABLE)
    }
