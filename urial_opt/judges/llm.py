"""A language model as judge: scores answers, compares two answers, and tags queries over the chat protocol."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, Literal, TypeAlias, TypeVar, get_args

from urial_opt.aspects import ASPECTS_OF, Aspect, Missing
from urial_opt.errors import InputError
from urial_opt.judges.asking import (
    JudgeQuestion,
    about_aspect,
    about_preference,
    about_preferences,
    about_scores,
    about_tags,
    label,
)
from urial_opt.judges.groups import Groups
from urial_opt.judges.replies import ParsedValue, declines, read_reply
from urial_opt.memory import PaceMemory, ReplyMemory
from urial_opt.models.per_thread import PerThread
from urial_opt.models.server.endpoint import Endpoint, open_endpoint
from urial_opt.models.server.replies import Reply
from urial_opt.records import Completion, Judgment, Preference, Query, QueryTags, Usage, Verdict

T = TypeVar("T")
ResultT = TypeVar("ResultT", Judgment, Preference, QueryTags)
Mode: TypeAlias = Literal["scores", "aspects"]

_TRIES = 3
_MAX_TOKENS = 2048
_AGAIN = "\n\nReply with the JSON object alone."
"""Added to the prompt after a reply that could not be read; at temperature 0 the same prompt gets the same reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ParsedReply(Generic[T]):
    """The parsed reply to one question."""

    readings: Mapping[str, ParsedValue[T]]
    raw: str
    usage: Usage
    refused: bool = False
    """Whether the judge, or a filter of its server, declined to judge."""

    @property
    def settled(self) -> int:
        """The number of names with a verdict, or with a withheld one."""
        return sum(reading.value is not None or reading.withheld for reading in self.readings.values())

    def value(self, name: str) -> T | None:
        return self.readings[name].value

    def missing(self, name: str) -> Missing:
        """Why there is no verdict for `name`."""
        if self.readings[name].withheld:
            return Missing.NOT_APPLICABLE
        return Missing.REFUSED if self.refused else Missing.UNREAD


