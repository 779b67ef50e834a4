"""Measures at each position of an answer, from two models' token scores: by our definitions and by those of AlignTDS.

Overlap compares the two lists of most probable tokens, cut to k tokens each:

- **Jaccard**: tokens in both lists over tokens in either.
- **nDCG**: the aligned model's list is the reference. Its i-th token (from 1) has the gain 1 / log2(i + 1). The base
  model's list sums the gains of its tokens, the j-th discounted by 1 / log2(j + 1), and the sum is divided by that of
  the aligned list itself. 1 for equal lists, 0 for disjoint ones.
- **weighted sum**: the probability mass that both models give to their common tokens: the sum of min(base, aligned)
  over tokens in both lists, at full length. At most 1; with whole distributions it would be 1 minus the total variation
  distance.
- **top probabilities**: the base model's probability of the aligned model's most probable token, and the aligned
  model's probability of the base model's most probable one; 0 where that token is not in the list.

`measure_as_aligntds` follows the public code of the paper, for comparison with its published numbers. The differences:

- Only the 30 most probable tokens of each model are used, with probabilities renormalised over them.
- Tokens are the same if their decoded texts are.
- The aligned token is the aligned model's most probable one, not the answer's; they differ if the answer is not greedy.
- Its rank is its place in the base list, or 31 if it is not there. The classes are ours.
- KL(base || aligned) sums over the intersection of the two lists, so it can be negative. KL(aligned || base) is absent.
- The weighted sum is of products.
- nDCG is by token id and over all 30, whatever k; Jaccard at 50 is over the 30 that are kept.

Neither has a position for the end of the turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np

from urial_opt.token_scores import TOP, Bools, Floats, Ints, TokenScores, TopTokens

ALIGNTDS_KEPT = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PositionMeasures:
    """(P) each: measures at P positions of an answer, without the end of the turn; NaN where unknown."""

    rank: Floats
    probability: Floats
    aligned_probability: Floats
    kl_base_aligned: Floats
    kl_aligned_base: Floats
    entropy: Floats
    aligned_entropy: Floats
    jaccard_10: Floats
    jaccard_50: Floats
    ndcg_10: Floats
    ndcg_50: Floats
    weighted_sum: Floats
    probability_of_aligned_top: Floats
    """The base model's probability."""
    aligned_probability_of_top: Floats
    kl_base_aligned_least: Floats
    """Lower bound of the divergence; NaN also where the divergence itself is known."""
    kl_aligned_base_least: Floats


OVERLAPS = (
    "jaccard_10", "jaccard_50", "ndcg_10", "ndcg_50", "weighted_sum", "probability_of_aligned_top",
    "aligned_probability_of_top",
)  # fmt: skip
BOUNDS = ("kl_base_aligned_least", "kl_aligned_base_least")
MEASURES = tuple(field.name for field in fields(PositionMeasures) if field.name not in BOUNDS)


def measure(scores: TokenScores, positions: int) -> PositionMeasures:
    """By our definitions, at the first `positions` positions: over the whole vocabulary, by token id."""
    rank = scores.rank[:positions].astype(np.float64)
    lists = _Lists.of(_first(scores.top, positions, TOP), _first(scores.aligned_top, positions, TOP))
    ten = lists.cut(10)
    return PositionMeasures(
        rank=np.where(rank > 0, rank, np.nan),
        probability=scores.probability[:positions],
        aligned_probability=scores.aligned_probability[:positions],
        kl_base_aligned=scores.kl_base_aligned[:positions],
        kl_aligned_base=scores.kl_aligned_base[:positions],
        entropy=scores.entropy[:positions],
        aligned_entropy=scores.aligned_entropy[:positions],
        jaccard_10=ten.where_full(ten.jaccard(), 10),
        jaccard_50=lists.where_full(lists.jaccard(), 50),
        ndcg_10=ten.where_full(ten.ndcg(), 10),
        ndcg_50=lists.where_full(lists.ndcg(), 50),
        weighted_sum=lists.where_full(lists.sum_common(np.minimum), 1),
        probability_of_aligned_top=lists.where_full(lists.probability_of_aligned_top(), 1),
        aligned_probability_of_top=lists.where_full(lists.aligned_probability_of_top(), 1),
        kl_base_aligned_least=_bound(scores.kl_base_aligned_least, positions),
        kl_aligned_base_least=_bound(scores.kl_aligned_base_least, positions),
    )


