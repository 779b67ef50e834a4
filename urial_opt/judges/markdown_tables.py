"""Markdown tables in a judge's reply: one row for each name, or one column for each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from urial_opt.judges.forms import Claim, Form, bare

T = TypeVar("T")
NAMING = frozenset({"aspect", "attribute", "category", "criteria", "criterion", "dimension", "metric", "name", "tag"})
"""Words over a column of names, and keys before a name in JSON."""
_RULE = re.compile(r":?-+:?")
_NUMBER = re.compile(r"^\d+[.)]\s*")
_CELL_END = re.compile(r"(?<!\\)\|")
_REASONS = ("comment", "explanation", "justification", "rationale", "reason", "reasoning")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """The cells of a table, each row with its line."""

    header: list[str]
    rows: list[tuple[list[str], str]]


def claims_in_tables(text: str, form: Form[T], wanted: Sequence[str]) -> tuple[list[Claim] | None, str]:
    """The claims in the tables of a reply, and the text outside them.

    None if no table has a place for verdicts. No claims if a table has two such places, or a name that was not wanted.
    """
    tables, outside = _parted(text)
    read = [_read(table, form, wanted) for table in tables]
    if [None] * len(read) == read:
        return None, text
    if any(claims == [] for claims in read):
        return [], outside
    return [claim for claims in read for claim in claims or ()], outside


def _read(table: _Table, form: Form[T], wanted: Sequence[str]) -> list[Claim] | None:
    """The claims of a table, empty if they are ambiguous; None if it has no place for verdicts."""
    heads = [_name(cell) for cell in table.header]
    values = [place for place, head in enumerate(heads) if re.match(rf"{form.key}s?\b", head)]
    reasons = [place for place, head in enumerate(heads) if head in _REASONS]
    claims: list[Claim] = []
    if {*heads} & {*form.names}:
        # a column for each name
        labels = [place for place, head in enumerate(heads) if head not in form.names]
        scored = [(cells, line) for cells, line in table.rows if not _of_reasons(cells, labels)]
        if len(scored) != 1 or len(labels) > 1:
            return []
        ((cells, line),) = scored
        claims = [
            Claim(name=head, words=bare(cell), reason="", source=line)
            for head, cell in zip(heads, cells, strict=False)
            if head in form.names
        ]
    elif values:
        if len(values) > 1:
            return []
        for cells, line in table.rows:
            name = next((_name(cell) for cell in cells if _name(cell) in form.names), None)
            if name is None or len(cells) <= values[0]:
                continue
            reason = " ".join(cells[place].strip() for place in reasons if place < len(cells))
            claims.append(Claim(name=name, words=bare(cells[values[0]]), reason=reason, source=line))
    names = [claim.name for claim in claims]
    if not claims:
        return None
    return claims if len({*names}) == len(names) and {*names} <= {*wanted} else []


def _of_reasons(cells: Sequence[str], labels: Sequence[int]) -> bool:
    return any(_name(cells[place]) in _REASONS for place in labels if place < len(cells))


def _name(cell: str) -> str:
    return bare(_NUMBER.sub("", bare(cell))).rstrip(":").lower()


def _parted(text: str) -> tuple[list[_Table], str]:
    """The tables of a text, and its other lines. The last row of a table counts only if its line has ended."""
    lines = text.splitlines(keepends=True)
    tables: list[_Table] = []
    outside: list[str] = []
    rows = iter(range(len(lines)))
    for row in rows:
        below = lines[row + 1].strip("\r\n") if row + 1 < len(lines) else ""
        if "|" not in lines[row] or "|" not in below or not all(map(_RULE.fullmatch, _cells(below))):
            outside.append(lines[row])
            continue
        body = list(_body(lines[row + 2 :]))
        ended = [line for line in body if line.endswith("\n")]
        tables.append(_Table(header=_cells(lines[row]), rows=[(_cells(line), line) for line in ended]))
        for _ in range(len(body) + 1):
            next(rows)
    return tables, "".join(outside)


def _body(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if "|" not in line:
            return
        yield line


def _cells(line: str) -> list[str]:
    inside = line.strip().removeprefix("|")
    inside = inside[:-1] if inside.endswith("|") and not inside.endswith("\\|") else inside
    return [cell.strip() for cell in _CELL_END.split(inside)]
