"""The least that a divergence can be, of two distributions whose most probable tokens alone are known."""

from __future__ import annotations

from collections.abc import Iterable
from math import e, log

_ROUNDING = 1e-6
"""By so much the sum of told probabilities may be off."""


def least_divergence(common: Iterable[tuple[float, float]]) -> float:
    """What KL(p || q) is at least, in nats, by the probabilities (p, q) of tokens that are known in both.

    By the data-processing inequality it is no less than between the distributions over these tokens and one more, the
    rest: sum of p log(p / q), and the same of what is left of both. Rounding is taken to lower it. There is no most: a
    token that q gives next to nothing may be among the rest, which makes KL as great as one likes.
    """
    told = 0.0
    rest, other_rest = 1.0, 1.0
    for p, q in common:
        rest -= p
        other_rest -= q
        if p > 0:
            told += p * log(p / q) if q > 0 else 0.0
    most = max(other_rest, 0.0) + _ROUNDING
    # a log(a / b) falls with b, and with a as far as a = b / e.
    left = min(max(most / e, rest - _ROUNDING, 0.0), max(rest, 0.0) + _ROUNDING)
    return max(0.0, told + left * log(left / most) - _ROUNDING)
