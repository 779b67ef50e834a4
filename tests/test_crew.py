"""A crew begins no more than can be in the air, and counts what came before it begins more."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from itertools import count

import pytest

from urial_opt.models.server.crew import NotAllowedError, work_through


def test_no_thread_begins_another_task_before_its_result_was_heard() -> None:
    begun, known = count(1), 0
    ahead: list[int] = []

    def work(number: int, _: threading.Event) -> int:
        ahead.append(next(begun) - known)
        return number

    def heard(new: Mapping[int, int]) -> None:
        nonlocal known
        threading.Event().wait(0.01)  # as a store that is slow
        known += len(new)

    assert work_through(40, work, threads=4, heard=heard) == list(range(40))
    assert max(ahead) <= 4


def test_who_counts_what_was_heard_stops_the_crew_in_time() -> None:
    paid = 0

    def work(number: int, _: threading.Event) -> int:
        if paid >= 5:
            raise NotAllowedError(TimeoutError("enough"))
        return number

    def heard(new: Mapping[int, int]) -> None:
        nonlocal paid
        paid += len(new)

    with pytest.raises(TimeoutError, match="enough"):
        work_through(100, work, threads=3, heard=heard)
    assert 5 <= paid <= 7, "two others may be in the air when the fifth is heard"


def test_an_error_of_the_listener_ends_the_crew() -> None:
    done: list[int] = []

    def work(number: int, _: threading.Event) -> int:
        done.append(number)
        return number

    def heard(_: Mapping[int, int]) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        work_through(100, work, threads=2, heard=heard)
    assert len(done) <= 2
