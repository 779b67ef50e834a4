"""Metrics: a DSPy metric as a judge, whose score of an example is spread over the scale from 1 to 5.

A metric that fails, or returns None or NaN, gives no verdict: that is missing, not low. A program that fails gets the
lowest score: it did not answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dspy  # type: ignore[import-untyped]

from urial_opt.aspects import ASPECTS_OF, Missing
from urial_opt.content import content_id
from urial_opt.dspy.adapter import read_value
from urial_opt.dspy.identities import described
from urial_opt.dspy.programs import Run, read_run
from urial_opt.errors import InputError
from urial_opt.records import Completion, Judgment, Query

LEAST, MOST = 1.0, 5.0


class MetricJudge:
    """Judges the runs of a program on examples, which are known by the text of their query."""

    def __init__(
        self,
        metric: Callable[..., Any],
        *,
        program: Any,
        examples: Mapping[str, Any],
        scale: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        """`scale`: the least and the greatest value of the metric."""
        low, high = scale
        if not low < high:
            raise InputError(f"a metric cannot range from {low:g} to {high:g}; give `scale=(0, 1)`")
        self._metric, self._scale, self._examples = metric, scale, examples
        self._kinds = {
            name: field.annotation
            for predictor in program.predictors()
            for name, field in predictor.signature.output_fields.items()
        }
        name = getattr(metric, "__qualname__", type(metric).__qualname__)
        self.identity = f"metric {name} {content_id([described(metric), [low, high]])[:8]}"

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        """As `protocols.Judge`. InputError if a value of the metric lies outside its scale."""
        return [self._judge(query, each) for query, each in zip(queries, completions, strict=True)]

    def _judge(self, query: Query, completion: Completion) -> Judgment:
        run = read_run(completion.text)
        value, says = (self._scale[0], run.failed) if run.outputs is None else self.value(query.text, run)
        aspects = ASPECTS_OF[query.kind]
        scores = dict.fromkeys(aspects, None if value is None else self._spread(value))
        missing = {aspect.value: Missing.UNREAD for aspect in aspects} if value is None else {}
        return Judgment(
            query_id=query.id,
            judge=self.identity,
            scores=scores,
            reasons={aspects[0].value: says} if says else {},
            raw=says or str(value),
            missing=missing,
        )

    def value(self, text: str, run: Run, trace: Any = None) -> tuple[float | None, str]:
        """The metric's value of a run that did not fail, and what it said, or why it has none."""
        more = () if trace is None else (trace,)
        try:
            found = self._metric(self._examples[text], self._prediction(run), *more)
            value = None if found is None else float(found)
        except Exception as error:  # whatever a metric raises
            return None, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        if value is None or math.isnan(value):
            return None, f"the metric returned {found!r:.100}"
        return value, str(getattr(found, "feedback", "") or "")

    def _spread(self, value: float) -> float:
        low, high = self._scale
        if not low <= value <= high:
            raise InputError(
                f"the metric gave {value:g}, which lies outside {low:g} to {high:g}; give its range, such as "
                f"`scale=({min(low, math.floor(value)):g}, {max(high, math.ceil(value)):g})`"
            )
        return LEAST + (MOST - LEAST) * (value - low) / (high - low)

    def _prediction(self, run: Run) -> Any:
        """What the program returned, made again from JSON if it is not at hand: with the types of its outputs."""
        if run.prediction is not None:
            return run.prediction
        assert run.outputs is not None
        return dspy.Prediction(**{name: self._typed(name, value) for name, value in run.outputs.items()})

    def _typed(self, name: str, value: Any) -> Any:
        if name not in self._kinds or value is None:
            return value
        try:
            return read_value(value, self._kinds[name])
        except Exception:  # not what the predictor gave, but what the program made of it
            return value
