"""Paired ranks: which positions a context repairs or breaks against a baseline, and the exact tests of such counts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from math import comb

from urial_opt.shift.figures import MARGINAL_RANK
from urial_opt.shift.findings import ExamplePosition
from urial_opt.shift.kinds import MarkedToken
from urial_opt.shift.marking import mark_answer
from urial_opt.token_scores import ShiftReading, TokenScores

_SHOWN_BEFORE = 40
"""Characters shown before the token of an example."""


class PairedRanks:
    """The ranks of all answers of a reading, under one context and, where one is given, under a baseline.

    A position is *done* where it is not shifted under the context, and *was done* where it is not under the baseline.
    """

    def __init__(self, reading: ShiftReading, context: str, baseline: str | None) -> None:
        self.answers = reading.answers
        self.baseline = baseline
        self.marked = [mark_answer(answer) for answer in reading.answers]
        self.ranks, self._top = _ranks_and_top(reading.contexts[context])
        self.before: list[list[int]] | None = None
        self._top_before: list[list[int]] = []
        if baseline is not None:
            self.before, self._top_before = _ranks_and_top(reading.contexts[baseline])

    def is_known(self, answer: int, place: int) -> bool:
        """Whether the rank is known under the context and, if there is one, the baseline."""
        return self.ranks[answer][place] > 0 and (self.before is None or self.before[answer][place] > 0)

    def is_done(self, answer: int, place: int) -> bool:
        return bool(self.ranks[answer][place] <= MARGINAL_RANK)

    def was_done(self, answer: int, place: int) -> bool:
        return self.before is not None and bool(self.before[answer][place] <= MARGINAL_RANK)

    def begins(self, answer: int, place: int, tokens: Collection[int]) -> bool:
        """Whether the most probable token at this position is the answer's own or one of these."""
        return self.ranks[answer][place] == 1 or self._top[answer][place] in tokens

    def began(self, answer: int, place: int, tokens: Collection[int]) -> bool:
        """As `begins`, under the baseline."""
        if self.before is None:
            return False
        return self.before[answer][place] == 1 or self._top_before[answer][place] in tokens

    def changes(self, choose: Callable[[MarkedToken], bool] = lambda _: True) -> list[tuple[int, int]]:
        """For each answer, how many of the chosen positions are repaired and how many broken."""
        if self.before is None:
            return [(0, 0)] * len(self.answers)
        found = []
        for answer, tokens in enumerate(self.marked):
            chosen = [p for p, token in enumerate(tokens) if choose(token) and self.is_known(answer, p)]
            turned = [(self.is_done(answer, p), self.was_done(answer, p)) for p in chosen]
            found.append((turned.count((True, False)), turned.count((False, True))))
        return found

    def example(self, answer: int, place: int) -> ExamplePosition:
        pieces = self.answers[answer].pieces
        return ExamplePosition(
            query=self.answers[answer].query,
            before="".join(pieces[:place])[-_SHOWN_BEFORE:],
            token=pieces[place] if place < len(pieces) else "",
            position=place,
            rank=self.ranks[answer][place],
            baseline_rank=None if self.before is None else self.before[answer][place],
        )


def _ranks_and_top(scores: Sequence[TokenScores]) -> tuple[list[list[int]], list[list[int]]]:
    """The rank and the most probable token at each position of each answer; tokens are -1 where unknown."""
    ranks: list[list[int]] = [each.rank.tolist() for each in scores]
    top = [each.top.ids[:, 0].tolist() if each.top.ids.shape[1] else [-1] * each.rank.size for each in scores]
    return ranks, top


def sign_test(better: int, worse: int) -> float:
    """One-sided p-value of the sign test: the chance that at least `better` of all differences are in favour."""
    number = better + worse
    return sum(comb(number, hits) for hits in range(better, number + 1)) / (1 << number)


def chance_of_so_few(done: int, answers: int) -> float:
    """The chance that at most `done` of the answers show a trait, if each does with probability 4/5."""
    # Integers, since hundreds of answers would overflow a float.
    ways = sum(comb(answers, hits) << (2 * hits) for hits in range(done + 1))
    return float(Fraction(ways, 5**answers))
