"""The judge check: the embedded judge on answers scored by hand, and judges that follow a script."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.scripted_judges import ROWS, Comparing, Scripted
from urial_opt.aspects import Aspect
from urial_opt.datasets.rated_answers import RatedAnswer, read_rated_answers
from urial_opt.errors import InputError
from urial_opt.evaluation.judge_check import JudgeCheck, check_judge
from urial_opt.nano.judge import open_judge
from urial_opt.protocols import PairwiseJudge
from urial_opt.store import Store


def rated(tmp_path: Path, rows: Sequence[object]) -> list[RatedAnswer]:
    file = tmp_path / "rated.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return read_rated_answers(file)


def of_one_query(tmp_path: Path, scores: Mapping[str, object], query: str = "Q") -> list[RatedAnswer]:
    """Answers and their clarity."""
    return rated(tmp_path, [{"query": query, "answer": a, "scores": {"clarity": s}} for a, s in scores.items()])


def mean(check: JudgeCheck, aspect: Aspect, measure: str) -> float | None:
    estimate = getattr(check.aspects[aspect], measure)
    return None if estimate is None else float(estimate.mean)


# Checking


def test_the_embedded_judge_on_answers_scored_by_hand(tmp_path: Path, store: Store) -> None:
    check = check_judge(rated(tmp_path, ROWS), open_judge(""), store)
    assert list(check.aspects) == list(Aspect)
    assert mean(check, Aspect.HELPFULNESS, "exact") == 0.5
    assert mean(check, Aspect.HELPFULNESS, "within_one") == 1
    assert mean(check, Aspect.HELPFULNESS, "bias") == 0.5
    assert mean(check, Aspect.SAFETY, "bias") == -0.5
    assert mean(check, Aspect.CLARITY, "kendall") == 1
    assert (check.aspects[Aspect.FACTUALITY].n, check.aspects[Aspect.FACTUALITY].missing_given) == (2, 1)
    assert mean(check, Aspect.FACTUALITY, "spearman") is None
    assert (check.overall.n, check.overall.missing_given, check.overall.missing_judged) == (13, 1, 0)
    assert check.overall.exact
    assert check.overall.exact.mean == pytest.approx(10 / 13)
    assert (check.answers, check.repeats, check.repeated, check.position) == (5, 0, {}, None)


def test_each_distinct_answer_is_asked_about_once_and_never_again(tmp_path: Path, store: Store) -> None:
    judge = Scripted(lambda *_: 4)
    twice = of_one_query(tmp_path, {"a": 4, "b": 5}) + of_one_query(tmp_path, {"a": 2})
    check = check_judge(twice, judge, store)
    assert judge.asked == {"a": 1, "b": 1}
    assert (check.answers, check.asked, check.overall.n) == (3, 2, 3)
    again = check_judge(twice, judge, store)
    assert judge.asked == {"a": 1, "b": 1}
    assert again.asked == 0
    assert again.overall == check.overall


def test_what_was_judged_before_a_failure_is_not_paid_for_again(tmp_path: Path, store: Store) -> None:
    def breaks(text: str, _: Aspect) -> float:
        if text == "70":
            raise InputError("broken")
        return 4

    answers = of_one_query(tmp_path, {str(number): 4 for number in range(80)})
    with pytest.raises(InputError, match="broken"):
        check_judge(answers, Scripted(breaks), store)
    judge = Scripted(lambda *_: 4)
    check = check_judge(answers, judge, store)
    assert check.asked == 16
    assert "0" not in judge.asked


def test_a_verdict_that_cannot_be_read_is_missing(tmp_path: Path, store: Store) -> None:
    judge = Scripted(lambda text, _: None if text == "b" else 4)
    check = check_judge(of_one_query(tmp_path, {"a": 4, "b": 1, "c": "N/A"}), judge, store)
    clarity = check.aspects[Aspect.CLARITY]
    assert (clarity.n, clarity.missing_given, clarity.missing_judged) == (1, 1, 1)
    assert mean(check, Aspect.CLARITY, "exact") == 1


def test_a_judge_that_turns_the_scores_around(tmp_path: Path, store: Store) -> None:
    judge = Scripted(lambda text, _: 6 - float(text))
    check = check_judge(of_one_query(tmp_path, {str(n): n for n in range(1, 6)}), judge, store)
    assert mean(check, Aspect.CLARITY, "spearman") == pytest.approx(-1)
    assert mean(check, Aspect.CLARITY, "kappa") == pytest.approx(-1)
    assert mean(check, Aspect.CLARITY, "exact") == pytest.approx(1 / 5)
    assert mean(check, Aspect.CLARITY, "bias") == 0


# Self-consistency


def test_a_deterministic_judge_repeats_itself(tmp_path: Path, store: Store) -> None:
    check = check_judge(rated(tmp_path, ROWS), open_judge(""), store, repeats=2)
    assert set(check.repeated) == set(Aspect)
    for each in check.repeated.values():
        assert each.equal
        assert each.deviation
        assert (each.equal.mean, each.deviation.mean) == (1, 0)


def test_a_judge_that_does_not_repeat_itself_is_asked_past_the_store(tmp_path: Path, store: Store) -> None:
    said = {"a": iter([4, 4, 2]), "b": iter([5, None, 5]), "c": iter([None, None, 3])}
    judge = Scripted(lambda text, aspect: next(said[text]) if aspect is Aspect.CLARITY else 3)
    check = check_judge(of_one_query(tmp_path, {"a": 4, "b": 5, "c": 3}), judge, store, repeats=2)
    assert judge.asked == {"a": 3, "b": 3, "c": 3}
    found = check.repeated[Aspect.CLARITY]
    assert found.answers == 2
    assert found.equal
    assert found.deviation
    assert found.equal.mean == pytest.approx((1 / 3 + 1) / 2)  # of 4 4 2 one pair in three, of 5 5 the only one
    assert found.deviation.mean == pytest.approx((4 / 3 + 0) / 2)
    assert found.equal.low < found.equal.mean < found.equal.high
    assert check.asked == 3


def test_never_repeated_readably(tmp_path: Path, store: Store) -> None:
    check = check_judge(of_one_query(tmp_path, {"a": 4}), Scripted(lambda *_: None), store, repeats=1)
    found = check.repeated[Aspect.CLARITY]
    assert (found.answers, found.equal, found.deviation) == (0, None, None)


# Position bias


def test_position_bias(tmp_path: Path, store: Store) -> None:
    judge = Comparing({("2", "4"): ("tie", False), ("4", "5"): ("first", True), ("5", "3"): (None, None)})
    assert isinstance(judge, PairwiseJudge)
    answers = of_one_query(tmp_path, {"1": 1, "2": 3, "4": 4, "5": 5, "3": 2}) + of_one_query(tmp_path, {"1": 1}, "R")
    found = check_judge(answers, judge, store, position_bias=True).position
    assert judge.compared == [("1", "2"), ("2", "4"), ("4", "5"), ("5", "3")]
    assert found
    assert (found.pairs, found.unread) == (4, 1)
    assert found.consistent
    assert found.consistent.mean == pytest.approx(2 / 3)
    assert found.ordered == 2
    assert found.follows_given
    assert found.follows_given.mean == 0.5


def test_no_pair_is_compared_twice(tmp_path: Path, store: Store) -> None:
    judge = Comparing({("2", "4"): ("tie", False), ("4", "5"): (None, None)})
    answers = of_one_query(tmp_path, {"1": 1, "2": 3, "4": 4, "5": 5})
    first, second = (check_judge(answers, judge, store, position_bias=True).position for _ in range(2))
    assert first == second
    assert len(judge.compared) == 3


def test_equal_or_missing_given_scores_have_no_order_to_follow(tmp_path: Path, store: Store) -> None:
    judge = Comparing({})
    check = check_judge(of_one_query(tmp_path, {"1": 3, "2": 3, "4": "N/A"}), judge, store, position_bias=True)
    assert check.position
    assert (check.position.pairs, check.position.ordered, check.position.follows_given) == (2, 0, None)


def test_what_cannot_be_compared_is_refused_before_anything_is_paid_for(tmp_path: Path, store: Store) -> None:
    answers = of_one_query(tmp_path, {"1": 3, "2": 3})
    judge = Scripted(lambda *_: 4)
    with pytest.raises(InputError, match="leave the position bias out, or give one that can"):
        check_judge(answers, judge, store, position_bias=True)
    comparing = Comparing({})
    with pytest.raises(InputError, match="no query has two different answers"):
        check_judge([answers[0], answers[0]], comparing, store, position_bias=True)
    assert not judge.asked
    assert not comparing.asked
