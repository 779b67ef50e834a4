"""How many requests to a server run at once, against servers with some number of slots, in time that is simulated."""

from __future__ import annotations

import heapq
import threading
from itertools import count

import pytest

from urial_opt.models.server.limit import Limit


class Slots:
    """A server that serves so many requests at once, each in a second; others wait there."""

    def __init__(self, slots: int) -> None:
        self.slots, self.time = slots, 0.0
        self._free = [0.0] * slots

    def ends(self) -> float:
        """When a request that comes now is answered."""
        began = max(self.time, heapq.heappop(self._free))
        heapq.heappush(self._free, began + 1)
        return began + 1


def limit_after(slots: int, *, asked: int, callers: int = 1000, most: int | None = None) -> int:
    """The limit after so many requests of `callers`, each of which asks again as soon as it is answered."""
    server = Slots(slots)
    limit = Limit(most, now=lambda: server.time)
    order = count()
    under_way: list[tuple[float, int, object]] = []
    for _ in range(asked):
        while len(under_way) < min(limit.now, callers):
            place = limit.place()
            limit._under_way += 1
            heapq.heappush(under_way, (server.ends(), next(order), place))
        server.time = heapq.heappop(under_way)[0]
        limit._under_way -= 1
        limit._waiting.extend([] if callers <= limit.now else [threading.Lock()])
        limit._succeed()
        limit._waiting.clear()
    return limit.now


@pytest.mark.parametrize(("slots", "least", "most"), [(1000, 200, 256), (100, 80, 160), (4, 32, 41), (32, 32, 41)])
def test_it_grows_as_long_as_replies_come_faster(slots: int, least: int, most: int) -> None:
    assert least <= limit_after(slots, asked=6000) <= most


def test_a_given_limit_stays() -> None:
    assert limit_after(1000, asked=3000, most=48) == 48


def test_it_does_not_grow_where_nobody_waits() -> None:
    assert limit_after(1000, asked=3000, callers=20) == 32


def test_an_overload_halves_it_and_successes_bring_it_back() -> None:
    class OverloadError(Exception):
        overload = True

    limit = Limit(None)
    with pytest.raises(OverloadError), limit.place():
        raise OverloadError
    assert limit.now == 16
    for _ in range(16):
        with limit.place():
            pass
    assert limit.now == 17
