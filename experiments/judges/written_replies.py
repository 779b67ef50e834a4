"""The content and the layout of a judge's reply, which mutations change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A judge's verdict on one aspect."""

    aspect: str
    reason: str
    words: str
    """The score as it is written, without quotes."""
    score: float | None
    """The value of the words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the judge writes its reply. The functions write a reason, a name or key, and a score."""

    string: Callable[[str], str] = json.dumps
    key: Callable[[str], str] = json.dumps
    value: Callable[[str], str] = json.dumps
    indent: str = "\n    "
    comma: str = ","
    trailing: str = ""
    score_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A changed reply and the scores that it really gives."""

    text: str
    scores: Mapping[str, float | None]
    changes: tuple[str, ...] = field(default=())


def said_in(row: Mapping[str, Mapping[str, str]]) -> list[Said]:
    """The verdicts in the field `parsed` of a row."""
    return [
        Said(
            aspect=aspect,
            reason=each["reason"],
            words=each["score"],
            score=None if each["score"] == "N/A" else float(each["score"]),
        )
        for aspect, each in row.items()
    ]


def written(said: Sequence[Said], layout: Layout) -> str:
    """The reply as text."""
    outer, inner = layout.indent, layout.indent and layout.indent + "    "
    objects = []
    for each in said:
        fields = [
            f"{layout.key('reason')}: {layout.string(each.reason)}",
            f"{layout.key('score')}: {layout.value(each.words)}",
        ]
        if layout.score_first:
            fields.reverse()
        body = f"{layout.comma}{inner}".join(fields)
        objects.append(f"{layout.key(each.aspect)}: {{{inner}{body}{layout.trailing}{outer}}}")
    return "{" + outer + f"{layout.comma}{outer}".join(objects) + layout.trailing + outer + "}"
