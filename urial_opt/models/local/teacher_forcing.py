"""Teacher forcing: one model reads prompts with given answers and returns its logits at the answers' positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import signature

import torch
from torch import Tensor

from urial_opt.models.local.causal_model import CausalModel
from urial_opt.models.local.prefix_cache import common_length
from urial_opt.records import Usage


class GivenAnswers:
    """Rows of a prompt and the tokens of an answer, for one model to read; their common prefix is read once."""

    def __init__(
        self,
        model: CausalModel,
        prompts: Sequence[Sequence[int]],
        answers: Sequence[Sequence[int]],
        *,
        head: Sequence[int],
    ) -> None:
        """Most prompts begin with `head`. AdapterError if a prompt is empty, or a row does not fit the window."""
        self._rows = [[*prompt, *answer] for prompt, answer in zip(prompts, answers, strict=True)]
        model.check_fit(prompts, room=0)
        model.check_fit(self._rows, room=0)
        self._model = model
        self._cache = model.prefix_cache(max(map(len, self._rows)))
        # The last token of a prompt is not shared, since the first logits needed are those after it.
        shared = min(common_length([list(head), *map(list, prompts)]), min(map(len, prompts)) - 1)
        self._shared = shared if self._cache else 0
        self._read = 0

    def batch_key(self, row: int) -> int:
        """Equal for rows that may share a batch: some kinds of layers cannot skip padding."""
        return 0 if self._cache and self._cache.ragged else len(self._rows[row])

    def logits(self, batch: Sequence[int], *, last: int, step: int) -> Iterator[Tensor]:
        """Yields logits (R, up to `step`, vocabulary) for the tokens after the `last` columns of these rows.

        Rows are padded on the left, so that all end in the same column.
        """
        rows = [self._rows[row] for row in batch]
        if self._cache is None:
            yield from self._whole(rows, last=last, step=step)
            return
        kept, new = self._cache.read(tuple(rows[0][: self._shared]))
        self._read += new
        yield from kept.rows([row[self._shared :] for row in rows], room=0).read_columns(last=last, step=step)

    def usage(self, row: int) -> Usage:
        """Tokens read for a row; those of the prefix count for the first row."""
        read = 0 if row else self._read
        return Usage(
            prompt_tokens=len(self._rows[row]) - self._shared + read,
            saved_tokens=self._shared - min(read, self._shared),
        )

    def _whole(self, rows: list[list[int]], *, last: int, step: int) -> Iterator[Tensor]:
        """Reads the rows from the first token again for each step, without a cache."""
        model = self._model.model
        ids = torch.tensor(rows, device=model.device)
        keeps = "logits_to_keep" in signature(model.forward).parameters
        width = ids.shape[1]
        for start in range(width - last, width, step):
            end = min(start + step, width)
            only = {"logits_to_keep": end - start} if keeps else {}
            yield model(ids[:, :end], use_cache=False, **only).logits[:, start - end :]
