"""Asking: what the threads of this process are asking for, so that none asks for what another is asking for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from threading import Event, Lock, Thread, current_thread

from urial_opt.memory import Reserved

_REMEMBERED = 10_000
"""Keys of which it is remembered when they were released."""
_LOOK = 1.0
"""Seconds; how often a thread that waits looks whether those that it waits for are still alive."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A thread that waits for others."""

    keys: set[str]
    over: Event = field(default_factory=Event)


class ThreadsAsking:
    """As `memory.Asking`, for the threads of this process. What a dead thread has reserved is free."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._holders: dict[str, Thread] = {}
        self._waiting: dict[str, list[_Waiting]] = {}
        self._releases = 0
        """How often keys have been released; a mark is this number."""
        self._released: OrderedDict[str, int] = OrderedDict()
        """When keys were released last, in that order."""
        self._forgotten = 0
        """The mark of the last release that is not remembered any more."""

    def now(self) -> int:
        """As `memory.Asking`."""
        return self._releases

    def reserve(self, keys: Collection[str], *, looked: int) -> Reserved:
        """As `memory.Asking`. A key that this very thread holds is free, since it cannot wait for itself."""
        me = current_thread()
        with self._lock:
            free = frozenset(key for key in keys if not self._is_held(key, but_by=me))
            self._holders |= dict.fromkeys(free, me)
            if looked < self._forgotten:
                return Reserved(keys=free, doubtful=free)
            doubtful = (key for key in free if self._released.get(key, 0) > looked)
            return Reserved(keys=free, doubtful=frozenset(doubtful))

    def release(self, keys: Collection[str]) -> None:
        """As `memory.Asking`."""
        if not keys:
            return
        with self._lock:
            self._releases += 1
            for key in keys:
                self._holders.pop(key, None)
                self._released[key] = self._releases
                self._released.move_to_end(key)
                for each in self._waiting.pop(key, ()):
                    each.keys.discard(key)
                    if not each.keys:
                        each.over.set()
            while len(self._released) > _REMEMBERED:
                _, self._forgotten = self._released.popitem(last=False)

    def wait(self, keys: Collection[str]) -> None:
        """As `memory.Asking`."""
        me = current_thread()
        with self._lock:
            waiting = _Waiting({key for key in keys if self._is_held(key, but_by=me)})
            for key in waiting.keys:
                self._waiting.setdefault(key, []).append(waiting)
        while waiting.keys and not waiting.over.wait(_LOOK):
            with self._lock:
                gone = {key for key in waiting.keys if not self._is_held(key, but_by=me)}
                waiting.keys -= gone

    def _is_held(self, key: str, *, but_by: Thread) -> bool:
        holder = self._holders.get(key)
        return holder is not None and holder is not but_by and holder.is_alive()
