"""Queries: read from JSON Lines, split once into dev, validation and test, never mixed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from urial_opt.aspects import QueryKind
from urial_opt.content import content_id
from urial_opt.errors import SpaceError
from urial_opt.records import Query, Split


def _trimmed(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; write some text")
    return text.strip("\n").rstrip()


Words: TypeAlias = Annotated[str, AfterValidator(_trimmed)]
"""Text that somebody wrote: not blank, without newlines at its ends; a first line may be indented, as code is."""
Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")]
"""What a row is called in keys such as `tea/warm`."""

_JUST_EVAL_KINDS = {"just_eval": "regular", "just_red": "safety"}


def _our_kind(name: object) -> object:
    return _JUST_EVAL_KINDS.get(name, name) if isinstance(name, str) else name


AnyKind: TypeAlias = Annotated[QueryKind, BeforeValidator(_our_kind)]
"""The kind of a query as this package or just-eval writes it."""


def _as_text(value: object) -> object:
    return str(value) if type(value) is int else value


AnyId: TypeAlias = Annotated[Words | None, BeforeValidator(_as_text)]
"""The id of a row, which public files write as a number."""

SPLITS: tuple[Split, ...] = get_args(Split)
_BY_HASH: tuple[Split, ...] = ("dev", "validation", "test", "test")


class Written(BaseModel):
    """Base of everything read from a file: no field more, no type bent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


WrittenT = TypeVar("WrittenT", bound=Written)


class QueryRow(Written):
    """One line of a queries file."""

    id: Name
    text: Words
    kind: QueryKind
    tags: list[Words] = Field(default_factory=list)
    split: Split | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that somebody wrote, or one line of it, so that errors can name file, line and field."""

    path: Path
    lines: Mapping[tuple[str, ...], int] = field(default_factory=lambda: {(): 1})
    """The line on which each field starts; that of `()` is the line of the whole."""

    def error(self, where: str, says: str) -> SpaceError:
        """The error for the field `where`, such as `k.max`; `says` what is wrong and what to write instead."""
        parts = tuple(where.split(".")) if where else ()
        while parts not in self.lines:
            parts = parts[:-1]
        return SpaceError(f"{self.path}:{self.lines[parts]}: {where + ': ' if where else ''}{says}")

    def read(self, data: object, form: type[WrittenT]) -> WrittenT:
        """`data` as a `form`; SpaceError for the first field that is wrong."""
        try:
            return form.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            parts = [str(part) for part in first["loc"] if part != "[key]"]
            raise self.error(".".join(parts), _advice(first, form)) from error


def _advice(error: Mapping[str, Any], form: type[BaseModel]) -> str:
    """What is wrong with a field and what to write instead, in our words where pydantic's name Python's types."""
    *parents, last = [str(part) for part in error["loc"]] or [""]
    for parent in parents:
        inner = form.model_fields[parent].annotation if parent in form.model_fields else None
        form = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else form
    found = repr(error["input"])
    found = found if len(found) <= 60 else f"{found[:57]}..."
    match error["type"]:
        case "missing":
            return f"is missing; write a field {last!r}"
        case "extra_forbidden":
            near = get_close_matches(last, form.model_fields, n=1)
            known = f"did you mean {near[0]!r}?" if near else f"the fields are {', '.join(form.model_fields)}"
            return f"is no field; {known}"
        case "model_type" | "dict_type":
            return f"should hold named fields, not {found}"
        case "string_too_short" | "too_short":
            return "is empty; write at least one character or entry"
        case "string_pattern_mismatch":
            return f"{found} may hold only letters, digits, `_`, `.` and `-`"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            return f"{error['msg'].removeprefix('Input ')}, not {found}"


def read_text(path: Path) -> str:
    """The text of a file; SpaceError if it is missing, unreadable or blank."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SpaceError(f"{path}: there is no such file; write it, or name another") from error
    except UnicodeDecodeError as error:
        raise SpaceError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except OSError as error:
        raise SpaceError(f"{path}: {error.strerror}; name a file that can be read") from error
    if not text.strip():
        raise SpaceError(f"{path}:1: the file is empty; write what it shall hold, or name another")
    return text


def _named_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"the field {twice[0]!r} stands twice in it")
    return dict(pairs)


def read_rows(path: Path, form: type[WrittenT]) -> list[tuple[Source, WrittenT]]:
    """The rows of a JSON Lines file, each with its place; blank lines are skipped."""
    return [(source, source.read(data, form)) for source, data in _read_lines(path, read_text(path))]


def read_objects(path: Path) -> list[tuple[Source, object]]:
    """What stands in a JSON Lines file, or in one JSON list, each object with its place."""
    text = read_text(path)
    return _read_list(path, text) if text.lstrip().startswith("[") else _read_lines(path, text)


def _read_lines(path: Path, text: str) -> list[tuple[Source, object]]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        source = Source(path=path, lines={(): number})
        try:
            rows.append((source, json.loads(line, object_pairs_hook=_named_once)))
        except (ValueError, RecursionError) as error:
            raise source.error("", f"this line is no JSON object: {error}; write one object on one line") from error
    return rows


