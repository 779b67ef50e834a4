"""Limit: how many requests to one server may run at once, which is found out unless it is given."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_BEGIN, _MOST = 32, 256
"""The limit at the beginning, and the highest, if none is given. An engine with few slots lets the rest wait."""
_STEP = 1.25
"""By how much the limit grows at once."""
_GAIN = 0.5
"""Which share of the growth must come back as growth of the replies a second."""
_WINDOW = 5.0
"""Seconds at least over which replies are counted, and …"""
_REPLIES = 2
"""… how many times the limit of them there must be."""
_REST = 20
"""How many windows to stay where a higher limit brought nothing."""


class Limit:
    """A limit of requests under way: halved after an overload, one more after as many successes.

    Without a number that is never exceeded, it grows as long as the server answers faster with more at once: after each
    growth replies are counted while others wait, and if there are hardly more of them in a second, it shrinks again.
    """

    def __init__(self, most: int | None, *, now: Callable[[], float] = time.monotonic) -> None:
        self.most = most or _MOST
        self.now = self._begin = most or _BEGIN
        self._under_way = self._successes = self._overloads = 0
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        """Requests of all callers in the order in which they came: those of one batch, then those of the next."""
        self._growth = None if most else _Growth(now)

    def begin_with(self, number: int) -> None:
        """Start with this limit."""
        self.now = max(1, min(number, self.most))

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait for a free place, and adjust the limit to the outcome of the request that takes it.

        An error may have the attribute `overload`: whether fewer requests at once would help.
        """
        overloads = self._enter()
        success = overload = False
        try:
            yield
            success = True
        except Exception as error:
            overload = bool(getattr(error, "overload", False))
            raise
        finally:
            with self._lock:
                self._under_way -= 1
                # Requests that ran at the same time report the same overload.
                if overload and overloads == self._overloads:
                    self._halve()
                elif success:
                    self._succeed()
                self._let_in()

    def _halve(self) -> None:
        self.now = max(1, self.now // 2)
        self._overloads += 1
        self._successes = 0
        if self._growth:
            self._growth.rest()

    def _succeed(self) -> None:
        self._successes += 1
        if self.now < self._begin and self._successes >= self.now:
            self.now += 1
            self._successes = 0
        elif self.now >= self._begin and self._growth:
            self.now = min(self.most, self._growth.after(self.now, are_waiting=bool(self._waiting)))

    def _enter(self) -> int:
        """Wait for a place. Returns how many overloads there were by then."""
        turn = threading.Lock()
        turn.acquire()
        with self._lock:
            self._waiting.append(turn)
            self._let_in()
        turn.acquire()
        return self._overloads

    def _let_in(self) -> None:
        while self._waiting and self._under_way < self.now:
            self._under_way += 1
            self._waiting.popleft().release()


class _Growth:
    """Whether more requests at once are answered faster."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._known: tuple[int, float] | None = None
        """The last limit that paid off, and its replies a second."""
        self._resting = 0
        self._restart()

    def _restart(self) -> None:
        self._began, self._replies, self._idle = self._now(), 0, 0

    def rest(self) -> None:
        """Stay at the limit for a while."""
        self._known, self._resting = None, _REST
        self._restart()

    def after(self, limit: int, *, are_waiting: bool) -> int:
        """The limit after another reply; `are_waiting`: whether requests wait for a place."""
        self._replies += 1
        self._idle += not are_waiting
        seconds = self._now() - self._began
        if self._replies < _REPLIES * limit or seconds < _WINDOW:
            return limit
        rate, idle = self._replies / seconds, self._idle / self._replies
        self._restart()
        if self._resting:
            self._resting -= 1
            return limit
        if idle > 1 - 1 / _STEP:  # what is under way does not depend on the limit
            self._known = None
            return limit
        if self._known and rate < self._known[1] * (1 + _GAIN * (limit / self._known[0] - 1)):
            before = self._known[0]
            self.rest()
            return before
        self._known = limit, rate
        return int(limit * _STEP) + 1
