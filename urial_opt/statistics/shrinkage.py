"""Shrunken estimates: what each trial would score on all queries, estimated from all trials together.

The scores enter as contributions (`strata.Strata.contributions`), whose plain mean is the average of a prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from urial_opt.records import Estimate
from urial_opt.statistics.strata import FloatArray

ESTIMATES_VERSION = 1
"""Raise it when the same scores give other estimates (see `search/versions.py`)."""
_SCALE = (1.0, 5.0)
"""Lowest and highest possible score; estimates and intervals are clipped to it."""
_Z95 = 1.959963984540054
_SPREAD_GUESS = 0.3
"""Prior standard deviation between prompts, in points …"""
_SPREAD_TRIALS = 2.0
"""… and how many trials that prior counts as. Without it, two equal first trials would pin all later estimates."""
_EM_STEPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEstimate:
    """A trial's estimated average over all queries, given its own scores and the other trials."""

    mean: float
    standard_error: float
    queries: int
    """How many scores of its own the trial has."""

    @property
    def interval(self) -> Estimate:
        """The mean with its 95 % interval, clipped to the scale of scores."""
        reach = _Z95 * self.standard_error
        low, high = _SCALE
        return Estimate(mean=self.mean, low=max(low, self.mean - reach), high=min(high, self.mean + reach))


def shrunken_estimates(contributions: FloatArray, kinds: Sequence[str]) -> list[TrialEstimate]:
    """Estimate of each trial's average over all queries, from trials that may have seen only some of them.

    `contributions` is trials x queries, NaN where a trial has no score; `kinds` gives the kind of each query. They are
    those of the queries that at least one trial has a score for (`Strata.only`): others would distort the weights.

    Model: trial effect + query effect + noise. Query effects have a flat prior. Trial effects have a normal prior whose
    variance is estimated from all trials, first by moments and then by EM. A high mean that is partly luck is thus
    shrunk towards the others, and that of a pruned trial more. Noise is the variation within a kind: blocks hold the
    kinds in fixed shares, so that a trial's differences between kinds are not noise. The standard errors include those
    of the query effects. A trial without scores gets the population's mean and spread. ValueError if there is no score.
    """
    seen = ~np.isnan(contributions)
    values = np.where(seen, contributions, 0.0)
    trials, queries = values.shape
    asked = seen.any(axis=0)
    if not asked.any():
        message = "no trial has a score: estimates need at least one"
        raise ValueError(message)
    # Most terms depend only on which queries a trial saw, and most trials saw the same: `shown` has a row for each set.
    numbers: dict[bytes, int] = {}
    which = np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in np.packbits(seen, axis=1)])
    _, first = np.unique(which, return_index=True)
    shown = seen[first].astype(np.float64)
    sums = _Sums(values=values, shown=shown, which=which, group=_kind_indicators(kinds))
    sizes, askings, counts = sums.sizes, sums.askings, shown.sum(axis=1)
    each = np.where(asked, 1.0, 0.0) / asked.sum()  # queries that no trial saw are left out of the average
    difficulty = sums.by_query / np.maximum(askings, 1)
    own = (sums.by_trial - (shown @ difficulty)[which]) / np.maximum(counts, 1)[which]
    noise = sums.noise(difficulty if trials > 1 else np.zeros(queries))
    prior = _SPREAD_TRIALS * _SPREAD_GUESS**2
    moment = float((own**2 - noise / np.maximum(counts, 1)[which])[counts[which] > 0].sum())
    spread = (prior + max(moment, 0.0)) / (_SPREAD_TRIALS + trials)
    for step in range(_EM_STEPS):
        # Trial and query effects are jointly normal; eliminating the trial effects leaves a system of the queries.
        per_trial = 1.0 / (1.0 / spread + counts / noise)
        tilt = shown * (per_trial / noise)[:, None]
        effects = _QueryEffects(
            diagonal=np.where(asked, askings, 1.0) / noise + 1e-9, shown=shown, weights=sizes * per_trial / noise**2
        )
        own = per_trial[which] * sums.by_trial / noise
        difficulty = effects.times_covariance((sums.by_query - np.bincount(which, own) @ shown)[None, :] / noise)[0]
        effect = own - (tilt @ difficulty)[which]
        variance = per_trial + effects.variances(tilt)
        if step < _EM_STEPS - 1:
            spread = (prior + float((effect**2).sum() + sizes @ variance)) / (_SPREAD_TRIALS + trials)
            noise = sums.noise(difficulty) if trials > 1 else noise
    reach = each - tilt
    errors = np.sqrt(per_trial + effects.variances(reach))
    # Effects add up, so the estimate of a trial that lacks a whole kind may leave the scale.
    means = np.clip(effect + each @ difficulty, *_SCALE)
    return [
        TrialEstimate(mean=mean, standard_error=error, queries=count)
        for mean, error, count in zip(
            means.tolist(), errors[which].tolist(), counts.astype(int)[which].tolist(), strict=True
        )
    ]