def _read_list(path: Path, text: str) -> list[tuple[Source, object]]:
    source = Source(path=path)
    items: list[tuple[Source, object]] = []
    try:
        json.loads(text)
        decoder = json.JSONDecoder(object_pairs_hook=_named_once)
        end = text.index("[") + 1
        line = 1 + text.count("\n", 0, end)
        while text[start := _next_item(text, end)] != "]":
            line += text.count("\n", end, start)
            source = Source(path=path, lines={(): line})
            item, end = decoder.raw_decode(text, start)
            line += text.count("\n", start, end)
            items.append((source, item))
    except json.JSONDecodeError as error:
        source = Source(path=path, lines={(): error.lineno})
        raise source.error("", f"this is no JSON list: {error.msg}; write [{{…}}, {{…}}]") from error
    except (ValueError, RecursionError) as error:
        raise source.error("", f"this item is no JSON object: {error}; write {{…}}") from error
    return items


def _next_item(text: str, start: int) -> int:
    while text[start] in " \t\r\n,":
        start += 1
    return start


def same_words(text: str) -> str:
    """What two queries share that differ only in case, blanks and the closing mark."""
    return " ".join(text.casefold().split()).rstrip(" .?!")


def made_id(*turns: str) -> str:
    """The id of a query that has none, made of its words: it stays where rows are added or moved."""
    return content_id(turns)


def split_by_hash(query_id: str) -> Split:
    """The split of a query that names none, 60:60:120; adding queries moves none."""
    return _BY_HASH[hashlib.sha256(query_id.encode()).digest()[0] % len(_BY_HASH)]


def draw(seed: int, name: str) -> float:
    """A number in [0, 1) that looks random and depends on nothing else: the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:6]) / 2**48


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySet:
    """All queries of a space, each in one split for ever."""

    queries: tuple[Query, ...]

    def split(self, name: Split) -> tuple[Query, ...]:
        """The queries of one split, in the order of the file."""
        return tuple(query for query in self.queries if query.split == name)

    def share(self, split: Split, kind: QueryKind) -> float:
        """The share, 0 to 1, of the queries of `split` that are of `kind`."""
        queries = self.split(split)
        return sum(query.kind == kind for query in queries) / len(queries)

    def blocks(self, split: Split, size: int, *, seed: int) -> list[tuple[Query, ...]]:
        """Blocks of `size` queries (the last may be shorter), alike in composition; a function of its arguments alone.

        Prompts are compared block by block, so each block holds the split's share of safety queries, to the nearest
        whole query, and its queries of a kind spread over the tasks (their first tags).
        """
        queries = self.split(split)
        safety = _spread([query for query in queries if query.kind == "safety"], seed)
        regular = _spread([query for query in queries if query.kind == "regular"], seed)
        blocks = []
        for start in range(0, len(queries), size):
            end = min(start + size, len(queries))
            first, last = (round(at * len(safety) / len(queries)) for at in (start, end))
            blocks.append((*regular[start - first : end - last], *safety[first:last]))
        return blocks


def _spread(queries: Sequence[Query], seed: int) -> list[Query]:
    """The queries in an order whose every stretch holds each task in about its share."""
    tasks: dict[str, list[Query]] = {}
    for query in sorted(queries, key=lambda query: draw(seed, query.id)):
        tasks.setdefault(query.tags[0] if query.tags else "", []).append(query)
    placed = [
        ((rank + draw(seed, f"task {task}")) / len(members), query)
        for task, members in tasks.items()
        for rank, query in enumerate(members)
    ]
    return [query for _, query in sorted(placed, key=lambda at: (at[0], at[1].id))]


def read_queries(path: Path) -> QuerySet:
    """The queries of a JSON Lines file; SpaceError if a row is wrong, repeated, or a split lacks a kind."""
    ids: dict[str, Source] = {}
    texts: dict[str, Query] = {}
    rows = read_rows(path, QueryRow)
    for source, row in rows:
        query = Query(
            id=row.id, text=row.text, kind=row.kind, split=row.split or split_by_hash(row.id), tags=tuple(row.tags)
        )
        if row.id in ids:
            raise source.error("id", f"{row.id!r} is taken by line {ids[row.id].lines[()]}; choose another id")
        if other := texts.get(same_words(row.text)):
            mixed = "" if other.split == query.split else f", in two splits ({other.split} and {query.split})"
            raise source.error("text", f"the same words stand in {other.id!r}{mixed}; write another query")
        ids[row.id] = source
        texts[same_words(row.text)] = query
    queries = QuerySet(queries=tuple(texts.values()))
    for split, kind in _missing(queries.queries):
        raise rows[-1][0].error("kind", f"the split {split!r} has no {kind} query; add one below")
    return queries


def _missing(queries: Iterable[Query]) -> list[tuple[Split, QueryKind]]:
    there = {(query.split, query.kind) for query in queries}
    kinds: tuple[QueryKind, ...] = get_args(QueryKind)
    return [(split, kind) for split in SPLITS for kind in kinds if (split, kind) not in there]
