"""Overlap of two models' most probable tokens, against the written-out definitions, ours and the public code's."""

from __future__ import annotations

from math import log, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from urial_opt.shift.measures import PositionMeasures, measure, measure_as_aligntds
from urial_opt.token_scores import TokenScores, TopTokens

List = list[tuple[int, float]]


def lists(*rows: List) -> TopTokens:
    width = max(map(len, rows), default=0)
    ids = np.full((len(rows), width), -1, dtype=np.int64)
    probabilities = np.full((len(rows), width), np.nan)
    for place, row in enumerate(rows):
        for at, (token, probability) in enumerate(row):
            ids[place, at], probabilities[place, at] = token, probability
    return TopTokens(ids=ids, probabilities=probabilities)


def scores(base: List, aligned: List, *, rank: int = 1) -> TokenScores:
    """One position."""
    one = np.array([0.5])
    return TokenScores(
        rank=np.array([rank]), probability=one, aligned_probability=one, kl_base_aligned=one, kl_aligned_base=one,
        entropy=one, aligned_entropy=one, top=lists(base), aligned_top=lists(aligned),
    )  # fmt: skip


def values(measures: PositionMeasures, *names: str) -> list[float]:
    return [getattr(measures, name)[0] for name in names]


def falling(tokens: list[int]) -> List:
    weights = [1 / (place + 2) ** 2 for place in range(len(tokens))]
    return [(token, weight / sum(weights)) for token, weight in zip(tokens, weights, strict=True)]


@st.composite
def two_lists(draw: st.DrawFn) -> tuple[List, List]:
    return tuple(falling(draw(st.permutations(range(60)))[: draw(st.sampled_from([3, 10, 12, 50]))]) for _ in range(2))  # type: ignore[return-value]


def jaccard(base: List, aligned: List, k: int) -> float:
    if min(len(base), len(aligned)) < k:
        return float("nan")
    one, other = ({token for token, _ in each[:k]} for each in (base, aligned))
    return len(one & other) / len(one | other)


def ndcg(base: List, aligned: List, k: int) -> float:
    if min(len(base), len(aligned)) < k:
        return float("nan")
    gains = {token: 1 / log2(place + 2) for place, (token, _) in enumerate(aligned[:k])}
    found = sum(gains.get(token, 0) / log2(place + 2) for place, (token, _) in enumerate(base[:k]))
    return found / sum(1 / log2(place + 2) ** 2 for place in range(k))


@given(two_lists())
def test_overlap_is_as_defined(both: tuple[List, List]) -> None:
    base, aligned = both
    p, q = dict(base), dict(aligned)
    found = measure(scores(base, aligned), 1)
    for k in (10, 50):
        expected = [jaccard(base, aligned, k), ndcg(base, aligned, k)]
        assert values(found, f"jaccard_{k}", f"ndcg_{k}") == pytest.approx(expected, nan_ok=True)
    expected = [sum(min(p[t], q[t]) for t in p.keys() & q.keys()), p.get(aligned[0][0], 0), q.get(base[0][0], 0)]
    names = "weighted_sum", "probability_of_aligned_top", "aligned_probability_of_top"
    assert values(found, *names) == pytest.approx(expected)


def test_equal_lists_overlap_wholly_and_disjoint_ones_not_at_all() -> None:
    same = measure(scores(falling([*range(50)]), falling([*range(50)])), 1)
    apart = measure(scores(falling([*range(50)]), falling([*range(50, 100)])), 1)
    names = "jaccard_10", "jaccard_50", "ndcg_10", "ndcg_50", "weighted_sum"
    assert values(same, *names) == pytest.approx([1] * 5)
    assert values(apart, *names) == [0] * 5


def test_the_order_of_the_aligned_list_is_the_standard() -> None:
    ten = [*range(10)]
    first_two_swapped = measure(scores(falling([1, 0, *ten[2:]]), falling(ten)), 1)
    last_two_swapped = measure(scores(falling([*ten[:8], 9, 8]), falling(ten)), 1)
    assert values(first_two_swapped, "ndcg_10") < values(last_two_swapped, "ndcg_10")
    assert values(first_two_swapped, "jaccard_10") == [1]


