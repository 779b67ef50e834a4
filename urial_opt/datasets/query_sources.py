"""Query sources: published sets by name, files in several formats, and stratified samples of either."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field

from urial_opt.aspects import QueryKind
from urial_opt.content import mended, mended_json
from urial_opt.datasets.file_text import suffix_of
from urial_opt.datasets.json_rows import named_once, read_objects
from urial_opt.datasets.kinds import KIND_FIELDS, is_kind, read_kinds
from urial_opt.datasets.queries import draw, made_id, split_by_hash
from urial_opt.datasets.row_text import TEXTS, note_unread, refuse_misspelt, whole_question
from urial_opt.datasets.tables import numbered, read_csv, read_parquet
from urial_opt.datasets.written import AnyId, Source, Words, Written
from urial_opt.errors import InputError, UnknownNameError
from urial_opt.records import Query, Split
from urial_opt.secrets import redacted

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
"""Suffixes of the files that can be read; all but Parquet may be compressed, as in `.jsonl.gz`."""

_IDS = ("id", "question_id", "prompt_id", "query_id")
_LISTS = ("task", "topic", "tags", "turns")
_FIELDS = (*_IDS, *TEXTS, *KIND_FIELDS, *_LISTS, "split")


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Several = Annotated[list[Words], BeforeValidator(_as_list)]


class _SourceRow(Written):
    """One query or conversation, with the field names that public files use."""

    model_config = ConfigDict(extra="ignore")
    id: AnyId = Field(default=None, validation_alias=AliasChoices(*_IDS))
    text: Words = Field(validation_alias=AliasChoices(*TEXTS))
    kind: QueryKind
    task: _Several = Field(default_factory=list)
    topic: _Several = Field(default_factory=list)
    tags: _Several = Field(default_factory=list)
    turns: _Several = Field(default_factory=list)
    """The user's later turns, each after an answer."""
    split: Split | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Published:
    """A set of queries on the Hugging Face hub."""

    dataset: str
    file: str
    fields: Callable[[Mapping[str, Any]], Mapping[str, object]]
    """Maps a row of the set to the fields of `_SourceRow`."""

    @property
    def url(self) -> str:
        return f"https://huggingface.co/datasets/{self.dataset}/resolve/main/{self.file}"


def _from_alpaca_eval(row: Mapping[str, Any]) -> Mapping[str, object]:
    return {"text": row["instruction"], "task": row["dataset"]}


def _from_mt_bench(row: Mapping[str, Any]) -> Mapping[str, object]:
    first, *later = row["prompt"] if "prompt" in row else row["turns"]
    return {"id": row.get("prompt_id", row.get("question_id")), "text": first, "turns": later, "task": row["category"]}


def _from_lima(row: Mapping[str, Any]) -> Mapping[str, object]:
    return {"text": row["conversations"][0]}


PUBLISHED = {
    "just-eval-instruct": _Published(
        dataset="re-align/just-eval-instruct", file="test_all_with_tags.jsonl", fields=dict
    ),
    "alpaca-eval": _Published(dataset="tatsu-lab/alpaca_eval", file="alpaca_eval.json", fields=_from_alpaca_eval),
    "mt-bench": _Published(dataset="HuggingFaceH4/mt_bench_prompts", file="raw/question.jsonl", fields=_from_mt_bench),
    "lima": _Published(dataset="GAIR/lima", file="test.jsonl", fields=_from_lima),
}
"""Published sets that can be named instead of a file."""


def load_queries(
    source: str | os.PathLike[str], *, split: Split | None = None, sample: int | None = None, seed: int = 0
) -> list[Query]:
    """The queries of `source`: a file, the `NAME` of a published set, or `NAME:FILE` for a copy of its file.

    `split`: only the queries of this split. `sample`: only so many of them, each kind, task and topic in its share,
    drawn by `seed`. A conversation becomes one query for each user turn, with the ids `ID`, `ID-2` and so on.
    SpaceError names file, line and field of the first wrong row. InputError if the hub cannot be reached, a package is
    missing or there are too few queries.
    """
    queries = _load(str(source))
    if not queries:
        raise InputError(f"{str(source)!r} holds no query; write one into it, or give another file")
    chosen = [query for query in queries if split in (None, query.split)]
    return chosen if sample is None else sample_queries(chosen, sample, seed=seed)


def _load(source: str) -> list[Query]:
    name, _, file = source.partition(":")
    if name in PUBLISHED:
        published = PUBLISHED[name]
        rows = read_objects(Path(file)) if file else _fetch(name, published)
        return _queries([(place, _ours(place, row, name, published)) for place, row in rows], twins=True)
    path = Path(source)
    if not path.suffix and not path.exists():
        unknown = UnknownNameError.of("set of queries", source, PUBLISHED)
        raise UnknownNameError(f"{unknown}; a file of queries ends in {', '.join(SUFFIXES)}")
    return _queries(_read_file(path))


def _ours(place: Source, row: object, name: str, published: _Published) -> object:
    try:
        return published.fields(row)  # type: ignore[arg-type]
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise place.error("", f"is no row of {name} ({error!r}); give {published.url}") from error


def _fetch(name: str, published: _Published) -> list[tuple[Source, object]]:
    """The rows of a published set, from the hub or its local cache."""
    instead = f"or download {published.url} and give {name}:FILE"
    try:
        datasets = import_module("datasets")
    except ImportError as error:
        needs = "are fetched by the package 'datasets', which is not installed"
        raise InputError(f"the queries {name!r} {needs}; type: pip install datasets, {instead}") from error
    try:
        address = f"hf://datasets/{published.dataset}/{published.file}"
        rows = list(datasets.load_dataset("json", data_files=address, split="train"))
    except Exception as error:  # errors of hub, network and parser have no narrower common base
        says = redacted(" ".join(str(error).split()))
        raise InputError(
            f"the queries {name!r} cannot be fetched from the Hugging Face hub ({says[:160]}); try again, {instead}"
        ) from error
    return numbered(Path(published.dataset) / published.file, rows)


