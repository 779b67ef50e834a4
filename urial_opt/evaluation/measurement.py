"""Measurement: an assessment of a prompt or of given answers, an optional pairwise comparison, and their cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from urial_opt.datasets.fitting import Fitting
from urial_opt.datasets.just_eval import Output
from urial_opt.evaluation.assessment import Assessment, Scoring, assess_outputs, assess_prompt
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.evaluation.pairwise import PairwiseResult, able_to_compare, compare_pairwise
from urial_opt.protocols import Generator, Judge
from urial_opt.records import Candidate, Completion, Query, Role
from urial_opt.spending import Bill, Price, bill_of
from urial_opt.store import Account, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The result of `measure` and its cost."""

    assessment: Assessment
    comparison: PairwiseResult | None
    """None unless a comparison was requested."""
    bill: Bill
    """Cost of the answers and verdicts that were not in the store."""

    def as_json(self) -> dict[str, object]:
        """The object that `urial-opt evaluate` prints as JSON; its help describes every key."""
        compared = {"against": self.comparison.as_json() if self.comparison else None}
        return {
            **self.assessment.as_json(),
            "spending": self.bill.as_json(),
            "cost": self.bill.total,
            **compared,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """A base model and the prompt under which it answers."""

    generator: Generator
    candidate: Candidate
    as_public: bool = False
    """As in `Evaluator`."""


def measure(
    queries: Sequence[Query],
    judge: Judge,
    store: Store,
    *,
    answers: Answering | Sequence[Output],
    against: Candidate | Sequence[Completion] | None = None,
    scoring: Scoring = Scoring(),
    prices: Mapping[Role, Price],
    account: Account | None = None,
    watch: Callable[[str, int], None] = lambda *_: None,
) -> Measurement:
    """Judge the answers of a base model under a prompt, or given answers; results in the store are reused.

    `against` is another prompt for the same base model, or one given answer for each query; the judge compares the
    answers with these. `account` is one on which the caller has the models billed already. `watch` is called with the
    current step and the number of finished queries. InputError if a query has no answer, or the judge cannot compare;
    AdapterError if a model or the judge fails. Queries that do not fit the base model: see `assess_prompt`.
    """
    comparing = None if against is None else able_to_compare(judge)
    counted = account or store.account(command="evaluate")

    def evaluating(done: int) -> None:
        watch("evaluating", done)

    models = [judge, answers.generator] if isinstance(answers, Answering) else [judge]
    comparison = None
    with counted.billing(*models) if account is None else nullcontext():
        if isinstance(answers, Answering):
            evaluator = Evaluator(generator=answers.generator, judge=judge, memory=counted, as_public=answers.as_public)
            assessment = assess_prompt(evaluator, answers.candidate, queries, scoring=scoring, watch=evaluating)
            theirs = _answers(evaluator, against, queries) if isinstance(against, Candidate) else against
        else:
            assessment = assess_outputs(answers, queries, judge, counted, scoring=scoring, watch=evaluating)
            theirs = None if isinstance(against, Candidate) else against
        if comparing is not None and theirs is not None:
            evaluation = assessment.evaluation
            answered = {query.id: each for query, each in zip(evaluation.queries, evaluation.completions, strict=True)}
            ours = [answered.get(query.id) for query in queries]
            comparison = compare_pairwise(
                queries, ours, theirs, comparing, counted, watch=lambda done: watch("comparing", done)
            )
    named = {Role.BASE: answers.generator.identity} if isinstance(answers, Answering) else {}
    bill = bill_of(counted.spent, named | {Role.JUDGE: judge.identity}, prices)
    return Measurement(assessment=assessment, comparison=comparison, bill=bill)


def _answers(evaluator: Evaluator, candidate: Candidate, queries: Sequence[Query]) -> list[Completion | None]:
    """The answer to each query; None if it does not fit the base model."""
    fitting = Fitting(lambda some: evaluator.answer(candidate, some), queries)
    answers: list[Completion | None] = []
    for _, found in fitting.parts(queries):
        answers += found or [None]
    return answers
