"""Axes: what prompts may be compared by, and whether one is better than another on some and worse on none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from urial_opt.aspects import Aspect
from urial_opt.evaluation.scorecard import query_scores, query_values, strata_of
from urial_opt.objective import AVERAGE, COST, VALUE, Objective, TokenCount
from urial_opt.records import Estimate, Evaluation
from urial_opt.spending import Price
from urial_opt.statistics.bootstrap import RESAMPLES, bootstrap_average, bootstrap_difference
from urial_opt.statistics.strata import Scores, Strata, stratified_mean

OF_COST = 1000
"""A cost is in dollars for so many answers."""
_PAID = (*map(str, TokenCount), COST)
_PLAIN = Objective()
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One thing to compare prompts by."""

    name: str
    """One of `objective.AXES`."""
    objective: Objective
    """What is maximised: the axis `value`."""
    price: Price | None = None
    """Of the base model, for the axis `cost`."""

    @property
    def less_is_better(self) -> bool:
        """Whether it is something that is paid."""
        return self.name in _PAID

    def samples(self, evaluation: Evaluation) -> dict[str, float | None]:
        """The value of each query, by its id; None where it is not known."""
        if self.name == AVERAGE:
            return query_scores(evaluation, _PLAIN)
        if self.name == VALUE:
            return query_values(evaluation, self.objective)
        values: list[float | None]
        if self.less_is_better:
            answers = evaluation.answer_tokens or [None] * len(evaluation.queries)
            values = [self._paid(evaluation.prompt_tokens, answer) for answer in answers]
        else:
            values = [judgment.scores.get(Aspect(self.name)) for judgment in evaluation.judgments]
        return dict(zip([query.id for query in evaluation.queries], values, strict=True))

    def _paid(self, prompt: float | None, answer: int | None) -> float | None:
        if self.name == TokenCount.PROMPT:
            return prompt
        if self.name == TokenCount.ANSWER:
            return answer
        if prompt is None or answer is None or self.price is None:
            return None
        return OF_COST * (prompt * self.price.prompt + answer * self.price.completion) / 1e6

    def strata(self, evaluation: Evaluation) -> Strata:
        """How the values of queries make a mean: by kind for scores, plainly for all else."""
        if self.name in (AVERAGE, VALUE):
            return strata_of(evaluation.queries, _PLAIN if self.name == AVERAGE else self.objective)
        return Strata(
            kinds={query.id: "regular" for query in evaluation.queries}, weights={"regular": 1.0, "safety": 0.0}
        )

    def estimate(self, evaluation: Evaluation) -> Estimate:
        """The mean with its 95 % interval; NaN if it is not known."""
        return bootstrap_average(self.samples(evaluation), self.strata(evaluation))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """One prompt with its values on each axis, by query."""

    axes: Sequence[Axis]
    samples: Sequence[Scores]
    """In the order of the axes."""
    strata: Sequence[Strata]

    @classmethod
    def of(cls, evaluation: Evaluation, axes: Sequence[Axis]) -> Sampled:
        """The values in an evaluation."""
        samples = [axis.samples(evaluation) for axis in axes]
        return cls(axes=axes, samples=samples, strata=[axis.strata(evaluation) for axis in axes])

    def beats(self, other: Sampled, *, surely: bool = False) -> bool:
        """Whether it is better on one axis and worse on none: on average, or `surely` by the 95 % intervals.

        Both are compared on the queries that they share.
        """
        lead_on = self._least_lead if surely else self._lead
        leads = [lead_on(place, other) for place in range(len(self.axes))]
        return all(lead >= -_ROUNDING for lead in leads) and any(lead > _ROUNDING for lead in leads)

    def leads(self, other: Sampled) -> bool:
        """Whether it is better on one axis, on average over the queries that they share."""
        return any(self._lead(place, other) > _ROUNDING for place in range(len(self.axes)))

    def _lead(self, place: int, other: Sampled) -> float:
        mine, theirs = self.samples[place], other.samples[place]
        paired = {q: a - b for q, a in mine.items() if a is not None and (b := theirs.get(q)) is not None}
        mean = stratified_mean(paired, self.strata[place]).mean
        return -mean if self.axes[place].less_is_better else mean

    def _least_lead(self, place: int, other: Sampled) -> float:
        mine, theirs = self.samples[place], other.samples[place]
        gap = bootstrap_difference(mine, theirs, self.strata[place], resamples=RESAMPLES)
        return -gap.high if self.axes[place].less_is_better else gap.low
