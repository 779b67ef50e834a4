"""Retries: how many requests run at once, how often one is sent again, and the pauses in between."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import ClassVar, TypeVar, cast

from urial_opt.errors import AdapterError
from urial_opt.memory import PaceMemory
from urial_opt.records import Pace

_log = logging.getLogger(__name__)

_Request = TypeVar("_Request")
_Reply = TypeVar("_Reply")

_MOST_PAUSES = 300.0
"""Seconds of pauses between the tries of one request, in all."""
_FIRST_PAUSE = 0.5
"""Seconds; each further pause may be twice as long as the one before."""
_LONGEST_PAUSE = 30.0
_LONGEST_SERVER_PAUSE = 86_400.0
"""Seconds that a server is left alone at its word, at most."""
_WORTH_A_WARNING = 5.0
"""Seconds of silence that whoever waits should know of."""
_REMEMBERED = 3600.0
"""Seconds for which a server that was overloaded is asked as little at once as then."""


class RetryableError(Exception):
    """One try failed and the next may not; the message is what is said after the last."""

    tries: ClassVar[int] = 10
    """As many of this kind end the patience."""

    def __init__(self, reason: str, *, pause: float | None = None, overload: bool = False) -> None:
        super().__init__(reason)
        self.pause = pause
        """Seconds for which the server wants to be left alone; None: a pause as usual."""
        self.overload = overload
        """Whether fewer requests at once would help."""


class TimedOutError(RetryableError):
    """No reply came in time; each time it costs much of it."""

    tries = 3


class UnreachableError(RetryableError):
    """No server at an address where none was before either."""

    tries = 2


class WrongModelError(RetryableError):
    """Another model replied than was asked."""

    tries = 4


class EmptyReplyError(RetryableError):
    """An empty reply: a model may end at once, and a server may lose an answer. What stays empty is believed."""

    tries = 4

    def __init__(self, reply: object) -> None:
        super().__init__("nothing was said", pause=0.0)
        self.reply = reply


class Retrier:
    """Asks one server many things at once, for any number of callers, and again where that may help."""

    def __init__(self, name: str, *, concurrency: int) -> None:
        """`name` stands for the server in errors; at most `concurrency` requests run at once."""
        self._name = name
        self._most = concurrency
        self._limit = _Limit(concurrency)
        self._learning = threading.Lock()
        self._memory: PaceMemory | None = None
        self._not_before = 0.0
        self._stored_pace = Pace(at_once=concurrency, not_before=0.0)
        """What the memory knows."""

    def keep_pace(self, memory: PaceMemory) -> None:
        """As `protocols.Paced`."""
        self._memory = memory
        known = memory.find_pace(self._name)
        if known is not None and time.time() - known.not_before < _REMEMBERED:
            self._stored_pace, self._not_before = known, known.not_before
            self._limit.begin_with(known.at_once)
            self._warn_of_pause(known.not_before - time.time())

    def ask_all(self, ask: Callable[[_Request], _Reply], requests: Sequence[_Request]) -> list[_Reply]:
        """What `ask` returns for each request, in the order given.

        A RetryableError of `ask` is retried; when that does not help it becomes an AdapterError. The first other error
        is raised at once.
        """
        waiting: SimpleQueue[int] = SimpleQueue()
        done: SimpleQueue[tuple[int, list[_Reply] | BaseException]] = SimpleQueue()
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                try:
                    row = waiting.get_nowait()
                except Empty:
                    return
                try:
                    done.put((row, [self._ask(ask, requests[row], stop)]))
                except BaseException as error:  # raised where the caller waits
                    done.put((row, error))
                    return

        for row in range(len(requests)):
            waiting.put(row)
        replies: dict[int, _Reply] = {}
        try:
            # Daemons, so that neither Ctrl-C nor the first error waits for replies that nobody will read.
            for _ in range(min(self._most, len(requests))):
                threading.Thread(target=work, daemon=True).start()
            while len(replies) < len(requests):
                row, outcome = done.get()
                if isinstance(outcome, BaseException):
                    raise outcome
                (replies[row],) = outcome
        finally:
            stop.set()
        return [replies[row] for row in range(len(requests))]

    def _ask(self, ask: Callable[[_Request], _Reply], request: _Request, stop: threading.Event) -> _Reply:
        failures: Counter[type[RetryableError]] = Counter()
        waited = 0.0
        while True:
            try:
                with self._limit.place():
                    self._wait_until_allowed(stop)
                    return ask(request)
            except RetryableError as error:
                self._learn(error)
                failures[type(error)] += 1
                tries = failures.total()
                # A pause that the server asks for is made by all requests together: see _wait_until_allowed.
                pause = random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (tries - 1)))
                pause = pause if error.pause is None else 0.0
                waited += pause if error.pause is None else error.pause
                if failures[type(error)] >= error.tries or tries >= RetryableError.tries or waited > _MOST_PAUSES:
                    if isinstance(error, EmptyReplyError):
                        return cast(_Reply, error.reply)
                    times = "1 try" if tries == 1 else f"{tries} tries"
                    raise AdapterError(
                        f"gave up on {self._name!r} after {times}: {error}", retryable=True
                    ) from error.__cause__
            if pause and _pause(stop, pause):
                raise self._stopped()

    def _learn(self, error: RetryableError) -> None:
        """Take in how the server wants to be asked, and write it down before anything else is asked."""
        if not (error.overload or error.pause):
            return
        leave = min(error.pause or 0.0, _LONGEST_SERVER_PAUSE)
        with self._learning:
            self._not_before = max(self._not_before, time.time() + leave)
            # In whole seconds, for many requests are told the same at once.
            pace = Pace(at_once=self._limit.now, not_before=math.ceil(self._not_before))
            if pace == self._stored_pace:
                return
            self._stored_pace = pace
            self._warn_of_pause(leave)
            if self._memory is not None:
                self._memory.add_pace(self._name, pace)

    def _warn_of_pause(self, seconds: float) -> None:
        if seconds > _WORTH_A_WARNING:
            _log.warning("%r wants to be left alone for %.0f s", self._name, seconds)

    def _wait_until_allowed(self, stop: threading.Event) -> None:
        """Wait until the server may be asked; AdapterError if that is beyond all patience."""
        seconds = self._not_before - time.time()
        if seconds > _MOST_PAUSES:
            until = f"{datetime.fromtimestamp(self._not_before):%Y-%m-%d %H:%M}"
            raise AdapterError(
                f"{self._name!r} wants to be left alone until {until}; type the same command again then", retryable=True
            )
        if seconds > 0 and _pause(stop, seconds):
            raise self._stopped()

    def _stopped(self) -> AdapterError:
        return AdapterError(f"{self._name!r} was asked no further", retryable=True)


class _Limit:
    """How many requests may be under source: half as many after an overload, one more after as many successes."""

    def __init__(self, most: int) -> None:
        self._most = self.now = most
        self._under_way = self._successes = self._overloads = 0
        self._changed = threading.Condition()

    def begin_with(self, number: int) -> None:
        """Allow so many at first."""
        self.now = max(1, min(number, self._most))

    @contextmanager
    def place(self) -> Iterator[None]:
        """Waits for a place, and learns from what happens in it."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way < self.now)
            self._under_way += 1
            overloads = self._overloads
        success = overload = False
        try:
            yield
            success = True
        except RetryableError as error:
            overload = error.overload
            raise
        finally:
            with self._changed:
                self._under_way -= 1
                self._successes += success
                # Requests that ran at the same time report the same overload.
                if overload and overloads == self._overloads:
                    self.now = max(1, self.now // 2)
                    self._overloads += 1
                    self._successes = 0
                elif self._successes >= self.now:
                    self.now = min(self._most, self.now + 1)
                    self._successes = 0
                self._changed.notify_all()


def _pause(stop: threading.Event, seconds: float) -> bool:
    """Wait; whether `stop` was set meanwhile."""
    return stop.wait(seconds)
