"""Figures of token shift: how often, where and at which kinds of tokens a base model departs from its aligned version.

Classes by the rank η of the aligned model's token in the base model (Lin et al. 2024, section 2): unshifted η = 1,
marginal 1 < η ≤ 3, shifted η > 3. Figures are ratios of sums over all positions of all answers. Their 95 % intervals
come from resampling queries, since the positions of one answer are correlated. A share of 0 or 1 has the Wilson
interval for that number of queries instead. Positions at which a value is unknown, because a server does not report it,
are left out of its figures and counted in `absent`.

The object that `TokenShift.as_json` returns. An estimate is `{"mean", "interval": [low, high]}`, or null where there is
nothing to measure; its interval is null where fewer than two queries contribute.

    base, aligned        identities of the two models
    compat               null, or "aligntds": the definitions of the paper's public code, see `measures`
    answers, cut_off     answers read, and how many of them were cut off at the maximal length
    contexts             by name of the context:
      positions          tokens of the answers, without the ends of turns
      absent             by measure: number of positions at which it is unknown
      unshifted, marginal, shifted    share of the positions of known rank; an estimate, as are all that follow except
                         counts
      rank               geometric mean
      probability, aligned_probability    mean over positions of the aligned model's token's probability, in the base
                         model and in the aligned model
      entropy, aligned_entropy    mean over positions, in nats
      kl_base_aligned, kl_aligned_base    mean over positions of KL(base || aligned) and KL(aligned || base), in nats
      kl_base_aligned_least, kl_aligned_base_least    lower bounds of the divergences, where a server reports only the
                         most probable tokens; null where the divergences are known
      kl_of_shifted      {"kl_base_aligned", "kl_aligned_base"}: part of either divergence that shifted positions carry
      overlap            {"jaccard_10", "jaccard_50", "ndcg_10", "ndcg_50", "weighted_sum",
                         "probability_of_aligned_top", "aligned_probability_of_top"}: see `measures`
      end_of_turn        {"answers": ended ones of known rank, "absent", "unshifted", "marginal", "shifted",
                         "probability", "aligned_probability"}
      curve              one for each position from the first: {"position", "answers": those that reach it, "shifted",
                         "rank", "probability", "kl_base_aligned", "kl_aligned_base", and lower bounds of both}
      kinds, groups      by kind of token (see `kinds`), and by group of kinds: {"positions", "share": of all
                         positions, "shifted": share of its positions that is shifted, "of_shifted": its share of all
                         shifted positions, "kl": its part of KL(base || aligned)}; here the end of the turn is a
                         position of its own kind, without divergence
      top_tokens, top_words    most often shifted first: {"text", "kind", "count", "shifted", "share": shifted / count,
                         "rank": geometric mean}. A word counts as shifted where one of its tokens is, and has the
                         greatest rank among its tokens; words are in lower case
    baseline             name of the first context
    differences          by name of every other context, paired with the baseline at each position:
                         {"positions", "repaired": shifted under the baseline only, "broken": shifted under this context
                         only, and estimates of this context minus the baseline of "unshifted", "marginal", "shifted",
                         "probability", "kl_base_aligned", "kl_aligned_base"}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from math import isnan
from typing import Literal, TypeAlias

from urial_opt.records import Estimate
from urial_opt.shift.kinds import TokenKind

Compat: TypeAlias = Literal["aligntds"]

MARGINAL_RANK = 3
"""The greatest rank that does not count as shifted."""


class ShiftClass(StrEnum):
    """How far the base model is from the aligned model's token."""

    UNSHIFTED = "unshifted"
    MARGINAL = "marginal"
    SHIFTED = "shifted"


