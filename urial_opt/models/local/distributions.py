"""Ranks, probabilities, divergences and most probable tokens from the logits of two models at the same positions.

Letters in shapes: N positions, V tokens of the vocabulary. Results are named as in `token_scores.TokenScores`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from urial_opt.token_scores import TOP

Columns: TypeAlias = dict[str, Tensor]
"""By name: (N) one number for each position, or (N, up to `TOP`) one for each of its most probable tokens."""
_ALL_IDS = 2**32 - 1
"""The greatest id that fits beside a logit of 32 bits in one 64-bit integer."""


def precision(logits: Tensor) -> torch.dtype:
    """The precision of results computed from logits: that of the logits, but at least single."""
    return torch.promote_types(logits.dtype, torch.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributions:
    """The distributions of one model at N positions, in single precision or better."""

    probabilities: Tensor
    """(N, V); each row sums to 1."""
    logs: Tensor
    """(N, V) natural logarithms of the probabilities."""

    @classmethod
    def over(cls, logits: Tensor) -> Distributions:
        """Softmax of logits (N, V). Overwrites logits that are already precise enough."""
        wide = logits.to(precision(logits))
        # Not log_softmax: over 128,000 tokens in single precision its rows sum to 1 within 5e-6, these within 4e-7.
        shifted = wide.sub_(wide.amax(-1, keepdim=True))
        probabilities = shifted.exp()
        total = probabilities.sum(-1, keepdim=True)
        # A masked token has logit -inf, and 0 * -inf would be NaN.
        logs = shifted.sub_(total.log()).clamp_(min=torch.finfo(wide.dtype).min)
        return cls(probabilities=probabilities.div_(total), logs=logs)


def describe(distributions: Distributions, tokens: Tensor, *, top: Tensor) -> Columns:
    """Columns of one model: the `probability` of `tokens` (N), `entropy`, `top_ids` and `top_probabilities`."""
    return {
        "probability": distributions.probabilities.gather(-1, tokens[:, None])[:, 0],
        "entropy": -torch.linalg.vecdot(distributions.probabilities, distributions.logs),
        "top_ids": top,
        "top_probabilities": distributions.probabilities.gather(-1, top),
    }


def compare_over(logits: Tensor, aligned_logs: Tensor, tokens: Tensor, *, top: Tensor) -> Columns:
    """Columns of the base model: those of `describe`, `rank`, KL(base || aligned) and KL(aligned || base).

    `logits` (N, V) and `top` are the base model's, `aligned_logs` (N, V) the aligned model's log-probabilities. Logits
    are overwritten, as by `Distributions.over`, since reusing memory is faster.
    """
    rank = rank_of(logits, tokens, top=top)
    base = Distributions.over(logits)
    columns = describe(base, tokens, top=top)
    gap = base.logs.sub_(aligned_logs)
    # vecdot uses pairwise summation; einsum and bmm are off by 5e-4 over 128,000 tokens.
    base_aligned = torch.linalg.vecdot(base.probabilities, gap)
    aligned_probabilities = torch.exp(aligned_logs, out=base.probabilities)
    return {
        **columns,
        "rank": rank,
        # Rounding can make the divergence of nearly equal distributions slightly negative.
        "kl_base_aligned": base_aligned.clamp_(min=0),
        "kl_aligned_base": -torch.linalg.vecdot(aligned_probabilities, gap).clamp_(max=0),
    }


def rank_of(logits: Tensor, tokens: Tensor, *, top: Tensor) -> Tensor:
    """Ranks (N) of tokens (N): 1 plus the number of tokens with a greater logit, or an equal one and a smaller id.

    `top` are the `top_ids`, in which most of the tokens are found.
    """
    places = top == tokens[:, None]
    rank = places.int().argmax(-1) + 1
    below = (~places.any(-1)).nonzero()[:, 0]
    if len(below):
        rows, sought = logits.index_select(0, below), tokens[below, None]
        rows = rows.to(precision(logits))
        own = rows.gather(-1, sought)
        # Comparisons that write numbers are several times as fast as those that write booleans.
        compared = torch.empty_like(rows)
        ahead = torch.gt(rows, own, out=compared).sum(-1)
        tied = torch.ge(rows, own, out=compared).sum(-1) > ahead + 1
        if tied.any():
            before = torch.arange(rows.shape[-1], device=rows.device) < sought[tied]
            ahead[tied] += ((rows[tied] == own[tied]) & before).sum(-1)
        rank[below] = 1 + ahead.long()
    return rank


def top_ids(logits: Tensor, number: int = TOP) -> Tensor:
    """Ids (N, up to `number`) of the greatest logits (N, V), the greatest first; ties in order of id."""
    vocabulary = logits.shape[-1]
    number = min(number, vocabulary)
    # Balances the number of groups against the number of tokens in the groups that are searched.
    size = isqrt(vocabulary // number)
    if logits.device.type != "cpu" or size < 2:
        return _by_logit_and_id(logits, number)
    logits = logits.to(precision(logits))
    count = vocabulary // size
    maxima = logits[:, : size * count].view(-1, size, count).amax(1)
    groups, sure = _greatest(maxima, number)
    members = groups[:, None] + torch.arange(size)[:, None] * count
    last = torch.arange(size * count, vocabulary).expand(len(logits), -1)
    candidates = torch.cat([members.flatten(1), last], 1)
    found, sure_too = _greatest(logits.gather(-1, candidates), number)
    ids = candidates.gather(-1, found)
    ids = ids.gather(-1, logits.gather(-1, ids).sort(descending=True, stable=True).indices)
    unsure = ~(sure & sure_too)
    if unsure.any():
        ids[unsure] = _by_logit_and_id(logits[unsure], number)
    return ids


def _greatest(values: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Columns (N, `number`) of the greatest values (N, M), in order of column, and for which rows (N) they are exact.

    They are not exact where only some of several equal values are wanted. For CPUs, on which `topk` is slow.
    """
    least = torch.from_numpy(np.partition(values.numpy(), -number, axis=-1)[:, -number, None])
    chosen = values >= least
    sure = chosen.sum(-1) == number
    if not sure.all():
        chosen[~sure] = torch.arange(values.shape[-1]) < number
    return chosen.nonzero()[:, 1].view(-1, number), sure


def _by_logit_and_id(logits: Tensor, number: int) -> Tensor:
    """As `top_ids`."""
    if precision(logits) != torch.float32:
        return logits.sort(descending=True, stable=True).indices[:, :number]
    # Logit and id are packed into one integer, since `topk` does not define which of equal values it takes.
    bits = (logits.float() + 0.0).view(torch.int32)  # -0.0 becomes 0.0
    rising = bits ^ (bits >> 31 & 0x7FFFFFFF)  # makes the bits of negative numbers sort like the numbers
    keys = rising.long()
    keys <<= 32
    keys |= _ALL_IDS - torch.arange(logits.shape[-1], device=logits.device)
    return _ALL_IDS - (keys.topk(number).values & _ALL_IDS)
