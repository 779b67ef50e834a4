"""Reads replies: the completion in a reply, the reason for a refusal, and the pause that the server asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, Field

from urial_opt.models.server.retries import EmptyReplyError
from urial_opt.records import FinishReason, Usage

_TOO_LONG = re.compile(
    r"context.?(length|size|window)|too long|longer than|too large|tokens.*(exceed|must be <=)|exceed.*tokens",
    re.IGNORECASE | re.DOTALL,
)

Route: TypeAlias = Literal["/completions", "/chat/completions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A model's reply to one request."""

    text: str
    finish_reason: FinishReason
    usage: Usage
    """Prompt tokens that the server found in its prefix cache count as saved."""
    refused: bool = False
    """Whether the model, or a filter around it, refused to answer; `text` has its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The outcome of a request that was sent once."""

    status: int = 0
    """HTTP status; 0 if no reply came."""
    body: Mapping[str, object] = field(default_factory=dict)
    """The JSON object in a reply of status 200; empty if there was none."""
    words: str = ""
    """The server's error message, or why there was no reply; without secrets."""
    seconds: float

    def at(self, *path: str | int) -> object:
        """The value at this path of the body; None if there is none."""
        found: object = self.body
        for key in path:
            if isinstance(found, Mapping) and isinstance(key, str):
                found = found.get(key)
            elif isinstance(found, list) and isinstance(key, int) and key < len(found):
                found = found[key]
            else:
                return None
        return found


def read_reply(body: str, *, route: Route) -> Reply:
    """The reply that a body contains. ValueError if the body is not a completion; EmptyReplyError if it is empty."""
    read = _Body.model_validate_json(body)
    (choice,) = read.choices
    message = choice.message if route == "/chat/completions" else ReplyMessage(content=choice.text)
    if message is None or (route == "/completions" and message.content is None):
        raise ValueError(f"there is no text for {route!r} in it")
    reply = Reply(
        text=message.content or message.refusal or "",
        finish_reason="length" if choice.finish_reason == "length" else "stop",
        usage=(read.usage or ReportedUsage()).counted(),
        refused=bool(message.refusal) or choice.finish_reason == "content_filter",
    )
    if not (reply.text or reply.refused or reply.finish_reason == "length"):
        raise EmptyReplyError(reply)
    return reply


def name_in(body: str) -> str | None:
    """The model named in a reply; None if it names none. ValueError if the body is not an object."""
    return _Signed.model_validate_json(body).model


def words_of(body: object) -> str:
    """The message in the body of an error, whatever its layout."""
    if isinstance(body, Mapping):
        body = body.get("message") or body.get("detail") or body.get("error") or body
    return str(body or "")


def is_too_long(words: str) -> bool:
    """Whether an error message says that prompt and answer do not fit the model's context."""
    return _TOO_LONG.search(words) is not None


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, from the headers of its reply; None if it does not ask for a pause."""
    after = headers.get("retry-after", "")
    pause = 0.0
    with suppress(ValueError, TypeError):
        pause = (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds()
    with suppress(ValueError):
        pause = float(after)
    with suppress(ValueError):
        pause = float(headers.get("retry-after-ms", "")) / 1000
    return pause if pause > 0 else None


class _Details(BaseModel):
    cached_tokens: int | None = None


class ReportedUsage(BaseModel):
    """The counts of tokens in a reply."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | Any = None  # some servers list them by modality

    def counted(self) -> Usage:
        prompt, details = self.prompt_tokens or 0, self.prompt_tokens_details
        saved = min(prompt, (details.cached_tokens or 0) if isinstance(details, _Details) else 0)
        return Usage(prompt_tokens=prompt - saved, completion_tokens=self.completion_tokens or 0, saved_tokens=saved)


class ReplyMessage(BaseModel):
    """The message of a chat reply."""

    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    text: str | None = None
    message: ReplyMessage | None = None
    finish_reason: str | None = None


class _Signed(BaseModel):
    model: str | None = None


class _Body(BaseModel):
    choices: list[_Choice] = Field(min_length=1, max_length=1)
    usage: ReportedUsage | None = None
