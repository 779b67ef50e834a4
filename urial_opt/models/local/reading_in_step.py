"""Two models read the same positions in step: each chunk of logits is compared before the next one is computed.

So memory holds one chunk of both models' logits, however long the answers are. Letters in shapes: R rows, W columns
that hold answers, C columns of a chunk, V tokens of a model's vocabulary.
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
"""Logits of a chunk that are processed together: on a CPU as many as fit in its cache, elsewhere all."""
_LOGITS_ORDERED = {"cpu": 2**19}
"""Logits of a chunk whose most probable tokens are found together: more, since that takes many short operations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelColumns:
    """The scores of one model at the columns of some rows."""

    columns: Columns
    """(R, W, …); the aligned model's as from `distributions.describe`, the base model's as from `compare_over`."""
    final: Tensor
    """Logits (R, V) at the last column."""

    def set_end(self, rows: list[int], tokens: Tensor) -> None:
        """Replace the scores in the last column of these rows by those of `tokens`, over the whole vocabulary."""
        logits = self.final[rows]
        top = top_ids(logits)
        rank = rank_of(logits, tokens, top=top)
        ends = {**describe(Distributions.over(logits), tokens, top=top), "rank": rank}
        for name, column in self.columns.items():
            if name in ends:
                column[rows, -1] = ends[name] if column.ndim == 2 else ends[name][:, : column.shape[2]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The tokens (R, W) whose probability and rank are computed: those of the answers."""

    aligned: Tensor
    base: Tensor


def read_in_step(
    aligned: Iterator[Tensor], bases: Sequence[Iterator[Tensor]], targets: Targets, *, vocabulary: int
) -> list[ModelColumns]:
    """The scores of the aligned model and then of the base model in each context.

    All iterators yield logits (R, C, V) of the same chunks. Distributions are over the first `vocabulary` tokens.
    """
    columns = [list[Columns]() for _ in (aligned, *bases)]
    finals: list[Tensor] = []
    start, last = 0, targets.base.shape[1]
    while start < last:
        logs = torch.empty(0)
        for number, stream in enumerate((aligned, *bases)):
            logits = next(stream)
            end = start + logits.shape[1]
            tokens = (targets.base if number else targets.aligned)[:, start:end].to(logits.device)
            if end == last:
                finals.append(logits[:, -1].clone())
            if number:
                scores = _base_columns(logits[..., :vocabulary], tokens, logs)
            else:
                scores, logs = _aligned_columns(logits[..., :vocabulary], tokens)
            columns[number].append(scores)
            del logits  # before the next logits are allocated
        start = end
    return [
        ModelColumns(columns={name: torch.cat([each[name] for each in chunks], 1) for name in chunks[0]}, final=final)
        for chunks, final in zip(columns, finals, strict=True)
    ]


# Separate functions, so that their views of a chunk of logits, which would keep it in memory, end with the call.


def _aligned_columns(logits: Tensor, tokens: Tensor) -> tuple[Columns, Tensor]:
    """The aligned model's scores of a chunk, and its log-probabilities (R, C, V), which overwrite the logits."""
    rows = logits.to(precision(logits)).flatten(0, 1)
    top, scores = _top_ids(rows), []
    for block in _blocks(rows, _LOGITS_A_BLOCK):
        scores.append(describe(Distributions.over(rows[block]), tokens.flatten()[block], top=top[block]))
    return _joined(scores, tokens.shape), rows.view(logits.shape)


def _base_columns(logits: Tensor, tokens: Tensor, logs: Tensor) -> Columns:
    """The base model's scores of the same chunk."""
    rows, *others = (each.flatten(0, 1) for each in (logits, logs, tokens))
    top = _top_ids(rows)
    scores = [
        compare_over(rows[block], *(each[block].to(rows.device) for each in others), top=top[block])
        for block in _blocks(rows, _LOGITS_A_BLOCK)
    ]
    return _joined(scores, tokens.shape)


def _top_ids(rows: Tensor) -> Tensor:
    return torch.cat([top_ids(rows[block]) for block in _blocks(rows, _LOGITS_ORDERED)])


def _blocks(rows: Tensor, number: Mapping[str, int]) -> Iterator[slice]:
    """Slices of a chunk's positions (R · C, V), each of about `number` logits; `number` is by device type."""
    positions, vocabulary = rows.shape
    size = max(1, number.get(rows.device.type, LOGITS_A_CHUNK) // vocabulary)
    return (slice(start, start + size) for start in range(0, positions, size))


def _joined(blocks: Sequence[Columns], shape: Sequence[int]) -> Columns:
    """The columns of all blocks as (R, C, …); `shape` is (R, C)."""
    joined = {name: torch.cat([each[name] for each in blocks]) for name in blocks[0]}
    return {name: column.view(*shape, *column.shape[1:]) for name, column in joined.items()}
