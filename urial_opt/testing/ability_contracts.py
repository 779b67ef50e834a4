"""Contracts of the optional abilities `Gradual`, `Billed` and `Stoppable`; an adapter without one skips its tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any

import pytest

from urial_opt.memory import PaidReply
from urial_opt.protocols import Billed, Gradual, Stoppable


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderTest:
    """An adapter, and a function that asks it for a batch and returns the results."""

    adapter: object
    ask: Callable[[], Sequence[Any]]

    @contextmanager
    def heard_by(self, heard: Callable[[Mapping[int, Any]], None]) -> Iterator[None]:
        """While the context lasts, the adapter hands on its results. The test is skipped if it cannot."""
        if not isinstance(self.adapter, Gradual):
            pytest.skip("it does not hand on results: see protocols.Gradual")
        self.adapter.hand_on(heard)
        try:
            yield
        finally:
            self.adapter.hand_on(None)

    @contextmanager
    def kept_in(self, memory: Replies) -> Iterator[None]:
        """While the context lasts, the adapter stores its replies. The test is skipped if it cannot."""
        if not isinstance(self.adapter, Billed):
            pytest.skip("it does not store replies: see protocols.Billed")
        memory.claimed.clear()
        self.adapter.keep_replies(memory)
        try:
            yield
        finally:
            self.adapter.keep_replies(None)

    @contextmanager
    def checked_by(self, check: Callable[[], None]) -> Iterator[None]:
        """While the context lasts, the adapter calls `check` as it works. The test is skipped if it cannot."""
        if not isinstance(self.adapter, Stoppable):
            pytest.skip("it cannot be stopped in a batch: see protocols.Stoppable")
        self.adapter.stop_when(check)
        try:
            yield
        finally:
            self.adapter.stop_when(None)


class HeardError(Exception):
    """Raised by what hears results."""


class StoppedError(Exception):
    """Raised by what an adapter calls as it works."""


class NoLeaveError(Exception):
    """Raised where an adapter asks leave for a request that it may not send."""


@dataclass(slots=True)
class Replies:
    """A `ReplyMemory` that counts."""

    leaves: float = float("inf")
    """How many requests are allowed."""
    asked: int = 0
    """How often leave was asked."""
    paid: int = 0
    unasked: int = 0
    """How many replies came for which no leave had been asked."""
    bodies: dict[str, str] = field(default_factory=dict)
    claimed: Counter[str] = field(default_factory=Counter)

    def allow(self) -> None:
        self.asked += 1
        if self.asked > self.leaves:
            raise NoLeaveError

    def claim(self, key: str) -> str:
        self.claimed[key] += 1
        return f"{key} {self.claimed[key]}"

    def find_replies(self, ids: Sequence[str]) -> list[str | None]:
        return [self.bodies.get(id_) for id_ in ids]

    def add_replies(self, paid: Sequence[PaidReply]) -> None:
        self.paid += len(paid)
        self.unasked = max(self.unasked, self.paid - self.asked)
        self.bodies.update({reply.id: reply.body for reply in paid if reply.body})


class AbilityContract:
    """What all contracts of models, judges and proposers have in common."""

    @pytest.fixture
    def under_test(self) -> UnderTest:
        raise NotImplementedError("return the adapter, and what asks it for a batch")

    def test_a_result_is_handed_on_once_as_it_is_in_the_batch(self, under_test: UnderTest) -> None:
        heard: list[tuple[int, Any]] = []
        threads = set[int]()

        def hear(new: Mapping[int, Any]) -> None:
            threads.add(get_ident())
            heard.extend(new.items())

        with under_test.heard_by(hear):
            batch = under_test.ask()
            before = list(heard)
        assert len(heard) == len({place for place, _ in heard}), "some are handed on twice"
        assert heard == [(place, batch[place]) for place, _ in heard]
        assert heard == before, "some are handed on after the batch"
        assert threads <= {get_ident()}, "it is called in another thread"

    def test_what_hears_a_result_may_end_the_batch(self, under_test: UnderTest) -> None:
        calls: list[Mapping[int, Any]] = []

        def hear(new: Mapping[int, Any]) -> None:
            calls.append(new)
            raise HeardError

        with under_test.heard_by(hear):
            try:
                under_test.ask()
            except HeardError:
                assert len(calls) == 1
            else:
                assert not calls, "it goes on"

    def test_nothing_is_handed_on_any_longer_than_asked_for(self, under_test: UnderTest) -> None:
        heard: list[Mapping[int, Any]] = []
        with under_test.heard_by(heard.append):
            pass
        under_test.ask()
        assert not heard

    def test_leave_is_asked_before_each_request(self, under_test: UnderTest) -> None:
        memory = Replies()
        with under_test.kept_in(memory):
            under_test.ask()
        assert memory.paid, "it stores no reply"
        assert not memory.unasked, "it sends requests without leave"

    def test_without_leave_the_batch_ends(self, under_test: UnderTest) -> None:
        memory = Replies(leaves=0)
        with under_test.kept_in(memory), pytest.raises(NoLeaveError):
            under_test.ask()
        assert not memory.paid

    def test_a_reply_that_is_kept_is_not_asked_for_again(self, under_test: UnderTest) -> None:
        memory = Replies()
        with under_test.kept_in(memory):
            batch = under_test.ask()
        memory.leaves = 0
        with under_test.kept_in(memory):
            assert list(under_test.ask()) == list(batch)

    def test_no_reply_is_kept_any_longer_than_asked_for(self, under_test: UnderTest) -> None:
        memory = Replies(leaves=0)
        with under_test.kept_in(memory):
            pass
        under_test.ask()
        assert not memory.paid

    def test_a_check_may_end_the_batch(self, under_test: UnderTest) -> None:
        def stop() -> None:
            raise StoppedError

        with under_test.checked_by(stop), pytest.raises(StoppedError):
            under_test.ask()

    def test_nothing_is_checked_any_longer_than_asked_for(self, under_test: UnderTest) -> None:
        def stop() -> None:
            raise StoppedError

        with under_test.checked_by(stop):
            pass
        under_test.ask()
