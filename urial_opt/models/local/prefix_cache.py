"""The prefix cache: prefixes stay cached between calls, and a new one is read only from where it differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Protocol, TypeVar

import torch
from torch import Tensor
from transformers import PreTrainedModel

_Ordered = TypeVar("_Ordered", str, list[int], tuple[int, ...])
TOKENS_A_PASS = 2048
"""Most prompt tokens read in one forward pass, which bounds the memory of attention weights."""
_SHARED, _SUFFIXES = (5, 3, 8, 2), ((7, 4), (6, 9), (6, 9, 1, 5))


class SideBySide(Protocol):
    """A batch of rows that one model continues after a shared prefix."""

    def read(self) -> Tensor:
        """Read the suffixes; logits (R, vocabulary) for the token after each."""

    def read_columns(self, *, last: int, step: int) -> Iterator[Tensor]:
        """Read the suffixes; yields logits (R, up to `step`, vocabulary) for the tokens after the `last` columns.

        All suffixes end in the same column, and at least one of them has `last` tokens.
        """

    @property
    def takes_back(self) -> bool:
        """Whether several tokens can be appended at once, and removed again."""

    def write(self, ids: Tensor, /) -> Tensor:
        """Append tokens (R, Q) to the rows; logits (R, Q, vocabulary) for the token after each of them."""

    def take_back(self, counts: Sequence[int], /) -> None:
        """Remove the last `counts[row]` tokens of each row."""

    def remove(self, row: int, /) -> None:
        """Remove `row`; the last row takes its place."""

    def prefix(self) -> KeptPrefix:
        """The tokens of the only row, as a prefix for other rows."""


class KeptPrefix(Protocol):
    """Tokens that a model has read, with its cache of them."""

    @property
    def tokens(self) -> tuple[int, ...]: ...

    @property
    def ragged(self) -> bool:
        """Whether one batch may hold suffixes of different lengths."""

    def cut(self, length: int, /) -> KeptPrefix:
        """The first `length` tokens; no tokens where the model cannot rewind."""

    def rows(self, suffixes: Sequence[Sequence[int]], *, room: int) -> SideBySide:
        """Rows with these suffixes, none empty, that may grow by `room` tokens."""


class KeptPrefixes:
    """The most recently used prefixes, up to `budget` tokens in all."""

    def __init__(self, empty: KeptPrefix, *, budget: int) -> None:
        self._empty = empty
        self._budget = budget
        self._kept: list[KeptPrefix] = []
        """The most recently used last."""

    @property
    def ragged(self) -> bool:
        return self._empty.ragged

    def read(self, tokens: tuple[int, ...]) -> tuple[KeptPrefix, int]:
        """The prefix of these tokens, and how many of them were not in the cache."""
        prefix = self._longest(tokens)
        known = len(prefix.tokens)
        if known == len(tokens):  # also where there are none
            return prefix, 0
        rows = prefix.rows([tokens[known:]], room=0)
        rows.read()
        prefix = rows.prefix()
        self._kept.append(prefix)
        while len(self._kept) > 1 and sum(len(kept.tokens) for kept in self._kept) > self._budget:
            del self._kept[0]
        return prefix, len(tokens) - known

    def _longest(self, tokens: tuple[int, ...]) -> KeptPrefix:
        """The longest kept beginning of these tokens, whose prefix is now the most recently used."""
        common = [common_length([kept.tokens, tokens]) for kept in self._kept]
        for place in sorted(range(len(common)), key=common.__getitem__, reverse=True):
            prefix = self._kept[place].cut(common[place])
            if prefix.tokens:
                self._kept.append(self._kept.pop(place))
                return prefix
        return self._empty

    def clear(self) -> None:
        """Drop all prefixes."""
        self._kept.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The columns read in one forward pass."""

    start: int
    end: int
    kept: int
    """For how many of the last columns logits are needed."""


def passes(width: int, *, rows: int, last: int, step: int) -> Iterator[Pass]:
    """Passes over `width` columns of `rows` rows, with logits for the `last` columns, up to `step` of them at a time.

    The earlier columns are read in passes as large as allowed; the last of these also gives the first logits.
    """
    stride = max(1, TOKENS_A_PASS // rows)
    step = min(step, stride)
    first = width - last + min(step, last)
    *before, (start, end) = pairwise([0, *range(first, 0, -stride)[::-1]])
    yield from (Pass(start=start, end=end, kept=0) for start, end in before)
    yield Pass(start=start, end=end, kept=min(step, last))
    for start in range(first, width, step):
        end = min(start + step, width)
        yield Pass(start=start, end=end, kept=end - start)


def common_length(sequences: Sequence[_Ordered]) -> int:
    """The length of the common beginning of all sequences, which is that of the least and the greatest of them."""
    pairs = zip(min(sequences), max(sequences), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


@torch.inference_mode()
def whole_logits(model: PreTrainedModel) -> Tensor:
    """Logits after some short prompts, each read alone."""
    prompts = [torch.tensor([[*_SHARED, *suffix]], device=model.device) for suffix in _SUFFIXES]
    return torch.cat([model(prompt).logits[:, -1] for prompt in prompts]).float()


@torch.inference_mode()
def agrees(model: PreTrainedModel, empty: KeptPrefix, expected: Tensor) -> bool:
    """Whether the same prompts, read as one batch after a cached prefix, give the `whole_logits` up to rounding."""
    suffixes = _SUFFIXES if empty.ragged else _SUFFIXES[:2]
    prefix, _ = KeptPrefixes(empty, budget=0).read(_SHARED)
    rows = prefix.rows([suffix[:-1] for suffix in suffixes], room=1)
    rows.read()
    last = torch.tensor([suffix[-1:] for suffix in suffixes], device=model.device)
    found = rows.write(last)[:, -1].float()
    expected = expected[: len(suffixes)]
    tolerance = 1e-3 if model.dtype in (torch.float32, torch.float64) else 0.1
    return bool((found - expected).norm() <= tolerance * expected.norm())
