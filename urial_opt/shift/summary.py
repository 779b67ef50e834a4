"""Summary: the positions of a reading counted, averaged and compared, with intervals over queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from urial_opt.records import Estimate
from urial_opt.shift.figures import (
    MARGINAL_RANK,
    Compat,
    ContextDifference,
    ContextShift,
    CurvePoint,
    EndOfTurn,
    KindShift,
    TokenShift,
)
from urial_opt.shift.kinds import STYLE, MarkedToken, TokenKind
from urial_opt.shift.marking import mark_answer
from urial_opt.shift.measures import BOUNDS, MEASURES, OVERLAPS
from urial_opt.shift.most_shifted import most_shifted_tokens, most_shifted_words
from urial_opt.shift.positions import ContextPositions
from urial_opt.statistics.bootstrap import RESAMPLES
from urial_opt.statistics.ratios import Ratios, Resampling
from urial_opt.token_scores import Bools, Floats, ShiftReading

CURVE = 100
"""Positions of each curve."""
GROUPS: Mapping[str, frozenset[TokenKind]] = {
    "content": frozenset({TokenKind.CONTENT}),
    "style": STYLE,
    "safety": frozenset({TokenKind.SAFETY}),
    "style_or_safety": STYLE | {TokenKind.SAFETY},
    "grammar": frozenset({TokenKind.FUNCTION, TokenKind.PUNCTUATION}),
    "end": frozenset({TokenKind.END}),
    "unknown": frozenset({TokenKind.UNKNOWN}),
}


def summarise_shift(
    reading: ShiftReading,
    *,
    compat: Compat | None = None,
    curve: int = CURVE,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> TokenShift:
    """The figures of a reading under each context, and how every other context differs from the first.

    `compat` selects the definitions of the paper's public code, see `measures`. `curve` is the number of positions in
    each curve.
    """
    marked = [mark_answer(answer) for answer in reading.answers]
    clusters = {query: place for place, query in enumerate(dict.fromkeys(answer.query for answer in reading.answers))}
    of_answer = [clusters[answer.query] for answer in reading.answers]
    contexts = {
        name: ContextPositions.of(reading, scores, of_answer, compat=compat)
        for name, scores in reading.contexts.items()
    }
    sampling = Resampling(clusters=len(clusters), seed=seed, resamples=resamples)
    baseline, *others = contexts or [""]
    return TokenShift(
        base=reading.base,
        aligned=reading.aligned,
        compat=compat,
        answers=len(reading.answers),
        cut_off=sum(not answer.ended for answer in reading.answers),
        contexts={
            name: _summarise(positions, reading, marked, sampling, curve) for name, positions in contexts.items()
        },
        differences={name: _compare(contexts[name], contexts[baseline], sampling) for name in others},
    )


def _classes(ranks: Floats) -> dict[str, Bools]:
    return {
        "unshifted": ranks == 1,
        "marginal": (ranks > 1) & (ranks <= MARGINAL_RANK),
        "shifted": ranks > MARGINAL_RANK,
    }


def _add_classes(ratios: Ratios, ranks: Floats) -> None:
    for name, flags in _classes(ranks).items():
        ratios.add_share(name, flags, ~np.isnan(ranks))


def _geometric(estimate: Estimate | None) -> Estimate | None:
    """The geometric mean, from an estimate of the mean logarithm."""
    if estimate is None:
        return None
    mean, low, high = np.exp([estimate.mean, estimate.low, estimate.high]).tolist()
    return Estimate(mean=mean, low=low, high=high)


def _summarise(
    positions: ContextPositions,
    reading: ShiftReading,
    marked: Sequence[Sequence[MarkedToken]],
    sampling: Resampling,
    curve: int,
) -> ContextShift:
    measures, ranks = positions.measures, positions.measures.rank
    kinds = [token.kind for tokens in marked for token in tokens if token.kind is not TokenKind.END]
    ratios = Ratios(sampling, positions.query)
    _add_classes(ratios, ranks)
    means = (
        *("probability", "aligned_probability", "entropy", "aligned_entropy", "kl_base_aligned", "kl_aligned_base"),
        *BOUNDS,
    )
    for name in (*means, *OVERLAPS):
        ratios.add_mean(name, getattr(measures, name))
    ratios.add_mean("rank", np.log(ranks))
    for name in ("kl_base_aligned", "kl_aligned_base"):
        ratios.add_part(f"{name} of shifted", ranks > MARGINAL_RANK, getattr(measures, name))
    found = ratios.estimates()
    return ContextShift(
        positions=ranks.size,
        absent={name: int(np.isnan(getattr(measures, name)).sum()) for name in MEASURES},
        **{name: found[name] for name in ("unshifted", "marginal", "shifted", *means)},
        rank=_geometric(found["rank"]),
        kl_of_shifted={name: found[f"{name} of shifted"] for name in ("kl_base_aligned", "kl_aligned_base")},
        overlap={name: found[name] for name in OVERLAPS},
        end_of_turn=_end_of_turn(positions, sampling),
        curve=_curve(positions, sampling, curve),
        kinds=_by_kind(positions, kinds, {kind.value: frozenset({kind}) for kind in TokenKind}, sampling),
        groups=_by_kind(positions, kinds, GROUPS, sampling),
        top_tokens=most_shifted_tokens(positions, reading, kinds),
        top_words=most_shifted_words(positions, marked),
    )


def _end_of_turn(positions: ContextPositions, sampling: Resampling) -> EndOfTurn:
    ratios = Ratios(sampling, positions.end_query)
    _add_classes(ratios, positions.end_rank)
    ratios.add_mean("probability", positions.end_probability)
    ratios.add_mean("aligned_probability", positions.end_aligned_probability)
    absent = int(np.isnan(positions.end_rank).sum())
    return EndOfTurn(answers=positions.end_rank.size - absent, absent=absent, **ratios.estimates())


def _curve(positions: ContextPositions, sampling: Resampling, length: int) -> tuple[CurvePoint, ...]:
    """The first `length` positions, or as many as the longest answer has."""
    reached = np.bincount(positions.place)[:length]
    if not reached.size:
        return ()
    ratios = Ratios(sampling, positions.query)
    ranks = positions.measures.rank
    means = ("probability", "kl_base_aligned", "kl_aligned_base", *BOUNDS)
    order = np.argsort(positions.place, kind="stable")
    for place, here in enumerate(np.split(order, np.cumsum(np.bincount(positions.place)))[: reached.size]):
        known = ~np.isnan(ranks[here])
        ratios.add_share(f"shifted {place}", ranks[here] > MARGINAL_RANK, known, at=here)
        ratios.add_mean(f"rank {place}", np.log(ranks[here]), at=here)
        for name in means:
            ratios.add_mean(f"{name} {place}", getattr(positions.measures, name)[here], at=here)
    found = ratios.estimates()
    return tuple(
        CurvePoint(
            position=place + 1,
            answers=int(answers),
            shifted=found[f"shifted {place}"],
            rank=_geometric(found[f"rank {place}"]),
            **{name: found[f"{name} {place}"] for name in means},
        )
        for place, answers in enumerate(reached)
    )


def _by_kind(
    positions: ContextPositions,
    kinds: Sequence[TokenKind],
    groups: Mapping[str, frozenset[TokenKind]],
    sampling: Resampling,
) -> dict[str, KindShift]:
    """Figures of each group of kinds. Here the ends of turns count as positions too; they have no divergence."""
    ratios = Ratios(sampling, np.concatenate([positions.query, positions.end_query]))
    of_position = np.array([*kinds, *[TokenKind.END] * positions.end_rank.size], dtype=object)
    ranks = np.concatenate([positions.measures.rank, positions.end_rank])
    divergence = np.concatenate([positions.measures.kl_base_aligned, np.full(positions.end_rank.size, np.nan)])
    known, shifted = ~np.isnan(ranks), ranks > MARGINAL_RANK
    counts = {}
    for name, group in groups.items():
        here = np.array([kind in group for kind in of_position], dtype=np.bool_)
        counts[name] = int(here.sum())
        ratios.add_share(f"share {name}", here, np.ones_like(here))
        ratios.add_share(f"shifted {name}", shifted, here & known)
        ratios.add_share(f"of_shifted {name}", here, shifted)
        ratios.add_part(f"kl {name}", here, divergence)
    found = ratios.estimates()
    return {
        name: KindShift(
            positions=count, **{each: found[f"{each} {name}"] for each in ("share", "shifted", "of_shifted", "kl")}
        )
        for name, count in counts.items()
    }


def _compare(ours: ContextPositions, theirs: ContextPositions, sampling: Resampling) -> ContextDifference:
    ranks, others = ours.measures.rank, theirs.measures.rank
    known = ~np.isnan(ranks) & ~np.isnan(others)
    ratios = Ratios(sampling, ours.query)
    for (name, here), there in zip(_classes(ranks).items(), _classes(others).values(), strict=True):
        ratios.add_mean(name, np.where(known, here.astype(np.float64) - there, np.nan))
    for name in ("probability", "kl_base_aligned", "kl_aligned_base"):
        ratios.add_mean(name, getattr(ours.measures, name) - getattr(theirs.measures, name))
    return ContextDifference(
        positions=int(known.sum()),
        repaired=int((known & (ranks <= MARGINAL_RANK) & (others > MARGINAL_RANK)).sum()),
        broken=int((known & (ranks > MARGINAL_RANK) & (others <= MARGINAL_RANK)).sum()),
        **ratios.estimates(),
    )
