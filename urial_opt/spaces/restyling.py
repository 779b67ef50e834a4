"""Restyling: rules that give an answer another style without a model: how it opens, is laid out, and closes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Layout: TypeAlias = Literal["running", "numbered", "bulleted"]

_LIST_MARK = re.compile(r"^[ \t]*(?:[-*+•–]|\(?\d{1,3}[.)])[ \t]+", re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”')\]]*\s+(?=[\w\"“'(\[])|\n+")
_SEQUENCE_WORD = re.compile(r"^(?:First|Second|Third|Then|Next|After that|Finally|Lastly),? +")
_NO_STEP = re.compile(r"^(?:Tip|Note|Hint):")
_FENCE = "```"
_SHORTEST_LIST = 3
"""Fewer sentences are not made a list: a lead and one item are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleRule:
    """How answers of a style are written."""

    name: str
    openings: tuple[str, ...] = ()
    """Sentences that such an answer may open with; the first one is written, the others are recognised."""
    closings: tuple[str, ...] = ()
    """The same for its end."""
    layout: Layout = "running"
    steps: str = ""
    """The line before a list of steps, such as `These are the steps:`."""
    sentences: int | None = None
    """At most so many sentences between opening and closing; None for all."""


def restyled(answer: str, rule: StyleRule, known: Iterable[StyleRule] = (), *, refusal: bool = False) -> str:
    """The answer in the style of `rule`.

    Openings and closings of the `known` rules are taken off first. Lists become running text, or the other way round.
    A refusal becomes no list, and an answer with a code block keeps its layout.
    """
    body = _without_frame(answer.strip(), [rule, *known])
    layout: Layout = "running" if refusal else rule.layout
    laid_out = body if _FENCE in body else _laid_out(sentences_of(body), rule, layout)
    between = "\n" if "\n" in laid_out else " "
    return between.join(part for part in (*rule.openings[:1], laid_out, *rule.closings[:1]) if part)


def _without_frame(body: str, rules: Sequence[StyleRule]) -> str:
    for opening in sorted({each for rule in rules for each in rule.openings}, key=len, reverse=True):
        body = body.removeprefix(opening).lstrip()
    for closing in sorted({each for rule in rules for each in rule.closings}, key=len, reverse=True):
        body = body.removesuffix(closing).rstrip()
    return body


def sentences_of(body: str) -> list[str]:
    """The sentences of a text, without marks of lists; a line is at least one sentence."""
    return [part.strip() for part in _SENTENCE_END.split(_LIST_MARK.sub("", body)) if part.strip()]


def _laid_out(sentences: Sequence[str], rule: StyleRule, layout: Layout) -> str:
    lead, items = list(sentences[:1]), list(sentences[1:])
    if in_order := bool(lead) and (lead[0].endswith(":") or bool(_SEQUENCE_WORD.match(lead[0]))):
        items = items if lead[0].endswith(":") else [*lead, *items]
        lead = []
    items = [_capitalised(_SEQUENCE_WORD.sub("", item)) for item in items]
    if rule.sentences is not None:
        items = items[: max(rule.sentences - len(lead), 0)]
    if layout == "running" or len(lead) + len(items) < _SHORTEST_LIST:
        return " ".join([*lead, *(_in_order(items) if in_order else items)])
    if in_order and rule.steps:
        lead = [rule.steps]
    marks = [f"{number}. " if layout == "numbered" else "- " for number in range(1, len(items) + 1)]
    return "\n".join([*lead, *(mark + item for mark, item in zip(marks, items, strict=True))])


def _in_order(steps: Sequence[str]) -> list[str]:
    """Steps as running text: `First, … Then …`; tips stay as they are."""
    words = ["First, " if place == 0 else "Then " for place in range(len(steps))]
    return [
        step if _NO_STEP.match(step) or len(steps) == 1 else word + step[:1].lower() + step[1:]
        for word, step in zip(words, steps, strict=True)
    ]


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
