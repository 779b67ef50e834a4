"""Batches as large as memory allows: halved when memory runs out, without losing finished rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import groupby

import torch

from urial_opt.errors import AdapterError

_log = logging.getLogger(__name__)


class Batches:
    """The batch size of a model. It shrinks when memory runs out and never grows again."""

    def __init__(self, rows: int, *, owner: str, release: Callable[[], None] = lambda: None) -> None:
        """`release` frees memory that `owner`, a model, can do without, such as caches."""
        self.rows = rows
        self.check: Callable[[], None] = _nothing
        """Called before each batch; `work` may call it more often. What it raises ends the work."""
        self._owner = owner
        self._release = release

    def stop_when(self, check: Callable[[], None] | None) -> None:
        """As `protocols.Stoppable`."""
        self.check = check or _nothing

    def work_on(
        self,
        rows: list[int],
        work: Callable[[list[int]], None],
        *,
        unfinished: Callable[[list[int]], list[int]],
        ended: Callable[[list[int]], None] = lambda _: None,
    ) -> None:
        """Run `work` on batches of the rows, in order. AdapterError if not even one row fits in memory.

        `unfinished` returns those of the given rows that still need work after a batch has failed. `ended` is called
        after each batch with the rows that it has finished, also if the work is stopped in it; what it raises ends the
        work.
        """
        while rows:
            self.check()
            batch = rows[: self.rows]
            try:
                fits = self._fits(batch, work)
            except BaseException:
                waiting = unfinished(batch)
                if finished := [row for row in batch if row not in waiting]:
                    ended(finished)
                raise
            if fits:
                rows = rows[len(batch) :]
                ended(batch)
            else:
                # Not in the except clause: until it ends, the error's traceback keeps the tensors of the batch alive.
                self._release()
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                self.rows = len(batch) // 2
                _log.warning(
                    "%r: a batch of %d rows does not fit in memory; continuing with %d",
                    self._owner,
                    len(batch),
                    self.rows,
                )
                waiting = unfinished(rows)
                if finished := [row for row in rows if row not in waiting]:
                    ended(finished)
                rows = waiting

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


def _nothing() -> None: ...


def by_length(texts: Sequence[Sequence[int]], *, apart: bool = False) -> list[list[int]]:
    """Indices of these texts, the shortest first: in one group, or with `apart`, one group for each length."""

    def length(row: int) -> int:
        return len(texts[row])

    ordered = sorted(range(len(texts)), key=length)
    return [list(rows) for _, rows in groupby(ordered, length)] if apart else [ordered]


def out_of_memory(error: BaseException) -> bool:
    """Whether this error means that a device has run out of memory."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate memory" in text
