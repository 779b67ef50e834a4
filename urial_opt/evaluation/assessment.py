"""Assessment: judges the answers of one prompt, or given answers, to any queries and summarises the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from urial_opt.aspects import Aspect, Missing
from urial_opt.datasets.fitting import Fitting
from urial_opt.datasets.just_eval import Output, outputs_for
from urial_opt.datasets.queries import same_words
from urial_opt.errors import InputError
from urial_opt.evaluation.constraints import Kept, kept
from urial_opt.evaluation.evaluator import Evaluator, evaluated, judge_answers
from urial_opt.evaluation.scorecard import Scorecard, in_words, summed_up, token_json
from urial_opt.evaluation.token_counts import counted
from urial_opt.memory import Memory
from urial_opt.objective import Constraint, Objective
from urial_opt.prompt import UrialPrompt
from urial_opt.protocols import Divided, Judge
from urial_opt.records import (
    Candidate,
    Completion,
    Estimate,
    Evaluation,
    Query,
    Usage,
    estimate_json,
    in_blocks,
)
from urial_opt.spending import usage_json
from urial_opt.statistics.bootstrap import bootstrap_mean

_AT_ONCE = 128
"""Queries between two reports of progress; finished results survive an interruption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How an assessment is summarised."""

    objective: Objective = field(default_factory=Objective)
    constraints: tuple[Constraint, ...] = ()
    """Bounds on aspect means to check."""
    na_as_five: bool = False
    """Count verdicts that are not applicable (N/A) as 5.0, as just-eval's leaderboard does."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Assessment:
    """The answers, their verdicts and a summary."""

    evaluation: Evaluation
    scoring: Scoring
    prompt: UrialPrompt | None
    """None for given outputs."""
    base: str
    """Identity of the base model, or the model name in the given outputs."""
    judge: str
    spreads: Mapping[Aspect, Estimate]
    """Mean spread between the scores of a panel's members, in points; empty for a single judge."""

    def __repr__(self) -> str:
        of = "given answers" if self.prompt is None else f"prompt {self.prompt.id}"
        return f"Assessment({of}: {len(self.evaluation.queries)} queries, base {self.base!r}, judge {self.judge!r})"

    def __str__(self) -> str:
        """Some ten lines: the mean of each aspect and the average, with 95 % intervals."""
        card = self.card
        means = {aspect.value: card.aspects.get(aspect) for aspect in card.verdicts}
        means["average"] = card.average if card.aspects else None
        lines = [f"{name:<12} {'–' if mean is None else mean}" for name, mean in means.items()]
        return "\n".join([f"{card.queries} queries, scores 1 to 5, {in_words(card.missing_by_reason)}", *lines])

    @property
    def card(self) -> Scorecard:
        """The summary of the evaluation."""
        return summed_up(self.evaluation, self.scoring.objective, na_as_five=self.scoring.na_as_five)

    @property
    def constraints(self) -> tuple[Kept, ...]:
        """Whether the answers satisfy each constraint."""
        return kept(self.card.means, self.scoring.constraints)

    @property
    def usage(self) -> Mapping[str, Usage]:
        """Tokens spent and saved, by role."""
        return {
            "base": sum((completion.usage for completion in self.evaluation.completions), Usage()),
            "judge": sum((judgment.usage for judgment in self.evaluation.judgments), Usage()),
        }

    @property
    def answered_in_prompt(self) -> list[str]:
        """Ids of the queries that an exemplar of the prompt already answers; their scores are biased upwards."""
        shown = {same_words(exemplar.query) for exemplar in self.prompt.exemplars} if self.prompt else set()
        return [query.id for query in self.evaluation.queries if same_words(query.text) in shown]

    @property
    def too_long(self) -> list[str]:
        """Ids of the queries that do not fit the base model's context window after the prompt."""
        return [query.id for query in self.evaluation.too_long]

    def as_json(self) -> dict[str, object]:
        """The object that `urial-opt evaluate` prints as JSON; its help describes every key."""
        card = self.card
        average = estimate_json(card.average, mean="average") if card.aspects else {"average": None, "interval": None}
        return {
            **average,
            "objective": str(self.scoring.objective),
            "value": estimate_json(card.value) if card.value and card.aspects else None,
            **token_json(card),
            "aspects": {aspect.value: self._aspect_json(card, aspect) for aspect in card.verdicts},
            "constraints": [each.as_json() for each in self.constraints],
            "queries": card.queries,
            "missing": card.missing,
            **{why.value: card.missing_by_reason[why] for why in Missing},
            "too_long_queries": self.too_long,
            "na_as_five": self.scoring.na_as_five,
            "prompt": self.prompt.id if self.prompt else None,
            "base": self.base,
            "judge": self.judge,
            "tokens": {role: usage_json(usage) for role, usage in self.usage.items()},
            "answered_in_prompt": self.answered_in_prompt,
        }

    def _aspect_json(self, card: Scorecard, aspect: Aspect) -> dict[str, object]:
        estimate = card.aspects.get(aspect)
        verdicts = card.verdicts[aspect]
        return {
            **(estimate_json(estimate) if estimate else {"mean": None, "interval": None}),
            "n": verdicts.n,
            "missing": verdicts.missing,
            **{why.value: verdicts.by_reason[why] for why in Missing},
            **({"spread": estimate_json(self.spreads[aspect])} if aspect in self.spreads else {}),
        }


