"""Groups: results made of one or more parts each, and handed on as soon as the last of their parts is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

_Part = TypeVar("_Part")
_Result = TypeVar("_Result")


class Groups(Generic[_Part, _Result]):
    """The results in the making, each of so many parts that follow one another."""

    def __init__(
        self,
        sizes: Sequence[int],
        make: Callable[[int, Sequence[_Part]], _Result],
        heard: Callable[[Mapping[int, _Result]], None] | None,
    ) -> None:
        """`make` gets the number of a result and its parts; `heard` gets results that are complete, by number."""
        ends = list(accumulate(sizes))
        self._parts_of = [range(end - size, end) for end, size in zip(ends, sizes, strict=True)]
        self._owners = [number for number, size in enumerate(sizes) for _ in range(size)]
        self._missing = list(sizes)
        self._make = make
        self._heard = heard
        self._parts: dict[int, _Part] = {}
        self._results: dict[int, _Result] = {}

    def add(self, parts: Mapping[int, _Part]) -> None:
        """Take parts that will not change, by their place among all parts."""
        complete: dict[int, _Result] = {}
        for place in parts.keys() - self._parts.keys():
            self._parts[place] = parts[place]
            owner = self._owners[place]
            self._missing[owner] -= 1
            if not self._missing[owner]:
                complete[owner] = self._make(owner, [self._parts[part] for part in self._parts_of[owner]])
        self._results |= complete
        if complete and self._heard is not None:
            self._heard(complete)

    def results(self) -> list[_Result]:
        """All results, in order; every part must be there."""
        return [self._results[number] for number in range(len(self._missing))]
