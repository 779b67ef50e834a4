"""Lanes: what a search asks for at the same time, each in a thread of its own, and in which order it hears of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from urial_opt.protocols import Concurrent

_T = TypeVar("_T")
_Key = TypeVar("_Key")


def in_flight(base: object, *, block: int, budget: int) -> int:
    """How many trials keep a base model busy that takes `at_once` requests, if they ask it `block` queries at a time.

    A trial waits for the judge about as long as for the base model. A model that takes one call at a time gains nothing
    by a second trial. More than an eighth of the budget cost regret (`experiments/tabular/README.md`).
    """
    if not isinstance(base, Concurrent):
        return 1
    return max(1, min(2 * base.at_once // block, budget // 8))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome(Generic[_Key, _T]):
    key: _Key
    results: tuple[_T, ...] = ()
    error: BaseException | None = None


class Lanes(Generic[_Key, _T]):
    """Work under way, by key. With one lane, work is done at once, in the thread that starts it.

    Keys are compared where order matters: the least key is the next in a search whose decisions have a fixed order.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._under_way: set[_Key] = set()
        self._arrived: dict[_Key, _Outcome[_Key, _T]] = {}
        self._done: SimpleQueue[_Outcome[_Key, _T]] = SimpleQueue()

    @property
    def keys(self) -> set[_Key]:
        """Of all work that was started and not taken yet."""
        return self._under_way | self._arrived.keys()

    @property
    def arrived(self) -> list[_Key]:
        """Of the work that is done, in the order in which it was."""
        return list(self._arrived)

    def start(self, key: _Key, work: Callable[[], _T]) -> None:
        """Do some work. What it raises is raised by `take`."""

        def done() -> _Outcome[_Key, _T]:
            try:
                return _Outcome(key=key, results=(work(),))
            except BaseException as error:  # raised again in the thread that takes it
                return _Outcome(key=key, error=error)

        if self._number == 1:
            self._arrived[key] = done()
            return
        self._under_way.add(key)
        # Daemon threads: an end that cannot wait any longer does not wait for them.
        threading.Thread(target=lambda: self._done.put(done()), daemon=True, name=f"lane {key}").start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until more work is done, for so long at most."""
        if not self._under_way:
            return
        try:
            outcome = self._done.get(timeout=seconds)
            while True:
                self._under_way.discard(outcome.key)
                self._arrived[outcome.key] = outcome
                outcome = self._done.get_nowait()
        except Empty:
            pass

    def take(self, key: _Key) -> _T:
        """What came of work that is done; its error, if it failed."""
        outcome = self._arrived.pop(key)
        if outcome.error is not None:
            raise outcome.error
        [result] = outcome.results
        return result

    def drain(self, seconds: float) -> None:
        """Wait for what is under way, for so long at most; what comes of it is left aside."""
        give_up = time.monotonic() + seconds
        while self._under_way and (left := give_up - time.monotonic()) > 0:
            self.wait(left)
