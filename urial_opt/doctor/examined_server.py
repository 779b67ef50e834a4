"""The server under examination: asked one thing after another, each answer taken as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from urial_opt.models.server.endpoint import Endpoint
from urial_opt.models.server.replies import Attempt

_PAUSE = 1.0
"""Seconds before a request that failed for want of health is sent a second time."""


class CheckVerdict(StrEnum):
    """Whether a server does something."""

    YES = "yes"
    NO = "no"
    IGNORED = "ignored"
    """It takes the request, and does as if it had not been asked for that."""
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What was found out about one thing."""

    verdict: CheckVerdict
    says: str
    """A sentence."""
    warning: str = ""
    """What it means for a search, if that is bad."""


class NoReplyError(Exception):
    """A request that the server did not answer."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt.words.rstrip(".") or "there is no text in its reply")
        self.refused = attempt.status not in (0, 200, 408, 425, 429, 502, 503, 504)
        """Whether it would not, rather than could not just then."""


class ExaminedServer:
    """A server as seen through one of its two routes."""

    def __init__(self, endpoint: Endpoint, *, completes: bool) -> None:
        """`completes`: it continues prompts; otherwise it answers messages."""
        self.endpoint = endpoint
        self.completes = completes

    def ask(self, text: str | Sequence[str], **options: object) -> Attempt:
        """The reply to a text, greedy and of 24 tokens at most unless the options say otherwise.

        NoReplyError if there is none on a second try either.
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
        return attempt

    def text(self, text: str, **options: object) -> str:
        """What it says to that. Errors: see `ask`."""
        return self.read(self.ask(text, **options))

    def read(self, attempt: Attempt) -> str:
        """The text in a reply."""
        said = attempt.at("choices", 0, "text") if self.completes else attempt.at("choices", 0, "message", "content")
        return said if isinstance(said, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing to find out."""

    name: str
    look: Callable[[ExaminedServer], CheckResult]
    without: str = ""
    """What it means for a search if the server does not do it."""
    of_prompts: bool = False
    """There is no such thing where messages are answered."""

    def of(self, server: ExaminedServer) -> CheckResult:
        """What is found; no error is raised."""
        if self.of_prompts and not server.completes:
            return no("There is none where messages are answered.")
        try:
            found = self.look(server)
        except NoReplyError as error:
            found = no(f"It refuses: {error}.") if error.refused else unknown(f"It did not answer: {error}.")
        bad = found.verdict in (CheckVerdict.NO, CheckVerdict.IGNORED)
        return replace(found, warning=self.without) if bad else found


def yes(says: str) -> CheckResult:
    return CheckResult(verdict=CheckVerdict.YES, says=says)


def no(says: str, *, warning: str = "") -> CheckResult:
    return CheckResult(verdict=CheckVerdict.NO, says=says, warning=warning)


def ignored(says: str) -> CheckResult:
    return CheckResult(verdict=CheckVerdict.IGNORED, says=says)


def unknown(says: str) -> CheckResult:
    return CheckResult(verdict=CheckVerdict.UNKNOWN, says=says)
