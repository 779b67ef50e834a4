"""Prompt features: encodes prompts as rows of integers and as bags of features, the columns of the linear model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from urial_opt.datasets.queries import same_words
from urial_opt.prompt import Exemplar
from urial_opt.spaces.space import without_generations
from urial_opt.statistics.strata import FloatArray, IntArray


class PromptSpace(Protocol):
    """The part of a search space that the model needs; `space.SearchSpace` implements it."""

    @property
    def exemplars(self) -> Mapping[str, Exemplar]: ...
    @property
    def systems(self) -> Sequence[str]: ...
    @property
    def system_param(self) -> str: ...
    @property
    def parents(self) -> Mapping[str, Sequence[str]]: ...
    @property
    def clauses(self) -> Mapping[str, str]: ...
    @property
    def decoding(self) -> Mapping[str, Sequence[int | float]]: ...
    @property
    def k_min(self) -> int: ...
    @property
    def k_max(self) -> int: ...
    def exemplar_params(self, k: int) -> Sequence[str]: ...
    def exemplar_keys(self, params: Mapping[str, Any]) -> Sequence[str]: ...


class Features:
    """Encodes prompts as rows of integers and as bags of features, which are the columns of a linear model.

    A row is [system, clauses …, decoding choices …, exemplars in order …]; free slots are -1. Counts are coded as
    steps: the second warm exemplar adds the feature `style warm #2`, so returns may diminish. A part that was written
    from another one has the features of its ancestors too: their effects are its prior.
    """

    def __init__(self, space: PromptSpace) -> None:
        self.space = space
        self.keys = list(space.exemplars)
        self.decoding = [name for name, choices in space.decoding.items() if len(choices) > 1]
        self.choices = [space.decoding[name] for name in self.decoding]
        self.composed = space.systems.index("composed") if space.clauses else -1
        self.slots = 1 + len(space.clauses) + len(self.decoding)
        """Index of the first exemplar in a row."""
        exemplars = list(space.exemplars.values())
        self.styles, self.style = _coded([exemplar.style for exemplar in exemplars])
        self.kinds, self._kind = _coded([exemplar.kind for exemplar in exemplars])
        queries, self.query = _coded([same_words(exemplar.query) for exemplar in exemplars])
        self.k_max = min(space.k_max, len(queries))
        self.k_min = min(space.k_min, self.k_max)
        self.width = max(space.k_max, 1)
        """Number of exemplar slots in a row."""
        self.names: list[str] = []
        self.groups: list[str] = []
        self._columns: dict[str, slice] = {}
        styles, kinds, steps = self.styles, self.kinds, range(1, self.width + 1)
        self._intercept = self._add("intercept", ["intercept"])
        self._system = self._add("system", space.systems)
        self._clause = self._add("clause", space.clauses)
        self._decoded = [self._add("decoding", [f"{n} {c}" for c in space.decoding[n]]) for n in self.decoding]
        self._k = self._add("k", [f"#{step}" for step in steps])
        self._of_style = self._add("style", [f"{style} #{step}" for style in styles for step in steps])
        self._of_kind = self._add("kind", [f"{kind} #{step}" for kind in kinds for step in steps])
        self._pair = self._add("style of kind", [f"{style} {kind}" for style in styles for kind in kinds])
        self._exemplar = self._add("exemplar", self.keys)
        self._query = self._add("query", queries)
        self._first = self._add("first", [f"{style} {kind}" for style in styles for kind in kinds])
        self._last = self._add("last", [f"{style} {kind}" for style in styles for kind in kinds])
        self._last_of_kind = self._add("last of kind", [f"{style} {kind}" for style in styles for kind in kinds])
        self._under = self._add("style under system", [f"{s}, {style}" for s in space.systems for style in styles])
        self._exemplar_ancestors = _ancestors(self.keys, space.parents)
        self._system_ancestors = _ancestors(space.systems, space.parents)
        self.classes = self.style * len(kinds) + self._kind
        """Style and kind of each exemplar, as one number."""

    def _add(self, group: str, names: Sequence[str] | Mapping[str, str]) -> int:
        first = len(self.names)
        self.names += [group if name == group else f"{group} {name}" for name in names]
        self.groups += [group] * len(names)
        self._columns[group] = slice(first, len(self.names))
        return first

    def columns_of(self, group: str) -> slice:
        """The range of a group's columns."""
        return self._columns[group]

    def row(self, params: Mapping[str, Any]) -> IntArray:
        """The row of a trial's parameters."""
        space = self.space
        row = np.full(self.slots + self.width, -1, dtype=np.int64)
        row[0] = [*map(str, space.systems)].index(str(without_generations(params)["system"]))
        row[1 : 1 + len(space.clauses)] = [bool(params.get(f"clause_{name}", False)) for name in space.clauses]
        chosen = [list(space.decoding[name]).index(params[name]) for name in self.decoding]
        row[1 + len(space.clauses) : self.slots] = chosen
        exemplars = [self.keys.index(key) for key in space.exemplar_keys(params)]
        row[self.slots : self.slots + len(exemplars)] = exemplars
        return row

    def params(self, row: IntArray) -> dict[str, Any]:
        """The trial parameters that a row encodes."""
        space = self.space
        params: dict[str, Any] = {space.system_param: space.systems[row[0]]}
        if row[0] == self.composed:
            params |= {f"clause_{name}": bool(row[1 + i]) for i, name in enumerate(space.clauses)}
        exemplars = [self.keys[i] for i in row[self.slots :] if i >= 0]
        params |= {"k": len(exemplars), **dict(zip(space.exemplar_params(len(exemplars)), exemplars, strict=True))}
        start = 1 + len(space.clauses)
        return params | {n: space.decoding[n][row[start + i]] for i, n in enumerate(self.decoding)}

    def columns(self, rows: IntArray) -> IntArray:
        """Indices of the features of each row, shape (rows, width), padded with the number of columns."""
        nothing = len(self.names)
        exemplars = rows[:, self.slots :]
        there = exemplars >= 0
        style, kind, classes = self.style[exemplars], self._kind[exemplars], self.classes[exemplars]
        same_style, same_kind = _alike_before(style, there), _alike_before(kind, there)
        steps = exemplars.shape[1]
        elders, systems = self._exemplar_ancestors, self._system_ancestors
        in_slots = [
            self._k + np.arange(steps),
            self._of_style + style * steps + same_style,
            self._of_kind + kind * steps + same_kind,
            self._pair + classes,
            self._exemplar + exemplars,
            self._query + self.query[exemplars],
            self._under + rows[:, :1] * len(self.styles) + style,
            *(np.where(each[exemplars] >= 0, self._exemplar + each[exemplars], nothing) for each in elders),
        ]
        some = there[:, 0]
        last = np.take_along_axis(classes, np.maximum(there.sum(axis=1) - 1, 0)[:, None], axis=1)[:, 0]
        last_of_kind = []
        for number in range(len(self.kinds)):
            of_kind = there & (kind == number)
            place = steps - 1 - of_kind[:, ::-1].argmax(axis=1)
            found = np.take_along_axis(classes, place[:, None], axis=1)[:, 0]
            last_of_kind.append(np.where(of_kind.any(axis=1), self._last_of_kind + found, nothing))
        clauses = rows[:, 1 : 1 + len(self.space.clauses)]
        start = 1 + len(self.space.clauses)
        single = [
            np.full(len(rows), self._intercept),
            self._system + rows[:, 0],
            *(np.where(each[rows[:, 0]] >= 0, self._system + each[rows[:, 0]], nothing) for each in systems),
            *(self._decoded[i] + rows[:, start + i] for i in range(len(self.decoding))),
            *(np.where(clauses[:, i] > 0, self._clause + i, nothing) for i in range(clauses.shape[1])),
            np.where(some, self._first + classes[:, 0], nothing),
            np.where(some, self._last + last, nothing),
            *last_of_kind,
        ]
        return np.hstack([np.stack(single, axis=1), *(np.where(there, part, nothing) for part in in_slots)])

    def design(self, rows: IntArray) -> FloatArray:
        """The design matrix, shape (rows, columns): how often each row has each feature."""
        columns = self.columns(rows)
        counted = np.zeros((len(rows), len(self.names) + 1))
        np.add.at(counted, (np.arange(len(rows))[:, None], columns), 1.0)
        return counted[:, :-1]


