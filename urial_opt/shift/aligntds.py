"""AlignTDS: a reading whose figures are counted at each position as the paper's public code counts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from urial_opt.shift.measures import ALIGNTDS_KEPT, measure_as_aligntds
from urial_opt.token_scores import Floats, ShiftReading, TokenScores, TopTokens


def as_aligntds(reading: ShiftReading) -> ShiftReading:
    """The reading with its ranks, probabilities, divergences and lists as `measures.measure_as_aligntds` has them.

    That code has no figures for the end of the turn, so each answer counts as cut off.
    """
    contexts = {
        name: [
            _counted(score, len(answer.tokens), reading.texts)
            for answer, score in zip(reading.answers, scores, strict=True)
        ]
        for name, scores in reading.contexts.items()
    }
    return replace(reading, answers=[replace(each, ended=False) for each in reading.answers], contexts=contexts)


def _counted(score: TokenScores, positions: int, texts: Mapping[int, str]) -> TokenScores:
    measures = measure_as_aligntds(score, positions, texts)
    return replace(
        score,
        rank=np.nan_to_num(measures.rank).astype(np.int64),
        probability=measures.probability,
        aligned_probability=measures.aligned_probability,
        kl_base_aligned=measures.kl_base_aligned,
        kl_aligned_base=measures.kl_aligned_base,
        entropy=measures.entropy,
        aligned_entropy=measures.aligned_entropy,
        top=_kept(score.top, positions),
        aligned_top=_kept(score.aligned_top, positions),
        kl_base_aligned_least=None,
        kl_aligned_base_least=None,
    )


def _kept(top: TopTokens, positions: int) -> TopTokens:
    """The most probable tokens that the code keeps, with probabilities renormalised over them."""
    probabilities: Floats = top.probabilities[:positions, :ALIGNTDS_KEPT]
    total = np.nansum(probabilities, axis=1, keepdims=True)
    shares = np.divide(probabilities, total, out=np.zeros_like(probabilities), where=total > 0)
    return TopTokens(ids=top.ids[:positions, :ALIGNTDS_KEPT], probabilities=shares)
