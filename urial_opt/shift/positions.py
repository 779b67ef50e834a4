"""Positions: every measure at every position of a reading, under one context, in flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from urial_opt.shift.figures import Compat
from urial_opt.shift.measures import BOUNDS, MEASURES, PositionMeasures, measure, measure_as_aligntds
from urial_opt.token_scores import Floats, Ints, ShiftReading, TokenScores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContextPositions:
    """T positions of all answers under one context, answer after answer, and the ends of the E answers that ended."""

    measures: PositionMeasures
    query: Ints
    """(T) number of the query."""
    place: Ints
    """(T) position in the answer, from 0."""
    token: Ints
    """(T) token id."""
    end_rank: Floats
    """(E); NaN where it is unknown."""
    end_probability: Floats
    end_aligned_probability: Floats
    end_query: Ints

    @classmethod
    def of(
        cls, reading: ShiftReading, scores: Sequence[TokenScores], of_answer: Sequence[int], *, compat: Compat | None
    ) -> ContextPositions:
        """`of_answer`: the number of each answer's query. `compat`: measures as in the paper's public code."""
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