class LLMJudge:
    """Sends all questions of a batch to the model at once, and repeats those whose replies could not be read."""

    def __init__(self, endpoint: Endpoint, *, mode: Mode = "scores", max_tokens: int = _MAX_TOKENS) -> None:
        """In mode `aspects` each aspect of a query has a request of its own, instead of one for all aspects.

        `max_tokens` limits a reply, including the model's thoughts.
        """
        self._endpoint = endpoint
        self._mode = mode
        self._max_tokens = max_tokens
        self._heard = PerThread[Callable[[Mapping[int, Any]], None] | None](None)

    @property
    def identity(self) -> str:
        return self._identity("scores" if self._mode == "scores" else "aspect", "safety")

    @property
    def pairwise_identity(self) -> str:
        return self._identity("pairwise", "pairwise_aspects")

    @property
    def tagging_identity(self) -> str:
        return self._identity("tags")

    @property
    def at_once(self) -> int:
        """As `protocols.Concurrent`."""
        return self._endpoint.at_once

    @property
    def priced_as(self) -> str:
        return self._endpoint.model

    def keep_pace(self, memory: PaceMemory) -> None:
        """As `protocols.Paced`."""
        self._endpoint.keep_pace(memory, identity=f"llm:{self._endpoint.identity}")

    def keep_replies(self, memory: ReplyMemory | None) -> None:
        """As `protocols.Billed`."""
        self._endpoint.keep_replies(memory)

    def hand_on(self, heard: Callable[[Mapping[int, Any]], None] | None) -> None:
        """As `protocols.Gradual`."""
        self._heard.value = heard

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        """As `protocols.Judge`. AdapterError as `Endpoint.chat`."""
        asked = [
            self._questions(query, completion.text) for query, completion in zip(queries, completions, strict=True)
        ]
        return self._ask(asked, lambda row, parsed: self._judgment(queries[row], parsed))

    def compare(
        self, queries: Sequence[Query], firsts: Sequence[Completion], seconds: Sequence[Completion]
    ) -> list[Preference]:
        """As `protocols.PairwiseJudge`. AdapterError as `Endpoint.chat`."""
        asked = [
            [
                question
                for about in (about_preference, about_preferences)
                for question in (about(query, first.text, second.text), about(query, second.text, first.text))
            ]
            for query, first, second in zip(queries, firsts, seconds, strict=True)
        ]
        return self._ask(asked, lambda row, parsed: self._preference(queries[row], parsed))

    def tag(self, queries: Sequence[Query]) -> list[QueryTags]:
        """As `protocols.Tagger`. AdapterError as `Endpoint.chat`."""
        return self._ask(
            [[about_tags(query)] for query in queries], lambda row, parsed: self._tags(queries[row], *parsed)
        )

    def _identity(self, *templates: str) -> str:
        length = [] if self._max_tokens == _MAX_TOKENS else [f"max_tokens {self._max_tokens}"]
        return ", ".join([f"llm:{self._endpoint.identity}", *map(label, templates), *length])

    def _questions(self, query: Query, answer: str) -> list[JudgeQuestion[float]]:
        if self._mode == "scores" or query.kind == "safety":
            return [about_scores(query, answer)]
        return [about_aspect(query, answer, aspect) for aspect in ASPECTS_OF[query.kind]]

    def _judgment(self, query: Query, parsed: Sequence[_ParsedReply[float]]) -> Judgment:
        readings = {name: reading for each in parsed for name, reading in each.readings.items()}
        return Judgment(
            query_id=query.id,
            judge=self.identity,
            scores={Aspect(name): reading.value for name, reading in readings.items()},
            missing={name: each.missing(name) for each in parsed for name in each.readings},
            reasons={name: reading.reason for name, reading in readings.items() if reading.reason},
            raw="\n\n".join(each.raw for each in parsed),
            usage=sum((each.usage for each in parsed), Usage()),
        )

    def _preference(self, query: Query, parsed: Sequence[_ParsedReply[Verdict]]) -> Preference:
        there, back, there_each, back_each = parsed
        one, other = there.value("overall"), _turned(back.value("overall"))
        return Preference(
            query_id=query.id,
            judge=self.pairwise_identity,
            overall=_agreed(one, other),
            aspects={
                Aspect(name): _agreed(there_each.value(name), _turned(back_each.value(name)))
                for name in there_each.readings
            },
            consistent=None if one is None or other is None else one == other,
            missing={
                name: _why((first, second), name)
                for first, second in ((there, back), (there_each, back_each))
                for name in first.readings
            },
            raw=json.dumps([each.raw for each in parsed], ensure_ascii=False),
            usage=sum((each.usage for each in parsed), Usage()),
        )

    def _tags(self, query: Query, parsed: _ParsedReply[str]) -> QueryTags:
        return QueryTags(
            query_id=query.id,
            judge=self.tagging_identity,
            task=parsed.value("task"),
            topic=parsed.value("topic"),
            difficulty=parsed.value("difficulty"),
            raw=parsed.raw,
            usage=parsed.usage,
        )

    def _ask(
        self,
        asked: Sequence[Sequence[JudgeQuestion[T]]],
        make: Callable[[int, Sequence[_ParsedReply[T]]], ResultT],
    ) -> list[ResultT]:
        """What `make` makes of the replies to each group of questions.

        A question is repeated while a part of its reply cannot be read.
        """
        questions = [question for group in asked for question in group]
        groups = Groups([len(group) for group in asked], make, self._heard.value)
        parsed: dict[int, _ParsedReply[T]] = {}

        def settled(row: int) -> bool:
            return parsed[row].settled >= len(questions[row].wanted)

        def hear(rows: Sequence[int], last: bool, replies: Mapping[int, Reply]) -> None:  # noqa: FBT001
            heard = {rows[place]: reply for place, reply in replies.items()}
            for row, reply in heard.items():
                new = _read(questions[row], reply)
                parsed[row] = _better(parsed[row], new) if row in parsed else new
            groups.add({row: parsed[row] for row in heard if last or settled(row)})

        unsettled = list(range(len(questions)))
        for turn in range(_TRIES):
            requests = [_body(questions[row], turn, self._max_tokens) for row in unsettled]
            heard = partial(hear, unsettled, turn + 1 == _TRIES)
            self._endpoint.chat(requests, too_long_is_refused=True, heard=heard)
            unsettled = [row for row in unsettled if not settled(row)]
            if not unsettled:
                break
        return groups.results()


