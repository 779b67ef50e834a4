"""Judge check: measures how well a judge agrees with given scores, with itself, and with itself in swapped order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations, pairwise
from typing import TypeAlias, TypeVar

from urial_opt.aspects import Aspect, Missing
from urial_opt.datasets.rated_answers import RatedAnswer
from urial_opt.errors import InputError
from urial_opt.evaluation.evaluator import compare_answers, judge_answers
from urial_opt.memory import PairMemory
from urial_opt.protocols import Judge, PairwiseJudge
from urial_opt.records import Completion, Estimate, Judgment, Preference, Query, estimate_json, in_blocks
from urial_opt.statistics.agreement import Agreement, Pair, measure_agreement
from urial_opt.statistics.bootstrap import bootstrap_mean, share

Watch: TypeAlias = Callable[[str, int, int], None]
"""Called with the current step, the number of answers or pairs done in it, and their total."""
_BLOCK = 64
"""How many answers are judged before the results are stored."""
_ItemT = TypeVar("_ItemT")
_SaidT = TypeVar("_SaidT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """How consistent a judge's repeated verdicts on the same answers are, on one aspect."""

    answers: int
    """Number of answers with at least two readable verdicts, on which the measures are computed."""
    equal: Estimate | None
    """Share of equal pairs among the verdicts on one answer, averaged over these answers; None if there are none."""
    deviation: Estimate | None
    """Mean absolute difference between two verdicts on one answer, in points, averaged over these answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionBias:
    """How a judge's preference between two answers depends on their order."""

    pairs: int
    unread: int
    """Pairs for which the verdict in one of the orders could not be read."""
    consistent: Estimate | None
    """Share of the readable pairs with the same verdict in both orders, with its Wilson interval."""
    ordered: int
    """Pairs in which the judge prefers one answer and the given scores rank one higher."""
    follows_given: Estimate | None
    """Share of the ordered pairs in which both favour the same answer, with its Wilson interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCheck:
    """The result of checking a judge."""

    judge: str
    answers: int
    asked: int
    """Answers that were judged now; the verdicts on the others were stored already."""
    left_out: int
    """Number of given scores on aspects that are not judged on queries of that kind."""
    overall: Agreement
    """Agreement over all aspects together."""
    aspects: Mapping[Aspect, Agreement]
    repeats: int
    repeated: Mapping[Aspect, Repeated]
    """Consistency by aspect; empty without repeats."""
    position: PositionBias | None
    verdicts: Sequence[Judgment] = ()
    """The judge's verdicts on the answers."""

    @property
    def missing(self) -> Mapping[Missing, int]:
        """Verdicts of the judge without a score, by the reason."""
        counted = Counter(why for verdict in self.verdicts for why in verdict.missing.values())
        return {why: counted[why] for why in Missing if why is not Missing.TOO_LONG}

    def as_json(self) -> dict[str, object]:
        """The object that `urial-opt judge-check` prints as JSON; its help describes every key."""
        repeated = {aspect.value: _as_json(each) for aspect, each in self.repeated.items()}
        return {
            "judge": self.judge,
            "answers": self.answers,
            "asked": self.asked,
            "missing": {why.value: number for why, number in self.missing.items()},
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
    """Compare the judge's scores with the given ones; each distinct answer is judged once, and the verdict is stored.

    `repeats` is how many more times each answer is judged, without using stored verdicts. With `position_bias`, answers
    to the same query are also compared in pairs; InputError if the judge cannot compare, or no query has two answers.
    AdapterError if the judge fails.
    """
    comparing = _comparing(rated, judge) if position_bias else None
    answers = list(dict.fromkeys((each.query, each.answer) for each in rated))
    known = memory.find_judgments(judge.identity, *_columns(answers))
    asked = sum(
        each is None or memory.again.is_due(each, query.text, answer)
        for each, (query, answer) in zip(known, answers, strict=True)
    )
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
    position = _position_bias(*comparing, memory, watch) if comparing else None
    # Last, so that the replies to these are kept until the check is complete: verdicts are stored once.
    again = _asked_in_blocks("judging again", answers * repeats, lambda block: judge.judge(*_columns(block)), watch)
    memory.settle()
    return JudgeCheck(
        judge=judge.identity,
        answers=len(rated),
        asked=asked,
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
        position=position,
        verdicts=verdicts,
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
    """Mean of shares; if all are 0 or all are 1, with a Wilson interval, since resamples would be identical."""
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
        """Positive if the given scores rank the first answer higher, zero if they rank neither higher."""
        both = [
            one - other
            for aspect, one in self.first.scores.items()
            if one is not None and (other := self.second.scores.get(aspect)) is not None
        ]
        return sum(both)


def _comparisons(rated: Sequence[RatedAnswer]) -> list[_Comparison]:
    """Pairs of each answer and the next one to the same query, so the work grows linearly with the answers."""
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
            f"the judge {judge.identity!r} scores single answers and cannot compare two; "
            "leave the position bias out, or give one that can, such as `judge=llm:MODEL`"
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
    """The fields by name; an estimate becomes its mean and interval."""
    values = {field.name: getattr(measured, field.name) for field in fields(measured)}
    return {name: estimate_json(each) if isinstance(each, Estimate) else each for name, each in values.items()}
