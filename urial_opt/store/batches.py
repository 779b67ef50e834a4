"""Batches: which replies each thread has asked for, and which of them are in no stored result yet."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from weakref import WeakSet


class Batches:
    """The batches under way, one in each thread. What a thread leaves unsettled stays stored."""

    def __init__(self) -> None:
        self._all = WeakSet[_Unsettled]()
        self._own = _Batch(self._all)
        self._lock = threading.Lock()

    def claim(self, key: str) -> int:
        """How often this thread has claimed a reply to the request, with this time."""
        self._own.claimed[key] += 1
        return self._own.claimed[key]

    def keep(self, ids: Iterable[str]) -> None:
        """This thread's batch needs these replies."""
        with self._lock:
            self._own.unsettled.ids.update(ids)

    def settled(self) -> set[str]:
        """The replies that this thread's batch needed and no other thread's does; the next batch begins."""
        with self._lock:
            own = self._own
            ids = own.unsettled.ids
            own.unsettled.ids = set()
            own.claimed.clear()
            return ids.difference(*(each.ids for each in self._all)) if ids else ids


class _Batch(threading.local):
    """What one thread has asked for since it last settled."""

    def __init__(self, unsettled: WeakSet[_Unsettled]) -> None:
        self.claimed = Counter[str]()
        self.unsettled = _Unsettled()
        unsettled.add(self.unsettled)


@dataclass(slots=True, eq=False, weakref_slot=True)
class _Unsettled:
    """Ids of replies that are in no stored result yet, as far as one thread knows."""

    ids: set[str] = field(default_factory=set)
