"""What servers tell of tokens: of those that an aligned model wrote, and of those that a base model read.

Servers tell texts of tokens. That of a piece of a character holds U+FFFD, or is empty; SentencePiece's may lack the
space with which it begins. So tokens are placed by the text that they are of, from its end: what stands before it, such
as a begin-of-text token, and the offsets that servers give, which count it or not, do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import e, exp, log, nan
from typing import TypeAlias

from urial_opt.records import Usage

UNREADABLE = "\ufffd"
_ROUNDING = 1e-6
"""By so much the sum of told probabilities may be off."""

Span: TypeAlias = tuple[int, int]
"""Where in a text a token begins and ends."""


def is_readable(text: str) -> bool:
    """Whether a text tells its token: that of a piece of a character does not."""
    return bool(text) and UNREADABLE not in text


@dataclass(frozen=True, slots=True, kw_only=True)
class TopLogprobs:
    """The most probable tokens at one position."""

    entries: tuple[tuple[str, float], ...] = ()
    """Text and log-probability of each, the most probable first."""
    full: bool = False
    """Whether no token is missing among them, as one of two with the same text is in a dictionary by text."""

    def rank_of(self, text: str) -> int:
        """1 for the most probable; 0 where that is not certain: it is not listed, or another is as probable.

        One that is missing may stand before it, unless too little is left for that of what all have together.
        """
        places = [place for place, (other, _) in enumerate(self.entries) if other == text]
        logprobs = [logprob for _, logprob in self.entries]
        if len(places) != 1 or logprobs.count(logprobs[places[0]]) > 1:
            return 0
        left = 1 + _ROUNDING - sum(map(exp, logprobs))
        return places[0] + 1 if self.full or exp(logprobs[places[0]]) > left else 0

    def logprob_of(self, text: str) -> float:
        """NaN where it is not told."""
        found = [logprob for other, logprob in self.entries if other == text]
        return found[0] if len(found) == 1 else nan


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """One token in its place."""

    text: str
    logprob: float = nan
    """NaN where it is not told, as of a prompt's first token."""
    rank: int = 0
    """In the model's distribution, 1 the most probable; 0 where it is not told."""
    top: TopLogprobs = TopLogprobs()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLogprobs:
    """What an aligned model wrote."""

    text: str
    tokens: tuple[TokenLogprob, ...]
    spans: tuple[Span, ...]
    ended: bool
    end: TokenLogprob
    """The token that ended the turn; without numbers where the server does not tell it."""
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptLogprobs:
    """What a base model read, to its end."""

    tokens: tuple[TokenLogprob, ...]
    spans: tuple[Span, ...]
    """Of the last tokens, as many as were sought."""
    after: TopLogprobs
    """What goes on."""
    usage: Usage

    def placed(self) -> Iterator[tuple[Span, TokenLogprob]]:
        yield from zip(self.spans, self.tokens[len(self.tokens) - len(self.spans) :], strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnplacedPrompt:
    """A base model's reply to a prompt, whose tokens have yet to be found in it."""

    tokens: tuple[TokenLogprob, ...]
    after: TopLogprobs | None
    """None: what goes on may be told as one more token."""
    usage: Usage

    def place(self, prompt: str, *, down_to: int) -> PromptLogprobs | None:
        """The tokens from the one that begins at or before `down_to` on; None if they do not make that text."""
        for more in (0,) if self.after else (1, 0):
            tokens = self.tokens[: len(self.tokens) - more]
            spans = place_tokens([token.text for token in tokens], prompt, down_to=down_to)
            if spans is not None:
                after = self.after or (self.tokens[-1].top if more else TopLogprobs())
                return PromptLogprobs(tokens=tokens, spans=tuple(spans), after=after, usage=self.usage)
        return None


def place_tokens(texts: Sequence[str], whole: str, *, down_to: int = 0) -> list[Span] | None:
    """Where the last of these tokens stand in a text that they end, back to `down_to`; None if they do not make it.

    Of a character in several tokens, the last one carries it.
    """
    spans: list[Span] = []
    end, place = len(whole), len(texts)
    while place and end > down_to:
        place -= 1
        text = texts[place]
        if UNREADABLE in text:
            run = place
            while run and UNREADABLE in texts[run - 1]:
                run -= 1
            reach = max(0, end - sum(map(len, texts[run : place + 1])))
            before = texts[run - 1] if run else ""
            starts = [start for start in range(end - 1, reach - 1, -1) if whole.endswith(before, 0, start)]
            if not starts:
                return None
            start = starts[0] if run else 0
            spans += [(start, end), *[(start, start)] * (place - run)]
            place, end = run, start
            continue
        while not whole.endswith(text, 0, end) and spans and whole.endswith(" ", 0, end):
            end -= 1  # the token behind it was told without its space
            spans[-1] = (end, spans[-1][1])
        if whole.endswith(text, 0, end):
            start = end - len(text)
        elif text.lstrip() == whole[:end]:  # an answer told without the blanks with which it begins
            start = 0
        else:
            return None
        spans.append((start, end))
        end = start
    return spans[::-1] if end <= down_to else None


def least_divergence(common: Iterable[tuple[float, float]]) -> float:
    """What KL(p || q) is at least, in nats, by the probabilities (p, q) of tokens that are known in both.

    By the data-processing inequality it is no less than between the distributions over these tokens and one more, the
    rest: sum of p log(p / q), and the same of what is left of both. Rounding is taken to lower it. There is no most: a
    token that q gives next to nothing may be among the rest, which makes KL as great as one likes.
    """
    known = 0.0
    rest, other_rest = 1.0, 1.0
    for p, q in common:
        rest -= p
        other_rest -= q
        if p > 0:
            known += p * log(p / q) if q > 0 else 0.0
    most = max(other_rest, 0.0) + _ROUNDING
    # a log(a / b) falls with b, and with a as far as a = b / e.
    left = min(max(most / e, rest - _ROUNDING, 0.0), max(rest, 0.0) + _ROUNDING)
    return max(0.0, known + left * log(left / most) - _ROUNDING)
