"""Queries: read from JSON Lines, split once into dev, validation and test, never mixed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pydantic import Field

from urial_opt.aspects import QueryKind
from urial_opt.content import content_id
from urial_opt.datasets.written import Name, Source, Words, Written, read_rows
from urial_opt.records import Query, Split

SPLITS: tuple[Split, ...] = get_args(Split)
_BY_HASH: tuple[Split, ...] = ("dev", "validation", "test", "test")


class QueryRow(Written):
    """One line of a queries file."""

    id: Name
    text: Words
    kind: QueryKind
    tags: list[Words] = Field(default_factory=list)
    split: Split | None = None


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