def _alike_before(codes: IntArray, there: npt.NDArray[np.bool_]) -> IntArray:
    """For each slot, how many filled slots before it have its code, shape (rows, slots)."""
    # by slots, each of which is one stretch of memory then
    columns, filled = np.ascontiguousarray(codes.T), np.ascontiguousarray(there.T)
    alike = np.zeros(columns.shape, dtype=np.int64)
    for slot in range(1, len(columns)):
        alike[slot] = ((columns[:slot] == columns[slot]) & filled[:slot]).sum(axis=0)
    return alike.T


def _coded(values: Sequence[str]) -> tuple[list[str], IntArray]:
    """The distinct values in order of appearance, and the index of each value among them."""
    different = list(dict.fromkeys(values))
    return different, np.array([different.index(value) for value in values], dtype=np.int64)


def _ancestors(names: Sequence[str], parents: Mapping[str, Sequence[str]]) -> list[IntArray]:
    """For each generation back, the index of each part's ancestor, -1 without one; only first parents count."""
    index = {name: place for place, name in enumerate(names)}
    parent = np.array([index.get(next(iter(parents.get(name, ())), ""), -1) for name in names], dtype=np.int64)
    generations: list[IntArray] = []
    while (parent >= 0).any() and len(generations) < len(names):
        generations.append(parent)
        parent = np.where(parent >= 0, generations[0][parent], -1)
    return generations
