"""Shared-prefix attention: the prefix of a batch is read once, cached once, and attended to by all rows together.

Each row attends to the shared prefix and to its own suffix separately. The results are merged by their log-sum-exp,
which equals attention over the whole row (Juravsky et al. 2024, "Hydragen", section 3). Letters in shapes: R rows, H
query heads, K key-value heads, Q query tokens of each row, P prefix tokens, S own tokens so far, D head size.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from urial_opt.models.local.prefix_cache import agrees, passes, whole_logits

_log = logging.getLogger(__name__)

ATTENTION = "urial_shared_prefix"
"""Name of this attention in the registry of transformers; without a shared prefix it is sdpa."""
CAUSAL = torch.empty(0, 1, 1, 1)
"""Marks a causal mask, where each query sees the columns up to its own. The model may pass on a copy of it."""
_FUSED_ON = "cpu"
"""The device type on which PyTorch has a fused kernel that also returns the log-sum-exp of the scores."""
_UNSUPPORTED = ("softcap", "s_aux", "position_bias")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """Tokens that a model has read, with each layer's keys and values. See `prefix_cache.KeptPrefix`."""

    model: PreTrainedModel
    tokens: tuple[int, ...] = ()
    layers: tuple[tuple[Tensor, Tensor], ...] = ()
    """Keys and values (K, P, D) of each layer."""

    @property
    def ragged(self) -> bool:
        return True

    def cut(self, length: int) -> Prefix:
        """The first `length` tokens, as views."""
        layers = tuple((keys[:, :length], values[:, :length]) for keys, values in self.layers)
        return replace(self, tokens=self.tokens[:length], layers=layers)

    def rows(self, suffixes: Sequence[Sequence[int]], *, room: int) -> Rows:
        return Rows(self, suffixes, room=room)


class SharedPrefixCache(Cache):
    """One prefix for all rows, and for each row a buffer of its own keys and values, filled from the left."""

    def __init__(self, prefix: Prefix, *, rows: int, capacity: int) -> None:
        super().__init__(layers=[])
        self.prefix = prefix
        self.rows = rows
        """Rows still being generated, which are the first rows of the buffers."""
        self.length = 0
        """Columns that hold tokens of any row's own, padding included."""
        self.columns: slice | Tensor = slice(0)
        """The columns to write next: the same for all rows, or (R, Q) for each row."""
        self._capacity = capacity
        self._buffers: list[tuple[Tensor, Tensor]] = []

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Write keys and values (R, K, Q, D) to `columns`; returns all of the rows' own (R, K, S, D)."""
        new = (key_states, value_states)
        if layer_idx == len(self._buffers):
            # Zeros, since masked columns have weight 0, and 0 times uninitialised memory can be NaN.
            keys, values = (
                states.new_zeros(self.rows, states.shape[1], self._capacity, states.shape[3]) for states in new
            )
            self._buffers.append((keys, values))
        keys, values = (buffer[: self.rows, :, : self.length] for buffer in self._buffers[layer_idx])
        for held, states in zip((keys, values), new, strict=True):
            if isinstance(self.columns, slice):
                held[:, :, self.columns] = states
            else:
                held.scatter_(2, self.columns.to(held.device)[:, None, :, None].expand(states.shape), states)
        return keys, values

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002
        return len(self.prefix.tokens) + self.length

    def remove(self, row: int) -> None:
        """Remove `row`; the last row takes its place."""
        self.rows -= 1
        for buffers in self._buffers:
            for buffer in buffers:
                buffer[row, :, : self.length] = buffer[self.rows, :, : self.length]

    def extended_prefix(self, tokens: Sequence[int]) -> Prefix:
        """The prefix extended by the `tokens` of the only row."""
        own = [(keys[0, :, : self.length], values[0, :, : self.length]) for keys, values in self._buffers]
        if self.prefix.tokens:
            pairs = zip(self.prefix.layers, own, strict=True)
            own = [(torch.cat([k, key], 1), torch.cat([v, value], 1)) for (k, v), (key, value) in pairs]
        return replace(self.prefix, tokens=(*self.prefix.tokens, *tokens), layers=tuple(own))


