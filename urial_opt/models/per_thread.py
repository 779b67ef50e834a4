"""Per thread: what holds for one batch of a model that is `Concurrent`, such as who hears of its results."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

_T = TypeVar("_T")


class PerThread(threading.local, Generic[_T]):
    """`value` is the initial one in every thread that has not set another."""

    def __init__(self, initial: _T) -> None:
        self.value = initial
