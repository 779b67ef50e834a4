"""Reads log-probabilities from replies: of chat answers, and of prompts as `prompt_logprobs` or as an echo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import Literal, TypeAlias

from pydantic import BaseModel, Field, NonNegativeInt

from urial_opt.errors import AdapterError
from urial_opt.models.server.replies import ReplyMessage, ReportedUsage
from urial_opt.models.server.retries import EmptyReplyError
from urial_opt.models.server.token_logprobs import (
    AnswerLogprobs,
    TokenLogprob,
    TopLogprobs,
    UnplacedPrompt,
    place_tokens,
)

LogprobSource: TypeAlias = Literal["prompt_logprobs", "echo"]
"""The field that holds a prompt's log-probabilities: vLLM's own, with ranks, or the echo of the OpenAI protocol."""


class NoLogprobsError(AdapterError):
    """The server accepts a request for log-probabilities, but its reply has none."""


def read_answer_tokens(body: str) -> AnswerLogprobs:
    """The answer of an aligned model in the body of a reply of `/chat/completions`.

    NoLogprobsError if the reply has no log-probabilities; ValueError if its tokens do not make up its text; otherwise
    as `replies.read_reply`.
    """
    read = _ChatBody.model_validate_json(body)
    (choice,) = read.choices
    text = choice.message.content or ""
    usage = (read.usage or ReportedUsage()).counted()
    content = choice.logprobs.content if choice.logprobs else None
    ended = choice.finish_reason != "length"
    if not text and not content:
        refused = bool(choice.message.refusal) or choice.finish_reason == "content_filter"
        nothing = AnswerLogprobs(
            text="", tokens=(), spans=(), ended=ended and not refused, end=TokenLogprob(text=""), usage=usage
        )
        if refused or not ended:
            return nothing
        raise EmptyReplyError(nothing)
    if content is None or (text and not content):
        raise NoLogprobsError("no log-probabilities in the reply")
    tokens = [token.as_token() for token in content]
    for more in (1, 0) if ended else (0,):
        own = tokens[: len(tokens) - more]
        spans = place_tokens([token.text for token in own], text)
        if spans is None:
            continue
        blanks = len(own) - len(spans)
        if "".join(token.text for token in own[:blanks]).strip():
            continue
        end = tokens[-1] if more else TokenLogprob(text="")
        placed = (*[(0, 0)] * blanks, *spans)
        return AnswerLogprobs(text=text, tokens=tuple(own), spans=placed, ended=ended, end=end, usage=usage)
    raise ValueError("its tokens are not those of its text")


def read_prompt_tokens(body: str, *, source: LogprobSource, listed: int) -> UnplacedPrompt:
    """The prompt's log-probabilities in the body of a reply of `/completions`.

    `listed` is the number of most probable tokens that the request asked for at each position. Errors as
    `read_answer_tokens`.
    """
    read = _PromptBody.model_validate_json(body)
    (choice,) = read.choices
    usage = (read.usage or ReportedUsage()).counted()
    logprobs = choice.logprobs
    if source == "echo":
        if logprobs is None or not logprobs.top_logprobs or len(logprobs.tokens) < 2:
            raise NoLogprobsError("no log-probabilities of the prompt in the reply")
        positions = [top or {} for top in logprobs.top_logprobs]
        rows = list(zip(logprobs.tokens, logprobs.token_logprobs, positions, strict=True))
        width = _width([(list(top.values()), logprob) for _, logprob, top in rows], listed)
        tokens = [_echoed(text, logprob, top, width) for text, logprob, top in rows]
        return UnplacedPrompt(tokens=tuple(tokens), after=None, usage=usage)
    prompt = choice.prompt_logprobs or read.prompt_logprobs
    if not prompt or not any(prompt):
        raise NoLogprobsError("no log-probabilities of the prompt in the reply")
    places = [place for place in prompt if place]
    first = [next(iter(place.values())).logprob for place in places]
    lists = [[entry.logprob for entry in place.values()] for place in places]
    width = _width(list(zip(lists, first, strict=True)), listed)
    following = (logprobs.top_logprobs or [None])[-1] if logprobs else None
    return UnplacedPrompt(
        tokens=tuple(_of_prompt(place, width) for place in places),
        after=_listed(following or {}, width),
        usage=usage,
    )


def _width(positions: Sequence[tuple[Sequence[float], float | None]], listed: int) -> int:
    """How many of the most probable tokens a reply lists at each position: `listed`, or fewer.

    Some servers list fewer tokens than the request asks for. A list also holds the token of the text itself; where that
    is not among the most probable ones, it is an additional, last entry.
    """
    sizes = [len(logprobs) - (own == min(logprobs) and len(logprobs) > 1) for logprobs, own in positions if logprobs]
    return min(listed, max(sizes, default=listed))


def _listed(logprobs: Mapping[str, float], width: int) -> TopLogprobs:
    entries = sorted(logprobs.items(), key=lambda entry: -entry[1])[:width]
    return TopLogprobs(entries=tuple(entries), full=len(entries) == width)


def _echoed(text: str, logprob: float | None, logprobs: Mapping[str, float], width: int) -> TokenLogprob:
    top = _listed(logprobs, width)
    return TokenLogprob(text=text, logprob=nan if logprob is None else logprob, rank=top.rank_of(text), top=top)


def _of_prompt(place: Mapping[NonNegativeInt, _PromptToken], width: int) -> TokenLogprob:
    """A token of the prompt, which is the first entry, with the most probable tokens; entries are by token id."""
    own, token = next(iter(place.items()))
    ranked = sorted(place.items(), key=lambda entry: (-entry[1].logprob, entry[0]))
    entries = tuple((entry.decoded_token or "", entry.logprob) for _, entry in ranked[:width])
    rank = token.rank or 0
    if token.logprob > ranked[-1][1].logprob:
        # All equally probable tokens are listed: rank them by id; vLLM gives each the rank of the last one.
        rank = 1 + [number for number, _ in ranked].index(own)
    return TokenLogprob(
        text=token.decoded_token or "",
        logprob=token.logprob,
        rank=rank,
        top=TopLogprobs(entries=entries, full=len(entries) == width),
    )


class _Named(BaseModel):
    token: str
    bytes: list[int] | None = None
    logprob: float

    @property
    def text(self) -> str:
        """Decoded from the bytes, if there are any: for a part of a character some servers give an escape as text."""
        return self.token if self.bytes is None else bytes(self.bytes).decode(errors="replace")


class _ChatToken(_Named):
    top_logprobs: list[_Named] = Field(default_factory=list)

    def as_token(self) -> TokenLogprob:
        entries = sorted(((each.text, each.logprob) for each in self.top_logprobs), key=lambda entry: -entry[1])
        top = TopLogprobs(entries=tuple(entries), full=True)
        return TokenLogprob(text=self.text, logprob=self.logprob, rank=top.rank_of(self.text), top=top)


class _ChatTokens(BaseModel):
    content: list[_ChatToken] | None = None


class _ChatChoice(BaseModel):
    message: ReplyMessage
    logprobs: _ChatTokens | None = None
    finish_reason: str | None = None


class _ChatBody(BaseModel):
    choices: list[_ChatChoice] = Field(min_length=1, max_length=1)
    usage: ReportedUsage | None = None


class _Echo(BaseModel):
    tokens: list[str] = Field(default_factory=list)
    token_logprobs: list[float | None] = Field(default_factory=list)
    top_logprobs: list[dict[str, float] | None] | None = None


class _PromptToken(BaseModel):
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


_PromptTokens: TypeAlias = list[dict[NonNegativeInt, _PromptToken] | None]


class _PromptChoice(BaseModel):
    logprobs: _Echo | None = None
    prompt_logprobs: _PromptTokens | None = None


class _PromptBody(BaseModel):
    choices: list[_PromptChoice] = Field(min_length=1, max_length=1)
    prompt_logprobs: _PromptTokens | None = None
    usage: ReportedUsage | None = None
