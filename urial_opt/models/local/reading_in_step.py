"""Two models read in step: a chunk of positions of the one, the same of the other, compared before the next is read.

So memory holds one chunk of both models' logits, however long the answers are. Letters in shapes: R rows, W columns in
which answers stand, C columns of a chunk, V tokens of a model's vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from urial_opt.models.local.distributions import (
    Columns,
    Distributions,
    compare_over,
    describe,
    precision,
    rank_of,
    top_ids,
)

LOGITS_A_CHUNK = 2**25
"""Logits of one model in a chunk: 256 positions of a vocabulary of 128,000."""
_LOGITS_A_BLOCK = {"cpu": 2**17}
"""Of a chunk, logits looked at together: on a processor as many as its cache holds, elsewhere all."""
_LOGITS_ORDERED = {"cpu": 2**19}
"""Of a chunk, logits whose most probable tokens are sought together: more, since that takes many short steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one model says at the columns of some rows."""

    columns: Columns
    """Of the aligned model as `distributions.describe`, of the base model as `distributions.compare`; (R, W, …)."""
    final: Tensor
    """Logits (R, V) at the last column."""

    def tell_end(self, rows: list[int], tokens: Tensor) -> None:
        """Tell of `tokens` at the last column of these rows, by the whole vocabulary, instead of what stands there."""
        logits = self.final[rows]
        top = top_ids(logits)
        rank = rank_of(logits, tokens, top=top)
        ends = {**describe(Distributions.over(logits), tokens, top=top), "rank": rank}
        for name, column in self.columns.items():
            if name in ends:
                column[rows, -1] = ends[name] if column.ndim == 2 else ends[name][:, : column.shape[2]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Tokens (R, W) whose probability and rank are asked: what answers say at their columns."""

    aligned: Tensor
    base: Tensor


def read_in_step(
    aligned: Iterator[Tensor], bases: Sequence[Iterator[Tensor]], sought: Sought, *, vocabulary: int
) -> list[Said]:
    """What the aligned model says, and after it the base model in each context; all give the same chunks (R, C, V).

    Distributions are over the first `vocabulary` tokens.
    """
    columns = [list[Columns]() for _ in (aligned, *bases)]
    finals: list[Tensor] = []
    start, last = 0, sought.base.shape[1]
    while start < last:
        logs = torch.empty(0)
        for number, stream in enumerate((aligned, *bases)):
            logits = next(stream)
            end = start + logits.shape[1]
            tokens = (sought.base if number else sought.aligned)[:, start:end].to(logits.device)
            if end == last:
                finals.append(logits[:, -1].clone())
            if number:
                told = _set_beside(logits[..., :vocabulary], tokens, logs)
            else:
                told, logs = _listened(logits[..., :vocabulary], tokens)
            columns[number].append(told)
            del logits  # before the next ones are made
        start = end
    return [
        Said(columns={name: torch.cat([each[name] for each in chunks], 1) for name in chunks[0]}, final=final)
        for chunks, final in zip(columns, finals, strict=True)
    ]


# What these two look at lives no longer than they run: a chunk of logits would be held by a view of it.


def _listened(logits: Tensor, tokens: Tensor) -> tuple[Columns, Tensor]:
    """What the aligned model says of a chunk, and the logarithms (R, C, V) of its distributions, over logits."""
    rows = logits.to(precision(logits)).flatten(0, 1)
    top, told = _top_ids(rows), []
    for block in _blocks(rows, _LOGITS_A_BLOCK):
        told.append(describe(Distributions.over(rows[block]), tokens.flatten()[block], top=top[block]))
    return _joined(told, tokens.shape), rows.view(logits.shape)


def _set_beside(logits: Tensor, tokens: Tensor, logs: Tensor) -> Columns:
    """What the base model says of the same chunk."""
    rows, *others = (each.flatten(0, 1) for each in (logits, logs, tokens))
    top = _top_ids(rows)
    told = [
        compare_over(rows[block], *(each[block].to(rows.device) for each in others), top=top[block])
        for block in _blocks(rows, _LOGITS_A_BLOCK)
    ]
    return _joined(told, tokens.shape)


def _top_ids(rows: Tensor) -> Tensor:
    return torch.cat([top_ids(rows[block]) for block in _blocks(rows, _LOGITS_ORDERED)])


def _blocks(rows: Tensor, number: Mapping[str, int]) -> Iterator[slice]:
    """Of a chunk's positions (R C, V), so many that `number` of logits, by device, are looked at together."""
    positions, vocabulary = rows.shape
    size = max(1, number.get(rows.device.type, LOGITS_A_CHUNK) // vocabulary)
    return (slice(start, start + size) for start in range(0, positions, size))


def _joined(told: Sequence[Columns], rows: Sequence[int]) -> Columns:
    """What is told of blocks, as (R, C, …)."""
    joined = {name: torch.cat([each[name] for each in told]) for name in told[0]}
    return {name: column.view(*rows, *column.shape[1:]) for name, column in joined.items()}
