"""Agreement of two series of scores of the same answers: several measures, each with its interval.

All aspects of one answer are resampled together, because their scores are correlated. Every measure is computed from
the contingency table of the two scores. Each resample is such a table too, and all tables are measured at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from urial_opt.records import Estimate
from urial_opt.statistics.bootstrap import RESAMPLES, divide, percentile_estimate, resampled_counts, share
from urial_opt.statistics.correlation import spearman
from urial_opt.statistics.strata import FloatArray, IntArray

_CELLS = 2_000_000
"""Table cells held in memory at once, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The given score and the judge's score of an answer on one aspect; None where a score is missing or unreadable."""

    given: float | None
    judged: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How a judge's scores agree with given ones; a measure is None where it is undefined, as for one pair."""

    n: int
    """Pairs with a score on both sides; the measures are over these."""
    missing_given: int
    """Pairs without a given score."""
    missing_judged: int
    """Pairs without a score by the judge."""
    exact: Estimate | None
    """Share of pairs that are equal after rounding to whole points, halves up."""
    within_one: Estimate | None
    """Share of pairs that differ by at most one point."""
    spearman: Estimate | None
    """Spearman's rank correlation; ties share their mean rank."""
    kendall: Estimate | None
    """Kendall's tau-b."""
    kappa: Estimate | None
    """Cohen's kappa with quadratic weights, which for fractional scores is Lin's concordance correlation."""
    bias: Estimate | None
    """Mean of judge minus given, in points; positive if the judge is kinder."""


_MEASURES = ("exact", "within_one", "spearman", "kendall", "kappa", "bias")


def measure_agreement(rows: Sequence[Sequence[Pair]], *, seed: int = 0, resamples: int = RESAMPLES) -> Agreement:
    """The agreement over all pairs, with 95 % percentile intervals from resampled rows.

    A row holds the pairs of one answer; the order of the rows does not matter. A share of exactly 0 or 1 gets the
    Wilson interval for that many rows instead, because all of its resamples are equal.
    """
    read = [[(p.given, p.judged) for p in pairs if p.given is not None and p.judged is not None] for pairs in rows]
    # sorted, so that the draws do not depend on the order of the rows
    scored = [(row, *scores) for row, pairs in enumerate(sorted(filter(None, read))) for scores in pairs]
    return Agreement(
        n=len(scored),
        missing_given=sum(pair.given is None for pairs in rows for pair in pairs),
        missing_judged=sum(pair.judged is None for pairs in rows for pair in pairs),
        **(_estimates(np.array(scored), seed=seed, resamples=resamples) if scored else dict.fromkeys(_MEASURES)),
    )


def _estimates(scored: FloatArray, *, seed: int, resamples: int) -> dict[str, Estimate | None]:
    """Each measure of the pairs. `scored` is pairs x 3: number of the row, given score, judge's score."""
    # to hundredths: rounding errors in a panel's means must not make scores unequal, and the table stays small
    given, given_index = np.unique(np.round(scored[:, 1], 2), return_inverse=True)
    judged, judged_index = np.unique(np.round(scored[:, 2], 2), return_inverse=True)
    cells = given_index * judged.size + judged_index
    size = given.size * judged.size
    rows = scored[:, 0].astype(np.int64)
    number = int(rows[-1]) + 1

    def tables(times: IntArray) -> IntArray:
        """One table for each resample; `times` is resamples x rows and says how often each row was drawn."""
        places = cells + size * np.arange(len(times))[:, None]
        counts = np.bincount(places.ravel(), weights=times[:, rows].ravel(), minlength=len(times) * size)
        return counts.astype(np.int64).reshape(-1, given.size, judged.size)

    found = _measures(tables(np.ones((1, number), dtype=np.int64)), given, judged)
    batch = max(1, _CELLS // max(size, rows.size))
    drawn = [
        _measures(tables(times), given, judged)
        for times in resampled_counts(number, seed=seed, resamples=resamples, batch=batch)
    ]
    estimates = {
        name: percentile_estimate(float(value[0]), np.concatenate([resampled[name] for resampled in drawn]))
        for name, value in found.items()
    }
    return estimates | {
        name: share(number * round(value), number)
        for name in ("exact", "within_one")
        if (value := float(found[name][0])) in (0.0, 1.0)
    }


def _measures(tables: IntArray, given: FloatArray, judged: FloatArray) -> dict[str, FloatArray]:
    """Each measure of each table; NaN where it is undefined. `tables` is resamples x given scores x judge's scores."""
    apart = judged - given[:, None]
    same = np.floor(judged + 0.5) == np.floor(given + 0.5)[:, None]
    close = np.abs(apart) <= 1 + 1e-9
    number = tables.sum(axis=(1, 2)).astype(np.float64)
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    bias = (tables * apart).sum(axis=(1, 2)) / number
    squared = (tables * apart**2).sum(axis=(1, 2)) / number
    by_chance = _variance(rows, given) + _variance(columns, judged) + bias**2
    return {
        "exact": (tables * same).sum(axis=(1, 2)) / number,
        "within_one": (tables * close).sum(axis=(1, 2)) / number,
        "spearman": spearman(tables.reshape(len(tables), -1), *_places(tables)),
        "kendall": _kendall(tables, rows, columns),
        "kappa": 1 - divide(squared, by_chance, beyond=1e-12),
        "bias": bias,
    }


def _variance(counts: IntArray, values: FloatArray) -> FloatArray:
    number = counts.sum(axis=1)
    spread: FloatArray = (counts * (values - (counts @ values / number)[:, None]) ** 2).sum(axis=1) / number
    return spread


def _places(tables: IntArray) -> tuple[IntArray, IntArray]:
    """Row and column of each cell of a flattened table."""
    rows, columns = np.indices(tables.shape[1:])
    return rows.ravel(), columns.ravel()


def _kendall(tables: IntArray, rows: IntArray, columns: IntArray) -> FloatArray:
    number = tables.sum(axis=(1, 2))
    below = tables.cumsum(axis=1).cumsum(axis=2)  # pairs with no higher score on either side
    concordant = (tables[:, 1:, 1:] * below[:, :-1, :-1]).sum(axis=(1, 2))
    pairs, tied_rows, tied_columns, tied_both = (
        (counts * (counts - 1) // 2).reshape(number.size, -1).sum(axis=1)
        for counts in (number[:, None], rows, columns, tables)
    )
    ordered = pairs - tied_rows - tied_columns + tied_both  # neither score is tied
    untied = (pairs - tied_rows).astype(np.float64) * (pairs - tied_columns)
    return divide(2.0 * concordant - ordered, np.sqrt(untied))
