"""Tests of retries: how many requests run at once, how often one is tried, how long it pauses, when it gives up."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from urial_opt.errors import AdapterError
from urial_opt.memory import Pace
from urial_opt.models.server import crew
from urial_opt.models.server.retries import (
    EmptyReplyError,
    Retrier,
    RetryableError,
    TimedOutError,
    UnreachableError,
    WrongModelError,
)
from urial_opt.store import Store


class Crowd:
    """Answers requests, and counts how many run at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.asked = 0
        self.seen: list[int] = []

    def ask(self, request: int, then: Callable[[int], None] = lambda _: time.sleep(0.002)) -> int:
        with self._lock:
            self.now += 1
            self.asked += 1
            self.seen.append(self.now)
        try:
            then(request)
        finally:
            with self._lock:
                self.now -= 1
        return -request


def test_replies_are_in_the_order_of_requests() -> None:
    def ask(request: int) -> int:
        time.sleep((9 - request) * 0.003)
        return -request

    assert Retrier("x", concurrency=10).ask_all(ask, range(10)) == [-request for request in range(10)]
    assert Retrier("x", concurrency=3).ask_all(ask, []) == []


def test_as_many_as_allowed_are_under_way_and_never_more_whoever_asks() -> None:
    crowd = Crowd()
    retrier = Retrier("x", concurrency=4)
    all_in = threading.Barrier(4)

    def meet(_: int) -> None:
        all_in.wait(timeout=10)

    retrier.ask_all(lambda request: crowd.ask(request, meet), range(4))
    callers = [threading.Thread(target=retrier.ask_all, args=(crowd.ask, range(20))) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert crowd.asked == 64
    assert max(crowd.seen) == 4


def test_one_overload_halves_how_many_are_under_way_and_successes_raise_it_again(pauses: list[float]) -> None:
    crowd = Crowd()
    all_in = threading.Barrier(8)

    def ask(request: int) -> int:
        def then(_: int) -> None:
            if crowd.asked <= 8:
                all_in.wait(timeout=10)
                raise RetryableError("busy", overload=True)
            time.sleep(0.002)

        return crowd.ask(request, then)

    retrier = Retrier("x", concurrency=8)
    assert retrier.ask_all(ask, range(80)) == [-request for request in range(80)]
    assert crowd.asked == 88
    after = crowd.seen[8:]
    assert max(after[:8]) <= 4
    assert 4 < max(after) <= 8
    assert [max(after[start : start + 12]) for start in range(0, 36, 12)] == sorted(
        max(after[start : start + 12]) for start in range(0, 36, 12)
    )


def test_pauses_grow_at_random_up_to_a_bound_that_doubles(pauses: list[float]) -> None:
    def ask(_: int) -> int:
        raise RetryableError("500")

    with pytest.raises(AdapterError) as caught:
        Retrier("a model", concurrency=1).ask_all(ask, [0])
    assert str(caught.value) == "gave up on 'a model' after 10 tries: 500"
    assert caught.value.retryable
    bounds = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert len(pauses) == 9
    assert all(0 <= pause <= bound for pause, bound in zip(pauses, bounds, strict=True))
    assert len(set(pauses)) == 9


def test_a_pause_that_the_server_asks_for_is_kept_unless_it_is_too_long(pauses: list[float]) -> None:
    def ask(seconds: float) -> int:
        if len(pauses) < 2:
            raise RetryableError("429", pause=seconds)
        return 1

    assert Retrier("x", concurrency=1).ask_all(ask, [7.0]) == [1]
    assert pauses == [pytest.approx(7.0, abs=0.1)] * 2
    pauses.clear()
    retrier = Retrier("x", concurrency=1)
    with pytest.raises(AdapterError, match="after 1 try: 429"):
        retrier.ask_all(ask, [3600.0])
    until = rf"{datetime.now() + timedelta(hours=1):%Y-%m-%d %H}:\d\d"
    with pytest.raises(AdapterError, match=f"'x' asks for a pause until {until}; run the same again"):
        retrier.ask_all(ask, [0.0])
    assert pauses == []


@pytest.mark.parametrize(
    ("kind", "tries"), [(RetryableError, 10), (TimedOutError, 3), (UnreachableError, 2), (WrongModelError, 4)]
)
def test_each_kind_has_its_bound(kind: type[RetryableError], tries: int, pauses: list[float]) -> None:
    asked = []

    def ask(request: int) -> int:
        asked.append(request)
        raise kind("so it is")

    with pytest.raises(AdapterError, match="so it is"):
        Retrier("x", concurrency=1).ask_all(ask, [0])
    assert len(asked) == tries


def test_the_bounds_are_of_one_kind_each(pauses: list[float]) -> None:
    failures = iter([RetryableError("a"), RetryableError("b"), UnreachableError("c"), TimedOutError("d")])

    def ask(_: int) -> str:
        for failure in failures:
            raise failure
        return "done"

    assert Retrier("x", concurrency=1).ask_all(ask, [0]) == ["done"]


def test_a_reply_that_stays_empty_is_accepted_without_pauses(pauses: list[float]) -> None:
    asked = []

    def ask(request: int) -> str:
        asked.append(request)
        raise EmptyReplyError("")

    assert Retrier("x", concurrency=1).ask_all(ask, [0]) == [""]
    assert pauses == []
    assert len(asked) == 4


def test_the_first_error_is_raised_while_others_still_hang_and_no_more_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crew, "LAST_WORDS", 0.1)
    crowd = Crowd()
    over = threading.Event()

    def then(request: int) -> None:
        if request == 3:
            raise AdapterError("the end")
        over.wait(timeout=30)

    with pytest.raises(AdapterError, match="the end"):
        Retrier("x", concurrency=4).ask_all(lambda request: crowd.ask(request, then), range(100))
    assert not over.is_set()
    over.set()
    assert crowd.asked <= 4


