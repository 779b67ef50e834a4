"""The server under examination, and the checks that are run on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from urial_opt.models.server.endpoint import Endpoint
from urial_opt.models.server.replies import Attempt

_PAUSE = 1.0
"""Seconds before a request that failed with a temporary error is sent a second time."""


class CheckVerdict(StrEnum):
    """Whether a server does something."""

    YES = "yes"
    NO = "no"
    IGNORED = "ignored"
    """It accepts the request, but acts as if the field were not there."""
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The outcome of one check."""

    verdict: CheckVerdict
    says: str
    """What was found, in one sentence."""
    warning: str = ""
    """What it means for a search; empty if it is no problem."""


class NoReplyError(Exception):
    """The server did not answer a request."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt.words.rstrip(".") or "there is no text in its reply")
        self.refused = attempt.status not in (0, 200, 408, 425, 429, 502, 503, 504)
        """Whether the server refused the request, instead of failing temporarily."""


class ExaminedServer:
    """A server, asked through one of its two routes."""

    def __init__(self, endpoint: Endpoint, *, completes: bool) -> None:
        """`completes`: whether to ask for completions of prompts, or for answers to messages."""
        self.endpoint = endpoint
        self.completes = completes
        self.answers_as = ""
        """The model that its last reply names; empty if it names none."""

    def ask(self, text: str | Sequence[str], **options: object) -> Attempt:
        """The reply to a text, greedy and of at most 24 tokens; `options` are added to the request.

        NoReplyError if a second try fails too.
        """
        asked = {"prompt": text} if self.completes else {"messages": [{"role": "user", "content": text}]}
        request = {**asked, "temperature": 0.0, "max_tokens": 24, **options}
        path = "/completions" if self.completes else "/chat/completions"
        attempt = self.endpoint.try_once(path, request)
        if attempt.status == 429 or attempt.status >= 500:
            time.sleep(_PAUSE)
            attempt = self.endpoint.try_once(path, request)
        if attempt.at("choices", 0) is None:
            raise NoReplyError(attempt)
        named = attempt.at("model")
        self.answers_as = named if isinstance(named, str) else ""
        return attempt

    def text(self, text: str, **options: object) -> str:
        """The text of the reply. Errors: as `ask`."""
        return self.read(self.ask(text, **options))

    def read(self, attempt: Attempt) -> str:
        """The text in a reply."""
        said = attempt.at("choices", 0, "text") if self.completes else attempt.at("choices", 0, "message", "content")
        return said if isinstance(said, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of a server."""

    name: str
    look: Callable[[ExaminedServer], CheckResult]
    without: str = ""
    """What it means for a search if the check fails."""
    of_prompts: bool = False
    """Whether the check applies to completions of prompts only."""

    def of(self, server: ExaminedServer) -> CheckResult:
        """The outcome on a server; no error is raised."""
        if self.of_prompts and not server.completes:
            return no("There is none for messages.")
        try:
            found = self.look(server)
        except NoReplyError as error:
            found = no(f"It refuses: {error}.") if error.refused else unknown(f"It did not answer: {error}.")
        bad = found.verdict in (CheckVerdict.NO, CheckVerdict.IGNORED)
        return replace(found, warning=found.warning or self.without) if bad else found


def yes(says: str) -> CheckResult:
    return CheckResult(verdict=CheckVerdict.YES, says=says)


def no(says: str, *, warning: str = "") -> CheckResult:
    return CheckResult(verdict=CheckVerdict.NO, says=says, warning=warning)


def ignored(says: str) -> CheckResult:
    return CheckResult(verdict=CheckVerdict.IGNORED, says=says)


def unknown(says: str) -> CheckResult:
    return CheckResult(verdict=CheckVerdict.UNKNOWN, says=says)
