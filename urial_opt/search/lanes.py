"""Lanes: what a search asks for at the same time, each in a thread of its own, and in which order it hears of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Generic, Self, TypeVar

from urial_opt.errors import ContextError
from urial_opt.protocols import Concurrent
from urial_opt.search.opening import SearchOptions

_T = TypeVar("_T")
_Key = TypeVar("_Key")

_LAST_WORDS = 60.0
"""Seconds; after an error, how long to wait for what is under way."""


def in_flight(base: object, *, block: int, options: SearchOptions) -> int:
    """How many trials may be under way at once: as many as the options say, or as keep the base model busy.

    It takes `at_once` requests, and trials ask it `block` queries at a time. A trial waits for the judge about as long
    as for the base model. A model that takes one call at a time gains nothing by a second trial. More than a sixth of
    the budget may cost regret (`experiments/tabular/README.md`).
    """
    if options.parallel or not isinstance(base, Concurrent):
        return options.parallel or 1
    return max(1, min(2 * base.at_once // block, options.budget // 6))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome(Generic[_Key, _T]):
    key: _Key
    results: tuple[_T, ...] = ()
    error: BaseException | None = None


class Lanes(Generic[_Key, _T]):
    """Work under way, by key. With one lane, work is done in the thread that takes it, when it does.

    Use it as a context manager. An error that leaves the context is first told to `ended_by`, and what is under way,
    which is paid too, is waited for.
    """

    def __init__(self, number: int, *, ended_by: Callable[[BaseException], None]) -> None:
        self._alone = number == 1
        self._ended_by = ended_by
        self._waiting: dict[_Key, Callable[[], _T]] = {}
        self._under_way: set[_Key] = set()
        self._arrived: dict[_Key, _Outcome[_Key, _T]] = {}
        self._done: SimpleQueue[_Outcome[_Key, _T]] = SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        self._ended_by(error)
        give_up = time.monotonic() + (0.0 if isinstance(error, KeyboardInterrupt) else _LAST_WORDS)
        while self._under_way and (left := give_up - time.monotonic()) > 0:
            self._gather(left)

    @property
    def is_busy(self) -> bool:
        """Whether something is being done at this moment, in a thread of its own."""
        return bool(self._under_way)

    @property
    def keys(self) -> set[_Key]:
        """Of all work that was started and not taken yet."""
        return {*self._waiting, *self._under_way, *self._arrived}

    @property
    def arrived(self) -> list[_Key]:
        """Of the work that can be taken, in the order in which it was done."""
        return [*self._waiting, *self._arrived]

    def start(self, key: _Key, work: Callable[[], _T]) -> None:
        """Do some work. What it raises is raised by `take`; an error that ends the search, by `wait` as soon as it can.

        A ContextError does not: it says that a prompt is too long.
        """
        if self._alone:
            self._waiting[key] = work
            return

        def do() -> None:
            try:
                self._done.put(_Outcome(key=key, results=(work(),)))
            except BaseException as error:  # raised again in the thread that takes it
                self._done.put(_Outcome(key=key, error=error))

        self._under_way.add(key)
        # Daemon threads: an end that cannot wait any longer does not wait for them.
        threading.Thread(target=do, daemon=True, name=f"lane {key}").start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until more work is done, for so long at most."""
        for outcome in self._gather(seconds):
            if outcome.error is not None and not isinstance(outcome.error, ContextError):
                raise outcome.error

    def _gather(self, seconds: float | None) -> list[_Outcome[_Key, _T]]:
        come: list[_Outcome[_Key, _T]] = []
        with suppress(Empty):
            if self._under_way:
                come.append(self._done.get(timeout=seconds))
            while True:
                come.append(self._done.get_nowait())
        self._under_way.difference_update(each.key for each in come)
        self._arrived |= {each.key: each for each in come}
        return come

    def take(self, key: _Key) -> _T:
        """What came of some work, once it is done; its error, if it failed."""
        if work := self._waiting.pop(key, None):
            return work()
        while key in self._under_way:
            self.wait()
        outcome = self._arrived.pop(key)
        if outcome.error is not None:
            raise outcome.error
        [result] = outcome.results
        return result
