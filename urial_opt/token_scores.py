"""Token scores: what two models assign to the same answer, token by token, as input of a token-shift analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from urial_opt.records import Usage

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

TOP = 50
"""How many of the most probable tokens are kept for each model and position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedAnswer:
    """An aligned model's greedy answer, with repetition penalty 1, as tokens."""

    query: str
    tokens: tuple[int, ...]
    """Without the token that ends the turn."""
    pieces: tuple[str, ...]
    """Text of each token; joined, they are the answer's text. A character of several tokens belongs to the last."""
    ended: bool
    """Whether the model ended its turn; otherwise the answer was cut off at the maximal length."""
    usage: Usage = field(default_factory=Usage)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TopTokens:
    """The most probable tokens of one model at P positions, in descending order; ties in order of token id."""

    ids: Ints
    """(P, up to `TOP`) token ids, whose texts `TokenScorer.texts` gives; -1 where there is none."""
    probabilities: Floats
    """(P, up to `TOP`); NaN where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenScores:
    """One aligned answer, scored by both models: the aligned one after its chat layout, the base one after its context.

    There are P positions: one for each token of the answer and, if the answer ended, one for the end of the turn. At
    the end of the turn, `rank`, `probability` and `aligned_probability` are of the token with which each model ends an
    answer in its own layout, and the divergences, which would compare two layouts, are NaN. Divergences are NaN too
    where the answer's first token includes a space in the aligned model's layout alone; the base model is then scored
    on the token without the space. Values that a server does not report are 0 in `rank` and NaN elsewhere, never
    guessed. Probabilities are over the whole vocabulary, without temperature or penalty.
    """

    rank: Ints
    """(P) rank of the aligned model's token in the base model, 1 the most probable; ties in order of token id."""
    probability: Floats
    """(P) the base model's probability of the aligned model's token."""
    aligned_probability: Floats
    """(P) the aligned model's own probability of that token."""
    kl_base_aligned: Floats
    """(P) Kullback-Leibler divergence KL(base || aligned) over the whole vocabulary, in nats."""
    kl_aligned_base: Floats
    """(P) KL(aligned || base), in nats."""
    entropy: Floats
    """(P) entropy of the base model's distribution, in nats."""
    aligned_entropy: Floats
    """(P) entropy of the aligned model's distribution, in nats."""
    top: TopTokens
    """The base model's."""
    aligned_top: TopTokens
    kl_base_aligned_least: Floats | None = None
    """(P) lower bound of KL(base || aligned), where only the most probable tokens are reported; None: it is known."""
    kl_aligned_base_least: Floats | None = None
    """(P) lower bound of KL(aligned || base), likewise. There is no upper bound: unreported probabilities may be 0."""
    usage: Usage = field(default_factory=Usage)
    """Tokens that the base model read for this answer."""
    aligned_usage: Usage = field(default_factory=Usage)
    """Tokens that the aligned model read for this answer; zero in all but the first of several contexts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShiftReading:
    """Aligned answers, scored under several contexts of the base model."""

    base: str
    """Identity of the base model."""
    aligned: str
    """Identity of the aligned model."""
    answers: Sequence[AlignedAnswer]
    contexts: Mapping[str, Sequence[TokenScores]]
    """By name of the context, such as `zero-shot`: one for each answer, in order."""
    texts: Mapping[int, str]
    """Text of every token id in the answers and the lists of top tokens."""
    limit: str = ""
    """The limit at which the reading ended before all queries were read; empty if it did not."""
    too_long: tuple[str, ...] = ()
    """Ids of the queries left out, because they do not fit one of the models with all contexts."""