def assess_prompt(
    evaluator: Evaluator,
    candidate: Candidate,
    queries: Sequence[Query],
    *,
    scoring: Scoring = Scoring(),
    watch: Callable[[int], None] = lambda _: None,
) -> Assessment:
    """Answer the queries under a prompt and judge the answers.

    Queries that do not fit the base model's context window after the prompt are left out, as `Evaluation.too_long`;
    ContextError if none fits. `watch` is called with the number of finished queries. InputError if there is no query.
    """
    fitting = Fitting(lambda some: evaluator.evaluate(candidate, some), queries)
    asked = _in_parts(queries, lambda some: evaluated(fitting, some), watch)
    evaluation = counted(asked, candidate, evaluator.generator, evaluator.memory)
    return Assessment(
        evaluation=evaluation,
        scoring=scoring,
        prompt=candidate.prompt,
        base=evaluator.generator.identity,
        judge=evaluator.judge.identity,
        spreads=_spreads(evaluator.judge, evaluation),
    )


def assess_outputs(
    outputs: Sequence[Output],
    queries: Sequence[Query],
    judge: Judge,
    memory: Memory,
    *,
    scoring: Scoring = Scoring(),
    watch: Callable[[int], None] = lambda _: None,
) -> Assessment:
    """Judge given answers to the queries.

    `watch` is called with the number of finished queries. InputError if there are no queries, or one has no answer.
    """
    answering = dict(zip([query.id for query in queries], outputs_for(queries, outputs), strict=True))

    def judged(part: Sequence[Query]) -> Evaluation:
        given = [Completion(text=answering[query.id].text, finish_reason="stop") for query in part]
        return judge_answers(judge, memory, part, given)

    evaluation = _in_parts(queries, judged, watch)
    return Assessment(
        evaluation=evaluation,
        scoring=scoring,
        prompt=None,
        base=", ".join(sorted({output.generator for output in answering.values()})),
        judge=judge.identity,
        spreads=_spreads(judge, evaluation),
    )


def _spreads(judge: Judge, evaluation: Evaluation) -> dict[Aspect, Estimate]:
    if not isinstance(judge, Divided):
        return {}
    spreads = [judge.spread(judgment) for judgment in evaluation.judgments]
    by_aspect = {aspect: [each[aspect] for each in spreads if aspect in each] for aspect in Aspect}
    return {aspect: bootstrap_mean(apart) for aspect, apart in by_aspect.items() if apart}


def _in_parts(
    queries: Sequence[Query], evaluate: Callable[[Sequence[Query]], Evaluation], watch: Callable[[int], None]
) -> Evaluation:
    if not queries:
        raise InputError("there is no query to ask; give other queries, or `split=all`")
    evaluation = Evaluation(queries=(), completions=(), judgments=())
    for some in in_blocks(queries, _AT_ONCE):
        evaluation += evaluate(some)
        watch(len(evaluation.queries) + len(evaluation.too_long))
    return evaluation
