"""One by one: asks a model for a batch of results, and stores each of them as soon as it is complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from urial_opt.protocols import Gradual

_T = TypeVar("_T")


def stored_one_by_one(
    model: object,
    ask: Callable[[], Sequence[_T]],
    store: Callable[[Sequence[int], Sequence[_T]], None],
) -> list[_T]:
    """What `ask` returns, once `store` has stored it.

    `store` gets results and their places in the batch: as they come if the model hands them on, otherwise when `ask`
    returns. Results that were stored before `ask` failed stay stored.
    """
    stored: set[int] = set()

    def heard(results: Mapping[int, _T]) -> None:
        store(list(results), list(results.values()))
        stored.update(results)

    gradual = model if isinstance(model, Gradual) else None
    if gradual is not None:
        gradual.hand_on(heard)
    try:
        results = ask()
    finally:
        if gradual is not None:
            gradual.hand_on(None)
    if rest := [place for place in range(len(results)) if place not in stored]:
        store(rest, [results[place] for place in rest])
    return list(results)