class Rows:
    """A batch of rows that one model continues after a shared prefix.

    Rows are padded on the left of their own tokens, so that all write to the same column. Masks hide the padding, and
    position ids skip it.
    """

    def __init__(self, prefix: Prefix, suffixes: Sequence[Sequence[int]], *, room: int) -> None:
        """See `prefix_cache.KeptPrefix.rows`."""
        self._model = model = prefix.model
        width = max(map(len, suffixes))
        padding = [width - len(suffix) for suffix in suffixes]
        ids = [[0] * pad + list(suffix) for pad, suffix in zip(padding, suffixes, strict=True)]
        self._ids = torch.tensor(ids, device=model.device)
        self._padding = torch.tensor(padding, device=model.device)
        self._even = not any(padding)
        self._room = width + room
        """Columns for tokens; anything written beyond them goes to one extra column that is never read."""
        self._cache = SharedPrefixCache(prefix, rows=len(suffixes), capacity=self._room + 1)
        self._ends = [width] * len(suffixes)
        """The column after the last token of each row."""

    def read(self) -> Tensor:
        """See `prefix_cache.SideBySide`."""
        (logits,) = self.read_columns(last=1, step=1)
        return logits[:, -1]

    def read_columns(self, *, last: int, step: int) -> Iterator[Tensor]:
        """See `prefix_cache.SideBySide`."""
        rows, width = self._ids.shape
        for part in passes(width, rows=rows, last=last, step=step):
            place = slice(part.start, part.end)
            # The logits are yielded without a local name, so that the caller can free them before the next pass.
            if part.kept:
                yield self._forward(self._ids[:, place], place, end=part.end, kept=part.kept)
            else:
                self._forward(self._ids[:, place], place, end=part.end, kept=1)

    @property
    def takes_back(self) -> bool:
        return True

    def write(self, ids: Tensor) -> Tensor:
        """See `prefix_cache.SideBySide`."""
        new = ids.shape[1]
        starts = torch.tensor(self._ends, device=ids.device)[:, None]
        self._ends = [end + new for end in self._ends]
        end = min(max(self._ends), self._room + 1)
        columns = (starts + torch.arange(new, device=ids.device)).clamp_(max=self._room)
        return self._forward(ids, columns, end=end, kept=new)

    def take_back(self, counts: Sequence[int]) -> None:
        """See `prefix_cache.SideBySide`. The next tokens overwrite them."""
        self._ends = [end - count for end, count in zip(self._ends, counts, strict=True)]

    def remove(self, row: int) -> None:
        """See `prefix_cache.SideBySide`."""
        self._cache.remove(row)
        self._padding[row] = self._padding[self._cache.rows]
        self._padding = self._padding[: self._cache.rows]
        self._ends[row] = self._ends[-1]
        del self._ends[-1]

    def prefix(self) -> Prefix:
        """See `prefix_cache.SideBySide`."""
        return self._cache.extended_prefix(self._ids[0].tolist())

    def _forward(self, ids: Tensor, place: slice | Tensor, *, end: int, kept: int) -> Tensor:
        """Read ids (R, Q) at the same columns of all rows, or at each row's own (R, Q), all of them before `end`."""
        columns = torch.arange(end, device=ids.device)[None, place] if isinstance(place, slice) else place
        if self._even and end == ids.shape[1]:
            # All columns at once and no padding: a causal mask.
            mask = CAUSAL
        else:
            seen = torch.arange(end, device=ids.device)
            # A padding token sees itself, since softmax over no columns would be NaN.
            padded = (seen < self._padding[:, None, None]) & (seen != columns[:, :, None])
            hidden = (padded | (seen > columns[:, :, None]))[:, None]
            mask = torch.zeros(hidden.shape, dtype=self._model.dtype, device=ids.device)
            mask.masked_fill_(hidden, -torch.inf)
        # The model may have no position ids beyond the room.
        positions = (columns.clamp(max=self._room - 1) - self._padding[:, None]).clamp_(min=0)
        self._cache.length, self._cache.columns = end, place
        # Transformers passes on a mask of four dimensions unchanged.
        logits: Tensor = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions + len(self._cache.prefix.tokens),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=kept,
            shared_prefix=self._cache.prefix,
        ).logits
        return logits[:, -kept:]


