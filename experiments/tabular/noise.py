"""Noise: a judge that reads as a large language model does, with repeat noise, a length bias and missing verdicts.

A verdict is the score without noise, plus a bias for long answers, plus noise, rounded to a whole point from 1 to 5.
Noise is a function of seed, prompt, query, aspect and repeat: the same verdict comes again, but for another repeat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri  # type: ignore[import-untyped]

from urial_opt.statistics.strata import FloatArray, IntArray

_ASPECTS = 6
_LOWEST, _HIGHEST = 1, 5
_ODD, _FIRST, _SECOND = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How a judge strays from the scores without noise."""

    seed: int = 0
    deviations: tuple[float, ...] = (0.40, 0.40, 0.30, 0.45, 0.50, 0.35)
    """Standard deviation between repeats, in points, of each aspect in the order of `Aspect`."""
    shared: float = 0.5
    """The share of that variance which all aspects of one verdict have in common."""
    length_bias: float = 0.3
    """Points for an answer that is `long` tokens longer than the usual one of its query; never more either way."""
    long: int = 40
    missing: float = 0.02
    """The share of verdicts that cannot be read, with all of their aspects."""

    def bias(self, longer: FloatArray) -> FloatArray:
        """Points for answers that are `longer` tokens longer than usual."""
        clipped: FloatArray = self.length_bias * np.clip(longer / self.long, -1.0, 1.0)
        return clipped

    def verdicts(
        self, scores: FloatArray, longer: FloatArray, cells: IntArray, *, world: int, repeat: int
    ) -> FloatArray:
        """What the judge says of answers with these `scores` (..., 6); NaN where an aspect is not due or was not read.

        `longer` and `cells`, the number of the answer in its table, have the shape of `scores` without the last axis.
        """
        draws = cells[..., None] * (_ASPECTS + 2) + np.arange(_ASPECTS + 2)
        uniform = _uniform(draws, self.seed, world, repeat)
        normal = ndtri(uniform[..., : _ASPECTS + 1])
        one, all_of_them = normal[..., :_ASPECTS], normal[..., _ASPECTS:]
        noise = np.array(self.deviations) * ((1 - self.shared) ** 0.5 * one + self.shared**0.5 * all_of_them)
        said = np.clip(np.floor(scores + self.bias(longer)[..., None] + noise + 0.5), _LOWEST, _HIGHEST)
        said[uniform[..., -1] < self.missing] = np.nan
        read: FloatArray = said
        return read

    def expected(self, scores: FloatArray, longer: FloatArray) -> FloatArray:
        """The mean verdict over all repeats that can be read, exactly."""
        middle = scores + self.bias(longer)[..., None]
        total: FloatArray = np.where(np.isnan(scores), np.nan, float(_LOWEST))
        for point in range(_LOWEST, _HIGHEST):
            total += ndtr((middle - (point + 0.5)) / np.array(self.deviations))
        return total


def _uniform(numbers: IntArray, *seeds: int) -> FloatArray:
    """A number in (0, 1) for each of `numbers`, by SplitMix64 (Steele et al. 2014), the same on every machine."""
    state = np.zeros(1, dtype=np.uint64)
    for seed in seeds:
        state = _mixed(state ^ np.uint64(seed % 2**64))
    mixed = _mixed(state ^ _mixed(numbers.astype(np.uint64)))
    uniform: FloatArray = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    return uniform


def _mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        mixed = numbers + _ODD
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
