"""Kinds: whether each row of a file is a regular or a safety query, from all the fields that may say so.

A row that says two different things is an error. A row that says nothing is regular, unless its file looks like
just-eval's, where one row in five is a safety query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeAlias, get_args

from urial_opt.aspects import QueryKind
from urial_opt.datasets.written import Source, shown

Row: TypeAlias = Mapping[str, Any]
Evidence: TypeAlias = Mapping[str, QueryKind]
"""What the fields of a row say, by the name of the field."""

KIND_FIELDS = ("kind", "category", "datasplit")
KINDS: tuple[QueryKind, ...] = get_args(QueryKind)

_SAFETY_SETS = (
    "maliciousinstruct",
    "redteam",
    "advbench",
    "harmbench",
    "jailbreakbench",
    "donotanswer",
    "strongreject",
    "justred",
)
"""What the names of sets of safety queries contain, in letters alone."""
_JUST_EVAL = "just_eval"
"""The `datasplit` that just-eval's files give to all their rows, of either kind."""
_JUST_EVAL_REGULAR = {"lima", "selfinstruct", "helpful_base", "oasst", "mt", "koala", "vicuna"}
_JUST_EVAL_ROWS = range(1000)
_JUST_EVAL_SAFETY = range(800, 1000)
_OMINOUS = ("safety", "unsafe", "harm", "jailbreak", "malicious", "redteam")


def read_kinds(
    rows: Sequence[tuple[Source, Row]], also: Callable[[Row], Evidence] = lambda _: {}
) -> list[QueryKind | None]:
    """The kind of each row; None where nothing tells it.

    `also` gives further evidence from a row. SpaceError if the fields of a row contradict each other, or if the file
    looks like just-eval's and does not tell the kind of a row.
    """
    numbers = [_number(row) for _, row in rows]
    numbered = set(numbers) in ({*_JUST_EVAL_ROWS}, {*_JUST_EVAL_SAFETY})
    sets = {str(row.get("dataset")) for _, row in rows}
    whole = numbered and bool(sets & _JUST_EVAL_REGULAR or any(map(_is_safety_set, sets)))
    kinds = []
    for (source, row), number in zip(rows, numbers, strict=True):
        ours = whole or row.get("datasplit") == _JUST_EVAL
        found = {**also(row), **_evidence(source, row, number if ours else None, ours=ours)}
        if not found and (ours or numbered):
            raise source.error(
                "kind",
                "is not told, and the file looks like just-eval's, where one row in five is a safety query; write a "
                "field kind, regular or safety, into each row",
            )
        kinds.append(_agreed(source, found))
    return kinds


def _agreed(source: Source, found: Evidence) -> QueryKind | None:
    if len(set(found.values())) > 1:
        first = next(iter(found))
        other = next(name for name in found if found[name] != found[first])
        says = f"says {found[other]}, and {first!r} says {found[first]}; correct one of them"
        raise source.error(other, says)
    return next(iter(found.values()), None)


def _evidence(source: Source, row: Row, number: int | None, *, ours: bool) -> Evidence:
    """What the fields say; `number` is the row's number in just-eval, and `ours` whether the row is of just-eval."""
    found: dict[str, QueryKind] = {}
    for name in KIND_FIELDS:
        if (kind := _named(row.get(name))) is not None:
            found[name] = kind
        elif name == "kind" and row.get(name) is not None:
            raise source.error(name, f"should be 'regular' or 'safety', not {shown(row[name])}")
    dataset = row.get("dataset")
    if isinstance(dataset, str) and _is_safety_set(dataset):
        found["dataset"] = "safety"
    elif ours and isinstance(dataset, str) and dataset in _JUST_EVAL_REGULAR:
        found["dataset"] = "regular"
    if number in _JUST_EVAL_ROWS:
        found["id"] = "safety" if number in _JUST_EVAL_SAFETY else "regular"
    for name in ("category", "datasplit"):
        for word in _words(row.get(name)):
            if not found and _seems_a_kind(word):
                raise source.error(
                    name, f"{shown(word)} may say that the query is harmful; add kind, regular or safety"
                )
    return found


def _named(value: object) -> QueryKind | None:
    word = value.strip().casefold() if isinstance(value, str) else None
    return next((kind for kind in KINDS if kind == word), "safety" if word == "just_red" else None)


def _words(value: object) -> Iterable[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def is_kind(value: object) -> bool:
    """Whether a `category` is a kind; otherwise it is a task."""
    return _named(value) is not None


def _seems_a_kind(word: str) -> bool:
    letters = _letters(word)
    return any(each in letters for each in _OMINOUS) or bool(get_close_matches(letters, KINDS, n=1, cutoff=0.83))


def _is_safety_set(name: str) -> bool:
    letters = _letters(name)
    return any(each in letters for each in _SAFETY_SETS)


def _letters(word: str) -> str:
    return "".join(filter(str.isalnum, word.casefold()[:200]))


def _number(row: Row) -> int | None:
    id_ = row.get("id")
    number = int(id_) if isinstance(id_, str) and id_.isascii() and id_.isdecimal() and len(id_) < 10 else id_
    return number if type(number) is int else None
