"""Prefixes that were read before: kept for the next call, and continued from where a new one parts from them."""

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
"""Prompt tokens read in one forward pass, which bounds the memory of attention weights."""
_SHARED, _SUFFIXES = (5, 3, 8, 2), ((7, 4), (6, 9), (6, 9, 1, 5))


class SideBySide(Protocol):
    """Rows of tokens that one model continues side by side after a prefix."""

    def read(self) -> Tensor:
        """Read the suffixes; logits (R, vocabulary) of the token after each."""

    def read_columns(self, *, last: int, step: int) -> Iterator[Tensor]:
        """Read the suffixes; logits (R, up to `step`, vocabulary) of the tokens after each of the `last` columns.

        All suffixes end in the same column, and one of them has `last` tokens or more.
        """

    @property
    def takes_back(self) -> bool:
        """Whether more than one token can be written at once, and taken back."""

    def write(self, ids: Tensor, /) -> Tensor:
        """Append tokens (R, Q) to each row; logits (R, Q, vocabulary) of the token after each of them."""

    def take_back(self, counts: Sequence[int], /) -> None:
        """Forget so many of the last tokens of each row."""

    def remove(self, row: int, /) -> None:
        """Forget `row`; the last row takes its place."""

    def prefix(self) -> KeptPrefix:
        """What was read by the only row, as a prefix for others."""


class KeptPrefix(Protocol):
    """Tokens that a model read, with what it keeps of them."""

    @property
    def tokens(self) -> tuple[int, ...]: ...

    @property
    def ragged(self) -> bool:
        """Whether suffixes of different lengths may stand side by side."""

    def cut(self, length: int, /) -> KeptPrefix:
        """The first `length` tokens; none where the model cannot go back."""

    def rows(self, suffixes: Sequence[Sequence[int]], *, room: int) -> SideBySide:
        """Rows for `suffixes`, none empty, that may grow by `room` tokens."""


class KeptPrefixes:
    """Prefixes read before: the most recently used ones, up to `budget` tokens in all."""

    def __init__(self, empty: KeptPrefix, *, budget: int) -> None:
        self._empty = empty
        self._budget = budget
        self._kept: list[KeptPrefix] = []
        """The most recently used one last."""

    @property
    def ragged(self) -> bool:
        return self._empty.ragged

    def read(self, tokens: tuple[int, ...]) -> tuple[KeptPrefix, int]:
        """The prefix of these tokens, and how many of them had to be read now."""
        cuts = [kept.cut(common_length([kept.tokens, tokens])) for kept in self._kept]
        place, prefix = max(enumerate(cuts), key=lambda cut: len(cut[1].tokens), default=(0, self._empty))
        known = len(prefix.tokens)
        if known:
            self._kept.append(self._kept.pop(place))
        if known == len(tokens):  # also where there are none
            return prefix, 0
        rows = prefix.rows([tokens[known:]], room=0)
        rows.read()
        prefix = rows.prefix()
        self._kept.append(prefix)
        while len(self._kept) > 1 and sum(len(kept.tokens) for kept in self._kept) > self._budget:
            del self._kept[0]
        return prefix, len(tokens) - known

    def forget(self) -> None:
        """Keep none of them."""
        self._kept.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Columns read in one forward pass."""

    start: int
    end: int
    kept: int
    """Of how many of them, the last ones, logits are wanted."""


def passes(width: int, *, rows: int, last: int, step: int) -> Iterator[Pass]:
    """Passes over `width` columns of some rows, with logits of the `last` ones, up to `step` of them at a time.

    What stands before them is read in passes as large as may be, and with the first of them, not by itself.
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
    """How many first elements all of these have in common: as many as the least and the greatest of them."""
    pairs = zip(min(sequences), max(sequences), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


@torch.inference_mode()
def whole_logits(model: PreTrainedModel) -> Tensor:
    """Logits after some short prompts, each read by itself."""
    prompts = [torch.tensor([[*_SHARED, *suffix]], device=model.device) for suffix in _SUFFIXES]
    return torch.cat([model(prompt).logits[:, -1] for prompt in prompts]).float()


@torch.inference_mode()
def agrees(model: PreTrainedModel, empty: KeptPrefix, expected: Tensor) -> bool:
    """Whether the same prompts, continued from a prefix side by side, give the `whole_logits`, but for rounding."""
    suffixes = _SUFFIXES if empty.ragged else _SUFFIXES[:2]
    prefix, _ = KeptPrefixes(empty, budget=0).read(_SHARED)
    rows = prefix.rows([suffix[:-1] for suffix in suffixes], room=1)
    rows.read()
    last = torch.tensor([suffix[-1:] for suffix in suffixes], device=model.device)
    found = rows.write(last)[:, -1].float()
    expected = expected[: len(suffixes)]
    tolerance = 1e-3 if model.dtype in (torch.float32, torch.float64) else 0.1
    return bool((found - expected).norm() <= tolerance * expected.norm())
