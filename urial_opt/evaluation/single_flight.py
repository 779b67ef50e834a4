"""Single flight: finds results in a memory, and asks for the missing ones that no other thread is asking for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

from urial_opt.memory import Asking

_T = TypeVar("_T")
Stored: TypeAlias = Callable[[Sequence[int]], None]
"""To be called with rows whose results are stored, as they are."""


def asked_once(
    rows: int,
    asking: Asking,
    *,
    key: Callable[[int], str],
    find: Callable[[Sequence[int]], Sequence[_T | None]],
    ask: Callable[[list[int], Stored], Sequence[_T]],
    remembered: Callable[[_T], _T],
) -> list[_T]:
    """The result of each row below `rows`: found in the memory and then `remembered`, or new.

    `ask` asks for the results of rows, stores them and returns them in that order.

    Rows of one key have one result, which is asked for once. What other threads are asking for is waited for, after
    everything else is asked, stored and released; it is asked for again if it did not come.
    """
    looked = asking.now()
    found = dict(enumerate(find(range(rows))))
    fresh: dict[int, _T] = {}
    missing = [row for row in range(rows) if found[row] is None]
    keys = {row: key(row) for row in missing}
    while missing:
        first = {keys[row]: row for row in reversed(missing)}
        reserved = asking.reserve(first, looked=looked)
        held = set(reserved.keys)

        def stored(some: Sequence[int]) -> None:
            done = {keys[row] for row in some} & held  # noqa: B023 - called before the next turn of the loop
            held.difference_update(done)  # noqa: B023
            asking.release(done)

        try:
            if doubtful := [first[each] for each in reserved.doubtful]:
                found |= zip(doubtful, find(doubtful), strict=True)
            own = sorted(row for name, row in first.items() if name in reserved.keys and found[row] is None)
            if own:
                fresh |= zip(own, ask(own, stored), strict=True)
        finally:
            asking.release(held)
        asking.wait(first.keys() - reserved.keys)
        looked = asking.now()
        missing = [row for row in missing if found[row] is None and row not in fresh]
        if missing:
            found |= zip(missing, find(missing), strict=True)
            missing = [row for row in missing if found[row] is None]
    return [fresh[row] if row in fresh else remembered(_there(found[row])) for row in range(rows)]


def _there(found: _T | None) -> _T:
    assert found is not None
    return found
