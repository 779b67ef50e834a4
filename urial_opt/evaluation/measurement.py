"""A measurement: a prompt, or given answers, judged and perhaps compared with others, with what it cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from urial_opt.datasets.just_eval import Output
from urial_opt.evaluation.assessment import Assessment, Scoring, assess_outputs, assess_prompt
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.evaluation.pairwise import PairwiseResult, able_to_compare, compare_pairwise
from urial_opt.protocols import Generator, Judge
from urial_opt.records import Candidate, Completion, Query, Role
from urial_opt.spending import Bill, Price, Spent
from urial_opt.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What was measured, and what was paid for it."""

    assessment: Assessment
    comparison: PairwiseResult | None
    """None unless asked for."""
    bill: Bill
    """What was not in the store."""

    def as_json(self) -> dict[str, object]:
        """The object that `evaluate --json` prints; its help describes every key."""
        compared = {"against": self.comparison.as_json() if self.comparison else None}
        return {
            **self.assessment.as_json(),
            "spending": self.bill.as_json(),
            "cost": self.bill.total,
            **compared,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """A base model that answers under a prompt."""

    generator: Generator
    candidate: Candidate


def measure(
    queries: Sequence[Query],
    judge: Judge,
    store: Store,
    *,
    answers: Answering | Sequence[Output],
    against: Candidate | Sequence[Completion] | None = None,
    scoring: Scoring = Scoring(),
    prices: Mapping[Role, Price],
    watch: Callable[[str, int], None] = lambda *_: None,
) -> Measurement:
    """Judge the answers of a base model under a prompt, or given ones; nothing in the store is paid for again.

    `against`: another prompt for the same base model, or one given answer for each query, with which the judge compares
    the answers. `watch` is called with what is going on and how many queries are done. InputError if a query has no
    answer, or the judge cannot compare.
    """
    comparing = None if against is None else able_to_compare(judge)
    counted = store.account()

    def evaluating(done: int) -> None:
        watch("evaluating", done)

    if isinstance(answers, Answering):
        evaluator = Evaluator(generator=answers.generator, judge=judge, memory=counted)
        assessment = assess_prompt(evaluator, answers.candidate, queries, scoring=scoring, watch=evaluating)
        theirs = evaluator.answer(against, queries) if isinstance(against, Candidate) else against
    else:
        assessment = assess_outputs(answers, queries, judge, counted, scoring=scoring, watch=evaluating)
        theirs = None if isinstance(against, Candidate) else against
    comparison = None
    if comparing is not None and theirs is not None:
        ours = assessment.evaluation.completions
        comparison = compare_pairwise(
            queries, ours, theirs, comparing, counted, watch=lambda done: watch("comparing", done)
        )
    paid = dict(counted.spent)
    spent = {Role.BASE: paid.pop(answers.generator.identity, Spent())} if isinstance(answers, Answering) else {}
    spent[Role.JUDGE] = sum(paid.values(), Spent())  # of all its identities: for scores, for pairs, of a panel
    return Measurement(assessment=assessment, comparison=comparison, bill=Bill(spent=spent, prices=prices))
