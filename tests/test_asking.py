"""Asking: what one thread has reserved, others wait for, unless that thread is gone."""

from __future__ import annotations

import threading

import pytest

from tests.many_threads import in_threads
from urial_opt.memory import Reserved
from urial_opt.store import asking
from urial_opt.store.asking import ThreadsAsking


def elsewhere(there: ThreadsAsking, keys: list[str], *, until: threading.Event) -> threading.Thread:
    """A thread that holds these keys until then, and does not release them."""
    reserved = threading.Event()

    def hold() -> None:
        there.reserve(keys, looked=there.now())
        reserved.set()
        until.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert reserved.wait(10)
    return thread


def test_only_what_is_free_is_reserved() -> None:
    there, over = ThreadsAsking(), threading.Event()
    thread = elsewhere(there, ["a", "b"], until=over)
    assert there.reserve(["b", "c"], looked=there.now()) == Reserved(keys=frozenset("c"))
    there.release(["c"])
    over.set()
    thread.join()


def test_what_was_released_since_it_was_looked_up_is_doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    there = ThreadsAsking()
    looked = there.now()
    there.reserve(["a", "b"], looked=looked)
    there.release(["a"])
    assert there.reserve(["a", "c"], looked=looked) == Reserved(keys=frozenset("ac"), doubtful=frozenset("a"))
    assert there.reserve(["a", "c"], looked=there.now()) == Reserved(keys=frozenset("ac"))
    monkeypatch.setattr(asking, "_REMEMBERED", 1)
    there.release(["b"])
    there.release(["c"])
    assert there.reserve(["a", "d"], looked=looked).doubtful == frozenset("ad"), "nobody remembers"


def test_a_thread_waits_until_all_are_released() -> None:
    there = ThreadsAsking()
    there.reserve(["a", "b"], looked=there.now())
    over: list[str] = []

    def wait() -> None:
        there.wait(["a", "b", "free"])
        over.append("waited")

    thread = threading.Thread(target=wait)
    thread.start()
    for key in "ab":
        thread.join(0.05)
        assert thread.is_alive()
        there.release([key])
    thread.join(10)
    assert over == ["waited"]


def test_what_a_dead_thread_holds_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_LOOK", 0.02)
    there, over = ThreadsAsking(), threading.Event()
    thread = elsewhere(there, ["a"], until=over)
    waiting = threading.Thread(target=there.wait, args=(["a"],))
    waiting.start()
    over.set()
    thread.join()
    waiting.join(10)
    assert not waiting.is_alive()
    assert there.reserve(["a"], looked=there.now()).keys == {"a"}


def test_a_thread_does_not_wait_for_itself() -> None:
    there = ThreadsAsking()

    def twice() -> None:
        there.reserve(["a"], looked=0)
        assert there.reserve(["a"], looked=0).keys == {"a"}
        there.wait(["a"])

    assert in_threads(twice) == [None]