def shift_class(rank: float) -> ShiftClass | None:
    """The class of a rank; None for 0 and NaN, which mean unknown."""
    if not rank >= 1:
        return None
    if rank > MARGINAL_RANK:
        return ShiftClass.SHIFTED
    return ShiftClass.MARGINAL if rank > 1 else ShiftClass.UNSHIFTED


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfTurn:
    """The base model at the end of the turn, over the answers that ended."""

    answers: int
    """Ended answers of known rank."""
    absent: int
    unshifted: Estimate | None
    marginal: Estimate | None
    shifted: Estimate | None
    probability: Estimate | None
    aligned_probability: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One position from the start of the answer."""

    position: int
    """1 is the first."""
    answers: int
    """Answers that reach this position."""
    shifted: Estimate | None
    rank: Estimate | None
    """Geometric mean. The median would be 1 for most pairs of models, even at early positions."""
    probability: Estimate | None
    kl_base_aligned: Estimate | None
    kl_aligned_base: Estimate | None
    kl_base_aligned_least: Estimate | None = None
    kl_aligned_base_least: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindShift:
    """The tokens of one kind."""

    positions: int
    share: Estimate | None
    """Of all positions."""
    shifted: Estimate | None
    """Share of these positions that is shifted."""
    of_shifted: Estimate | None
    """Their share of all shifted positions."""
    kl: Estimate | None
    """Their part of KL(base || aligned)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftedText:
    """A token or word that is shifted at least once."""

    text: str
    kind: TokenKind
    """The most frequent kind of its shifted occurrences."""
    count: int
    shifted: int
    rank: float
    """Geometric mean over its occurrences of known rank."""

    @property
    def share(self) -> float:
        return self.shifted / self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextShift:
    """The base model under one context; see the top of this file."""

    positions: int
    absent: Mapping[str, int]
    unshifted: Estimate | None
    marginal: Estimate | None
    shifted: Estimate | None
    rank: Estimate | None
    probability: Estimate | None
    aligned_probability: Estimate | None
    entropy: Estimate | None
    aligned_entropy: Estimate | None
    kl_base_aligned: Estimate | None
    kl_aligned_base: Estimate | None
    kl_of_shifted: Mapping[str, Estimate | None]
    overlap: Mapping[str, Estimate | None]
    end_of_turn: EndOfTurn
    curve: Sequence[CurvePoint]
    kinds: Mapping[str, KindShift]
    groups: Mapping[str, KindShift]
    top_tokens: Sequence[ShiftedText]
    top_words: Sequence[ShiftedText]
    kl_base_aligned_least: Estimate | None = None
    """Lower bound, where the divergence itself is unknown."""
    kl_aligned_base_least: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextDifference:
    """A context minus the baseline, at the positions where both are known."""

    positions: int
    """Positions at which both ranks are known."""
    repaired: int
    broken: int
    unshifted: Estimate | None
    marginal: Estimate | None
    shifted: Estimate | None
    probability: Estimate | None
    kl_base_aligned: Estimate | None
    kl_aligned_base: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TokenShift:
    """All figures of a `ShiftReading`."""

    base: str
    aligned: str
    compat: Compat | None
    answers: int
    cut_off: int
    contexts: Mapping[str, ContextShift]
    differences: Mapping[str, ContextDifference]
    """Every context but the first, minus the first."""

    def __repr__(self) -> str:
        return f"TokenShift({self.base!r}, {self.aligned!r}: {self.answers} answers, contexts {[*self.contexts]})"

    def __str__(self) -> str:
        """A line for each context: its shares of unshifted, marginal and shifted tokens, with 95 % intervals."""
        lines = [f"{self.base} against {self.aligned}: {self.answers} answers, shares of their tokens"]
        width = max(map(len, self.contexts), default=0)
        for name, context in self.contexts.items():
            shares = {each: getattr(context, each) for each in ("unshifted", "marginal", "shifted")}
            said = (f"{each} {'–' if share is None else format(share, '.1%')}" for each, share in shares.items())
            lines.append(f"{name:<{width}}  {', '.join(said)}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """The object described at the top of this file."""
        return {
            **{name: getattr(self, name) for name in ("base", "aligned", "compat", "answers", "cut_off")},
            "contexts": {name: _as_json(each) for name, each in self.contexts.items()},
            "baseline": next(iter(self.contexts), None),
            "differences": {name: _as_json(each) for name, each in self.differences.items()},
        }


def _as_json(value: object) -> object:
    if isinstance(value, Estimate):
        ends = [round(value.low, 6), round(value.high, 6)]
        return {"mean": round(value.mean, 6), "interval": None if any(map(isnan, ends)) else ends}
    if isinstance(value, Mapping):
        return {str(key): _as_json(each) for key, each in value.items()}
    if isinstance(value, EndOfTurn | CurvePoint | KindShift | ShiftedText | ContextShift | ContextDifference):
        own = {field.name: _as_json(getattr(value, field.name)) for field in fields(value)}
        return own | {"share": round(value.share, 6)} if isinstance(value, ShiftedText) else own
    if isinstance(value, float):
        return None if isnan(value) else round(value, 6)
    return [_as_json(each) for each in value] if isinstance(value, tuple | list) else value
