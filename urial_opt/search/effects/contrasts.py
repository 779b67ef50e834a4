"""Contrasts: which prompts are compared to tell what one part of a prompt does.

Each compares changed copies of the prompts tried, which differ in that part alone. So an effect is one of prompts like
those tried, and it is identified, although the columns of the model are not. Parts that were in no trial have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import numpy as np
import numpy.typing as npt

from urial_opt.search.effects.changes import Changes
from urial_opt.search.effects.prompt_design import PromptDesign
from urial_opt.statistics.strata import FloatArray, IntArray

_BASES = 60
"""How many of the prompts tried are changed, at most; they are spread over the whole search."""
_PAIR_BASES = 30
"""The same for pairs, of which there are many."""
_ORDERS = 4
"""Orders in which the exemplars of a prompt are shown, drawn at random."""


class Group(StrEnum):
    """A group of effects, in the order in which people read them."""

    SYSTEM = "system prompts"
    CLAUSE = "clauses"
    K = "number of exemplars"
    STYLE = "styles"
    SAFETY = "safety exemplars"
    EXEMPLAR = "exemplars"
    POSITION = "positions"
    PAIR = "pairs of exemplars"
    STYLE_UNDER_SYSTEM = "styles under system prompts"
    DECODING = "decoding"

    @property
    def against(self) -> str:
        """What the effects of the group are measured against."""
        return _AGAINST[self]


_AGAINST = {
    Group.SYSTEM: "the average system prompt tried",
    Group.CLAUSE: "the same prompt without the clause",
    Group.K: "one exemplar less",
    Group.STYLE: "the average style, if all exemplars of a prompt have that style",
    Group.SAFETY: "the average number of them, with as many exemplars in all",
    Group.EXEMPLAR: "the average exemplar tried in its place",
    Group.POSITION: "the same exemplars in any order",
    Group.PAIR: "the sum of what each does alone",
    Group.STYLE_UNDER_SYSTEM: "the sum of what the style and the system prompt do in general",
    Group.DECODING: "the average of the values tried",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One comparison of changed copies of prompts."""

    group: Group
    name: str
    row: FloatArray
    """The mean difference in the columns of the model; times their weights it is the effect."""
    having: npt.NDArray[np.bool_]
    """Which of the prompts tried have the part."""


