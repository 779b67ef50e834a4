"""Token shift: how often, where and at which kinds of tokens a base model parts from its aligned twin.

Classes by the rank η of the aligned model's token in the base model (Lin et al. 2024, section 2): unshifted η = 1,
marginal 1 < η ≤ 3, shifted η > 3. Figures are ratios of sums over all positions of all answers; their 95 % intervals
come from resampled queries, since the positions of one answer lean the same way. A share of all or nothing has the
Wilson interval of as many queries instead. Positions at which a number is absent, as servers leave it, are left out of
its figures and counted in `absent`.

What `TokenShift.as_json` holds. An estimate is `{"mean", "interval": [low, high]}`, null where there is nothing to
measure; its interval is null where fewer than two queries tell.

    base, aligned        identities of the two models
    compat               null, or "aligntds": the definitions of the paper's public code, see `shift_measures`
    answers, cut_off     answers read, and how many of them the aligned model did not end in time
    contexts             by name of the context:
      positions          tokens of the answers; the end of the turn is none of them
      absent             by measure: positions at which it is not known
      unshifted, marginal, shifted    share of the positions of known rank; estimates, like all that follow but counts
      rank               geometric mean
      probability, aligned_probability    means over positions, of the aligned model's token in either model
      entropy, aligned_entropy, kl_base_aligned, kl_aligned_base    means over positions, in nats
      kl_base_aligned_least, kl_aligned_base_least    what the divergences are at least, where a server tells only the
                         most probable tokens; null where they are known
      kl_of_shifted      {"kl_base_aligned", "kl_aligned_base"}: part of the divergence that shifted positions carry
      overlap            {"jaccard_10", "jaccard_50", "ndcg_10", "ndcg_50", "weighted_sum",
                         "probability_of_aligned_top", "aligned_probability_of_top"}: see `shift_measures`
      end_of_turn        {"answers": ended ones of known rank, "absent", "unshifted", "marginal", "shifted",
                         "probability", "aligned_probability"}
      curve              one for each position from the first: {"position", "answers": that reach there, "shifted",
                         "rank", "probability", "kl_base_aligned", "kl_aligned_base", and what both are at least}
      kinds, groups      by kind of token (see `token_kinds`), and by group of kinds: {"positions", "share": of all,
                         "shifted": share of them that is, "of_shifted": their share of all shifted positions,
                         "kl": their part of KL(base || aligned)}; here the end of the turn is a position of its own
                         kind, without divergence
      top_tokens, top_words    most often shifted first: {"text", "kind", "count", "shifted", "share": shifted of
                         count, "rank": geometric mean}. A word counts as shifted where one of its tokens is, and has
                         the rank of its worst; words are in lower case
    baseline             name of the first context
    differences          by name of every other context, paired position by position with the baseline:
                         {"positions", "repaired": shifted there, not here, "broken": shifted here, not there, and
                         estimates of here minus there of "unshifted", "marginal", "shifted", "probability",
                         "kl_base_aligned", "kl_aligned_base"}
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
"""Up to here a token is not shifted."""


class ShiftClass(StrEnum):
    """How far the base model is from the aligned model's token."""

    UNSHIFTED = "unshifted"
    MARGINAL = "marginal"
    SHIFTED = "shifted"


def shift_class(rank: float) -> ShiftClass | None:
    """The class of a rank; None of 0 and NaN, which say that it is not known."""
    if not rank >= 1:
        return None
    if rank > MARGINAL_RANK:
        return ShiftClass.SHIFTED
    return ShiftClass.MARGINAL if rank > 1 else ShiftClass.UNSHIFTED


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfTurn:
    """How the base model sees the end of the answers that ended."""

    answers: int
    """Of known rank."""
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
    """How many reach it."""
    shifted: Estimate | None
    rank: Estimate | None
    """Geometric mean: early on, too, the median is 1 for most pairs of models and says nothing."""
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
    """Share of them that is shifted."""
    of_shifted: Estimate | None
    """Their share of all shifted positions."""
    kl: Estimate | None
    """Their part of KL(base || aligned)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftedText:
    """A token or word that is shifted at least once."""

    text: str
    kind: TokenKind
    """Its most frequent one where it is shifted."""
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
    """Where the divergence itself is not known."""
    kl_aligned_base_least: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextDifference:
    """A context less the baseline, at the positions where both are known."""

    positions: int
    """At which both ranks are known."""
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
    """Everything that is counted of a `ShiftReading`."""

    base: str
    aligned: str
    compat: Compat | None
    answers: int
    cut_off: int
    contexts: Mapping[str, ContextShift]
    differences: Mapping[str, ContextDifference]
    """Of every context but the first, with the first."""

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
