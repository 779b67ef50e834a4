"""What a reading of two models shows: its positions counted, averaged and compared, with intervals over queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from urial_opt.records import Estimate
from urial_opt.shift.figures import (
    MARGINAL_RANK,
    Compat,
    ContextDifference,
    ContextShift,
    CurvePoint,
    EndOfTurn,
    KindShift,
    ShiftedText,
    TokenShift,
)
from urial_opt.shift.kinds import STYLE, MarkedToken, TokenKind
from urial_opt.shift.marking import mark_answer
from urial_opt.shift.measures import BOUNDS, MEASURES, OVERLAPS, PositionMeasures, measure, measure_as_aligntds
from urial_opt.statistics.bootstrap import RESAMPLES
from urial_opt.statistics.ratios import Ratios, Resampling
from urial_opt.token_scores import Floats, Ints, ShiftReading, TokenScores

Flags: TypeAlias = npt.NDArray[np.bool_]

CURVE = 100
"""Positions that a curve follows."""
TOP_LISTED = 50
"""Most shifted tokens and words told."""
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
    """Count what a reading shows under each context, and how each other context differs from the first.

    `compat`: by the definitions of the paper's public code, see `shift_measures`. `curve`: how many positions the
    curves follow.
    """
    marked = [mark_answer(answer) for answer in reading.answers]
    clusters = {query: place for place, query in enumerate(dict.fromkeys(answer.query for answer in reading.answers))}
    of_answer = [clusters[answer.query] for answer in reading.answers]
    pages = {name: _Page.of(reading, scores, of_answer, compat=compat) for name, scores in reading.contexts.items()}
    sampling = Resampling(clusters=len(clusters), seed=seed, resamples=resamples)
    baseline, *others = pages or [""]
    return TokenShift(
        base=reading.base,
        aligned=reading.aligned,
        compat=compat,
        answers=len(reading.answers),
        cut_off=sum(not answer.ended for answer in reading.answers),
        contexts={name: _summarise(page, reading, marked, sampling, curve) for name, page in pages.items()},
        differences={name: _compare(pages[name], pages[baseline], sampling) for name in others},
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Page:
    """All answers under one context, one after the other: T positions, and E answers that ended."""

    measures: PositionMeasures
    query: Ints
    """(T) number of the query."""
    place: Ints
    """(T) position in its answer, from 0."""
    token: Ints
    """(T) its id."""
    end_rank: Floats
    """(E), NaN where it is not known."""
    end_probability: Floats
    end_aligned_probability: Floats
    end_query: Ints

    @classmethod
    def of(
        cls, reading: ShiftReading, scores: Sequence[TokenScores], of_answer: Sequence[int], *, compat: Compat | None
    ) -> _Page:
        lengths = [len(answer.tokens) for answer in reading.answers]
        each = [
            measure_as_aligntds(score, length, reading.texts) if compat else measure(score, length)
            for score, length in zip(scores, lengths, strict=True)
        ]
        ended = [place for place, answer in enumerate(reading.answers) if answer.ended]
        ranks = np.array([scores[place].rank[-1] for place in ended], dtype=np.float64)
        return cls(
            measures=PositionMeasures(
                **{name: _joined([getattr(m, name) for m in each]) for name in (*MEASURES, *BOUNDS)}
            ),
            query=np.repeat(np.array(of_answer, dtype=np.int64), lengths),
            place=np.array([place for length in lengths for place in range(length)], dtype=np.int64),
            token=np.array([token for answer in reading.answers for token in answer.tokens], dtype=np.int64),
            end_rank=np.where(ranks > 0, ranks, np.nan),
            end_probability=np.array([scores[place].probability[-1] for place in ended], dtype=np.float64),
            end_aligned_probability=np.array([scores[p].aligned_probability[-1] for p in ended], dtype=np.float64),
            end_query=np.array([of_answer[place] for place in ended], dtype=np.int64),
        )


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts]) if parts else np.zeros(0)


def _classes(ranks: Floats) -> dict[str, Flags]:
    return {
        "unshifted": ranks == 1,
        "marginal": (ranks > 1) & (ranks <= MARGINAL_RANK),
        "shifted": ranks > MARGINAL_RANK,
    }


def _add_classes(ratios: Ratios, ranks: Floats) -> None:
    for name, flags in _classes(ranks).items():
        ratios.add_share(name, flags, ~np.isnan(ranks))


def _geometric(estimate: Estimate | None) -> Estimate | None:
    """The mean of logarithms as a geometric mean."""
    if estimate is None:
        return None
    mean, low, high = np.exp([estimate.mean, estimate.low, estimate.high]).tolist()
    return Estimate(mean=mean, low=low, high=high)


def _summarise(
    page: _Page, reading: ShiftReading, marked: Sequence[Sequence[MarkedToken]], sampling: Resampling, curve: int
) -> ContextShift:
    measures, ranks = page.measures, page.measures.rank
    kinds = [token.kind for tokens in marked for token in tokens if token.kind is not TokenKind.END]
    ratios = Ratios(sampling, page.query)
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
        end_of_turn=_end_of_turn(page, sampling),
        curve=_curve(page, sampling, curve),
        kinds=_by_kind(page, kinds, {kind.value: frozenset({kind}) for kind in TokenKind}, sampling),
        groups=_by_kind(page, kinds, GROUPS, sampling),
        top_tokens=_top(_tokens(page, reading, kinds)),
        top_words=_top(_words(page, marked)),
    )


def _end_of_turn(page: _Page, sampling: Resampling) -> EndOfTurn:
    ratios = Ratios(sampling, page.end_query)
    _add_classes(ratios, page.end_rank)
    ratios.add_mean("probability", page.end_probability)
    ratios.add_mean("aligned_probability", page.end_aligned_probability)
    absent = int(np.isnan(page.end_rank).sum())
    return EndOfTurn(answers=page.end_rank.size - absent, absent=absent, **ratios.estimates())


def _curve(page: _Page, sampling: Resampling, length: int) -> tuple[CurvePoint, ...]:
    """Up to `length` positions, or as far as an answer reaches."""
    reached = np.bincount(page.place)[:length]
    if not reached.size:
        return ()
    ratios = Ratios(sampling, page.query)
    ranks = page.measures.rank
    means = ("probability", "kl_base_aligned", "kl_aligned_base", *BOUNDS)
    order = np.argsort(page.place, kind="stable")
    for place, here in enumerate(np.split(order, np.cumsum(np.bincount(page.place)))[: reached.size]):
        known = ~np.isnan(ranks[here])
        ratios.add_share(f"shifted {place}", ranks[here] > MARGINAL_RANK, known, at=here)
        ratios.add_mean(f"rank {place}", np.log(ranks[here]), at=here)
        for name in means:
            ratios.add_mean(f"{name} {place}", getattr(page.measures, name)[here], at=here)
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
    page: _Page, kinds: Sequence[TokenKind], groups: Mapping[str, frozenset[TokenKind]], sampling: Resampling
) -> dict[str, KindShift]:
    """Of every group of kinds; the ends of the turn stand behind the answers' own positions, without divergence."""
    ratios = Ratios(sampling, np.concatenate([page.query, page.end_query]))
    of_position = np.array([*kinds, *[TokenKind.END] * page.end_rank.size], dtype=object)
    ranks = np.concatenate([page.measures.rank, page.end_rank])
    divergence = np.concatenate([page.measures.kl_base_aligned, np.full(page.end_rank.size, np.nan)])
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
            positions=positions, **{each: found[f"{each} {name}"] for each in ("share", "shifted", "of_shifted", "kl")}
        )
        for name, positions in counts.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Occurrence:
    """One token or word in its place."""

    text: str
    kind: TokenKind
    rank: float
    """NaN where it is not known."""