def _bound(least: Floats | None, positions: int) -> Floats:
    return np.full(positions, np.nan) if least is None else least[:positions]


def measure_as_aligntds(scores: TokenScores, positions: int, texts: Mapping[int, str]) -> PositionMeasures:
    """As the public code of the paper, at the first `positions` positions; see the top of this file."""
    top, aligned = (_first(each, positions, ALIGNTDS_KEPT) for each in (scores.top, scores.aligned_top))
    by_id = _Lists.of(top, aligned)
    names: dict[str, int] = {}
    listed = _Lists.of(_by_text(top, texts, names), _by_text(aligned, texts, names))
    unlisted = ~listed.same[:, :, 0].any(axis=1)
    places = np.where(unlisted, ALIGNTDS_KEPT, listed.same[:, :, 0].argmax(axis=1)) + 1.0
    lists = listed.without_repeats()
    ten = listed.cut(10).without_repeats()
    absent = np.full(positions, np.nan)
    ndcg = by_id.where_full(by_id.ndcg(), 1)
    return PositionMeasures(
        rank=listed.where_full(places, 1),
        probability=listed.where_full(listed.probability_of_aligned_top(), 1),
        aligned_probability=listed.where_full(listed.theirs[:, 0], 1),
        kl_base_aligned=lists.where_full(lists.sum_common(lambda p, q: p * np.log(p / q)), 1),
        kl_aligned_base=absent,
        entropy=absent,
        aligned_entropy=absent,
        jaccard_10=ten.where_full(ten.jaccard(), 1),
        jaccard_50=lists.where_full(lists.jaccard(), 1),
        ndcg_10=ndcg,
        ndcg_50=ndcg,
        weighted_sum=lists.where_full(lists.sum_common(np.multiply), 1),
        probability_of_aligned_top=listed.where_full(listed.probability_of_aligned_top(), 1),
        aligned_probability_of_top=listed.where_full(listed.aligned_probability_of_top(), 1),
        kl_base_aligned_least=absent,
        kl_aligned_base_least=absent,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Lists:
    """The lists of both models, K tokens each, at P positions."""

    ours: Floats
    """(P, K) probabilities of the base model's tokens; 0 where there is none."""
    theirs: Floats
    """(P, K) probabilities of the aligned model's tokens."""
    same: Bools
    """(P, K, K) whether the base model's i-th token is the aligned model's j-th."""
    sizes: tuple[Ints, Ints]
    """(P) number of tokens in each list."""
    ids: tuple[Ints, Ints]
    """(P, K) token ids of each list; -1 where there is none."""

    @classmethod
    def of(cls, top: TopTokens, aligned: TopTokens) -> _Lists:
        width = max(1, top.ids.shape[1], aligned.ids.shape[1])
        (ids, ours), (aligned_ids, theirs) = (_padded(each, width) for each in (top, aligned))
        there, aligned_there = ids >= 0, aligned_ids >= 0
        return cls(
            ours=ours,
            theirs=theirs,
            same=(ids[:, :, None] == aligned_ids[:, None, :]) & there[:, :, None],
            sizes=(there.sum(axis=1), aligned_there.sum(axis=1)),
            ids=(ids, aligned_ids),
        )

    def cut(self, k: int) -> _Lists:
        return _Lists(
            ours=self.ours[:, :k],
            theirs=self.theirs[:, :k],
            same=self.same[:, :k, :k],
            sizes=(np.minimum(self.sizes[0], k), np.minimum(self.sizes[1], k)),
            ids=(self.ids[0][:, :k], self.ids[1][:, :k]),
        )

    def without_repeats(self) -> _Lists:
        """Only the first occurrence of each token, since several tokens may have the same decoded text."""
        one, other = map(_repeats, self.ids)
        return _Lists(
            ours=self.ours,
            theirs=self.theirs,
            same=self.same & ~one[:, :, None] & ~other[:, None, :],
            sizes=(self.sizes[0] - one.sum(axis=1), self.sizes[1] - other.sum(axis=1)),
            ids=(np.where(one, -1, self.ids[0]), np.where(other, -1, self.ids[1])),
        )

    def where_full(self, values: Floats, k: int) -> Floats:
        """NaN where a list has fewer than k tokens."""
        return np.where(np.minimum(*self.sizes) >= k, values, np.nan)

    def jaccard(self) -> Floats:
        common = self.same.any(axis=2).sum(axis=1)
        ratio: Floats = common / np.maximum(self.sizes[0] + self.sizes[1] - common, 1)
        return ratio

    def ndcg(self) -> Floats:
        discounts = 1 / np.log2(np.arange(self.same.shape[1]) + 2)
        ideal = np.cumsum(discounts**2)[np.maximum(self.sizes[1], 1) - 1]
        ratio: Floats = np.where(self._met(), discounts[self._partners()], 0.0) @ discounts / ideal
        return ratio

    def sum_common(self, of_both: Callable[[Floats, Floats], Floats]) -> Floats:
        """The sum over the common tokens of a function of both probabilities."""
        met = self._met()
        partners = np.take_along_axis(self.theirs, self._partners(), axis=1)
        each = of_both(np.where(met, self.ours, 1.0), np.where(met, partners, 1.0))
        total: Floats = np.where(met, each, 0.0).sum(axis=1)
        return total

    def probability_of_aligned_top(self) -> Floats:
        first = self.same[:, :, 0]
        return np.where(first.any(axis=1), _pick(self.ours, first.argmax(axis=1)), 0.0)

    def aligned_probability_of_top(self) -> Floats:
        first = self.same[:, 0, :]
        return np.where(first.any(axis=1), _pick(self.theirs, first.argmax(axis=1)), 0.0)

    def _met(self) -> Bools:
        return np.asarray(self.same.any(axis=2))

    def _partners(self) -> Ints:
        """(P, K) index in the aligned model's list of each of the base model's tokens; 0 if it is not there."""
        return np.asarray(self.same.argmax(axis=2))


def _first(top: TopTokens, positions: int, kept: int) -> TopTokens:
    return TopTokens(ids=top.ids[:positions, :kept], probabilities=top.probabilities[:positions, :kept])


def _padded(top: TopTokens, width: int) -> tuple[Ints, Floats]:
    missing = ((0, 0), (0, width - top.ids.shape[1]))
    ids = np.pad(top.ids, missing, constant_values=-1)
    return ids, np.where(ids >= 0, np.nan_to_num(np.pad(top.probabilities, missing)), 0.0)


def _pick(values: Floats, places: Ints) -> Floats:
    return np.take_along_axis(values, places[:, None], axis=1)[:, 0]


def _repeats(ids: Ints) -> Bools:
    """(P, K) whether the id occurs earlier in its row."""
    earlier = np.tri(ids.shape[1], k=-1, dtype=np.bool_)
    found: Bools = ((ids[:, :, None] == ids[:, None, :]) & earlier).any(axis=2) & (ids >= 0)
    return found


def _by_text(top: TopTokens, texts: Mapping[int, str], names: dict[str, int]) -> TopTokens:
    """The lists with one id for all tokens of the same text, and probabilities renormalised.

    `names` maps each text to its id and is extended here.
    """
    distinct, places = np.unique(top.ids, return_inverse=True)
    ids = [names.setdefault(texts[token], token) if token in texts else token for token in distinct.tolist()]
    total = np.nansum(top.probabilities, axis=1, keepdims=True)
    probabilities = np.divide(top.probabilities, total, out=np.zeros_like(top.probabilities), where=total > 0)
    return TopTokens(ids=np.array(ids, dtype=np.int64)[places].reshape(top.ids.shape), probabilities=probabilities)
