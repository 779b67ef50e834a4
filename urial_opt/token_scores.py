"""What two models say of the same answer, token by token: the values that a token-shift analysis rests on."""

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
"""Most probable tokens kept of each model at each position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedAnswer:
    """What an aligned model answered greedily, with repetition penalty 1, in its own tokens."""

    query: str
    tokens: tuple[int, ...]
    """Without the token that ends the turn."""
    pieces: tuple[str, ...]
    """Text of each token. They join to the answer's text: of a character in several tokens, the last one carries it."""
    ended: bool
    """Whether the model ended its turn; else the answer was cut off at the maximal length."""
    usage: Usage = field(default_factory=Usage)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TopTokens:
    """The most probable tokens of one model at P positions, the most probable first; ties in order of token id."""

    ids: Ints
    """(P, up to `TOP`), as `TokenScorer.texts` names them; -1 where there is none."""
    probabilities: Floats
    """(P, up to `TOP`); NaN where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenScores:
    """One aligned answer, read by both models: the aligned one after its chat layout, the base one after its context.

    P positions: one for each token of the answer and, if the answer ended, one for the end of the turn, where `rank`,
    `probability` and `aligned_probability` are of the token with which each model ends an answer in its own layout, and
    the divergences, which would compare two layouts, are NaN. So they are where the answer's first token has a space in
    the aligned model's layout and none in the base model's, which is then asked for the token without. What a model
    behind a server does not tell is 0 in `rank` and NaN elsewhere, never guessed. Probabilities are of the whole
    vocabulary, unscaled by temperature or penalty.
    """

    rank: Ints
    """(P) rank of the aligned model's token in the base model, 1 the most probable; ties in order of token id."""
    probability: Floats
    """(P) of the aligned model's token in the base model."""
    aligned_probability: Floats
    """(P) of that token in the aligned model itself."""
    kl_base_aligned: Floats
    """(P) Kullback-Leibler divergence KL(base || aligned) over the whole vocabulary, in nats."""
    kl_aligned_base: Floats
    """(P) KL(aligned || base), in nats."""
    entropy: Floats
    """(P) of the base model's distribution, in nats."""
    aligned_entropy: Floats
    """(P) of the aligned model's distribution, in nats."""
    top: TopTokens
    """The base model's."""
    aligned_top: TopTokens
    kl_base_aligned_least: Floats | None = None
    """(P) what KL(base || aligned) is at least, where only the most probable tokens are told; None: it is known."""
    kl_aligned_base_least: Floats | None = None
    """(P) what KL(aligned || base) is at least, likewise. Neither has an upper bound: what is not told may be 0."""
    usage: Usage = field(default_factory=Usage)
    """Tokens that the base model read for this answer."""
    aligned_usage: Usage = field(default_factory=Usage)
    """Tokens that the aligned model read for this answer; nothing in all but the first of several contexts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShiftReading:
    """Aligned answers, read under several base contexts."""

    base: str
    """Identity of the base model."""
    aligned: str
    """Identity of the aligned model."""
    answers: Sequence[AlignedAnswer]
    contexts: Mapping[str, Sequence[TokenScores]]
    """By name of the context, such as `zero-shot`: one for each answer, in their order."""
    texts: Mapping[int, str]
    """Text of every token id among the answers and top tokens."""
