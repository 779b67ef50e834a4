"""JSON rows: the objects of a JSON Lines file, a JSON list or an object around one, each with its place in the file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from urial_opt.content import mended_json
from urial_opt.datasets.file_text import noted, read_text
from urial_opt.datasets.row_text import TEXTS
from urial_opt.datasets.written import Source, WrittenT
from urial_opt.errors import SpaceError

_OF_ONE_ROW = (*TEXTS, "input", "messages", "conversations", "conversation", "instances", "turns")
"""Fields of a row; an object with one of them is no object around a list of rows."""
_BLANKS = " \t\r\n,"


def read_rows(path: Path, form: type[WrittenT]) -> list[tuple[Source, WrittenT]]:
    """The rows of a JSON Lines file, each with its place; blank lines are skipped. SpaceError if one is wrong."""
    return [(source, source.read(data, form)) for source, data in _read_lines(path, _read(path))]


def read_objects(path: Path) -> list[tuple[Source, object]]:
    """The objects of a JSON Lines file, a JSON list or a list in an object. SpaceError if the JSON is wrong.

    Without a list, an object may also take several lines.
    """
    text = _read(path)
    start = len(text) - len(text.lstrip())
    if text[start] == "[":
        return _read_list(path, text, start + 1)
    try:
        rows = _read_lines(path, text)
    except SpaceError:
        first, _, more = text[start:].partition("\n")
        spread = first.strip() == "{" and bool(more.strip())
        try:
            rows = _read_items(path, text, start)
        except SpaceError:
            if spread:
                raise
            rows = []
        if not rows:
            raise
    return _unwrapped(path, text, rows)


def _read(path: Path) -> str:
    text = read_text(path)
    return noted(path, text, mended_json(text))


def named_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The object of these fields; ValueError if one stands in it twice."""
    named = dict(pairs)
    if len(named) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the field {twice!r} stands twice in it")
    return named


_DECODER = json.JSONDecoder(object_pairs_hook=named_once)


def _read_lines(path: Path, text: str) -> list[tuple[Source, object]]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        source = Source(path=path, lines={(): number})
        try:
            rows.append((source, _DECODER.decode(line)))
        except (ValueError, RecursionError) as error:
            raise source.error("", f"this line is no JSON object: {error}; write one object on one line") from error
    return rows


def _read_list(path: Path, text: str, start: int) -> list[tuple[Source, object]]:
    """The items of a list, from after its bracket."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        source = Source(path=path, lines={(): error.lineno})
        raise source.error("", f"this is no JSON list: {error.msg}; write [{{…}}, {{…}}]") from error
    except (ValueError, RecursionError) as error:
        raise Source(path=path).error("", f"this item is no JSON object: {error}; write {{…}}") from error
    return _read_items(path, text, start)


def _read_items(path: Path, text: str, end: int) -> list[tuple[Source, object]]:
    """The items from a place in the text up to a closing bracket or the end."""
    items: list[tuple[Source, object]] = []
    line = 1 + text.count("\n", 0, end)
    while (start := _skip(text, end)) < len(text) and text[start] != "]":
        line += text.count("\n", end, start)
        source = Source(path=path, lines={(): line})
        try:
            item, end = _DECODER.raw_decode(text, start)
        except json.JSONDecodeError as error:
            source = Source(path=path, lines={(): error.lineno})
            raise source.error("", f"this is no JSON: {error.msg}; write [{{…}}, {{…}}]") from error
        except (ValueError, RecursionError) as error:
            raise source.error("", f"this item is no JSON object: {error}; write {{…}}") from error
        line += text.count("\n", start, end)
        items.append((source, item))
    return items


def _skip(text: str, start: int) -> int:
    while start < len(text) and text[start] in _BLANKS:
        start += 1
    return start


def _unwrapped(path: Path, text: str, rows: list[tuple[Source, object]]) -> list[tuple[Source, object]]:
    """The rows of the list in a single object that is no row itself; other rows unchanged."""
    match rows:
        case [(source, Mapping() as whole)] if not any(name in whole for name in _OF_ONE_ROW):
            lists = [name for name, value in whole.items() if _holds_rows(value)]
            if len(lists) > 1:
                names = " and ".join(map(repr, lists))
                raise source.error("", f"holds several lists ({names}); write one of them into a file of its own")
            return _read_items(path, text, _start_of(lists[0], text)) if lists else rows
    return rows


def _holds_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _start_of(name: str, text: str) -> int:
    """Where the items of the list in the field `name` start, in the text of an object that parses."""
    found, at = None, text.index("{") + 1
    while found != name:
        found, at = _DECODER.raw_decode(text, _skip(text, at))
        at = _skip(text, text.index(":", at) + 1)
        if found != name:
            _, at = _DECODER.raw_decode(text, at)
    return at + 1
