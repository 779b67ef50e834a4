"""The summary of a reading: cases by hand, properties of any reading, and the documented keys."""

from __future__ import annotations

import json
import re
from math import exp, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made_up_scores import behind_a_server, made_up
from urial_opt.records import Estimate
from urial_opt.shift import figures
from urial_opt.shift.figures import ContextShift, ShiftClass, TokenShift, shift_class
from urial_opt.shift.kinds import TokenKind
from urial_opt.shift.measures import MEASURES, OVERLAPS
from urial_opt.shift.summary import GROUPS, summarise_shift
from urial_opt.token_scores import ShiftReading

ANSWERS = [(("Thank", " you", "!", " Rome", "."), True), (("Sure", "!", " Rome"), False)]
RANKS = {
    "zero-shot": [[9, 1, 2, 1, 1, 4], [5, 3, 1]],
    "found": [[1, 1, 2, 7, 1, 1], [5, 1, 0]],
}
FEW = 50


def mean(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.mean


def summary(reading: ShiftReading, context: str = "zero-shot", *, curve: int = 100) -> ContextShift:
    return summarise_shift(reading, resamples=FEW, curve=curve).contexts[context]


@pytest.mark.parametrize(
    ("rank", "expected"),
    [(1, "unshifted"), (2, "marginal"), (3, "marginal"), (4, "shifted"), (10**6, "shifted"), (0, None), (np.nan, None)],
)
def test_classes_are_those_of_the_paper(rank: float, expected: str | None) -> None:
    assert shift_class(rank) == (None if expected is None else ShiftClass(expected))


def test_shares_by_hand() -> None:
    found = summary(made_up(ANSWERS, RANKS))
    assert found.positions == 8
    assert [mean(each) for each in (found.unshifted, found.marginal, found.shifted)] == [4 / 8, 2 / 8, 2 / 8]
    assert mean(found.rank) == pytest.approx(exp(log(9 * 2 * 5 * 3) / 8))
    assert mean(found.probability) == pytest.approx((1 / 9 + 1 + 1 / 2 + 1 + 1 + 1 / 5 + 1 / 3 + 1) / 8)


def test_the_end_of_the_turn_stands_apart() -> None:
    reading = made_up(ANSWERS, RANKS)
    found = summary(reading)
    assert (found.end_of_turn.answers, found.end_of_turn.absent) == (1, 0)
    assert mean(found.end_of_turn.shifted) == 1
    assert summarise_shift(reading, resamples=FEW).cut_off == 1
    no_end = summary(made_up([(pieces, False) for pieces, _ in ANSWERS], {"zero-shot": [[9, 1, 2, 1, 1], [5, 3, 1]]}))
    assert no_end.shifted == found.shifted
    assert no_end.end_of_turn.shifted is None


def test_absent_positions_are_left_out_and_counted() -> None:
    found = summary(made_up(ANSWERS, RANKS), "found")
    assert found.absent["rank"] == found.absent["probability"] == 1
    assert found.absent["kl_base_aligned"] == 0
    assert found.absent["jaccard_10"] == 8
    assert mean(found.shifted) == 2 / 7
    assert found.overlap["jaccard_10"] is None


def test_what_shifted_positions_carry_of_the_divergence() -> None:
    kl = {"zero-shot": [[3.0, 0.5, 0.5, 1.0, 0.0, 9.9], [2.0, 1.0, 0.0]]}
    found = summary(made_up(ANSWERS, {"zero-shot": RANKS["zero-shot"]}, kl=kl))
    assert mean(found.kl_of_shifted["kl_base_aligned"]) == pytest.approx(5 / 8)
    assert mean(found.kl_base_aligned) == pytest.approx(8 / 8)
    assert mean(found.kl_aligned_base) == pytest.approx(16 / 8)
    assert mean(found.kinds["greeting"].kl) == pytest.approx(7 / 8)
    assert mean(found.groups["content"].kl) == pytest.approx(1 / 8)


def test_of_divergences_behind_a_server_the_least_is_told() -> None:
    reading = made_up(ANSWERS, RANKS)
    known, told = summary(reading), summary(behind_a_server(reading, less=0.1))
    assert told.kl_base_aligned is told.kl_aligned_base is told.kl_of_shifted["kl_aligned_base"] is None
    assert mean(told.kl_base_aligned_least) == pytest.approx(0.4)
    assert mean(told.kl_aligned_base_least) == pytest.approx(0.9)
    assert [mean(point.kl_aligned_base_least) for point in told.curve] == pytest.approx([0.9] * len(told.curve))
    assert known.kl_base_aligned_least is known.kl_aligned_base_least is known.curve[0].kl_base_aligned_least is None


def test_kinds_by_hand() -> None:
    found = summary(made_up(ANSWERS, RANKS))
    greeting, end = found.kinds["greeting"], found.kinds["end"]
    assert (greeting.positions, mean(greeting.shifted), mean(greeting.of_shifted)) == (5, 2 / 5, 2 / 3)
    assert mean(greeting.share) == 5 / 9
    assert (end.positions, mean(end.shifted), mean(end.of_shifted), mean(end.kl)) == (1, 1, 1 / 3, 0)
    assert mean(found.groups["style_or_safety"].of_shifted) == 2 / 3
    assert mean(found.groups["grammar"].share) == 1 / 9
    assert found.kinds["unknown"].positions == 0
    assert found.kinds["unknown"].shifted is None


def test_every_kind_is_in_one_group() -> None:
    whole = [kind for name, group in GROUPS.items() if name != "style_or_safety" for kind in group]
    assert sorted(whole) == sorted(TokenKind)


def test_curves_by_hand() -> None:
    curve = summary(made_up(ANSWERS, RANKS)).curve
    assert [point.position for point in curve] == [1, 2, 3, 4, 5]
    assert [point.answers for point in curve] == [2, 2, 2, 1, 1]
    assert [mean(point.shifted) for point in curve] == [1, 0, 0, 0, 0]
    assert mean(curve[0].rank) == pytest.approx(45**0.5)
    assert mean(curve[0].probability) == pytest.approx((1 / 9 + 1 / 5) / 2)
    last = curve[-1].probability
    assert last is not None
    assert np.isnan([last.low, last.high]).all()
    assert len(summary(made_up(ANSWERS, RANKS), curve=2).curve) == 2


def test_most_shifted_tokens_and_words() -> None:
    answers = [((" Br", "as", "ília", "!"), False)] * 3 + [((" The", " br", "as", "s"), False)]
    found = summary(made_up(answers, {"zero-shot": [[5, 1, 8, 1], [1, 9, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1]]}))
    assert [(each.text, each.shifted, each.count) for each in found.top_words] == [("brasília", 2, 3)]
    assert found.top_words[0].kind is TokenKind.CONTENT
    assert found.top_words[0].rank == pytest.approx((8 * 9 * 1) ** (1 / 3))
    tokens = [(each.text, each.shifted, each.count) for each in found.top_tokens]
    assert tokens == [(" Br", 1, 3), ("ília", 1, 3), ("as", 1, 4)]
    assert found.top_tokens[2].share == 1 / 4


def test_a_word_of_unknown_rank_is_not_counted() -> None:
    found = summary(made_up([((" a", " b"), False)] * 2, {"zero-shot": [[0, 9], [0, 0]]}))
    assert [(each.text, each.count) for each in found.top_words] == [("b", 1)]


def test_contexts_are_compared_position_by_position() -> None:
    found = summarise_shift(made_up(ANSWERS, RANKS), resamples=FEW)
    assert list(found.differences) == ["found"]
    difference = found.differences["found"]
    assert (difference.positions, difference.repaired, difference.broken) == (7, 1, 1)
    assert mean(difference.shifted) == 0
    assert mean(difference.unshifted) == pytest.approx(4 / 7 - 3 / 7)
    assert mean(difference.kl_base_aligned) == 0


def test_paired_differences_are_surer_than_the_shares() -> None:
    rng = np.random.default_rng(0)
    hard = rng.random(40) < 0.5  # queries on which both contexts fail
    pieces = tuple(f" w{place}" for place in range(20))
    before = [[9 if bad else 1] * 20 for bad in hard]
    after = [[9 if bad and place > 3 else 1 for place in range(20)] for bad in hard]
    found = summarise_shift(made_up([(pieces, False)] * 40, {"before": before, "after": after},
                                    queries=[str(each) for each in range(40)]))  # fmt: skip
    difference, share = found.differences["after"].shifted, found.contexts["after"].shifted
    assert difference is not None
    assert share is not None
    assert difference.high < 0
    assert difference.high - difference.low < 0.5 * (share.high - share.low)


def test_two_answers_to_one_query_are_one_cluster() -> None:
    ranks = {"zero-shot": [[9, 9], [9, 9], [1, 1], [1, 1]]}
    answers = [((" a", " b"), False)] * 4
    apart = summary(made_up(answers, ranks)).shifted
    together = summary(made_up(answers, ranks, queries=["one", "one", "other", "other"])).shifted
    assert apart is not None
    assert together is not None
    assert (together.low, together.high) == (0, 1)
    assert apart != together


def test_nothing_is_something() -> None:
    found = summarise_shift(made_up([], {"zero-shot": []}), resamples=FEW)
    assert found.contexts["zero-shot"].shifted is None
    assert found.contexts["zero-shot"].curve == ()
    empty = summarise_shift(made_up([((), True)], {"zero-shot": [[2]]}), resamples=FEW).contexts["zero-shot"]
    assert empty.positions == 0
    assert mean(empty.end_of_turn.marginal) == 1
    assert summarise_shift(made_up([], {}), resamples=FEW).as_json()["baseline"] is None


def test_compatibility_changes_definitions_and_says_so() -> None:
    reading = made_up(ANSWERS, RANKS)
    found = summarise_shift(reading, compat="aligntds", resamples=FEW)
    assert found.as_json()["compat"] == "aligntds"
    # the lists have one token, so every rank but 1 is beyond the list
    assert mean(found.contexts["zero-shot"].unshifted) == 4 / 8
    assert mean(found.contexts["zero-shot"].shifted) == 4 / 8
    assert found.contexts["zero-shot"].kl_aligned_base is None


def keys(shift: TokenShift) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(shift.as_json(), allow_nan=False))
    return document


