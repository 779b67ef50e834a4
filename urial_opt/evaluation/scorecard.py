"""Scorecard: the summary of an evaluation, by aspect and on average, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from urial_opt.aspects import Aspect
from urial_opt.objective import Objective
from urial_opt.records import Estimate, Evaluation, Judgment, Query, Usage
from urial_opt.statistics.bootstrap import bootstrap_average, bootstrap_mean
from urial_opt.statistics.strata import Strata


def usage_of(evaluation: Evaluation) -> Usage:
    """Tokens spent and saved on the answers of an evaluation, without the judge's."""
    return sum((completion.usage for completion in evaluation.completions), Usage())


def query_scores(evaluation: Evaluation, objective: Objective) -> dict[str, float | None]:
    """Score of each query, 1 to 5, by query id, in the order asked; None if no aspect could be read."""
    return {
        query.id: objective.query_score(judgment, query.kind)
        for query, judgment in zip(evaluation.queries, evaluation.judgments, strict=True)
    }


def strata_of(queries: Sequence[Query], objective: Objective) -> Strata:
    """The kinds of the queries and their weights, for the statistics."""
    return Strata(kinds={query.id: query.kind for query in queries}, weights=objective.kind_weights())


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """The number of verdicts on an aspect."""

    n: int
    """Verdicts that could be read."""
    missing: int
    """Verdicts that could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """The summary of an evaluation, with bootstrap 95 % intervals over its queries."""

    average: Estimate
    aspects: Mapping[Aspect, Estimate]
    """Mean over the queries on which the aspect could be read; aspects that never could be read are left out."""
    verdicts: Mapping[Aspect, Verdicts]
    """Number of verdicts on each aspect that was judged."""
    missing: int
    """Verdicts that could not be read."""
    queries: int


def summed_up(evaluation: Evaluation, objective: Objective, *, na_as_five: bool = False) -> Scorecard:
    """Summarise an evaluation.

    `na_as_five` counts verdicts that could not be read as 5.0, as just-eval's leaderboard does.
    """
    by_aspect = _by_aspect(evaluation)
    verdicts = {
        aspect: Verdicts(n=len(scores) - scores.count(None), missing=scores.count(None))
        for aspect, scores in by_aspect.items()
    }
    if na_as_five:
        evaluation = replace(evaluation, judgments=[_with_fives(judgment) for judgment in evaluation.judgments])
        by_aspect = _by_aspect(evaluation)
    read = {aspect: scores for aspect, scores in by_aspect.items() if scores != [None] * len(scores)}
    return Scorecard(
        average=bootstrap_average(query_scores(evaluation, objective), strata_of(evaluation.queries, objective)),
        aspects={aspect: bootstrap_mean(scores) for aspect, scores in read.items()},
        verdicts=verdicts,
        missing=sum(each.missing for each in verdicts.values()),
        queries=len(evaluation.queries),
    )


def _by_aspect(evaluation: Evaluation) -> dict[Aspect, list[float | None]]:
    """All verdicts on each aspect that was judged; a verdict that could not be read is None."""
    given = [(aspect, score) for judgment in evaluation.judgments for aspect, score in judgment.scores.items()]
    scores = {aspect: [score for other, score in given if other is aspect] for aspect in Aspect}
    return {aspect: each for aspect, each in scores.items() if each}


def _with_fives(judgment: Judgment) -> Judgment:
    return replace(judgment, scores={a: 5.0 if score is None else score for a, score in judgment.scores.items()})
