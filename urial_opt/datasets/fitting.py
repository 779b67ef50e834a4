"""Fitting: asks a model those queries that fit its context window, and finds out which do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from urial_opt.errors import ContextError
from urial_opt.records import Query

_T = TypeVar("_T")
_SHOWN = 5
"""Ids in a sentence."""


class Fitting(Generic[_T]):
    """Asks queries under one prompt, and sets apart those that do not fit the model with it.

    A server says no more than that a block does not fit. The block is halved until the queries in question stand alone;
    what came of the others before is in the store by then.
    """

    def __init__(self, ask: Callable[[Sequence[Query]], _T], queries: Sequence[Query]) -> None:
        """`ask` raises ContextError if one of its queries does not fit; `queries` are all that will be asked."""
        self._ask = ask
        self._queries = queries
        self._prompt_fits = False

    def parts(self, some: Sequence[Query]) -> Iterator[tuple[Sequence[Query], _T | None]]:
        """Ask some of the queries: consecutive parts of them, each with its result, or a single one with None.

        ContextError if not even the shortest query fits: then the prompt is too long.
        """
        try:
            found = self._ask(some)
        except ContextError:
            if not self._prompt_fits:
                self._ask([min(self._queries, key=_length)])
        else:
            self._prompt_fits = True
            yield some, found
            return
        self._prompt_fits = True
        if len(some) == 1:
            yield some, None
            return
        half = len(some) // 2
        yield from self.parts(some[:half])
        yield from self.parts(some[half:])


def said_too_long(queries: Iterable[str], *, of: int, window: str = "the base model's context window") -> str:
    """Such as `2 of 12 queries do not fit the base model's context window: t1, t2`."""
    ids = list(queries)
    shown = ", ".join(ids[:_SHOWN]) + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")
    verb = "does" if len(ids) == 1 else "do"
    return f"{len(ids)} of {of} queries {verb} not fit {window}: {shown}"


def _length(query: Query) -> int:
    return len(query.text) + sum(map(len, query.earlier))
