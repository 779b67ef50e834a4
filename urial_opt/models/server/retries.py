"""Retries: how many requests run at once, how often one is sent again, and the pauses in between."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, TypeVar, cast

from urial_opt.errors import AdapterError
from urial_opt.memory import Pace, PaceMemory
from urial_opt.models.server.crew import NotAllowedError, work_through
from urial_opt.models.server.limit import Limit

_log = logging.getLogger(__name__)

_Request = TypeVar("_Request")
_Reply = TypeVar("_Reply")

_MOST_PAUSES = 300.0
"""Seconds; the longest total pause between the tries of one request."""
_FIRST_PAUSE = 0.5
"""Seconds; the longest possible pause doubles with each further try."""
_LONGEST_PAUSE = 30.0
_LONGEST_SERVER_PAUSE = 86_400.0
"""Seconds; the longest pause that a server may ask for."""
_WORTH_A_WARNING = 5.0
"""Seconds; longer pauses that the server asks for are logged."""
_REMEMBERED = 3600.0
"""Seconds for which the number of concurrent requests found after an overload is kept."""


class RetryableError(Exception):
    """One try failed and the next may succeed; its message is shown if the last try fails too."""

    tries: ClassVar[int] = 10
    """After this many failures of one kind the request is given up."""

    def __init__(self, reason: str, *, pause: float | None = None, overload: bool = False) -> None:
        super().__init__(reason)
        self.pause = pause
        """Seconds that the server asks to wait; None: the usual pause."""
        self.overload = overload
        """Whether fewer concurrent requests would help."""


class TimedOutError(RetryableError):
    """No reply came in time; every further try costs a whole time-out."""

    tries = 3


class OversizedError(RetryableError):
    """The reply is larger than any that was asked for."""

    tries = 2


class UnreachableError(RetryableError):
    """There is no server at this address, and there was none before."""

    tries = 2


class WrongModelError(RetryableError):
    """The reply is from another model than the one that was asked."""

    tries = 4


class EmptyReplyError(RetryableError):
    """The reply is empty, because the model ended at once or the server lost the answer.

    A reply that is still empty after the last try is accepted.
    """

    tries = 4

    def __init__(self, reply: object) -> None:
        super().__init__("the reply is empty", pause=0.0)
        self.reply = reply


class Retrier:
    """Sends many requests to one server at once, for any number of callers, and retries those that may succeed."""

    def __init__(self, name: str, *, concurrency: int | None) -> None:
        """`name` stands for the server in errors; at most `concurrency` requests run at once (see `Limit`)."""
        self._name = name
        self._limit = Limit(concurrency)
        self._learning = threading.Lock()
        self._memory: PaceMemory | None = None
        self._not_before = 0.0
        self._stored_pace = Pace(at_once=self._limit.now, not_before=0.0)
        """The pace that was stored last."""

    @property
    def at_once(self) -> int:
        """How many requests may run at once now."""
        return self._limit.now

    def keep_pace(self, memory: PaceMemory) -> None:
        """As `protocols.Paced`."""
        self._memory = memory
        known = memory.find_pace(self._name)
        if known is not None and time.time() - known.not_before < _REMEMBERED:
            self._stored_pace, self._not_before = known, known.not_before
            self._limit.begin_with(known.at_once)
            self._warn_of_pause(known.not_before - time.time())

    def ask_all(
        self,
        ask: Callable[[_Request], _Reply],
        requests: Sequence[_Request],
        *,
        allow: Callable[[], None] = lambda: None,
        heard: Callable[[Mapping[int, _Reply]], None] = lambda _: None,
    ) -> list[_Reply]:
        """What `ask` returns for each request, in the order given.

        A request for which `ask` raises a RetryableError is tried again; after the last try it becomes an AdapterError.
        `allow` is called before each try. The first error, by `ask` or `allow`, is raised once the replies under way
        have come (see `crew`). `heard` is called in this thread with replies as they come, by place of the request.
        """

        def work(row: int, stop: threading.Event) -> _Reply:
            return self._ask(ask, requests[row], stop, allow)

        return work_through(len(requests), work, threads=self._limit.most, heard=heard)

    def _ask(
        self,
        ask: Callable[[_Request], _Reply],
        request: _Request,
        stop: threading.Event,
        allow: Callable[[], None],
    ) -> _Reply:
        failures: Counter[type[RetryableError]] = Counter()
        waited = 0.0
        while True:
            try:
                with self._limit.place():
                    self._wait_until_allowed(stop)
                    if stop.is_set():
                        raise self._stopped()
                    _ask_leave(allow)
                    return ask(request)
            except RetryableError as error:
                self._learn(error)
                failures[type(error)] += 1
                tries = failures.total()
                # A pause that the server asks for applies to all requests: see _wait_until_allowed.
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
        """Adjust the pace to the error, and store it before the next request is sent."""
        if not (error.overload or error.pause):
            return
        pause = min(error.pause or 0.0, _LONGEST_SERVER_PAUSE)
        with self._learning:
            self._not_before = max(self._not_before, time.time() + pause)
            # Rounded to seconds, because many requests get the same answer at almost the same time.
            pace = Pace(at_once=self._limit.now, not_before=math.ceil(self._not_before))
            if pace == self._stored_pace:
                return
            self._stored_pace = pace
            self._warn_of_pause(pause)
            if self._memory is not None:
                self._memory.add_pace(self._name, pace)

    def _warn_of_pause(self, seconds: float) -> None:
        if seconds > _WORTH_A_WARNING:
            _log.warning("%r asks for a pause of %.0f s", self._name, seconds)

    def _wait_until_allowed(self, stop: threading.Event) -> None:
        """Wait until the pause of the server is over; AdapterError if it is too long to wait for."""
        seconds = self._not_before - time.time()
        if seconds > _MOST_PAUSES:
            until = f"{datetime.fromtimestamp(self._not_before):%Y-%m-%d %H:%M}"
            raise AdapterError(
                f"{self._name!r} asks for a pause until {until}; run the same again then", retryable=True
            )
        if seconds > 0 and _pause(stop, seconds):
            raise self._stopped()

    def _stopped(self) -> AdapterError:
        return AdapterError(f"{self._name!r} was not asked any more", retryable=True)


def _ask_leave(allow: Callable[[], None]) -> None:
    try:
        allow()
    except BaseException as error:
        raise NotAllowedError(error) from error


def _pause(stop: threading.Event, seconds: float) -> bool:
    """Wait, and return whether `stop` was set meanwhile."""
    return stop.wait(seconds)