def test_what_a_server_does_not_tell_is_absent() -> None:
    found = measure(scores([(1, 0.5)], [], rank=0), 1)
    assert np.isnan(values(found, "rank", "jaccard_10", "ndcg_10", "weighted_sum", "probability_of_aligned_top")).all()
    half = measure(scores(falling([*range(20)]), falling([*range(20)])), 1)
    assert values(half, "jaccard_10") == [1]
    assert np.isnan(values(half, "jaccard_50", "ndcg_50")).all()


def aligntds(base: List, aligned: List, texts: dict[int, str]) -> dict[str, float]:
    """The public code's definitions, written out for one position."""
    kept = []
    for each in (base[:30], aligned[:30]):
        total = sum(probability for _, probability in each)
        kept.append([(token, texts[token], probability / total) for token, probability in each])
    one, other = kept
    ours, theirs = ([text for _, text, _ in each] for each in kept)
    p = {text: probability for _, text, probability in reversed(one)}
    q = {text: probability for _, text, probability in reversed(other)}
    gains = {token: 1 / log2(place + 2) for place, (token, _, _) in enumerate(other)}
    return {
        "rank": ours.index(theirs[0]) + 1 if theirs[0] in ours else 31,
        "probability": p.get(theirs[0], 0.0),
        "kl_base_aligned": sum(p[t] * log(p[t] / q[t]) for t in p.keys() & q.keys()),
        "jaccard_10": len({*ours[:10]} & {*theirs[:10]}) / len({*ours[:10]} | {*theirs[:10]}),
        "jaccard_50": len({*ours} & {*theirs}) / len({*ours} | {*theirs}),
        "ndcg_50": sum(gains.get(token, 0) / log2(place + 2) for place, (token, _, _) in enumerate(one))
        / sum(1 / log2(place + 2) ** 2 for place in range(30)),
        "weighted_sum": sum(p[t] * q[t] for t in p.keys() & q.keys()),
    }


@given(st.permutations(range(40)), st.permutations(range(40)), st.integers(2, 40))
def test_compatibility_is_with_the_public_definitions(ours: list[int], theirs: list[int], different: int) -> None:
    texts = {token: f"text {token % different}" for token in range(40)}
    base, aligned = falling(ours), falling(theirs)
    found = measure_as_aligntds(scores(base, aligned, rank=17), 1, texts)
    for name, expected in aligntds(base, aligned, texts).items():
        assert values(found, name) == pytest.approx([expected]), name


def test_where_the_definitions_differ() -> None:
    # two tokens with the same text, and an aligned model whose most probable token is not the answer's
    base, aligned = falling([7, 1, 2, *range(10, 45)]), falling([1, 3, *range(50, 86)])
    texts = {token: "yes" if token in (1, 7) else str(token) for token in range(100)}
    assert values(measure(scores(base, aligned, rank=2), 1), "rank") == [2]
    theirs = measure_as_aligntds(scores(base, aligned, rank=2), 1, texts)
    assert values(theirs, "rank") == [1]
    assert np.isnan(values(theirs, "kl_aligned_base", "entropy")).all()


def test_the_divergence_over_an_intersection_can_be_negative() -> None:
    base, aligned = [(1, 0.9), (2, 0.1)], [(2, 0.9), (3, 0.1)]
    found = measure_as_aligntds(scores(base, aligned), 1, {1: "a", 2: "b", 3: "c"})
    assert values(found, "kl_base_aligned") == pytest.approx([0.1 * log(0.1 / 0.9)])


def test_the_end_of_the_turn_has_no_position() -> None:
    both = scores(falling([*range(50)]), falling([*range(50)]))
    for found in (measure(both, 0), measure_as_aligntds(both, 0, {})):
        assert found.rank.size == found.jaccard_10.size == found.weighted_sum.size == 0
