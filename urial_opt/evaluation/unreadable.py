"""Unreadable judges: whether nothing that a judge said can be read, and its own words."""

from __future__ import annotations

from collections.abc import Sequence

from urial_opt.errors import UnreadableJudgeError
from urial_opt.memory import open_parts
from urial_opt.records import Judgment

_SHOWN = 160


def nothing_read(judgments: Sequence[Judgment]) -> bool:
    """Whether no judgment has a score, and some were refused or could not be read."""
    scored = any(score is not None for each in judgments for score in each.scores.values())
    return not scored and any(map(open_parts, judgments))


def unreadable_judge(judge: str, judgments: Sequence[Judgment]) -> UnreadableJudgeError:
    """The error for verdicts of which none has a score, with the judge's first words."""
    words = next((" ".join(each.raw.split()) for each in judgments if each.raw.strip()), "")
    shown = repr(words if len(words) <= _SHOWN else f"{words[: _SHOWN - 1]}…")
    said = f"it said {shown}" if words else "its replies are empty"
    asked = f"none of {len(judgments)} verdicts of the judge {judge!r} could be read"
    advice = "mend it, then type the same command again, which asks for them again; or give another judge"
    return UnreadableJudgeError(f"{asked}: {said}; {advice}")
