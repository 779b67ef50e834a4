"""Tagging: a judge labels queries by task, topic and difficulty, so that samples and races can be stratified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from urial_opt.errors import InputError
from urial_opt.protocols import Judge, Tagger
from urial_opt.records import Query, QueryTags, in_blocks

_AT_ONCE = 64
"""Number of queries in a block of results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedQuery:
    """A query, the user's later turns, and the judge's tags."""

    query: Query
    turns: tuple[str, ...]
    """The user's later turns in the conversation."""
    tags: QueryTags

    @property
    def read(self) -> tuple[str, ...]:
        """Task, topic and difficulty; empty unless all three could be read, since they are told apart by position."""
        read = tuple(tag for tag in (self.tags.task, self.tags.topic, self.tags.difficulty) if tag)
        return read if len(read) == 3 else ()

    def as_json(self) -> dict[str, object]:
        """A row of a query file. Keys: `id`, `text`, `kind`, `split`, and, unless empty, `tags` and `turns`."""
        return {
            "id": self.query.id,
            "text": self.query.text,
            "kind": self.query.kind,
            "split": self.query.split,
            **({"tags": list(self.read)} if self.read else {}),
            **({"turns": list(self.turns)} if self.turns else {}),
        }


def able_to_tag(judge: Judge) -> Tagger:
    """The judge as a `Tagger`; InputError if it cannot tag queries."""
    if not isinstance(judge, Tagger):
        raise InputError(
            f"the judge {judge.identity!r} cannot tag queries; give one that can, such as `judge=llm:gpt-4o`"
        )
    return judge


def tag_queries(queries: Sequence[Query], judge: Tagger) -> Iterator[list[TaggedQuery]]:
    """Yield the tagged queries, block by block in their order. AdapterError if the judge fails.

    Of a conversation, only the first turn is tagged.
    """
    later = [query for query in queries if query.earlier]
    turns = {query.id.rpartition("-")[0]: (*query.earlier[1:], query.text) for query in later}
    for block in in_blocks([query for query in queries if not query.earlier], _AT_ONCE):
        yield [
            TaggedQuery(query=query, turns=turns.get(query.id, ()), tags=tags)
            for query, tags in zip(block, judge.tag(block), strict=True)
        ]
