"""Token scores made up by hand, for tests of their summary and explanation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from urial_opt.token_scores import AlignedAnswer, ShiftReading, TokenScores, TopTokens


def made_up(
    answers: Sequence[tuple[Sequence[str], bool]],
    ranks: Mapping[str, Sequence[Sequence[int]]],
    *,
    kl: Mapping[str, Sequence[Sequence[float]]] | None = None,
    queries: Sequence[str] = (),
) -> ShiftReading:
    """A reading of answers, given as the texts of their tokens and whether they ended.

    `ranks` and `kl` are by context, answer and position; the end of the turn is the last position of an ended answer.
    Every text is one token, and the base model's most probable one is the answer's own where its rank is 1.
    """
    ids: dict[str, int] = {}
    read = [
        AlignedAnswer(
            query=queries[place] if queries else f"query {place}",
            tokens=tuple(ids.setdefault(piece, len(ids)) for piece in pieces),
            pieces=tuple(pieces),
            ended=ended,
        )
        for place, (pieces, ended) in enumerate(answers)
    ]
    return ShiftReading(
        base="base",
        aligned="aligned",
        answers=read,
        contexts={
            name: [
                _scores(answer, each, None if kl is None else kl[name][place])
                for place, (answer, each) in enumerate(zip(read, of_context, strict=True))
            ]
            for name, of_context in ranks.items()
        },
        texts={place: text for text, place in ids.items()},
    )


def behind_a_server(reading: ShiftReading, *, less: float) -> ShiftReading:
    """The same reading with only lower bounds of the divergences, which are smaller by `less`."""
    return replace(
        reading, contexts={name: [_bounded(s, less) for s in each] for name, each in reading.contexts.items()}
    )


def _bounded(scores: TokenScores, less: float) -> TokenScores:
    unknown = np.full_like(scores.kl_base_aligned, np.nan)
    return replace(
        scores,
        kl_base_aligned=unknown,
        kl_aligned_base=unknown,
        kl_base_aligned_least=scores.kl_base_aligned - less,
        kl_aligned_base_least=scores.kl_aligned_base - less,
    )


def _scores(answer: AlignedAnswer, ranks: Sequence[int], kl: Sequence[float] | None) -> TokenScores:
    positions = len(answer.tokens) + answer.ended
    assert len(ranks) == positions
    own = [*answer.tokens, *[-1] * answer.ended]
    favourites = [token if rank == 1 else 10_000 for token, rank in zip(own, ranks, strict=True)]
    divergence = np.array([0.5] * positions if kl is None else kl, dtype=np.float64)
    if answer.ended:
        divergence[-1] = np.nan
    return TokenScores(
        rank=np.array(ranks, dtype=np.int64),
        probability=np.array([1 / rank if rank else np.nan for rank in ranks]),
        aligned_probability=np.full(positions, 0.9),
        kl_base_aligned=divergence,
        kl_aligned_base=2 * divergence,
        entropy=np.full(positions, 1.5),
        aligned_entropy=np.full(positions, 1.0),
        top=one_token(favourites),
        aligned_top=one_token(own),
    )


def one_token(tokens: Sequence[int]) -> TopTokens:
    """Lists of one token each."""
    return TopTokens(ids=np.array(tokens, dtype=np.int64).reshape(-1, 1), probabilities=np.full((len(tokens), 1), 0.6))
