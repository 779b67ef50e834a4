"""Forms: what a judge fills in, and the claims that its reply makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
_WITHHELD = ("n/a", "na", "none", "null", "not applicable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(Generic[T]):
    """What a judge fills in: `{name: {"reason": …, key: …}}` for each name it is asked about.

    `{name: …}`, a list of `{"aspect": name, key: …}` and a Markdown table are read as well.
    """

    names: tuple[str, ...]
    """All names that such a reply may contain, requested or not."""
    key: str
    meaning: Callable[[str, str], T | None]
    """The value of the words given for a name; None if they have no valid value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The words given for a name; empty if they were cut off or are ambiguous."""

    name: str
    words: str
    reason: str
    source: str
    """The part of the reply that contains the claim."""


def is_withheld(words: str) -> bool:
    return bare(words).lower() in _WITHHELD


def bare(words: str) -> str:
    """The words without surrounding blanks, quotes and emphasis."""
    return words.strip(" \t\r\n*_`\"'")
