"""Traits: what aligned answers do and a prompt can teach, and where in an answer each trait begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from urial_opt.shift.kinds import MarkedToken, TokenKind
from urial_opt.shift.marking import refuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """Something that aligned answers do, and how to describe it."""

    does: str
    """In the third person, as in `… as the aligned model does`."""
    advice: str
    """How to change the prompt; `{example}` is the most frequent text of the trait in the aligned answers."""
    begins: Callable[[Sequence[MarkedToken], Sequence[str]], int | None]
    """The position at which an answer, given as tokens and their texts, begins the trait; None if it lacks it."""


def _first(kind: TokenKind, words: Callable[[str], bool] = lambda _: True) -> Callable[..., int | None]:
    def begins(tokens: Sequence[MarkedToken], _: Sequence[str]) -> int | None:
        return next((place for place, token in enumerate(tokens) if token.kind is kind and words(token.word)), None)

    return begins


def _refusal(tokens: Sequence[MarkedToken], pieces: Sequence[str]) -> int | None:
    return _first(TokenKind.SAFETY)(tokens, pieces) if refuses("".join(pieces)) else None


def _warning(tokens: Sequence[MarkedToken], pieces: Sequence[str]) -> int | None:
    return None if refuses("".join(pieces)) else _first(TokenKind.SAFETY)(tokens, pieces)


def _bold(tokens: Sequence[MarkedToken], pieces: Sequence[str]) -> int | None:
    marks = zip(tokens, pieces, strict=False)
    return next(
        (at for at, (token, piece) in enumerate(marks) if token.kind is TokenKind.STRUCTURE and "**" in piece), None
    )


TRAITS: Mapping[str, Trait] = {
    "greeting": Trait(
        does="greets",
        advice="open the answers of the exemplars with a greeting, such as {example}",
        begins=_first(TokenKind.GREETING),
    ),
    "refusal": Trait(
        does="refuses",
        advice="add an exemplar that declines a harmful request in its first words, such as {example}",
        begins=_refusal,
    ),
    "warning": Trait(does="warns", advice="add an exemplar with a warning, such as {example}", begins=_warning),
    "line breaks": Trait(
        does="breaks lines",
        advice="add an exemplar whose answer goes on in a new line there",
        begins=_first(TokenKind.STRUCTURE, lambda word: word[:1] in "\r\n"),
    ),
    "numbered lists": Trait(
        does="numbers its lists",
        advice="add an exemplar whose answer has a numbered list",
        begins=_first(TokenKind.STRUCTURE, str.isdigit),
    ),
    "bullets": Trait(
        does="lists with bullets",
        advice="add an exemplar whose answer has a list with {example}",
        begins=_first(TokenKind.STRUCTURE, lambda word: word in {"-", "•", "+", "–"}),
    ),
    "bold": Trait(does="sets words in bold", advice="set key words of the exemplars in bold", begins=_bold),
    "headings": Trait(
        does="writes headings",
        advice="add an exemplar whose answer has headings",
        begins=_first(TokenKind.STRUCTURE, lambda word: word.startswith("#")),
    ),
    "connectives": Trait(
        does="joins its sentences",
        advice="use connectives in the exemplars, such as {example}",
        begins=_first(TokenKind.CONNECTIVE),
    ),
    "address": Trait(
        does="speaks to the reader",
        advice="let the exemplars' answers say {example}",
        begins=_first(TokenKind.ADDRESS),
    ),
    "closing": Trait(
        does="closes with an offer or a wish",
        advice="add an exemplar whose answer ends with one, such as {example}",
        begins=_first(TokenKind.CLOSING),
    ),
    "ending": Trait(
        does="ends its answers",
        advice="let the exemplars be as long as answers should be, and end where they should",
        begins=_first(TokenKind.END),
    ),
}
"""By name, roughly in the order in which answers show them."""