def attend(query: Tensor, own: tuple[Tensor, Tensor], prefix: tuple[Tensor, Tensor] | None, *, mask: Tensor) -> Tensor:
    """Attention of scaled queries (R, H, Q, D) to own keys and values (R, K, S, D) and to the prefix (K, P, D).

    `mask` (R, 1, Q, S), or `CAUSAL`, is added to the scores of the own part; all queries see the whole prefix. The last
    dimension is contiguous. Returns (R, Q, H, D).
    """
    rows, heads, width, size = query.shape
    kv_heads = own[0].shape[1]
    group = heads // kv_heads
    # The query heads that share a key-value head are stacked as further queries.
    query = query.reshape(rows, kv_heads, group * width, size)
    if _is_causal(mask):
        parts = [_part(part, *own, mask=mask) for part in torch.split(query, width, 2)]
        out, log_sum = (torch.cat(each, 2) for each in zip(*parts, strict=True))
    else:
        out, log_sum = _part(query, *own, mask=mask.repeat(1, 1, group, 1) if width > 1 else mask)
    if prefix is not None:
        # The queries of all rows become one long row: one matrix product for each head instead of each row.
        stacked = query.transpose(0, 1).reshape(1, kv_heads, rows * group * width, size)
        shared, shared_log_sum = _part(stacked, prefix[0][None], prefix[1][None], mask=None)
        by_row = (kv_heads, rows, group * width, -1)
        share = torch.sigmoid(shared_log_sum.reshape(by_row).transpose(0, 1) - log_sum.reshape(*out.shape[:3], 1))
        out = torch.lerp(out, shared.reshape(by_row).transpose(0, 1), share.to(out.dtype))
    return out.reshape(rows, kv_heads, group, width, -1).permute(0, 3, 1, 2, 4).reshape(rows, width, heads, -1)


def _part(query: Tensor, keys: Tensor, values: Tensor, *, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Attention to one part, and the log-sum-exp of its scores."""
    causal = _is_causal(mask)
    if query.device.type == _FUSED_ON and (mask is None or causal or mask.shape[2] > 1):
        # The public function does not return the log-sum-exp.
        fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        added = None if causal else mask
        out, log_sum = fused(query, keys, values, dropout_p=0.0, is_causal=causal, attn_mask=added, scale=1.0)
        return out, log_sum
    if causal:
        mask = query.new_full((query.shape[2], keys.shape[2]), -torch.inf).triu_(1)
    scores = query @ keys.transpose(-1, -2)
    scores = scores if scores.dtype == torch.float64 else scores.float()
    if mask is not None:
        scores += mask
    weights = scores.softmax(-1)
    # Two maxima are cheaper than a second pass of exponentials: the largest weight is exp(largest score - log_sum).
    log_sum = scores.amax(-1) - weights.amax(-1).log()
    return weights.to(values.dtype) @ values, log_sum


def _is_causal(mask: Tensor | None) -> bool:
    return mask is not None and mask.numel() == 0


def _attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    shared_prefix: Prefix | None = None,
    **settings: Any,  # noqa: ANN401
) -> tuple[Tensor, Tensor | None]:
    """The attention function that transformers calls; keys and values are those of `SharedPrefixCache.update`."""
    if shared_prefix is not None and any(settings.get(name) is not None for name in _UNSUPPORTED):
        raise NotImplementedError(f"shared-prefix attention supports none of {_UNSUPPORTED}")
    if shared_prefix is None or attention_mask is None:
        out, weights = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **settings)
        return out, weights
    layer = shared_prefix.layers[module.layer_idx] if shared_prefix.tokens else None  # type: ignore[index]
    scaled = query * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    return attend(scaled, (key, value), layer, mask=attention_mask), None


ALL_ATTENTION_FUNCTIONS.register(ATTENTION, _attention)
ALL_MASK_ATTENTION_FUNCTIONS.register(ATTENTION, sdpa_mask)


def switch_attention(model: PreTrainedModel) -> bool:
    """Switch the model to this attention if its logits agree with its own; else leave it unchanged, return False."""
    kinds = set(getattr(model.config.get_text_config(), "layer_types", None) or ())
    if not (model._supports_attention_backend and kinds <= {"full_attention", "sliding_attention"}):
        return False
    before = model.config._attn_implementation
    if before == ATTENTION:
        return True  # another holder of this model has switched it, after the same comparison
    try:
        expected = whole_logits(model)
        model.set_attn_implementation(ATTENTION)
        if agrees(model, Prefix(model=model), expected):
            return True
    except Exception:
        # A third-party model may raise anything here; its own attention still works.
        _log.info("no shared prefix for %s", type(model).__name__, exc_info=True)
    model.set_attn_implementation(before)
    return False