class _QueryEffects:
    """The covariance of the query effects, which is never written out: it is queries x queries.

    Its inverse is a diagonal less one term for each set of queries, and there are far fewer sets than queries. By the
    Woodbury identity a system of the size of the sets is solved, in memory that grows with the queries and not with
    their square.
    """

    def __init__(self, *, diagonal: FloatArray, shown: FloatArray, weights: FloatArray) -> None:
        """The inverse is `diagonal` less the outer product of each row of `shown` with itself, times its weight."""
        self._diagonal, self._shown = diagonal, shown
        self._inner = np.diag(1.0 / weights) - (shown / diagonal) @ shown.T

    def times_covariance(self, rows: FloatArray) -> FloatArray:
        """`rows` (any number x queries) times the covariance."""
        scaled = rows / self._diagonal
        solved = np.linalg.solve(self._inner, self._shown @ scaled.T).T.astype(np.float64)
        times: FloatArray = scaled + (solved @ self._shown) / self._diagonal
        return times

    def variances(self, rows: FloatArray) -> FloatArray:
        """The variance of each row's weighted sum of query effects."""
        products: FloatArray = np.einsum("ij,ij->i", self.times_covariance(rows), rows)
        return products


class _Sums:
    """Sums over the scores that stay fixed while query effects are fitted."""

    def __init__(
        self, *, values: FloatArray, shown: FloatArray, which: npt.NDArray[np.intp], group: FloatArray
    ) -> None:
        """`values`: trials x queries, 0 where unseen; `shown`: sets x queries, 1 where seen; `which`: each trial's set.

        `group`: queries x kinds, 1 where the query is of the kind.
        """
        self.by_query, self.by_trial = values.sum(axis=0), values.sum(axis=1)
        self.sizes = np.bincount(which)
        """Number of trials with each set."""
        self.askings = self.sizes @ shown
        """Number of trials that saw each query."""
        self._squares = (values**2).sum(axis=0) @ group
        self._by_kind = values @ group
        self._shown, self._which, self._group = shown, which, group
        counts = shown @ group
        self._divisors = np.maximum(counts, 1)[which]
        # fitting the query effects costs one degree of freedom each
        freedom = self.sizes @ np.maximum(counts - 1, 0)
        self._freedom = np.maximum(freedom - (group.sum(axis=0) - 1) * (len(which) > 1), 1)
        self._share = group.sum(axis=0) / group.sum()

    def noise(self, difficulty: FloatArray) -> float:
        """Variance of contributions around their trial's mean in their kind, net of query difficulty; at least 0.01."""
        squares = self._squares + (difficulty * (difficulty * self.askings - 2 * self.by_query)) @ self._group
        left = self._by_kind - ((self._shown * difficulty) @ self._group)[self._which]
        within = squares - (left**2 / self._divisors).sum(axis=0)
        return max(float(self._share @ (within / self._freedom)), 0.01)


def _kind_indicators(kinds: Sequence[str]) -> FloatArray:
    """Queries x kinds, 1 where the query is of the kind."""
    each = sorted(set(kinds))
    return np.array([[float(kind == other) for other in each] for kind in kinds])