def _tokens(page: _Page, reading: ShiftReading, kinds: Sequence[TokenKind]) -> Iterator[_Occurrence]:
    for token, kind, rank in zip(page.token.tolist(), kinds, page.measures.rank.tolist(), strict=True):
        yield _Occurrence(text=reading.texts[token], kind=kind, rank=rank)


def _words(page: _Page, marked: Sequence[Sequence[MarkedToken]]) -> Iterator[_Occurrence]:
    """Each word once, with the rank of its worst token."""
    ranks = iter(page.measures.rank.tolist())
    for tokens in marked:
        word, worst = None, float("nan")
        for token in tokens:
            if token.kind is TokenKind.END:
                continue
            if token.opens:
                if word is not None and word.word:
                    yield _Occurrence(text=word.word.lower(), kind=word.kind, rank=worst)
                word, worst = token, float("nan")
            rank = next(ranks)
            worst = rank if isnan(worst) or rank > worst else worst
        if word is not None and word.word:
            yield _Occurrence(text=word.word.lower(), kind=word.kind, rank=worst)


def _top(occurrences: Iterator[_Occurrence]) -> tuple[ShiftedText, ...]:
    """The texts that are most often shifted, those first that are so in most of their places."""
    known: dict[str, list[_Occurrence]] = {}
    for each in occurrences:
        if not np.isnan(each.rank):
            known.setdefault(each.text, []).append(each)
    found = []
    for text, places in known.items():
        kinds = Counter(each.kind for each in places if each.rank > MARGINAL_RANK)
        if kinds:
            rank = float(np.exp(np.mean(np.log([each.rank for each in places]))))
            kind = kinds.most_common(1)[0][0]
            found.append(ShiftedText(text=text, kind=kind, count=len(places), shifted=kinds.total(), rank=rank))
    return tuple(sorted(found, key=lambda each: (-each.shifted, -each.share, each.text))[:TOP_LISTED])


def _compare(ours: _Page, theirs: _Page, sampling: Resampling) -> ContextDifference:
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
