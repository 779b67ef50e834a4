"""What the logits of two models say at the same positions: ranks, probabilities, divergences, most probable tokens.

Letters in shapes: N positions, V tokens of the vocabulary. Names of results as in `token_scores.TokenScores`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from urial_opt.token_scores import TOP

Columns: TypeAlias = dict[str, Tensor]
"""By name: one number for each of N positions (N), or one for each of their most probable tokens (N, up to `TOP`)."""
_GROUP = 8
"""Tokens that compete by their greatest logit for a place among those of which the most probable are then sought."""


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
    def of(cls, logits: Tensor) -> Distributions:
        """Softmax of logits (N, V)."""
        wide = logits.to(precision(logits))
        # Not by log_softmax: over 128,000 tokens its sum of a row is off by 5e-6 in single precision, this one by 4e-7.
        shifted = wide - wide.amax(-1, keepdim=True)
        chances = shifted.exp()
        total = chances.sum(-1, keepdim=True)
        # A token that a model rules out has logit -inf; zero times that would be no number.
        logs = shifted.sub_(total.log()).clamp_(min=torch.finfo(wide.dtype).min)
        return cls(chances=chances.div_(total), logs=logs)


def describe(logits: Tensor, said: Distributions, tokens: Tensor) -> Columns:
    """Of one model: `probability` of the tokens (N), `entropy`, `top_ids`, `top_probabilities`."""
    top = top_ids(logits)
    return {
        "probability": said.chances.gather(-1, tokens[:, None])[:, 0],
        "entropy": -torch.linalg.vecdot(said.chances, said.logs),
        "top_ids": top,
        "top_probabilities": said.chances.gather(-1, top),
    }


def compare(logits: Tensor, aligned_logs: Tensor, tokens: Tensor) -> Columns:
    """Of the base model, by its logits (N, V): `describe`, `rank` and both divergences."""
    said = Distributions.of(logits)
    columns = describe(logits, said, tokens)
    gap = said.logs - aligned_logs
    # vecdot sums in pairs; einsum and bmm are off by 5e-4 over 128,000 tokens.
    return {
        **columns,
        "rank": rank_of(logits, tokens, top=columns["top_ids"]),
        # Of nearly equal distributions rounding can leave a little less than nothing.
        "kl_base_aligned": torch.linalg.vecdot(said.chances, gap).clamp_(min=0),
        "kl_aligned_base": -torch.linalg.vecdot(aligned_logs.exp(), gap).clamp_(max=0),
    }


def rank_of(logits: Tensor, tokens: Tensor, *, top: Tensor) -> Tensor:
    """Ranks (N) of tokens (N): 1 and as many as have a greater logit, or the same and a smaller id.

    `top` are the `top_ids`, which already tell the ranks of most.
    """
    places = top == tokens[:, None]
    rank = places.int().argmax(-1) + 1
    below = ~places.any(-1)
    if below.any():
        rows, sought = logits[below], tokens[below, None]
        own = rows.gather(-1, sought)
        ahead = (rows > own).sum(-1)
        tied = (rows >= own).sum(-1) > ahead + 1
        if tied.any():
            before = torch.arange(rows.shape[-1], device=rows.device) < sought[tied]
            ahead[tied] += ((rows[tied] == own[tied]) & before).sum(-1)
        rank[below] = 1 + ahead
    return rank


def top_ids(logits: Tensor, number: int = TOP) -> Tensor:
    """Ids (N, up to `number`) of the greatest logits (N, V), the greatest first; ties in order of id."""
    number = min(number, logits.shape[-1])
    # One more than wanted, since which of several equal ones came last is seen from whether the next is equal too.
    ids = _greatest(logits, min(number + 1, logits.shape[-1]))
    values = logits.gather(-1, ids)
    tied = (values[:, 1:] == values[:, :-1]).any(-1)
    ids = ids[:, :number]
    if tied.any():
        ids[tied] = _greatest_by_id(logits[tied], values[tied, number - 1, None], number)
    return ids


def _greatest(logits: Tensor, number: int) -> Tensor:
    """As `topk`, which is slow on a processor: only the columns of `number` groups need be looked at."""
    groups = logits.shape[-1] // _GROUP
    if groups < 2 * number:
        return logits.topk(number).indices
    grouped, rest = logits[:, : groups * _GROUP].view(-1, _GROUP, groups), logits[:, groups * _GROUP :]
    best = grouped.amax(1).topk(number, sorted=False).indices[:, None].expand(-1, _GROUP, -1)
    offset = torch.arange(_GROUP, device=logits.device)[:, None] * groups
    last = torch.arange(groups * _GROUP, logits.shape[-1], device=logits.device).expand(len(logits), -1)
    ids = torch.cat([(best + offset).flatten(1), last], 1)
    values = torch.cat([grouped.gather(-1, best).flatten(1), rest], 1)
    return ids.gather(-1, values.topk(number).indices)


def _greatest_by_id(logits: Tensor, least: Tensor, number: int) -> Tensor:
    """As `top_ids`, where `least` (N, 1) is the smallest logit among those wanted."""
    by_id = -torch.arange(logits.shape[-1], device=logits.device, dtype=torch.float32)
    worth = torch.where(logits > least, 1.0, torch.where(logits == least, by_id, -torch.inf))
    ids = worth.topk(number).indices.sort(-1).values
    return ids.gather(-1, logits.gather(-1, ids).sort(stable=True, dim=-1, descending=True).indices)
