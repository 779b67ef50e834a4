"""The judge check: how far a judge agrees with scores that were given before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations, pairwise
from typing import TypeAlias, TypeVar

from urial_opt.aspects import Aspect
from urial_opt.datasets.rated_answers import RatedAnswer
from urial_opt.errors import InputError
from urial_opt.evaluation.evaluator import compare_answers, judge_answers
from urial_opt.memory import PairMemory
from urial_opt.protocols import Judge, PairwiseJudge
from urial_opt.records import Completion, Estimate, Judgment, Preference, Query, estimate_json, in_blocks
from urial_opt.statistics.agreement import Agreement, Pair, measure_agreement
from urial_opt.statistics.bootstrap import bootstrap_mean, share

Watch: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how many answers or pairs of it are done, and of how many."""
_BLOCK = 64
"""So many answers are judged between two writings to memory."""
_ItemT = TypeVar("_ItemT")
_SaidT = TypeVar("_SaidT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """How a judge repeats itself on one aspect of the same answers."""

    answers: int
    """Answers with at least two readable verdicts; the measures are theirs."""
    equal: Estimate | None
    """Share of the pairs of verdicts on one answer that are equal, averaged over them; None without such answers."""
    deviation: Estimate | None
    """Mean distance of two verdicts on one answer, in points, averaged likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionBias:
    """What a judge prefers of two answers, shown to it in both orders."""

    pairs: int
    unread: int
    """Pairs on which the judge said nothing readable in one of the orders."""
    consistent: Estimate | None
    """Share of the readable pairs on which both orders say the same, with its Wilson interval."""
    ordered: int
    """Pairs of which the judge prefers one answer and the given scores place one higher."""
    follows_given: Estimate | None
    """Share of those in which it is the same one, with its Wilson interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCheck:
    """What is known of a judge after a check."""

    judge: str
    answers: int
    asked: int
    """Answers that the judge was asked about now; its verdicts on the others were remembered."""
    left_out: int
    """Given scores on aspects that are not judged on queries of their kind."""
    overall: Agreement
    """Over all aspects together."""
    aspects: Mapping[Aspect, Agreement]
    repeats: int
    repeated: Mapping[Aspect, Repeated]
    """Empty without repeats."""
    position: PositionBias | None

    def as_json(self) -> dict[str, object]:
        """The object that `judge-check --json` prints; its help describes every key."""
        repeated = {aspect.value: _as_json(each) for aspect, each in self.repeated.items()}
        return {
            "judge": self.judge,
            "answers": self.answers,
            "asked": self.asked,
            "left_out": self.left_out,
            "overall": _as_json(self.overall),
            "aspects": {aspect.value: _as_json(each) for aspect, each in self.aspects.items()},
            "self_consistency": {"repeats": self.repeats, "aspects": repeated} if self.repeats else None,
            "position_bias": _as_json(self.position) if self.position else None,
        }


def check_judge(
    rated: Sequence[RatedAnswer],
    judge: Judge,
    memory: PairMemory,
    *,
    repeats: int = 0,
    position_bias: bool = False,
    watch: Watch = lambda *_: None,
) -> JudgeCheck:
    """Compare the judge's scores with the given ones; each distinct answer is judged once, and remembered.

    `repeats`: how often each is judged again, past the memory. `position_bias`: compare the answers to a query two by
    two; InputError if the judge does not do that, or no query has two answers.
    """
    comparing = _comparing(rated, judge) if position_bias else None
    answers = list(dict.fromkeys((each.query, each.answer) for each in rated))
    known = memory.find_judgments(judge.identity, *_columns(answers))
    verdicts = _asked_in_blocks(
        "judging", answers, lambda block: judge_answers(judge, memory, *_columns(block)).judgments, watch
    )
    scores = {answer: verdict.scores for answer, verdict in zip(answers, verdicts, strict=True)}
    pairs = [
        {
            aspect: Pair(given=given, judged=scores[each.query, each.answer].get(aspect))
            for aspect, given in each.scores.items()
        }
        for each in rated
    ]
    again = _asked_in_blocks("judging again", answers * repeats, lambda block: judge.judge(*_columns(block)), watch)
    return JudgeCheck(
        judge=judge.identity,
        answers=len(rated),
        asked=known.count(None),
        left_out=sum(each.left_out for each in rated),
        overall=measure_agreement([list(row.values()) for row in pairs]),
        aspects={
            aspect: measure_agreement(rows)
            for aspect in Aspect
            if (rows := [[row[aspect]] for row in pairs if aspect in row])
        },
        repeats=repeats,
        repeated=_repeated([(verdicts + again)[place :: len(answers)] for place in range(len(answers))])
        if repeats
        else {},
        position=_position_bias(*comparing, memory, watch) if comparing else None,
    )


def _columns(answers: Sequence[tuple[Query, str]]) -> tuple[list[Query], list[Completion]]:
    return [query for query, _ in answers], [_completion(answer) for _, answer in answers]


def _completion(answer: str) -> Completion:
    return Completion(text=answer, finish_reason="stop")


def _asked_in_blocks(
    doing: str, items: Sequence[_ItemT], ask: Callable[[Sequence[_ItemT]], Sequence[_SaidT]], watch: Watch
) -> list[_SaidT]:
    said: list[_SaidT] = []
    for some in in_blocks(items, _BLOCK):
        said += ask(some)
        watch(doing, len(said), len(items))
    return said


def _repeated(verdicts_on_each: Sequence[Sequence[Judgment]]) -> dict[Aspect, Repeated]:
    equal: dict[Aspect, list[float]] = {}
    apart: dict[Aspect, list[float]] = {}
    for verdicts in verdicts_on_each:
        for aspect in {aspect for verdict in verdicts for aspect in verdict.scores}:
            read = [score for verdict in verdicts if (score := verdict.scores.get(aspect)) is not None]
            distances = [abs(one - other) for one, other in combinations(read, 2)]
            equal.setdefault(aspect, []).extend(_mean([float(each == 0) for each in distances]))
            apart.setdefault(aspect, []).extend(_mean(distances))
    return {
        aspect: Repeated(
            answers=len(equal[aspect]),
            equal=_mean_share(equal[aspect]),
            deviation=bootstrap_mean(apart[aspect]) if apart[aspect] else None,
        )
        for aspect in Aspect
        if aspect in equal
    }


def _mean_share(shares: Sequence[float]) -> Estimate | None:
    """Mean of shares; of all or nothing throughout with Wilson's interval, since resamples are all alike."""
    if set(shares) <= {0.0} or set(shares) <= {1.0}:
        return share(round(sum(shares)), len(shares))
    return bootstrap_mean(shares)


def _mean(values: Sequence[float]) -> list[float]:
    return [sum(values) / len(values)] if values else []


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """Two answers to one query."""

    query: Query
    first: RatedAnswer
    second: RatedAnswer

    @property
    def given(self) -> float:
        """Above zero where the given scores place the first answer higher, zero where they place neither."""
        both = [
            one - other
            for aspect, one in self.first.scores.items()
            if one is not None and (other := self.second.scores.get(aspect)) is not None
        ]
        return sum(both)


def _comparisons(rated: Sequence[RatedAnswer]) -> list[_Comparison]:
    """Each answer beside the next one to the same query, so that the work grows with the answers."""
    answers: dict[tuple[str, str], dict[str, RatedAnswer]] = {}
    for each in rated:
        answers.setdefault((each.query.kind, each.query.text), {}).setdefault(each.answer, each)
    return [
        _Comparison(query=first.query, first=first, second=second)
        for same_query in answers.values()
        for first, second in pairwise(same_query.values())
    ]


def _comparing(rated: Sequence[RatedAnswer], judge: Judge) -> tuple[PairwiseJudge, list[_Comparison]]:
    if not isinstance(judge, PairwiseJudge):
        raise InputError(
            f"the judge {judge.identity!r} scores answers one by one and compares none; "
            "leave the position bias out, or give one that compares, such as `judge=llm:MODEL`"
        )
    comparisons = _comparisons(rated)
    if not comparisons:
        raise InputError("no query has two different answers to compare; add some, or leave the position bias out")
    return judge, comparisons


def _position_bias(
    judge: PairwiseJudge, comparisons: Sequence[_Comparison], memory: PairMemory, watch: Watch
) -> PositionBias:
    preferences = _asked_in_blocks("comparing", comparisons, lambda block: _preferences(judge, memory, block), watch)
    read = [each.consistent for each in preferences if each.consistent is not None]
    follows = [
        (preference.overall == "first") == (each.given > 0)
        for each, preference in zip(comparisons, preferences, strict=True)
        if preference.overall in ("first", "second") and each.given
    ]
    return PositionBias(
        pairs=len(comparisons),
        unread=len(comparisons) - len(read),
        consistent=share(sum(read), len(read)),
        ordered=len(follows),
        follows_given=share(sum(follows), len(follows)),
    )


def _preferences(judge: PairwiseJudge, memory: PairMemory, comparisons: Sequence[_Comparison]) -> list[Preference]:
    return compare_answers(
        judge,
        memory,
        [each.query for each in comparisons],
        [_completion(each.first.answer) for each in comparisons],
        [_completion(each.second.answer) for each in comparisons],
    )


def _as_json(measured: Agreement | Repeated | PositionBias) -> dict[str, object]:
    """Its fields by name; of an estimate, mean and interval."""
    values = {field.name: getattr(measured, field.name) for field in fields(measured)}
    return {name: estimate_json(each) if isinstance(each, Estimate) else each for name, each in values.items()}
