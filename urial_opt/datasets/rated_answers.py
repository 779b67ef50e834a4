"""Rated answers: answers with given scores, read from JSON, CSV or just-eval's results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field

from urial_opt.aspects import ASPECTS_OF, Aspect, AspectScores, QueryKind
from urial_opt.datasets.file_text import suffix_of
from urial_opt.datasets.json_rows import read_objects
from urial_opt.datasets.kinds import KIND_FIELDS, Evidence, Row, read_kinds
from urial_opt.datasets.queries import made_id
from urial_opt.datasets.row_text import note_unread, whole_question
from urial_opt.datasets.tables import read_csv
from urial_opt.datasets.written import AnyId, Source, Words, Written, refuse_two
from urial_opt.records import Query

_QUERIES = ("query", "instruction", "question")
_ANSWERS = ("answer", "output", "candidate", "output_cand")
_SCORES = ("scores", "parsed_result")
_ASPECTS = [aspect.value for aspect in Aspect]
_MODES: Mapping[str, QueryKind] = {"score_multi": "regular", "score_safety": "safety"}
_READ = (*_QUERIES, *_ANSWERS, *_SCORES, *KIND_FIELDS, "id", "input", "prompt", "task", "topic", "tags", "split")
"""Fields that are read, or that belong to the query and do not change it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedAnswer:
    """An answer and the scores that it was given, by people or by another judge."""

    query: Query
    answer: str
    scores: AspectScores
    """Given scores on the aspects judged for the query's kind; None if given as N/A or unreadable."""
    left_out: int
    """How many given scores are on other aspects."""


def _score(value: object) -> float | None:
    if isinstance(value, Mapping) and "score" in value:  # just-eval stores it beside its reason
        value = value["score"]
    if value is None or (isinstance(value, str) and value.strip().casefold() in ("n/a", "na")):
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = 0.0
    if not 1 <= number <= 5:
        raise ValueError(f"should be a number from 1 to 5, or N/A, not {value!r}")
    return number


_Score: TypeAlias = Annotated[float | None, BeforeValidator(_score)]


class _Mode(Written):
    """just-eval's settings."""

    model_config = ConfigDict(extra="ignore")
    mode: str = ""


class _RatedRow(Written):
    """One rated answer, with the field names of just-eval or of hand-written files."""

    model_config = ConfigDict(extra="ignore")
    id: AnyId = None
    query: Words = Field(validation_alias=AliasChoices(*_QUERIES))
    answer: str = Field(validation_alias=AliasChoices(*_ANSWERS))
    scores: dict[str, _Score] | None = Field(validation_alias=AliasChoices(*_SCORES))
    """None if just-eval could not read its judge's reply."""
    eval_config: _Mode = Field(default_factory=_Mode)


def read_rated_answers(path: Path) -> list[RatedAnswer]:
    """The rows of a JSON Lines, JSON list or CSV file. SpaceError names file, line and field of the first wrong row."""
    rows: Sequence[tuple[Source, object]]
    if suffix_of(path) in (".csv", ".tsv"):
        rows = [
            (source, _by_aspect(cells)) for source, cells in read_csv(path, columns=_columns, may_be_blank=_ANSWERS)
        ]
    else:
        rows = read_objects(path)
    if not rows:
        raise Source(path=path).error("", "the file holds no answer; write one in each row")
    whole = [(source, _whole(source, source.fields(data))) for source, data in rows]
    kinds = read_kinds(whole, _scored_as)
    note_unread(whole, _READ, text="query")
    read = [(source, source.read(data, _RatedRow)) for source, data in whole]
    return [_rated(source, row, kind) for (source, row), kind in zip(read, kinds, strict=True)]


def _rated(source: Source, row: _RatedRow, told: QueryKind | None) -> RatedAnswer:
    for name in row.scores or ():
        if name not in _ASPECTS:
            raise source.error(f"scores.{name}", _no_aspect(name))
    given = {Aspect(name): score for name, score in (row.scores or {}).items()}
    kind = told or ("safety" if set(given) == {Aspect.SAFETY} else "regular")
    due = ASPECTS_OF[kind]
    scores = dict.fromkeys(due) if row.scores is None else {a: given[a] for a in due if a in given}
    if not scores:
        raise source.error("scores", f"hold none that is judged on a {kind} query; give one of {', '.join(due)}")
    return RatedAnswer(
        query=Query(id=row.id or made_id(row.query), text=row.query, kind=kind, split="test"),
        answer=row.answer,
        scores=scores,
        left_out=len(given.keys() - scores.keys()),
    )


def _scored_as(row: Row) -> Evidence:
    """What just-eval's mode of scoring says of the kind; without it, scores on one kind's aspects alone do."""
    config = row.get("eval_config")
    mode = config.get("mode") if isinstance(config, Mapping) else None
    return {"eval_config": _MODES[mode]} if isinstance(mode, str) and mode in _MODES else {}


def _no_aspect(name: str) -> str:
    near = get_close_matches(name, _ASPECTS, n=1)
    return (
        f"is no aspect; did you mean {near[0]!r}?" if near else f"is no aspect; the aspects are {', '.join(_ASPECTS)}"
    )


def _whole(source: Source, row: Row) -> dict[str, object]:
    """The row with its whole query in one field. just-eval calls the query `input`."""
    if "input" in row and not any(row.get(name) for name in _QUERIES):
        row = {"query": row["input"], **{name: value for name, value in row.items() if name not in ("query", "input")}}
    whole = whole_question(source, row, text=_QUERIES)
    if whole.get("turns"):
        raise source.error("turns", "is read in files of queries only; give each answer its own query")
    refuse_two(source, whole, _ANSWERS)
    return whole | {name: row[name] for name in _SCORES if name in row}  # null where just-eval could not read a reply


def _by_aspect(cells: Mapping[str, str]) -> dict[str, object]:
    """The fields of a table row that has a column for each aspect; a blank cell is no score."""
    scores = {aspect: cells[aspect] for aspect in _ASPECTS if aspect in cells}
    return {name: cell for name, cell in cells.items() if name not in scores} | {"scores": scores}


def _columns(source: Source, header: list[str]) -> list[str]:
    """The names in a header in lower case. SpaceError if none is an aspect, or one is a misspelt aspect."""
    names = [name.strip().casefold() for name in header]
    for name in names:
        if name not in _ASPECTS and get_close_matches(name, _ASPECTS, n=1, cutoff=0.8):
            raise source.error(name, _no_aspect(name))
    if not set(names) & set(_ASPECTS):
        raise source.error("", f"the header names no aspect; add a column for at least one of {', '.join(_ASPECTS)}")
    return names
