"""One by one: asks a model for a batch of results, and stores each of them as soon as it is complete."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock, RLock
from typing import TypeVar

from urial_opt.protocols import Concurrent, Gradual

_T = TypeVar("_T")


@dataclass(slots=True, kw_only=True)
class _Turns:
    """The turns of one model."""

    of: object
    """The model, or a weak reference to it; as long as it is there, no other object has its id."""
    lock: RLock = field(default_factory=RLock)


_turns: dict[int, _Turns] = {}
"""By the model's id, since adapters of others need not be hashable."""
_listing = Lock()


@contextmanager
def turn_with(model: object) -> Iterator[None]:
    """Let no other thread use the model while the context lasts, unless it is `Concurrent`. The same thread may."""
    if isinstance(model, Concurrent):
        yield
        return
    with _turns_of(model).lock:
        yield


def _turns_of(model: object) -> _Turns:
    with _listing:
        found = _turns.get(id(model))
        if found is None:
            found = _turns[id(model)] = _Turns(of=model)
            with suppress(TypeError):  # it cannot be referred to weakly, so it is kept
                found.of = weakref.ref(model)
                weakref.finalize(model, _turns.pop, id(model), None).atexit = False
        return found


def stored_one_by_one(
    model: object,
    ask: Callable[[], Sequence[_T]],
    store: Callable[[Sequence[int], Sequence[_T]], None],
) -> list[_T]:
    """What `ask` returns, once `store` has stored it.

    `store` gets results and their places in the batch: as they come if the model hands them on, otherwise when `ask`
    returns. Results that were stored before `ask` failed stay stored. Threads take turns with a model that is not
    `Concurrent`.
    """
    stored: set[int] = set()

    def heard(results: Mapping[int, _T]) -> None:
        store(list(results), list(results.values()))
        stored.update(results)

    gradual = model if isinstance(model, Gradual) else None
    with turn_with(model):
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
