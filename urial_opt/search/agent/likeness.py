"""Likeness: whether a short text says again what another one says, by their rarest words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_WORD = re.compile(r"\w+")
_POSSESSIVE = re.compile(r"['’]s?\b")
_STEM = 6
"""Longer words count by their first letters, so that `neighbour` and `neighbours` are one word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Compares texts with a collection, in which frequent words count little.

    The likeness of a text to one of the collection is the share of that one's words that it has, each weighted by its
    inverse document frequency in the collection: 1 if it has them all, in any order and whatever it adds.
    In a collection that asks one question about many things, the thing asked about therefore decides.
    """

    texts: tuple[frozenset[str], ...]
    """The distinct words of each text of the collection."""
    counts: Counter[str]
    """In how many texts each word occurs."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Likeness:
        """A collection of texts."""
        words = tuple(map(_words, texts))
        return cls(texts=words, counts=Counter(word for each in words for word in each))

    def nearest(self, text: str) -> float:
        """The likeness of `text` to the nearest text of the collection, 0 to 1; 0 if the collection is empty."""
        own = _words(text)
        return max((self._likeness(own, other) for other in self.texts), default=0.0)

    def _likeness(self, own: frozenset[str], other: frozenset[str]) -> float:
        whole = self._weight(other)
        return self._weight(own & other) / whole if whole else 0.0

    def _weight(self, words: frozenset[str]) -> float:
        return sum(math.log((2 + len(self.texts)) / (1 + self.counts[word])) for word in words)


def _words(text: str) -> frozenset[str]:
    """The stems of the distinct words; a plural is its singular."""
    words = _WORD.findall(_POSSESSIVE.sub(" ", text.casefold()))
    return frozenset(word[:_STEM] if len(word) > _STEM else word.rstrip("s") or word for word in words)
