"""What the logits of two models say at the same positions: ranks, probabilities, divergences, most probable tokens.

Letters in shapes: N positions, V tokens of the vocabulary. Names of results as in `token_scores.TokenScores`.
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
"""By name: one number for each of N positions (N), or one for each of their most probable tokens (N, up to `TOP`)."""
_ALL_IDS = 2**32 - 1
"""What an id fits into beside a logit of 32 bits."""


def precision(logits: Tensor) -> torch.dtype:
    """Of what is computed from logits: single, or better where they are better."""
    return torch.promote_types(logits.dtype, torch.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributions:
    """Those of one model at N positions, in single precision or better."""

    chances: Tensor
    """(N, V), each row of sum 1."""
    logs: Tensor
    """(N, V) their natural logarithms."""

    @classmethod
    def over(cls, logits: Tensor) -> Distributions:
        """Softmax of logits (N, V); those that are precise enough are written over."""
        wide = logits.to(precision(logits))
        # Not by log_softmax: over 128,000 tokens its sum of a row is off by 5e-6 in single precision, this one by 4e-7.
        shifted = wide.sub_(wide.amax(-1, keepdim=True))
        chances = shifted.exp()
        total = chances.sum(-1, keepdim=True)
        # A token that a model rules out has logit -inf; zero times that would be no number.
        logs = shifted.sub_(total.log()).clamp_(min=torch.finfo(wide.dtype).min)
        return cls(chances=chances.div_(total), logs=logs)


def describe(said: Distributions, tokens: Tensor, *, top: Tensor) -> Columns:
    """Of one model: `probability` of the tokens (N), `entropy`, its `top_ids` and `top_probabilities`."""
    return {
        "probability": said.chances.gather(-1, tokens[:, None])[:, 0],
        "entropy": -torch.linalg.vecdot(said.chances, said.logs),
        "top_ids": top,
        "top_probabilities": said.chances.gather(-1, top),
    }


def compare_over(logits: Tensor, aligned_logs: Tensor, tokens: Tensor, *, top: Tensor) -> Columns:
    """Of the base model, by its logits (N, V) and `top_ids`: `describe`, `rank` and both divergences.

    As by `Distributions.over`, logits are written over: memory that is not asked for again is faster.
    """
    rank = rank_of(logits, tokens, top=top)
    said = Distributions.over(logits)
    columns = describe(said, tokens, top=top)
    gap = said.logs.sub_(aligned_logs)
    # vecdot sums in pairs; einsum and bmm are off by 5e-4 over 128,000 tokens.
    base_aligned = torch.linalg.vecdot(said.chances, gap)
    aligned_chances = torch.exp(aligned_logs, out=said.chances)
    return {
        **columns,
        "rank": rank,
        # Of nearly equal distributions rounding can leave a little less than nothing.
        "kl_base_aligned": base_aligned.clamp_(min=0),
        "kl_aligned_base": -torch.linalg.vecdot(aligned_chances, gap).clamp_(max=0),
    }


def rank_of(logits: Tensor, tokens: Tensor, *, top: Tensor) -> Tensor:
    """Ranks (N) of tokens (N): 1 and as many as have a greater logit, or the same and a smaller id.

    `top` are the `top_ids`, which already tell the ranks of most.
    """
    places = top == tokens[:, None]
    rank = places.int().argmax(-1) + 1
    below = (~places.any(-1)).nonzero()[:, 0]
    if len(below):
        rows, sought = logits.index_select(0, below), tokens[below, None]
        rows = rows.to(precision(logits))
        own = rows.gather(-1, sought)
        # GeneratedAnswer as numbers, a comparison is several times as fast as one written as truth values.
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
    # About as many groups of tokens as there are tokens in those groups that are looked into.
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
    """Columns (N, `number`) of the greatest values (N, M), in order of column, and of which rows (N) that is sure.

    It is not where several are equal and only some of them wanted. For a processor, on which `topk` is slow.
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
    # Logit and id are packed into one whole number, since `topk` leaves open which of equal ones it takes.
    bits = (logits.float() + 0.0).view(torch.int32)  # of both zeros the positive one
    rising = bits ^ (bits >> 31 & 0x7FFFFFFF)  # the bits of a negative number rise as it falls
    keys = rising.long()
    keys <<= 32
    keys |= _ALL_IDS - torch.arange(logits.shape[-1], device=logits.device)
    return _ALL_IDS - (keys.topk(number).values & _ALL_IDS)
