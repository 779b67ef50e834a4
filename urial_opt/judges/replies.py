"""Reads a judge's reply: the right verdict or none, never a wrong one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from urial_opt.aspects import Aspect
from urial_opt.content import mended
from urial_opt.judges.claims import find_claims
from urial_opt.judges.forms import Claim, Form, bare, is_withheld
from urial_opt.records import Verdict

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedValue(Generic[T]):
    """The value that a reply gives for one name."""

    value: T | None = None
    reason: str = ""
    withheld: bool = False
    """Whether the judge says explicitly that it has no verdict (N/A), so that asking again would not help."""


_DECLINES = re.compile(
    r"\b(?:can(?:no|['’])?t|can not|un(?:able|willing) to|not (?:able|going|willing) to|won['’]t|will not|must not"
    r"|(?:have|need) to decline|must decline|decline|refuse)\b(?: to)?(?: \w+){0,3} ?"
    r"\b(?:answer|assess|assist|comment|comply|continue|discuss|do (?:this|that)|engage|evaluate|help|judge|participate"
    r"|process|provide|rate|respond|review|score)"
    r"|^\W*(?:i['’]m|i am) (?:very |so )?sorry\b|\bagainst (?:my|our|the) (?:\w+ )?(?:guidelines|polic)"
    r"|\bviolat\w+ (?:my|our|the|this|openai\W*s) ",
    re.IGNORECASE,
)
_SAID = 400
"""A refusal is in the first characters of a reply."""
_NUMERALS = ("one", "two", "three", "four", "five")
_SCORE = re.compile(
    rf"(?:score\s*[:=]?\s*)?([1-5](?:\.[0-9]+)?|{'|'.join(_NUMERALS)})"
    r"(?:\s*(?:/|out\s+of|of)\s*(?:5(?:\.0+)?|five))?\.?",
    re.IGNORECASE,
)
_VERDICT = re.compile(r"(?:the\s+)?(first|second)(?:\s+(?:answer|one))?\.?|(tie)\.?", re.IGNORECASE)


def score(words: str) -> float | None:
    """A score from 1 to 5, read from words such as `4`, `4.5`, `4/5` or `four out of five`; None for others."""
    found = _SCORE.fullmatch(bare(words))
    if found is None:
        return None
    said = found[1].lower()
    value = float(_NUMERALS.index(said) + 1) if said in _NUMERALS else float(said)
    return value if value <= 5 else None


def verdict(words: str) -> Verdict | None:
    """Which of two answers is better; None if the words do not say so."""
    found = _VERDICT.fullmatch(bare(words))
    said: dict[str, Verdict] = {"first": "first", "second": "second", "tie": "tie"}
    return said[(found[1] or found[2]).lower()] if found else None


_ASPECTS = tuple(aspect.value for aspect in Aspect)
SCORES: Form[float] = Form(names=_ASPECTS, key="score", meaning=lambda _, words: score(words))
OVERALL: Form[Verdict] = Form(names=("overall",), key="verdict", meaning=lambda _, words: verdict(words))
VERDICTS: Form[Verdict] = Form(names=_ASPECTS, key="verdict", meaning=lambda _, words: verdict(words))


def read_reply(reply: str, form: Form[T], wanted: Sequence[str], *, judged: str = "") -> dict[str, ParsedValue[T]]:
    """The value that the reply gives for each wanted name; none where it gives several different ones.

    `judged` is the text under judgement; verdicts quoted from it do not count.
    """
    claims = find_claims(_without_thoughts(reply), form, wanted, judged=judged)
    return {name: _agreed([claim for claim in claims if claim.name == name], form) for name in wanted}


def declines(reply: str) -> bool:
    """Whether a reply without any verdict says that the judge will not judge."""
    return _DECLINES.search(_without_thoughts(reply).strip()[:_SAID]) is not None


def _agreed(claims: Sequence[Claim], form: Form[T]) -> ParsedValue[T]:
    values = {form.meaning(claim.name, claim.words) for claim in claims}
    if len(values) != 1:
        return ParsedValue()
    (value,) = values
    withheld = value is None and all(is_withheld(claim.words) for claim in claims)
    return ParsedValue(value=value, reason=mended(claims[-1].reason.strip()), withheld=withheld)


def _without_thoughts(reply: str) -> str:
    """The reply without the thoughts that some servers leave before it; they may contain rejected verdicts."""
    before, tag, rest = reply.partition("<think>")
    thoughts, _, after = (rest if tag else reply).partition("</think>")
    if "{" in (before if tag else thoughts):  # the tags are inside a verdict
        return reply
    if not tag:  # the opening tag is part of the prompt in some templates
        return after or reply
    return before if "</think>" in after else before + after
