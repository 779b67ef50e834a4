"""Tagging: a judge labels queries by task, topic and difficulty, so that samples and races can be stratified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from urial_opt.errors import InputError
from urial_opt.evaluation.one_by_one import stored_one_by_one
from urial_opt.memory import TagMemory, fill_gaps
from urial_opt.protocols import Judge, NamedTagger, Tagger
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
        """A row of a query file. Keys: `id`, `text`, `kind`, `split`, and, unless empty, `tags` and `turns`.

        The judge's tags come first, since task and topic are told apart by position; the query's own tags follow.
        """
        others = [tag for tag in self.query.tags if tag not in self.read]
        return {
            "id": self.query.id,
            "text": self.query.text,
            "kind": self.query.kind,
            "split": self.query.split,
            **({"tags": tags} if (tags := [*self.read, *others]) else {}),
            **({"turns": list(self.turns)} if self.turns else {}),
        }


def able_to_tag(judge: Judge) -> Tagger:
    """The judge as a `Tagger`; InputError if it cannot tag queries."""
    if not isinstance(judge, Tagger):
        raise InputError(
            f"the judge {judge.identity!r} cannot tag queries; give one that can, such as `judge=llm:gpt-4o`"
        )
    return judge


def tag_queries(queries: Sequence[Query], judge: Tagger, memory: TagMemory) -> Iterator[list[TaggedQuery]]:
    """Yield the tagged queries, block by block in their order; stored tags are reused. AdapterError if the judge fails.

    Of a conversation, only the first turn is tagged.
    """
    later = [query for query in queries if query.earlier]
    turns = {query.id.rpartition("-")[0]: (*query.earlier[1:], query.text) for query in later}
    for block in in_blocks([query for query in queries if not query.earlier], _AT_ONCE):
        yield [
            TaggedQuery(query=query, turns=turns.get(query.id, ()), tags=tags)
            for query, tags in zip(block, _tagged(block, judge, memory), strict=True)
        ]


def stored_tags(queries: Sequence[Query], judge: Tagger, memory: TagMemory) -> int:
    """How many of the queries have tags in the memory."""
    first = [query for query in queries if not query.earlier]
    return sum(tags is not None for tags in memory.find_tags(_identity(judge), first))


def _tagged(block: Sequence[Query], judge: Tagger, memory: TagMemory) -> list[QueryTags]:
    def ask(missing: list[int]) -> list[QueryTags]:
        asked = [block[row] for row in missing]

        def store(places: Sequence[int], tagged: Sequence[QueryTags]) -> None:
            memory.add_tags(tagged, [asked[place] for place in places])

        tagged = stored_one_by_one(judge, lambda: judge.tag(asked), store)
        memory.settle()
        return tagged

    return fill_gaps(memory.find_tags(_identity(judge), block), ask)


def _identity(judge: Tagger) -> str:
    """The name under which the tags are stored."""
    if isinstance(judge, NamedTagger):
        return judge.tagging_identity
    return str(getattr(judge, "identity", ""))  # a Tagger is a Judge: see `able_to_tag`
