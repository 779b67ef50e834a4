"""Hands: threads that are used again and again, since starting one for each request takes longer than the request."""

from __future__ import annotations

import os
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TypeAlias

_Work: TypeAlias = Callable[[], None]

_PATIENCE = 10.0
"""Seconds; how long a thread waits for more work."""


class _Hands:
    """Threads that wait for work, the one that waits the shortest time last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: list[SimpleQueue[_Work]] = []

    def start(self, work: _Work) -> None:
        with self._lock:
            inbox = self._idle.pop() if self._idle else None
        if inbox is not None:
            inbox.put(work)
        else:
            # Daemon threads: the end of the process does not wait for them.
            Thread(target=self._work_on, args=(work,), daemon=True).start()

    def _work_on(self, work: _Work | None) -> None:
        inbox: SimpleQueue[_Work] = SimpleQueue()
        while work is not None:
            work()
            work = None  # with all that it holds
            with self._lock:
                self._idle.append(inbox)
            work = self._next(inbox)

    def _next(self, inbox: SimpleQueue[_Work]) -> _Work | None:
        try:
            return inbox.get(timeout=_PATIENCE)
        except Empty:
            with self._lock:
                if inbox in self._idle:
                    self._idle.remove(inbox)
                    return None
            return inbox.get()


_hands = _Hands()


def start(work: _Work) -> None:
    """Do `work`, which raises nothing, in another thread."""
    _hands.start(work)


def _forget() -> None:
    """A process that is a copy of another has none of its threads."""
    global _hands
    _hands = _Hands()


os.register_at_fork(after_in_child=_forget)