class Contrasts:
    """Makes all contrasts of a search."""

    def __init__(self, design: PromptDesign) -> None:
        self._design, self._features = design, design.features
        self._tried = design.tried
        self._sizes = design.sizes(self._tried)
        self._shown = design.exemplars(self._tried)
        self._used = np.unique(self._shown[self._shown >= 0])
        """The exemplars tried."""
        self._changes = Changes(self._features, self._used)

    def all(self) -> list[Contrast]:
        """All contrasts, group by group."""
        parts = (self._systems(), self._clauses(), self._steps(), self._styles(), self._safety(), self._exemplars())
        more = (self._positions(), self._pairs(), self._styles_under_systems(), self._decoding())
        return [contrast for part in (*parts, *more) for contrast in part]

    def more_exemplars(self, many: int, few: int) -> FloatArray:
        """The difference between prompts with `many` exemplars and the same prompts with only `few` of these."""
        base = self._bases(self._sizes >= many)
        larger = self._changes.thinned(base, many)
        return self._mean(larger) - self._mean(self._changes.thinned(larger, few))

    def orders(self) -> FloatArray:
        """The difference of each of some orders of a prompt's exemplars to the mean over these orders.

        Shape (prompts times orders, columns); empty if no prompt tried has two exemplars.
        """
        base = self._bases(self._sizes > 1, _PAIR_BASES)
        rows = [self._design(self._changes.shuffled(base, draw)) for draw in range(_ORDERS)]
        if not len(base):
            return np.zeros((0, len(self._design.groups)))
        return np.vstack([each - np.mean(rows, axis=0) for each in rows])

    def _bases(self, which: npt.NDArray[np.bool_], most: int = _BASES) -> IntArray:
        found = self._tried[which]
        spread: IntArray = np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).astype(np.int64))
        return found[spread]

    def _mean(self, rows: IntArray) -> FloatArray:
        mean: FloatArray = self._design(rows).mean(axis=0)
        return mean

    def _against_average(
        self, group: Group, levels: Sequence[tuple[str, IntArray, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]
    ) -> Iterator[Contrast]:
        """Contrasts of levels with the mean over the levels, prompt by prompt.

        A level is its name, the changed prompts, which of these are possible, and which of the prompts tried have it.
        """
        if len(levels) < 2:
            return
        total, count = np.zeros(()), np.zeros(())
        means = []
        for _, rows, possible, _ in levels:
            design = self._design(rows) * possible[:, None]
            total, count = total + design, count + possible
            means.append(design.sum(axis=0) / max(possible.sum(), 1))
        average = total / np.maximum(count, 1)[:, None]
        for (name, _, possible, having), mean in zip(levels, means, strict=True):
            usable = possible & (count > 1)
            if usable.any() and having.any():
                yield Contrast(group=group, name=name, row=mean - average[possible].mean(axis=0), having=having)

    def _systems(self) -> Iterator[Contrast]:
        base = self._bases(self._sizes >= 0)
        tried = self._tried[:, 0]
        levels = [
            (
                str(self._features.space.systems[system]),
                self._changes.with_system(base, system, self._tried[tried == system]),
                np.ones(len(base), dtype=bool),
                tried == system,
            )
            for system in np.unique(tried)
        ]
        return self._against_average(Group.SYSTEM, levels)

    def _clauses(self) -> Iterator[Contrast]:
        composed = self._tried[:, 0] == self._features.composed
        base = self._bases(composed)
        for place, name in enumerate(self._features.space.clauses):
            having = composed & (self._tried[:, 1 + place] > 0)
            if having.any() and not having[composed].all():
                there, missing = base.copy(), base.copy()
                there[:, 1 + place], missing[:, 1 + place] = 1, 0
                yield Contrast(
                    group=Group.CLAUSE, name=name, row=self._mean(there) - self._mean(missing), having=having
                )

    def _decoding(self) -> Iterator[Contrast]:
        base = self._bases(self._sizes >= 0)
        start = 1 + len(self._features.space.clauses)
        for place, (name, choices) in enumerate(zip(self._features.decoding, self._features.choices, strict=True)):
            levels = []
            for number, choice in enumerate(choices):
                rows = base.copy()
                rows[:, start + place] = number
                having = self._tried[:, start + place] == number
                if having.any():
                    levels.append((f"{name} {choice}", rows, np.ones(len(base), dtype=bool), having))
            yield from self._against_average(Group.DECODING, levels)

    def _steps(self) -> Iterator[Contrast]:
        for k in range(int(self._sizes.min()) + 1, int(self._sizes.max()) + 1):
            name = "1, not none" if k == 1 else f"{k}, not {k - 1}"
            yield Contrast(group=Group.K, name=name, row=self.more_exemplars(k, k - 1), having=self._sizes == k)

    def _styles(self) -> Iterator[Contrast]:
        base = self._bases(self._sizes > 0)
        return self._against_average(
            Group.STYLE,
            [
                (self._features.styles[style], *self._changes.in_style(base, style), self._has_style(style))
                for style in np.unique(self._features.style[self._used])
            ],
        )

    def _has_style(self, style: int) -> npt.NDArray[np.bool_]:
        having: npt.NDArray[np.bool_] = ((self._shown >= 0) & (self._features.style[self._shown] == style)).any(axis=1)
        return having

    def _safety(self) -> Iterator[Contrast]:
        base = self._bases(self._sizes > 0)
        unsafe = self._changes.safety(self._shown)
        numbers = unsafe.sum(axis=1)
        if not numbers.any():
            return iter(())
        levels = [
            (
                "none" if number == 0 else str(number),
                *self._changes.with_safety(base, int(number)),
                (self._sizes > 0) & (numbers == number),
            )
            for number in range(int(numbers.max()) + 1)
        ]
        return self._against_average(Group.SAFETY, levels)

    def _exemplars(self) -> Iterator[Contrast]:
        base = self._bases(self._sizes > 0)
        return self._against_average(
            Group.EXEMPLAR,
            [
                (self._features.keys[each], *self._changes.with_exemplar(base, int(each)), self._has(int(each)))
                for each in self._used
            ],
        )

    def _has(self, exemplar: int) -> npt.NDArray[np.bool_]:
        having: npt.NDArray[np.bool_] = (self._shown == exemplar).any(axis=1)
        return having

    def _positions(self) -> Iterator[Contrast]:
        features, several = self._features, self._sizes > 1
        style, kind = features.style, self._changes.kind
        sorts = [(features.styles[s], style == s) for s in np.unique(style[self._used])]
        sorts += [(f"{features.kinds[k]} exemplar", kind == k) for k in np.unique(kind[self._used])]
        sorts = sorts if len(sorts) > 1 else []
        single = [(features.keys[e], np.arange(len(features.keys)) == e) for e in self._design.first]
        for name, of_sort in [*sorts, *single]:
            yield from self._placed(f"{name} first", of_sort, several, last=False)
        single = [(features.keys[e], np.arange(len(features.keys)) == e) for e in self._design.last]
        for name, of_sort in [*sorts, *single]:
            yield from self._placed(f"{name} last", of_sort, several, last=True)

    def _placed(
        self, name: str, of_sort: npt.NDArray[np.bool_], several: npt.NDArray[np.bool_], *, last: bool
    ) -> Iterator[Contrast]:
        there = (self._shown >= 0) & of_sort[self._shown]
        mixed = several & there.any(axis=1) & (there.sum(axis=1) < self._sizes)
        place = self._sizes - 1 if last else np.zeros_like(self._sizes)
        having = mixed & np.take_along_axis(there, np.maximum(place, 0)[:, None], axis=1)[:, 0]
        if not having.any() or having[mixed].all():
            return
        base = self._bases(mixed)
        anyhow = np.vstack([self._changes.shuffled(base, draw) for draw in range(_ORDERS)])
        placed = self._changes.moved(anyhow, of_sort, last=last)
        row = self._mean(placed) - self._mean(anyhow)
        yield Contrast(group=Group.POSITION, name=name, row=row, having=having)

    def _pairs(self) -> Iterator[Contrast]:
        base = self._bases(self._sizes > 1, _PAIR_BASES)
        for one, other in map(self._design.pair, self._design.pairs):
            both = self._changes.with_pair(base, one, other)
            if len(both):
                row = self._mean(both[:, 0]) - self._mean(both[:, 1]) - self._mean(both[:, 2]) + self._mean(both[:, 3])
                name = f"{self._features.keys[one]} + {self._features.keys[other]}"
                yield Contrast(group=Group.PAIR, name=name, row=row, having=self._has(one) & self._has(other))

    def _styles_under_systems(self) -> Iterator[Contrast]:
        features, base = self._features, self._bases(self._sizes > 0)
        systems, styles = np.unique(self._tried[:, 0]), np.unique(features.style[self._used])
        if min(systems.size, styles.size) < 2 or not len(base):
            return
        means = np.zeros((systems.size, styles.size, len(self._design.groups)))
        for (i, system), (j, style) in product(enumerate(systems), enumerate(styles)):
            rows, possible = self._changes.in_style(base, style)
            under = self._changes.with_system(rows, system, self._tried[self._tried[:, 0] == system])
            means[i, j] = self._mean(under[possible]) if possible.any() else np.nan
        rest = means - means.mean(axis=0) - means.mean(axis=1)[:, None] + means.mean(axis=(0, 1))
        for (i, system), (j, style) in product(enumerate(systems), enumerate(styles)):
            having = (self._tried[:, 0] == system) & self._has_style(style)
            if having.any() and not np.isnan(rest[i, j]).any():
                name = f"{features.styles[style]} under {features.space.systems[system]}"
                yield Contrast(group=Group.STYLE_UNDER_SYSTEM, name=name, row=rest[i, j], having=having)
