"""Queries of a search space: read from JSON Lines and split into dev, validation and test."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pydantic import Field

from urial_opt.aspects import QueryKind
from urial_opt.content import content_id
from urial_opt.datasets.json_rows import read_rows
from urial_opt.datasets.written import Name, Source, Words, Written
from urial_opt.errors import InputError
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
    """`text` without its case, repeated blanks and closing marks: equal for two queries that differ only in these."""
    return " ".join(text.casefold().split()).rstrip(" .?!")


def made_id(*turns: str) -> str:
    """The id of a query that has none: a hash of its turns, which does not change when rows are added or moved."""
    return content_id(turns)


def split_by_hash(query_id: str) -> Split:
    """The split of a query that names none: dev, validation and test in the ratio 1:1:2.

    It depends on the id alone, so that adding queries moves none.
    """
    return _BY_HASH[hashlib.sha256(query_id.encode()).digest()[0] % len(_BY_HASH)]


def draw(seed: int, name: str) -> float:
    """A pseudo-random number in [0, 1) that depends on the arguments alone, so it is the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:6]) / 2**48


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySet:
    """All queries of a space, each in exactly one split."""

    queries: tuple[Query, ...]

    def split(self, name: Split) -> tuple[Query, ...]:
        """The queries of one split, in file order."""
        return tuple(query for query in self.queries if query.split == name)

    @property
    def held_out(self) -> Split:
        """The split on which the end result is measured: `validation` where a program keeps no queries for a test."""
        return "test" if self.split("test") else "validation"

    def blocks(self, split: Split, size: int, *, seed: int) -> list[tuple[Query, ...]]:
        """Blocks of `size` queries with the same composition; the last block may be shorter.

        Prompts are compared block by block. Each block therefore holds the split's share of safety queries, rounded to
        whole queries, and its queries of a kind are spread over the tasks (their first tags). The blocks depend on the
        queries and arguments alone.
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
    """The queries in an order in which every stretch holds about its share of each task."""
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
    """The queries of a JSON Lines file; SpaceError if a row is wrong or repeated, or if a split lacks a kind."""
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
            raise source.error("text", f"the same words as in {other.id!r}{mixed}; write another query")
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


def refuse_later_turns(queries: Iterable[Query], why: str) -> None:
    """InputError if a query is a later turn of a conversation; `why` says what takes single queries only."""
    if later := next((query for query in queries if query.earlier), None):
        raise InputError(
            f"{why}, and {later.id!r} is a later turn of a conversation; leave it out, or give other queries"
        )
