"""Most shifted: the tokens and words that are shifted most often under one context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from urial_opt.shift.figures import MARGINAL_RANK, ShiftedText
from urial_opt.shift.kinds import MarkedToken, TokenKind
from urial_opt.shift.positions import ContextPositions
from urial_opt.token_scores import ShiftReading

TOP_LISTED = 50
"""Tokens and words listed."""


def most_shifted_tokens(
    positions: ContextPositions, reading: ShiftReading, kinds: Sequence[TokenKind]
) -> tuple[ShiftedText, ...]:
    """The tokens, by text; `kinds` are those of all positions."""
    return _most_shifted(_tokens(positions, reading, kinds))


def most_shifted_words(positions: ContextPositions, marked: Sequence[Sequence[MarkedToken]]) -> tuple[ShiftedText, ...]:
    """The words, in lower case; a word has the greatest rank among its tokens."""
    return _most_shifted(_words(positions, marked))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Occurrence:
    """One token or word at its position."""

    text: str
    kind: TokenKind
    rank: float
    """NaN where it is unknown."""


def _tokens(positions: ContextPositions, reading: ShiftReading, kinds: Sequence[TokenKind]) -> Iterator[_Occurrence]:
    for token, kind, rank in zip(positions.token.tolist(), kinds, positions.measures.rank.tolist(), strict=True):
        yield _Occurrence(text=reading.texts[token], kind=kind, rank=rank)


def _words(positions: ContextPositions, marked: Sequence[Sequence[MarkedToken]]) -> Iterator[_Occurrence]:
    """Each word once, with the greatest rank among its tokens."""
    ranks = iter(positions.measures.rank.tolist())
    for tokens in marked:
        word, worst = None, float("nan")
        for token in tokens:
            if token.kind is TokenKind.END:
                continue
            if token.opens:
                if word is not None and word.word:
                    yield _Occurrence(text=word.word.lower(), kind=word.kind, rank=worst)
                word, worst = token, float("nan")
            rank = next(ranks)
            worst = rank if isnan(worst) or rank > worst else worst
        if word is not None and word.word:
            yield _Occurrence(text=word.word.lower(), kind=word.kind, rank=worst)


def _most_shifted(occurrences: Iterator[_Occurrence]) -> tuple[ShiftedText, ...]:
    """The texts that are shifted most often; of equal counts, the greater share of all occurrences first."""
    by_text: dict[str, list[_Occurrence]] = {}
    for each in occurrences:
        if not np.isnan(each.rank):
            by_text.setdefault(each.text, []).append(each)
    found = []
    for text, places in by_text.items():
        kinds = Counter(each.kind for each in places if each.rank > MARGINAL_RANK)
        if kinds:
            rank = float(np.exp(np.mean(np.log([each.rank for each in places]))))
            kind = kinds.most_common(1)[0][0]
            found.append(ShiftedText(text=text, kind=kind, count=len(places), shifted=kinds.total(), rank=rank))
    return tuple(sorted(found, key=lambda each: (-each.shifted, -each.share, each.text))[:TOP_LISTED])
