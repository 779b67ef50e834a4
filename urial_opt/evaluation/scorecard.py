"""Scorecard: the summary of an evaluation, by aspect and on average, with bootstrap intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from urial_opt.aspects import ASPECTS_OF, Aspect, Missing
from urial_opt.objective import Measure, Objective, TokenCount
from urial_opt.records import Estimate, Evaluation, Judgment, Query, Usage, estimate_json
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


def query_values(evaluation: Evaluation, objective: Objective) -> dict[str, float | None]:
    """`query_scores`, less what the tokens of prompt and answer cost. ValueError if these were not counted."""
    scores = query_scores(evaluation, objective)
    if not objective.prices:
        return scores
    answers = evaluation.answer_tokens or [None] * len(scores)
    return {
        query: None if score is None else score - objective.charge(prompt=evaluation.prompt_tokens, answer=answer)
        for (query, score), answer in zip(scores.items(), answers, strict=True)
    }


def strata_of(queries: Sequence[Query], objective: Objective) -> Strata:
    """The kinds of the queries and their weights, for the statistics."""
    return Strata(kinds={query.id: query.kind for query in queries}, weights=objective.kind_weights())


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """The number of verdicts on an aspect."""

    n: int
    """Verdicts with a score."""
    by_reason: Mapping[Missing, int]
    """Verdicts without a score, by the reason."""

    @property
    def missing(self) -> int:
        """Verdicts without a score."""
        return sum(self.by_reason.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """The summary of an evaluation, with bootstrap 95 % intervals over its queries."""

    average: Estimate
    """just-eval's, whatever the objective is."""
    aspects: Mapping[Aspect, Estimate]
    """Mean over the queries on which the aspect could be read; aspects that never could be read are left out."""
    verdicts: Mapping[Aspect, Verdicts]
    """Number of verdicts on each aspect that was judged."""
    queries: int
    """Those that do not fit the model are among them."""
    value: Estimate | None = None
    """What the objective makes of it: weighted, and less what tokens cost.

    None where that is the average, or where tokens that have a price were not counted."""
    tokens: Mapping[TokenCount, Estimate] = field(default_factory=dict)
    """Tokens of the prompt, and the mean of the answers'; what was not counted is left out."""

    @property
    def worth(self) -> Estimate:
        """What a search maximises: the value, which may be the average."""
        return self.average if self.value is None else self.value

    @property
    def means(self) -> Mapping[Measure, float]:
        """The mean of everything that a constraint may bound."""
        means: dict[Measure, float] = {aspect: each.mean for aspect, each in self.aspects.items()}
        return means | {count: each.mean for count, each in self.tokens.items()}

    @property
    def missing_by_reason(self) -> Mapping[Missing, int]:
        """Verdicts without a score, by the reason."""
        return {why: sum(each.by_reason[why] for each in self.verdicts.values()) for why in Missing}

    @property
    def missing(self) -> int:
        """Verdicts without a score."""
        return sum(self.missing_by_reason.values())

    @property
    def open(self) -> int:
        """Verdicts that were refused or could not be read."""
        return sum(number for why, number in self.missing_by_reason.items() if why.is_open)


def in_words(missing: Mapping[Missing, int]) -> str:
    """Such as `5 verdicts missing (2 n/a, 3 unread)`."""
    parts = ", ".join(f"{number} {why.words}" for why, number in missing.items() if number)
    number = sum(missing.values())
    return f"{number} {'verdict' if number == 1 else 'verdicts'} missing{f' ({parts})' if parts else ''}"


def summed_up(evaluation: Evaluation, objective: Objective, *, na_as_five: bool = False) -> Scorecard:
    """Summarise an evaluation.

    `na_as_five` counts verdicts that are not applicable (N/A) as 5.0, as just-eval's leaderboard does.
    """
    tokens = token_means(evaluation)
    valued = not objective.is_average and objective.prices.keys() <= tokens.keys()
    verdicts = {aspect: each for aspect in Aspect if (each := _verdicts(evaluation, aspect)).n + each.missing}
    if na_as_five:
        evaluation = replace(evaluation, judgments=[_with_fives(judgment) for judgment in evaluation.judgments])
    read = {aspect: scores for aspect, scores in _by_aspect(evaluation).items() if scores != [None] * len(scores)}
    return Scorecard(
        average=_average(query_scores(evaluation, _PLAIN), evaluation, _PLAIN),
        aspects={aspect: bootstrap_mean(scores) for aspect, scores in read.items()},
        verdicts=verdicts,
        queries=len(evaluation.queries) + len(evaluation.too_long),
        value=_average(query_values(evaluation, objective), evaluation, objective) if valued else None,
        tokens=tokens,
    )


_PLAIN = Objective()


def _average(scores: Mapping[str, float | None], evaluation: Evaluation, objective: Objective) -> Estimate:
    return bootstrap_average(scores, strata_of(evaluation.queries, objective))


def token_means(evaluation: Evaluation) -> dict[TokenCount, Estimate]:
    """Tokens of the prompt, the same for all queries, and the mean of the answers'; without what is unknown."""
    found: dict[TokenCount, Estimate] = {}
    if (prompt := evaluation.prompt_tokens) is not None:
        found[TokenCount.PROMPT] = Estimate(mean=prompt, low=prompt, high=prompt)
    if evaluation.answer_tokens and None not in evaluation.answer_tokens:
        found[TokenCount.ANSWER] = bootstrap_mean(evaluation.answer_tokens)
    return found


def token_json(card: Scorecard) -> dict[str, object]:
    """Keys: `prompt_tokens`, and `answer_tokens` with `mean` and `interval`; null for what was not counted."""
    prompt, answers = card.tokens.get(TokenCount.PROMPT), card.tokens.get(TokenCount.ANSWER)
    return {
        TokenCount.PROMPT.value: prompt and prompt.mean,
        TokenCount.ANSWER.value: answers and estimate_json(answers),
    }


def _by_aspect(evaluation: Evaluation) -> dict[Aspect, list[float | None]]:
    """All verdicts on each aspect that was judged; a verdict that could not be read is None."""
    given = [(aspect, score) for judgment in evaluation.judgments for aspect, score in judgment.scores.items()]
    scores = {aspect: [score for other, score in given if other is aspect] for aspect in Aspect}
    return {aspect: each for aspect, each in scores.items() if each}


def _verdicts(evaluation: Evaluation, aspect: Aspect) -> Verdicts:
    reasons = Counter(judgment.missing.get(aspect.value) for judgment in evaluation.judgments)
    reasons[Missing.TOO_LONG] += sum(aspect in ASPECTS_OF[query.kind] for query in evaluation.too_long)
    scored = sum(judgment.scores.get(aspect) is not None for judgment in evaluation.judgments)
    return Verdicts(n=scored, by_reason={why: reasons[why] for why in Missing})


def _with_fives(judgment: Judgment) -> Judgment:
    withheld = {name for name, why in judgment.missing.items() if why is Missing.NOT_APPLICABLE}
    return replace(judgment, scores={a: 5.0 if a.value in withheld else score for a, score in judgment.scores.items()})
