"""Batches as large as memory holds: halved where it does not suffice, and what was finished by then stays."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import groupby

import torch

from urial_opt.errors import AdapterError

_log = logging.getLogger(__name__)


class Batches:
    """How many rows a model works on side by side; it never grows again."""

    def __init__(self, rows: int, *, owner: str, release: Callable[[], None] = lambda: None) -> None:
        """`release` gives back what `owner`, a model, keeps but can do without."""
        self.rows = rows
        self._owner = owner
        self._release = release

    def work_on(
        self, rows: list[int], work: Callable[[list[int]], None], *, unfinished: Callable[[list[int]], list[int]]
    ) -> None:
        """Do the work on all of the rows, in this order. AdapterError if memory does not suffice for one."""
        while rows:
            batch = rows[: self.rows]
            if self._fits(batch, work):
                rows = rows[len(batch) :]
            else:
                # Here and not where it was caught, for until it is handled the error holds the tensors of the batch.
                self._release()
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                self.rows = len(batch) // 2
                _log.warning(
                    "%r: memory does not hold %d rows side by side; going on with %d",
                    self._owner,
                    len(batch),
                    self.rows,
                )
                rows = unfinished(rows)

    def _fits(self, batch: list[int], work: Callable[[list[int]], None]) -> bool:
        try:
            work(batch)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if len(batch) == 1:
                raise AdapterError(
                    f"{self._owner!r} has no memory left for a single row; use shorter prompts, a lower max_tokens, "
                    "a smaller dtype or another device"
                ) from error
            return False
        return True


def by_length(texts: Sequence[Sequence[int]], *, apart: bool = False) -> list[list[int]]:
    """The rows that hold these texts, the shortest first: in one piece, or one `apart` for each length."""

    def length(row: int) -> int:
        return len(texts[row])

    ordered = sorted(range(len(texts)), key=length)
    return [list(rows) for _, rows in groupby(ordered, length)] if apart else [ordered]


def out_of_memory(error: BaseException) -> bool:
    """Whether this says that a device's memory does not suffice."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate memory" in text
