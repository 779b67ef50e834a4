"""Contracts of judges: Judge and PairwiseJudge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, get_args

import pytest

from urial_opt.aspects import ASPECTS_OF
from urial_opt.protocols import Judge, PairwiseJudge
from urial_opt.records import Judgment, Preference, Query, Verdict
from urial_opt.testing.ability_contracts import AbilityContract, UnderTest
from urial_opt.testing.promises import BANK, FROG, PERU, TEA, assert_counts, assert_identity, completions_of


class JudgeContract(AbilityContract):
    """For any Judge. It scores `answers[i]` as an answer to `queries[i]`."""

    queries: ClassVar[Sequence[Query]] = (PERU, TEA, BANK, PERU, FROG)
    """Regular and safety queries."""
    answers: ClassVar[Sequence[str]] = (
        "The capital of Peru is Lima. Its continent is South America.",
        "Bananas are yellow.",
        "I am sorry, but I cannot help with that.",
        "",
        "The frog is an amphibian.",
    )
    """Not all may deserve the same scores."""
    tolerance: ClassVar[float] = 0.01
    """Points by which a score may vary with the batch, through rounding."""

    @pytest.fixture
    def judge(self) -> Judge:
        raise NotImplementedError("return the Judge under test, opened through urial_opt.plugins")

    @pytest.fixture
    def under_test(self, judge: Judge) -> UnderTest:
        return UnderTest(adapter=judge, ask=lambda: self.judged(judge))

    def judged(self, judge: Judge) -> list[Judgment]:
        return judge.judge(self.queries, completions_of(self.answers))

    def assert_same(self, found: Sequence[Judgment], expected: Sequence[Judgment]) -> None:
        assert [dict(each.scores) for each in found] == [
            {aspect: pytest.approx(score, abs=self.tolerance) for aspect, score in each.scores.items()}
            for each in expected
        ]

    def test_identity_is_one_line_and_stays(self, judge: Judge) -> None:
        before = judge.identity
        self.judged(judge)
        assert_identity(before, judge.identity)

    def test_each_pair_has_one_judgment_in_order(self, judge: Judge) -> None:
        assert [each.query_id for each in self.judged(judge)] == [query.id for query in self.queries]

    def test_the_rest_of_the_batch_does_not_matter(self, judge: Judge) -> None:
        alone = [
            judgment
            for query, completion in zip(self.queries, completions_of(self.answers), strict=True)
            for judgment in judge.judge([query], [completion])
        ]
        assert len({tuple(each.scores.values()) for each in alone}) > 1, "set `answers` to some with different scores"
        self.assert_same(self.judged(judge), alone)

    def test_an_empty_batch_gives_an_empty_list(self, judge: Judge) -> None:
        assert judge.judge([], []) == []

    def test_judging_again_gives_the_same(self, judge: Judge) -> None:
        self.assert_same(self.judged(judge), self.judged(judge))

    def test_exactly_the_aspects_due_are_scored(self, judge: Judge) -> None:
        assert [set(each.scores) for each in self.judged(judge)] == [{*ASPECTS_OF[each.kind]} for each in self.queries]

    def test_a_score_is_from_1_to_5_or_missing(self, judge: Judge) -> None:
        scores = [score for each in self.judged(judge) for score in each.scores.values()]
        assert all(score is None or 1 <= score <= 5 for score in scores)
        assert {*scores} != {None}, "no verdict could be read; set `answers` to some that get a score"

    def test_each_judgment_carries_the_identity(self, judge: Judge) -> None:
        assert {each.judge for each in self.judged(judge)} == {judge.identity}

    def test_reasons_are_for_aspects_scored(self, judge: Judge) -> None:
        assert all(set(each.reasons) <= set(each.scores) for each in self.judged(judge))

    def test_no_count_of_tokens_is_negative(self, judge: Judge) -> None:
        assert_counts([each.usage for each in self.judged(judge)])


class PairwiseJudgeContract(AbilityContract):
    """For any PairwiseJudge. It compares `firsts[i]` and `seconds[i]` as answers to `queries[i]`."""

    queries: ClassVar[Sequence[Query]] = (PERU, TEA, BANK)
    firsts: ClassVar[Sequence[str]] = ("The capital of Peru is Lima.", "Bananas are yellow.", "Make a plan.")
    seconds: ClassVar[Sequence[str]] = ("Lima.", "Boil fresh water. Put the tea in a pot.", "I cannot help with that.")
    """Some must be better or worse than `firsts`, in the judge's eyes."""

    @pytest.fixture
    def judge(self) -> PairwiseJudge:
        raise NotImplementedError("return the PairwiseJudge under test, opened through urial_opt.plugins")

    @pytest.fixture
    def under_test(self, judge: PairwiseJudge) -> UnderTest:
        return UnderTest(adapter=judge, ask=lambda: self.compared(judge))

    def compared(self, judge: PairwiseJudge) -> list[Preference]:
        return judge.compare(self.queries, completions_of(self.firsts), completions_of(self.seconds))

    def test_identity_is_one_line_and_stays(self, judge: PairwiseJudge) -> None:
        before = judge.pairwise_identity
        self.compared(judge)
        assert_identity(before, judge.pairwise_identity)

    def test_each_query_has_one_preference_in_order(self, judge: PairwiseJudge) -> None:
        assert [each.query_id for each in self.compared(judge)] == [query.id for query in self.queries]

    def test_the_rest_of_the_batch_does_not_matter(self, judge: PairwiseJudge) -> None:
        rows = zip(self.queries, completions_of(self.firsts), completions_of(self.seconds), strict=True)
        alone = [each for query, first, second in rows for each in judge.compare([query], [first], [second])]
        assert [_verdicts(each) for each in self.compared(judge)] == [_verdicts(each) for each in alone]

    def test_an_empty_batch_gives_an_empty_list(self, judge: PairwiseJudge) -> None:
        assert judge.compare([], [], []) == []

    def test_swapping_the_answers_turns_every_verdict(self, judge: PairwiseJudge) -> None:
        compared = self.compared(judge)
        overall = {each.overall for each in compared}
        assert overall & {"first", "second"}, "set `firsts` and `seconds` to some of which one is better"
        swapped = judge.compare(self.queries, completions_of(self.seconds), completions_of(self.firsts))
        turned: dict[Verdict | None, Verdict] = {"first": "second", "second": "first", "tie": "tie"}
        assert [_verdicts(each) for each in compared] == [
            [turned.get(verdict) for verdict in _verdicts(each)] for each in swapped
        ]

    def test_equal_answers_tie(self, judge: PairwiseJudge) -> None:
        firsts = completions_of(self.firsts)
        verdicts = [verdict for each in judge.compare(self.queries, firsts, firsts) for verdict in _verdicts(each)]
        assert {*verdicts} <= {"tie", None}

    def test_verdicts_are_on_exactly_the_aspects_due(self, judge: PairwiseJudge) -> None:
        due = [{*ASPECTS_OF[query.kind]} for query in self.queries]
        assert [set(each.aspects) for each in self.compared(judge)] == due

    def test_a_verdict_is_first_second_tie_or_missing(self, judge: PairwiseJudge) -> None:
        verdicts = {verdict for each in self.compared(judge) for verdict in _verdicts(each)}
        assert verdicts <= {*get_args(Verdict), None}

    def test_consistent_says_whether_both_orders_agree(self, judge: PairwiseJudge) -> None:
        for each in self.compared(judge):
            allowed: dict[Verdict | None, set[bool | None]] = {None: {None}, "tie": {True, False}}
            assert each.consistent in allowed.get(each.overall, {True}), each

    def test_each_preference_carries_the_identity(self, judge: PairwiseJudge) -> None:
        assert {each.judge for each in self.compared(judge)} == {judge.pairwise_identity}

    def test_no_count_of_tokens_is_negative(self, judge: PairwiseJudge) -> None:
        assert_counts([each.usage for each in self.compared(judge)])


def _verdicts(preference: Preference) -> list[Verdict | None]:
    """The overall verdict, then those on the aspects, by name."""
    return [preference.overall, *(preference.aspects[aspect] for aspect in sorted(preference.aspects))]