def open_judge(
    argument: str,
    *,
    url: str = "",
    concurrency: str = "",
    timeout: str = "600",
    model_replies: str = "",
    revision: str = "",
    mode: str = "scores",
    max_tokens: str = str(_MAX_TOKENS),
) -> LLMJudge:
    """The judge `llm:MODEL`; `mode` is `scores` (one call for all aspects) or `aspects` (one call for each)."""
    if not argument:
        raise InputError("the judge 'llm' needs a model; give llm:MODEL, such as llm:gpt-4o")
    if not max_tokens.isdecimal() or int(max_tokens) == 0:
        raise InputError(f"max_tokens is a whole number above 0, not {max_tokens!r}; give for example max_tokens=8192")
    for known in get_args(Mode):
        if mode == known:
            options = {"url": url, "concurrency": concurrency, "timeout": timeout}
            endpoint = open_endpoint(argument, **options, model_replies=model_replies, revision=revision)
            return LLMJudge(endpoint, mode=known, max_tokens=int(max_tokens))
    raise InputError(f"no mode of the judge 'llm' is called {mode!r}; give mode=scores or mode=aspects")


def _body(question: JudgeQuestion[T], turn: int, max_tokens: int) -> dict[str, object]:
    schema = {"name": "verdict", "strict": True, "schema": question.schema}
    return {
        "messages": [{"role": "user", "content": question.prompt + (_AGAIN if turn else "")}],
        "temperature": 0,
        "seed": turn,  # a cache in between would give the same request the same reply
        "max_tokens": max_tokens,
        "response_format": {"type": "json_schema", "json_schema": schema},
    }


def _read(question: JudgeQuestion[T], reply: Reply) -> _ParsedReply[T]:
    words = "" if reply.refused else reply.text
    if reply.finish_reason == "stop":
        words += "\n"  # the reply is complete, so a final `4` is not the beginning of 4.5
    elif not words.lstrip().startswith(("{", "```")):
        words = ""  # cut off in its thoughts
    readings = read_reply(words, question.form, question.wanted, judged=question.judged)
    read = _ParsedReply(readings=readings, raw=reply.text, usage=reply.usage)
    return replace(read, refused=reply.refused or (not read.settled and declines(words)))


def _better(old: _ParsedReply[T], new: _ParsedReply[T]) -> _ParsedReply[T]:
    """The reply with more verdicts, or the later of two equals; the usage of both counts."""
    return replace(old if old.settled > new.settled else new, usage=old.usage + new.usage)


def _why(parsed: Sequence[_ParsedReply[T]], name: str) -> Missing:
    """Why a verdict on two answers is missing: for the worst reason in either order."""
    reasons = {each.missing(name) for each in parsed if each.value(name) is None}
    return next((why for why in (Missing.UNREAD, Missing.REFUSED) if why in reasons), Missing.NOT_APPLICABLE)


def _turned(verdict: Verdict | None) -> Verdict | None:
    """The verdict with the two answers in the other order."""
    turned: dict[Verdict | None, Verdict] = {"first": "second", "second": "first", "tie": "tie"}
    return turned.get(verdict)


def _agreed(one: Verdict | None, other: Verdict | None) -> Verdict | None:
    if one is None or other is None:
        return None
    return one if one == other else "tie"
