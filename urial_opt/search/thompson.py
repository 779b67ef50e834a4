"""Thompson: chooses the next prompt from the estimates of those tried, by Thompson sampling on a linear model."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from urial_opt.search.linear_model import LinearModel, fit_scales
from urial_opt.search.local_search import maximise, new_row, predicted, random_row
from urial_opt.search.prior import Prior
from urial_opt.search.prompt_features import Features
from urial_opt.statistics.shrinkage import TrialEstimate
from urial_opt.statistics.strata import FloatArray, IntArray

START = 8
"""How many trials are random, over all K, systems and styles, before the model is used; with a prior, half of them."""
_WIDER = 1.5
"""How much wider a draw is than the errors of prediction ask for; chosen on tables (`experiments/LOG.md`)."""
_TEMPERS = (0.5, 4.0)
"""Least and greatest scale of a draw's distance from the posterior mean, where 1 is Thompson sampling proper."""
_GROWTH = 1.25
"""Prior scales are refitted whenever the number of trials has grown by this factor."""
_DRAWS = 100
"""Draws of which the share is taken in which a better prompt is left."""
_RESTARTS = 2
"""Local searches from random prompts, in addition to the one from the best prompt tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Prompts with what they are estimated to score."""

    rows: IntArray
    """Shape (prompts, slots + width), as in `Features`."""
    means: FloatArray
    errors: FloatArray
    """Standard errors of the means."""

    @classmethod
    def of(cls, rows: Sequence[IntArray], estimates: Sequence[TrialEstimate]) -> Scored:
        """The prompts of these rows, each with its estimate."""
        return cls(
            rows=np.array(rows),
            means=np.array([each.mean for each in estimates]),
            errors=np.array([each.standard_error for each in estimates]),
        )


class Thompson:
    """Chooses prompts of one space by Thompson sampling (Thompson 1933). It keeps nothing but a cache."""

    def __init__(self, features: Features, *, prior: Prior | None = None) -> None:
        self.features = features
        self._best = prior.rows(features) if prior else []
        self._scales: tuple[bytes, dict[str, float]] = (b"", {})

    def first(self, number: int, *, tried: Set[bytes], rng: np.random.Generator) -> IntArray:
        """The row of one of the prompts before the model is used: random, but a prior's best ones are every second.

        `number` counts those before it, running ones too.
        """
        ready = [row for row in self._best if row.tobytes() not in tried] if number % 2 else []
        return ready[0] if ready else new_row(self.features, rng, tried=tried)

    def choose(self, known: Scored, early: Scored, *, tried: Set[bytes], rng: np.random.Generator) -> IntArray:
        """The row of a prompt that is not among `tried` (rows as bytes), unless all neighbours were tried.

        `early` holds the first `fitted_on` prompts, as they are estimated from themselves alone.
        """
        model = self.model(known, early)
        weights = np.append(model.draw(rng, temper=self._temper(model)), 0.0)
        found = self._best_under(weights, known, tried=tried, rng=rng)
        return new_row(self.features, rng, tried=tried) if found is None else found

    def chance_of_better(
        self,
        known: Scored,
        early: Scored,
        than: TrialEstimate,
        *,
        by: float,
        at_most: float,
        tried: Set[bytes],
        rng: np.random.Generator,
    ) -> float:
        """The probability that a prompt that is not among `tried` is better than an estimate, `by` so many points.

        It is the share of draws under which the best such prompt is. The counting ends once it is `at_most` or more for
        certain. `than` is the estimate of the best prompt, the other arguments are those of `choose`.
        """
        model = self.model(known, early)
        temper, centre = self._temper(model), float(early.means.mean())
        better = 0
        for _ in range(_DRAWS):
            weights = np.append(model.draw(rng, temper=temper), 0.0)
            best = rng.normal(than.mean, than.standard_error)
            found = self._best_under(weights, known, tried=tried, rng=rng)
            if found is not None:
                score = float(predicted(self.features, weights, found[None])[0])
                better += centre + score > best + by
            if better >= at_most * _DRAWS:
                break
        return better / _DRAWS

    def _temper(self, model: LinearModel) -> float:
        """A draw of the weights lacks what no feature explains: the worse they predict, the wider it has to be."""
        surprise = model.surprise(unexplained=self._scales[1]["misfit"] ** 2)
        return float(np.clip(_WIDER * surprise, *_TEMPERS))

    def _best_under(
        self, weights: FloatArray, known: Scored, *, tried: Set[bytes], rng: np.random.Generator
    ) -> IntArray | None:
        """The best prompt that is not among `tried`, by `weights` as in `predicted`; None if none was found."""
        features = self.features
        starts = [known.rows[predicted(features, weights, known.rows).argmax()]]
        starts += [random_row(features, rng) for _ in range(_RESTARTS)]
        return maximise(features, weights, starts, tried=tried)

    def model(self, known: Scored, early: Scored) -> LinearModel:
        """The linear model of the scores, with prior scales fitted to `early`."""
        features = self.features
        centre = float(early.means.mean())
        key = b"".join(each.tobytes() for each in (early.rows, early.means, early.errors))
        if self._scales[0] != key:
            design = features.design(early.rows)
            self._scales = (key, fit_scales(design, features.groups, early.means - centre, early.errors**2))
        scales = self._scales[1]
        return LinearModel(
            design=features.design(known.rows),
            target=known.means - centre,
            noise=known.errors**2 + scales["misfit"] ** 2,
            prior=np.array([scales[group] ** 2 for group in features.groups]),
        )


def fitted_on(trials: int) -> int:
    """On how many first trials scales are fitted: a number that grows by steps, so that they are seldom fitted anew."""
    fitted = START
    while int(fitted * _GROWTH) <= trials:
        fitted = int(fitted * _GROWTH)
    return fitted