def test_ctrl_c_gets_through_while_requests_hang() -> None:
    over = threading.Event()

    def ask(request: int) -> int:
        if request == 1:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        over.wait(timeout=30)
        return request

    with pytest.raises(KeyboardInterrupt):
        Retrier("x", concurrency=2).ask_all(ask, [0, 1])
    assert not over.is_set()
    over.set()


def test_a_request_that_pauses_when_all_is_over_is_not_sent_again() -> None:
    asked: list[int] = []

    def ask(request: int) -> int:
        asked.append(request)
        while len(asked) < 2:
            time.sleep(0.001)
        if request == 0:
            raise RetryableError("later", pause=0.05)
        raise AdapterError("the end")

    with pytest.raises(AdapterError, match="the end"):
        Retrier("x", concurrency=2).ask_all(ask, [0, 1])
    time.sleep(0.2)
    assert asked.count(0) == 1


def test_a_pause_applies_to_requests_that_did_not_cause_it() -> None:
    times: list[float] = []

    def ask(request: int) -> int:
        times.append(time.time())
        if len(times) == 1:
            raise RetryableError("429", pause=0.3)
        return request

    Retrier("x", concurrency=1).ask_all(ask, range(4))
    assert times[1] - times[0] >= 0.3
    assert times[4] - times[1] < 0.3


def test_the_pace_of_a_server_survives_a_restart(tmp_path: Path) -> None:
    crowd = Crowd()
    path = str(tmp_path / "store.db")

    def overloaded(request: int) -> int:
        def then(_: int) -> None:
            if crowd.asked == 1:
                raise RetryableError("429", pause=1.5, overload=True)

        return crowd.ask(request, then)

    with Store.open(path) as store:
        before = Retrier("x", concurrency=8)
        before.keep_pace(store)
        refused_at = time.time()
        threading.Thread(target=lambda: before.ask_all(overloaded, [0]), daemon=True).start()
        while store.find_pace("x") is None:
            time.sleep(0.01)
        known = store.find_pace("x")
        assert known is not None
        assert known.at_once == 4
        assert refused_at + 1.5 <= known.not_before <= refused_at + 3
    restarted = Retrier("x", concurrency=8)
    other = Retrier("y", concurrency=8)
    with Store.open(path) as store:
        restarted.keep_pace(store)
        other.keep_pace(store)
        asked_at: list[float] = []
        crowd.seen.clear()

        def ask(request: int) -> int:
            asked_at.append(time.time())
            return crowd.ask(request)

        other.ask_all(ask, [0])
        assert asked_at.pop() < known.not_before
        crowd.seen.clear()
        restarted.ask_all(ask, range(12))
    assert min(asked_at) >= refused_at + 1.5
    assert max(crowd.seen[:4]) <= 4


def test_an_old_pace_does_not_count(tmp_path: Path) -> None:
    crowd = Crowd()
    all_in = threading.Barrier(4)
    with Store.open(str(tmp_path / "store.db")) as store:
        store.add_pace("x", Pace(at_once=1, not_before=time.time() - 7200))
        retrier = Retrier("x", concurrency=4)
        retrier.keep_pace(store)
        retrier.ask_all(lambda request: crowd.ask(request, lambda _: (all_in.wait(timeout=10), None)[1]), range(4))
    assert max(crowd.seen) == 4