def _read_file(path: Path) -> list[tuple[Source, object]]:
    match suffix_of(path):
        case ".jsonl" | ".json":
            return read_objects(path)
        case ".csv" | ".tsv":
            return [
                (source, {name: _cell(source, name, cell) for name, cell in cells.items()})
                for source, cells in read_csv(path)
            ]
        case ".parquet":
            return read_parquet(path)
        case _:
            raise InputError(f"{str(path)!r} is no file of queries; give one that ends in {', '.join(SUFFIXES)}")


def _cell(source: Source, name: str, cell: str) -> object:
    """A cell as it is; in a field that may hold several entries, a JSON list is parsed."""
    if name not in _LISTS or not cell.startswith("["):
        return cell
    try:
        return json.loads(mended_json(cell), object_pairs_hook=named_once)
    except (ValueError, RecursionError) as error:
        raise source.error(name, f'{cell[:60]!r} is no JSON list; write ["one", "another"], or one alone') from error


def _queries(rows: Sequence[tuple[Source, object]], *, twins: bool = False) -> list[Query]:
    """The queries in the rows. `twins`: rows without ids may repeat the same words, as published sets do."""
    taken: dict[str, Source] = {}
    seen: Counter[str] = Counter()
    queries: list[Query] = []
    for source, data in _known(rows):
        row = source.read(data, _SourceRow)
        name = row.id or made_id(row.text, *row.turns)
        seen[name] += 1
        if twins and row.id is None and seen[name] > 1:
            name = f"{name}.{seen[name]}"
        for query in _turns(name, row):
            if query.id in taken:
                line = taken[query.id].lines[()]
                same = f"{query.id!r} is taken by line {line}; choose another id"
                says = same if row.id is not None else f"line {line} has the same words; give each its own id"
                raise source.error("id", says)
            taken[query.id] = source
            queries.append(query)
    return queries


def _turns(name: str, row: _SourceRow) -> list[Query]:
    """One query for each turn of a row, all in the same split."""
    tags = (*row.task[:1], *row.topic[:1], *row.task[1:], *row.topic[1:], *row.tags)
    turns = (row.text, *row.turns)
    return [
        Query(
            id=name if number == 0 else f"{name}-{number + 1}",
            text=turn,
            kind=row.kind,
            split=row.split or split_by_hash(name),
            tags=("", *tags) if row.topic and not row.task else tags,
            earlier=turns[:number],
        )
        for number, turn in enumerate(turns)
    ]


def _known(rows: Sequence[tuple[Source, object]]) -> Sequence[tuple[Source, Mapping[str, Any]]]:
    """The rows with their whole question in one field, their kind, and a category that is no kind as their task.

    Unknown fields are noted, unless one looks like a misspelling.
    """
    there = [(source, whole_question(source, source.fields(data))) for source, data in rows]
    refuse_misspelt(there, _FIELDS)
    kinds = read_kinds(there)
    note_unread(there, _FIELDS, text="text")
    known = []
    for (source, row), kind in zip(there, kinds, strict=True):
        task = {} if "task" in row or "category" not in row or is_kind(row["category"]) else {"task": row["category"]}
        known.append((source, {**row, **task, "kind": kind or "regular"}))
    return known


def as_queries(given: Sequence[Query | str]) -> list[Query]:
    """The queries given, or regular queries of the words given. InputError for a bare string."""
    if isinstance(given, str):
        raise InputError(f"{given[:40]!r} is one string; give a list, such as `queries=[{given[:40]!r}]`")
    return [
        Query(id=made_id(each), text=each, kind="regular", split=split_by_hash(made_id(each)))
        if isinstance(each, str)
        else each
        for each in (mended(each) if isinstance(each, str) else each for each in given)
    ]


_LEVELS: tuple[Callable[[Query], str], ...] = (
    lambda query: query.kind,
    lambda query: query.tags[0] if query.tags else "",
    lambda query: query.tags[1] if len(query.tags) > 1 else "",
)
"""The nested strata of a sample: kind, task within a kind, topic within a task."""


def sample_queries(queries: Sequence[Query], count: int, *, seed: int = 0) -> list[Query]:
    """A sample of `count` queries, in their order, that keeps the share of each kind, task and topic.

    Shares are rounded to whole queries. The draw uses each query's id, so that the sample changes little when queries
    are added. InputError if there are fewer than `count` queries.
    """
    if count > len(queries):
        raise InputError(
            f"there are only {len(queries)} queries to sample {count} from; give `sample={len(queries)}` or less"
        )
    chosen = {query.id for query in _share_out(queries, count, seed, level=0)}
    return [query for query in queries if query.id in chosen]


def _share_out(queries: Sequence[Query], count: int, seed: int, *, level: int) -> list[Query]:
    if level == len(_LEVELS):
        return sorted(queries, key=lambda query: draw(seed, query.id))[:count]
    groups: dict[str, list[Query]] = {}
    for query in queries:
        groups.setdefault(_LEVELS[level](query), []).append(query)
    shares = {name: divmod(count * len(members), len(queries)) for name, members in groups.items()}
    left = count - sum(whole for whole, _ in shares.values())
    by_remainder = sorted(groups, key=lambda name: (-shares[name][1], draw(seed, f"share of {name}")))
    return [
        query
        for place, name in enumerate(by_remainder)
        for query in _share_out(groups[name], shares[name][0] + (place < left), seed, level=level + 1)
    ]
