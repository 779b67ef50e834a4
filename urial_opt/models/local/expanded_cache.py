"""Expanded cache: the prefix of a batch is read once, and its cache is copied to every row.

For models that shared-prefix attention does not support; they keep their own attention and masks. Letters in shapes as
in `shared_prefix`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from inspect import signature

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import (
    DummyLayer,
    DynamicLayer,
    DynamicSlidingWindowLayer,
    LinearAttentionAndFullAttentionLayer,
    LinearAttentionLayer,
)

from urial_opt.models.local.prefix_cache import agrees, passes, whole_logits

_log = logging.getLogger(__name__)

_KEYS_AND_VALUES = (DynamicLayer, DynamicSlidingWindowLayer)
_STATES = (LinearAttentionLayer, LinearAttentionAndFullAttentionLayer)


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """Keys and values that grow in place; the stock layer copies all of them at every token.

    Keys and values outside a sliding window are kept, since a prefix may be cut; the model's masks hide them.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._capacity = capacity
        self._buffers: tuple[Tensor, ...] = ()

    def update(self, key_states: Tensor, value_states: Tensor, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """Append keys and values (R, K, Q, D); returns all keys and values of the layer."""
        start, new = self.get_seq_length(), (key_states, value_states)
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._buffers = tuple(
                states.new_empty(*states.shape[:2], self._capacity, states.shape[3]) for states in new
            )
        end = start + key_states.shape[2]
        for buffer, states in zip(self._buffers, new, strict=True):
            buffer[:, :, start:end] = states
        self.keys, self.values = (buffer[:, :, :end] for buffer in self._buffers)
        return self.keys, self.values

    def remove(self, row: int) -> None:
        """Replace `row` with the last row."""
        length = self.get_seq_length()
        for buffer in self._buffers:
            buffer[row, :, :length] = buffer[-1, :, :length]
        self._buffers = tuple(buffer[:-1] for buffer in self._buffers)
        self.keys, self.values = (buffer[:, :, :length] for buffer in self._buffers)


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedPrefix:
    """Tokens that a model has read, with its cache of one row. See `prefix_cache.KeptPrefix`."""

    model: PreTrainedModel
    ragged: bool
    tokens: tuple[int, ...] = ()
    cache: DynamicCache | None = None
    """Holds the keys and values of these tokens, and possibly of further ones after them."""

    def cut(self, length: int) -> CachedPrefix:
        """The first `length` tokens; no tokens where a layer keeps a recurrent state, which cannot be rewound."""
        if length == len(self.tokens):
            return self
        if self.cache is None or any(isinstance(layer, _STATES) for layer in self.cache.layers):
            return replace(self, tokens=(), cache=None)
        return replace(self, tokens=self.tokens[:length])

    def rows(self, suffixes: Sequence[Sequence[int]], *, room: int) -> ExpandedRows:
        return ExpandedRows(self, suffixes, room=room)


class ExpandedRows:
    """A batch of rows that one model continues, each with a copy of the prefix's cache.

    Rows are padded on the left of the prefix, since a sliding window counts columns. In a padded row the prefix
    therefore ends further to the right, and its last tokens are read again.
    """

    def __init__(self, prefix: CachedPrefix, suffixes: Sequence[Sequence[int]], *, room: int) -> None:
        """See `prefix_cache.KeptPrefix.rows`."""
        self._prefix = prefix
        device = prefix.model.device
        known, longest = len(prefix.tokens), max(map(len, suffixes))
        width = known + longest
        padding = [longest - len(suffix) for suffix in suffixes]
        ids = [[0] * pad + [*prefix.tokens, *suffix] for pad, suffix in zip(padding, suffixes, strict=True)]
        self._ids = torch.tensor(ids, device=device)
        self._padding = torch.tensor(padding, device=device)[:, None]
        self._mask = (torch.arange(width + room, device=device) >= self._padding).long()
        self._length = known
        self._cache = _empty_cache(prefix.model, capacity=width + room)
        if prefix.cache is not None:
            source = (torch.arange(known, device=device) - self._padding).clamp_(min=0)
            for place, kept in enumerate(prefix.cache.layers):
                self._copy(place, kept, source)
        self._accepted = set(signature(prefix.model.forward).parameters)

    def read(self) -> Tensor:
        (logits,) = self.read_columns(last=1, step=1)
        return logits[:, -1]

    def read_columns(self, *, last: int, step: int) -> Iterator[Tensor]:
        known = self._length
        rows, width = self._ids.shape
        for part in passes(width - known, rows=rows, last=last, step=step):
            ids = self._ids[:, known + part.start : known + part.end]
            if part.kept:
                yield self._forward(ids, kept=part.kept)
            else:
                self._forward(ids, kept=1)

    @property
    def takes_back(self) -> bool:
        return False

    def write(self, ids: Tensor) -> Tensor:
        return self._forward(ids, kept=1)

    def take_back(self, counts: Sequence[int]) -> None:
        """Nothing to do: all rows end in the same column."""

    def remove(self, row: int) -> None:
        last = len(self._mask) - 1
        order = torch.arange(last, device=self._mask.device)
        order[row:][:1] = last
        for layer in self._cache.layers:
            if isinstance(layer, GrowingLayer):
                layer.remove(row)
            else:
                layer.reorder_cache(order)  # type: ignore[arg-type]
        self._mask, self._padding = self._mask[order], self._padding[order]

    def prefix(self) -> CachedPrefix:
        return replace(self._prefix, tokens=tuple(self._ids[0].tolist()), cache=self._cache)

    def _copy(self, place: int, kept: object, source: Tensor) -> None:
        """Copy one layer of the prefix to each row; of keys and values, the columns `source` (R, P)."""
        layer = self._cache.layers[place]
        if isinstance(layer, GrowingLayer) and isinstance(kept, GrowingLayer):
            if kept.keys is not None and kept.values is not None:
                source = source.to(kept.keys.device)
                layer.update(kept.keys[0][:, source].transpose(0, 1), kept.values[0][:, source].transpose(0, 1))
        elif isinstance(kept, _STATES):
            self._cache.layers[place] = layer = deepcopy(kept)
            layer.reorder_cache(torch.zeros(len(source), dtype=torch.long))  # type: ignore[arg-type]

    def _forward(self, ids: Tensor, *, kept: int) -> Tensor:
        end = self._length + ids.shape[1]
        columns = torch.arange(self._length, end, device=ids.device)
        optional = {"position_ids": (columns - self._padding).clamp_(min=0), "logits_to_keep": kept}
        logits: Tensor = self._prefix.model(
            input_ids=ids,
            attention_mask=self._mask[:, :end],
            use_cache=True,
            **{"cache_params" if "cache_params" in self._accepted else "past_key_values": self._cache},
            **{name: value for name, value in optional.items() if name in self._accepted},
        ).logits
        self._length = end
        return logits[:, -kept:]


def try_expanded_cache(model: PreTrainedModel) -> CachedPrefix | None:
    """An empty prefix for this model, if its logits with an expanded cache agree with its own; else None."""
    try:
        layers = _empty_cache(model, capacity=1).layers
        expected = whole_logits(model)
        if all(isinstance(layer, GrowingLayer | DummyLayer) for layer in layers):
            empty = CachedPrefix(model=model, ragged=True)
            if agrees(model, empty, expected):
                return empty
        empty = CachedPrefix(model=model, ragged=False)
        return empty if agrees(model, empty, expected) else None
    except Exception:
        # A third-party model may raise anything here; its own `generate` still works.
        _log.info("no expanded cache for %s", type(model).__name__, exc_info=True)
        return None


def _empty_cache(model: PreTrainedModel, *, capacity: int) -> DynamicCache:
    """A cache with the layers that this model needs; NotImplementedError if one cannot be copied to rows."""
    cache = DynamicCache(config=model.config)
    for place, layer in enumerate(cache.layers):
        if type(layer) in _KEYS_AND_VALUES:
            cache.layers[place] = GrowingLayer(capacity)
        elif type(layer) not in (*_STATES, DummyLayer):
            raise NotImplementedError(f"a cache layer of type {type(layer).__name__} cannot be copied to rows")
    return cache