def test_every_key_is_documented() -> None:
    document = keys(summarise_shift(made_up(ANSWERS, RANKS), resamples=FEW))

    def names(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*map(names, value.values()))
        return set().union(*map(names, value)) if isinstance(value, list) else set()

    given = {*RANKS, *TokenKind, *GROUPS, *MEASURES}
    documented = set(re.findall(r"\w+", figures.__doc__ or ""))
    assert names(document) - given <= documented
    assert set(OVERLAPS) <= documented


def test_estimates_are_a_mean_and_an_interval() -> None:
    context = keys(summarise_shift(made_up(ANSWERS, RANKS), resamples=FEW))["contexts"]["zero-shot"]
    for name in ("unshifted", "marginal", "shifted"):
        low, high = context[name]["interval"]
        assert low <= context[name]["mean"] <= high
    assert context["curve"][-1]["rank"] == {"mean": 1.0, "interval": None}
    assert context["overlap"]["jaccard_10"] is None


pieces = st.sampled_from(["Thank", " you", "!", "\n", " Rome", " I", " cannot", " help", "", "🦉", " é", "1", "."])
answers = st.lists(st.tuples(st.lists(pieces, max_size=6).map(tuple), st.booleans()), min_size=1, max_size=5)


@given(answers, st.data())
@settings(max_examples=60)
def test_shares_of_any_reading_add_up(made: list[tuple[tuple[str, ...], bool]], data: st.DataObject) -> None:
    ranks = [data.draw(st.lists(st.integers(0, 6), min_size=len(p) + e, max_size=len(p) + e)) for p, e in made]
    shift = summarise_shift(made_up(made, {"zero-shot": ranks, "same": ranks}), resamples=20)
    found = shift.contexts["zero-shot"]
    keys(shift)
    if found.shifted is not None:
        assert sum(mean(each) or 0 for each in (found.unshifted, found.marginal, found.shifted)) == pytest.approx(1)
    assert sum(each.positions for each in found.kinds.values()) == sum(len(p) + e for p, e in made)
    of_shifted = [mean(each.of_shifted) for each in found.kinds.values()]
    assert None in of_shifted or sum(of_shifted) == pytest.approx(1)  # type: ignore[arg-type]
    assert [point.answers for point in found.curve] == [
        sum(len(p) > place for p, _ in made) for place in range(max(len(p) for p, _ in made))
    ]
    assert (shift.differences["same"].repaired, shift.differences["same"].broken) == (0, 0)
    assert sum(each.shifted for each in found.top_tokens) == sum(
        rank > 3 for row, (p, _) in zip(ranks, made, strict=True) for rank in row[: len(p)]
    )
