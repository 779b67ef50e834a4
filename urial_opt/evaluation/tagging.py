"""Tagging: a judge says what queries are about, so that samples and races can be spread over their tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from urial_opt.errors import InputError
from urial_opt.protocols import Judge, Tagger
from urial_opt.records import Query, QueryTags, in_blocks

_AT_ONCE = 64
"""Queries between two blocks of results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedQuery:
    """A query, the user's later turns, and what a judge says of it."""

    query: Query
    turns: tuple[str, ...]
    """What the user says later in the conversation."""
    tags: QueryTags

    @property
    def read(self) -> tuple[str, ...]:
        """Task, topic and difficulty; empty unless all three could be read, since their order tells which is which."""
        read = tuple(tag for tag in (self.tags.task, self.tags.topic, self.tags.difficulty) if tag)
        return read if len(read) == 3 else ()

    def as_json(self) -> dict[str, object]:
        """A row of a file of queries. Keys: `id`, `text`, `kind`, `split`, and `tags` and `turns` where there are."""
        return {
            "id": self.query.id,
            "text": self.query.text,
            "kind": self.query.kind,
            "split": self.query.split,
            **({"tags": list(self.read)} if self.read else {}),
            **({"turns": list(self.turns)} if self.turns else {}),
        }


def able_to_tag(judge: Judge) -> Tagger:
    """The judge, if it tags queries; else InputError."""
    if not isinstance(judge, Tagger):
        raise InputError(
            f"the judge {judge.identity!r} tags no queries; give one that does, such as `judge=llm:gpt-4o`"
        )
    return judge


def tag_queries(queries: Sequence[Query], judge: Tagger) -> Iterator[list[TaggedQuery]]:
    """Tag queries block by block, in their order; of a conversation, its first turn. AdapterError as the judge's."""
    later = [query for query in queries if query.earlier]
    turns = {query.id.rpartition("-")[0]: (*query.earlier[1:], query.text) for query in later}
    for block in in_blocks([query for query in queries if not query.earlier], _AT_ONCE):
        yield [
            TaggedQuery(query=query, turns=turns.get(query.id, ()), tags=tags)
            for query, tags in zip(block, judge.tag(block), strict=True)
        ]
