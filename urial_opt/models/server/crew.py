"""A crew: threads that work through numbered tasks and hand on each result as it comes, also when one of them fails."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from urial_opt.models.server.hands import start

_Result = TypeVar("_Result")

LAST_WORDS = 60.0
"""Seconds; after an error, how long to wait for the tasks under way, which are paid too."""
_PATIENCE = 0.5
"""Seconds; how often a thread whose result nobody has heard looks whether anybody listens still."""


class NotAllowedError(Exception):
    """No further task may be begun, because of `why`."""

    def __init__(self, why: BaseException) -> None:
        super().__init__(str(why))
        self.why = why


def work_through(
    tasks: int,
    work: Callable[[int, threading.Event], _Result],
    *,
    threads: int,
    heard: Callable[[Mapping[int, _Result]], None] = lambda _: None,
) -> list[_Result]:
    """The result of `work` for each number below `tasks`, in order; at most `threads` run at once.

    `work` also gets an event that is set once no more is to be begun. The first error is raised when the tasks under
    way have ended: within `LAST_WORDS`, or for a NotAllowedError, whose reason is raised, however long they take.

    `heard` is called in this thread with the results that have come since the last call, by number. No thread begins
    another task before its last result was heard, so whoever counts what is paid knows it before more is begun.
    """
    waiting: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[_Outcome[_Result]] = SimpleQueue()
    stop = threading.Event()

    def work_on() -> None:
        error: BaseException | None = None
        try:
            while not stop.is_set():
                number = waiting.get_nowait()
                outcome = _Outcome(number=number, results=(work(number, stop),))
                done.put(outcome)
                while not outcome.heard.wait(_PATIENCE) and not stop.is_set():
                    pass
        except Empty:
            pass
        except BaseException as caught:  # raised again in the thread of the caller
            error = caught
        done.put(_Outcome(error=error))

    for number in range(tasks):
        waiting.put(number)
    results: dict[int, _Result] = {}
    failure: BaseException | None = None
    give_up = math.inf
    working = min(threads, tasks)

    def take(outcomes: Sequence[_Outcome[_Result]]) -> None:
        if new := {each.number: result for each in outcomes for result in each.results}:
            results.update(new)
            heard(new)
        for each in outcomes:
            each.heard.set()

    try:
        # Daemon threads: Ctrl-C does not wait for the tasks under way, nor an error for one that never ends.
        for _ in range(working):
            start(work_on)
        while working and (outcomes := _come(done, give_up)):
            take(outcomes)
            for each in outcomes:
                working -= not each.results
                if each.error is not None and failure is None:
                    failure = each.error
                    stop.set()
                    give_up = math.inf if isinstance(failure, NotAllowedError) else time.monotonic() + LAST_WORDS
            if len(results) == tasks:
                break
    except KeyboardInterrupt:
        take(_come(done, 0.0))
        raise
    finally:
        stop.set()
    if failure is not None:
        raise failure.why if isinstance(failure, NotAllowedError) else failure
    return [results[number] for number in range(tasks)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome(Generic[_Result]):
    """A result, or else the end of a thread, with the error that ended it."""

    number: int = -1
    results: tuple[_Result, ...] = ()
    error: BaseException | None = None
    heard: threading.Event = field(default_factory=threading.Event)
    """Set once the result was heard."""


def _come(done: SimpleQueue[_Outcome[_Result]], give_up: float) -> list[_Outcome[_Result]]:
    """All outcomes that have come, at least one; none if none comes until `give_up`, a monotonic time."""
    outcomes: list[_Outcome[_Result]] = []
    with suppress(Empty):
        wait = None if give_up == math.inf else max(0.0, give_up - time.monotonic())
        outcomes.append(done.get(timeout=wait))
        while True:
            outcomes.append(done.get_nowait())
    return outcomes
