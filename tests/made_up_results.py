"""Made-up results, of figures as wide as they may be, and the check that what is printed of them fits."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from urial_opt.aspects import Aspect, Missing
from urial_opt.evaluation.constraints import Kept
from urial_opt.evaluation.scorecard import Scorecard, Verdicts
from urial_opt.objective import Constraint
from urial_opt.records import Estimate, ProbeShift, Role, Usage
from urial_opt.spending import Bill, Spent

WIDTHS = (80, 100, 140)
NAME = "a-search-with-a-name-of-30-let"
PATH = "/home/somebody/projects/alignment/prompts/found-in-the-second-week.txt"
STORE = "postgresql://somebody@database.example.org:5432/searches"
SCORE = Estimate(mean=4.91, low=4.86, high=4.95)
GAIN = Estimate(mean=0.48, low=-0.021, high=0.951)
SHARE = Estimate(mean=0.931, low=0.904, high=0.958)
CONSTRAINTS = tuple(Kept(constraint=Constraint.read(f"{aspect}>=4.95"), mean=4.91) for aspect in Aspect)
ALL = Estimate(mean=1.0, low=0.57, high=1.0)


class Printed:
    """What a function prints on a terminal of so many columns, whose every line fits."""

    def __init__(self, capsys: pytest.CaptureFixture[str], columns: int) -> None:
        self._capsys = capsys
        self.columns = columns

    def __call__(self, show: Callable[..., None], *values: object, **named: object) -> str:
        show(*values, **named)
        text = fitting(self._capsys.readouterr().out, self.columns)
        assert not re.search(" $", text, re.MULTILINE)
        return text


def fitting(text: str, width: int) -> str:
    """The text, once it is known that nothing in it is too wide or cut."""
    for line in text.splitlines():
        assert len(line) <= width, line
    assert "…" not in text
    opened = [line for line in text.splitlines() if re.search(r"\[[^\]]*$|^[^\[]*\d\]", line)]
    assert not opened, "an interval is broken over two lines"
    return text


def words_of(text: str) -> str:
    return " ".join(text.split())


def card(n: int = 240) -> Scorecard:
    return Scorecard(
        average=SCORE,
        aspects=dict.fromkeys(Aspect, SCORE),
        verdicts=dict.fromkeys(Aspect, Verdicts(n=n, by_reason={**dict.fromkeys(Missing, 0), Missing.UNREAD: 3})),
        queries=n,
    )


def bill() -> Bill:
    usage = Usage(prompt_tokens=1_234_567, completion_tokens=2_345_678, saved_tokens=98_765_432)
    return Bill(spent=dict.fromkeys(Role, Spent(calls=12_345, usage=usage)), prices={})


def probe_shift() -> ProbeShift:
    shares = {"unshifted": 0.931, "marginal": 0.041, "shifted": 0.028}
    return ProbeShift(
        positions=1535, surprise=0.123, kl_base_aligned=None, kl_aligned_base=None, by_query=(), usage=Usage(), **shares
    )
