"""Log-probabilities of tokens as servers report them: of an aligned model's answer, and of a base model's prompt.

Servers report the texts of tokens. The text of a part of a character contains U+FFFD or is empty, and SentencePiece
tokens may lack their leading space. Therefore tokens are matched with the known text, from its end backwards. A
begin-of-text token before it does not matter then, nor do the servers' offsets, which may or may not count that token.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import e, exp, log, nan
from operator import eq
from typing import TypeAlias

from urial_opt.records import Usage

UNREADABLE = "\ufffd"
_ROUNDING = 1e-6
"""Tolerance for the sum of reported probabilities."""

Span: TypeAlias = tuple[int, int]
"""Where a token begins and ends in a text, in characters."""


def is_readable(text: str) -> bool:
    """Whether a token can be identified by its text; a part of a character cannot."""
    return bool(text) and UNREADABLE not in text


@dataclass(frozen=True, slots=True, kw_only=True)
class TopLogprobs:
    """The most probable tokens at one position."""

    entries: tuple[tuple[str, float], ...] = ()
    """Text and log-probability (nats) of each token, the most probable first."""
    full: bool = False
    """Whether no token is missing. In a dictionary by text, one of two tokens with the same text is missing."""

    def rank_of(self, text: str) -> int:
        """The rank of a token, 1 for the most probable; 0 if it is not certain.

        It is not certain if the token is not listed, if another one is equally probable, or if a missing token may be
        more probable. The last is impossible if the probability left for missing tokens is smaller.
        """
        places = [place for place, (other, _) in enumerate(self.entries) if other == text]
        logprobs = [logprob for _, logprob in self.entries]
        if len(places) != 1 or logprobs.count(logprobs[places[0]]) > 1:
            return 0
        left = 1 + _ROUNDING - sum(map(exp, logprobs))
        return places[0] + 1 if self.full or exp(logprobs[places[0]]) > left else 0

    def logprob_of(self, text: str) -> float:
        """NaN if the token is not listed, or not the only one with this text."""
        found = [logprob for other, logprob in self.entries if other == text]
        return found[0] if len(found) == 1 else nan


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """One token of a text."""

    text: str
    logprob: float = nan
    """Nats; NaN if not reported, as for the first token of a prompt."""
    rank: int = 0
    """Rank in the model's distribution, 1 for the most probable; 0 if not known."""
    top: TopLogprobs = TopLogprobs()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLogprobs:
    """An aligned model's answer."""

    text: str
    tokens: tuple[TokenLogprob, ...]
    spans: tuple[Span, ...]
    ended: bool
    end: TokenLogprob
    """The token that ended the turn; without a log-probability if the server does not report it."""
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptLogprobs:
    """The tokens of a prompt that a base model read, with their places in it."""

    tokens: tuple[TokenLogprob, ...]
    spans: tuple[Span, ...]
    """Places of the last tokens; those before are not placed."""
    after: TopLogprobs
    """The most probable tokens after the prompt."""
    usage: Usage

    def placed(self) -> Iterator[tuple[Span, TokenLogprob]]:
        yield from zip(self.spans, self.tokens[len(self.tokens) - len(self.spans) :], strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnplacedPrompt:
    """The tokens that a server reports for a prompt, before they are matched with its text."""

    tokens: tuple[TokenLogprob, ...]
    after: TopLogprobs | None
    """The most probable tokens after the prompt. None: they may stand with one additional, last token."""
    usage: Usage

    @property
    def late(self) -> bool:
        """Whether each token has the probabilities of the next one, as llama-cpp-python reports them."""
        firsts = [token.top.entries[0][0] if token.top.entries else None for token in self.tokens]
        texts = [token.text for token in self.tokens]
        own, following = (sum(map(eq, firsts, each)) for each in (texts, texts[1:]))
        return bool(following > own)

    def moved(self) -> UnplacedPrompt:
        """The same with each list of probabilities at the token that it is about; tokens not listed have none."""
        tops = [TopLogprobs(), *(token.top for token in self.tokens)]
        tokens = tuple(
            TokenLogprob(text=token.text, logprob=top.logprob_of(token.text), rank=top.rank_of(token.text), top=top)
            for token, top in zip(self.tokens, tops, strict=False)
        )
        return replace(self, tokens=tokens, after=tops[-1])

    def place(self, prompt: str, *, down_to: int) -> PromptLogprobs | None:
        """Match the tokens with the text of the prompt, back to the character `down_to`; None if they do not fit."""
        for more in (0,) if self.after else (1, 0):
            tokens = self.tokens[: len(self.tokens) - more]
            spans = place_tokens([token.text for token in tokens], prompt, down_to=down_to)
            if spans is not None:
                after = self.after or (self.tokens[-1].top if more else TopLogprobs())
                return PromptLogprobs(tokens=tokens, spans=tuple(spans), after=after, usage=self.usage)
        return None


def place_tokens(texts: Sequence[str], whole: str, *, down_to: int = 0) -> list[Span] | None:
    """The places of the last tokens in `whole`, a text that ends with them; None if they do not fit.

    Matching goes from the end of the text back to the character `down_to`. The last of the tokens that share a
    character gets it.
    """
    spans: list[Span] = []
    end, place = len(whole), len(texts)
    while place and end > down_to:
        place -= 1
        text = texts[place]
        if UNREADABLE in text or (not text and _is_in_character(texts, place, whole[:end])):
            run = place
            while run and not is_readable(texts[run - 1]):
                run -= 1
            reach = max(0, end - sum(max(1, len(piece)) for piece in texts[run : place + 1]))
            before = texts[run - 1] if run else ""
            starts = [start for start in range(end - 1, reach - 1, -1) if whole.endswith(before, 0, start)]
            if not starts or (reach and not run):
                return None
            start = starts[0] if run else 0
            spans += [(start, end), *[(start, start)] * (place - run)]
            place, end = run, start
            continue
        while not whole.endswith(text, 0, end) and spans and whole.endswith(" ", 0, end):
            end -= 1  # the next token was reported without its leading space
            spans[-1] = (end, spans[-1][1])
        if whole.endswith(text, 0, end):
            start = end - len(text)
        elif text.lstrip() == whole[:end]:  # an answer reported without its leading blanks
            start = 0
        else:
            return None
        spans.append((start, end))
        end = start
    return spans[::-1] if end <= down_to else None


def _is_in_character(texts: Sequence[str], place: int, before: str) -> bool:
    """Whether an empty token is a piece of the last character of `before`: some servers leave out such pieces.

    It is none, such as an end of text, if the next token with a text ends where the empty one stands.
    """
    while place and not texts[place]:
        place -= 1
    return before[-1:] > "\x7f" and not (texts[place] and before.endswith(texts[place]))


def least_divergence(common: Iterable[tuple[float, float]]) -> float:
    """A lower bound on KL(p || q), in nats, from the probabilities (p, q) of the tokens that are known in both.

    By the data-processing inequality, KL is at least the divergence between the distributions over these tokens and one
    more symbol for the rest: the sum of p log(p / q) over the tokens, and the same for the remaining probability.
    Rounding errors lower the bound. There is no upper bound: the rest may contain a token to which q gives almost no
    probability, and KL may then be arbitrarily large.
    """
    known = 0.0
    rest, other_rest = 1.0, 1.0
    for p, q in common:
        rest -= p
        other_rest -= q
        if p > 0:
            known += p * log(p / q) if q > 0 else 0.0
    most = max(other_rest, 0.0) + _ROUNDING
    # a log(a / b) decreases in b, and in a up to a = b / e.
    left = min(max(most / e, rest - _ROUNDING, 0.0), max(rest, 0.0) + _ROUNDING)
    return max(0.0, known + left * log(left / most) - _ROUNDING)
