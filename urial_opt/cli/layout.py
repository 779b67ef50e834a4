"""Layout: prints sentences and tables that fit the width of the terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from rich.box import SIMPLE
from rich.cells import cell_len, chop_cells
from rich.table import Table
from rich.text import Text

from urial_opt.cli.output import one_line, quoted, shown, write_line, write_table
from urial_opt.cli.output import width as terminal_width

_NAME = 30
"""Width that a name may have in a table before it is folded; larger on a wide terminal."""
_KEPT = re.compile(r"(?<=\d) (?=%|\[)|(?<=%) (?=\[)|(?<=≥) (?=\d)|(?<=\d,) (?=[+-]?[\d.]+\])|(?<=['\"]) (?=\d+/\d)")
"""The spaces in `4.91 [4.86, 4.95]`, `7.8 % [7.1, 8.6]` and `'thank' 5/5`, where lines must not break."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure for all contexts: a column or row of a table."""

    name: str
    cells: Sequence[str]
    """One for each context."""
    short: str = ""
    """The column's heading if the terminal is too narrow for `name`; it may have several lines."""
    left: bool = False
    """Whether to align the cells on the left, as words, instead of on the right."""

    def shown(self) -> Figure:
        """The figure without control characters."""
        cells = list(map(one_line, self.cells))
        return replace(self, name=shown(self.name), cells=cells, short=shown(self.short))


def print_figures(
    contexts: Sequence[str],
    figures: Sequence[Figure],
    *,
    corner: str = "",
    title: str = "",
    strong: str | None = None,
    down: bool = False,
) -> None:
    """Print a table of `figures` by `contexts`, split into as many tables as the width requires.

    Contexts are rows. With `down` they are columns, if that fits into one table. `corner` is the heading of the first
    column; the context named `strong` is bold.
    """
    width = terminal_width()
    if title:
        say(title, rest="  ", bold=True)
    contexts = list(map(one_line, contexts))
    strong = strong and one_line(strong)
    figures = [figure.shown() for figure in figures]
    if down and (table := _across(contexts, figures, corner, width)):
        write_table(table)
        return
    limit = max(_NAME, width // 3)
    layouts = [
        _Columns(contexts=contexts, corner=corner, strong=strong, limit=limit, short=short, gap=gap)
        for short, gap in ((False, 2), (True, 2), (False, 1), (True, 1))
    ]
    pieces = [(layout, layout.pieces(figures, width)) for layout in layouts]
    layout, best = min(pieces, key=lambda each: (each[0].overflow(each[1], width), len(each[1])))
    for number, piece in enumerate(best):
        if number:
            write_line()
        write_table(layout.table(piece))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """A layout of figures as columns: with full or short headings and a certain gap between columns."""

    contexts: Sequence[str]
    corner: str
    strong: str | None
    limit: int
    short: bool
    gap: int

    def pieces(self, figures: Sequence[Figure], width: int) -> list[list[Figure]]:
        """The figures of each table."""
        pieces: list[list[Figure]] = []
        for figure in figures:
            if pieces and self._width([*pieces[-1], figure]) <= width:
                pieces[-1].append(figure)
            else:
                pieces.append([figure])
        return pieces

    def overflow(self, pieces: Sequence[Sequence[Figure]], width: int) -> int:
        """How many characters the widest table is too wide."""
        return max([0, *(self._width(piece) - width for piece in pieces)])

    def _width(self, figures: Sequence[Figure]) -> int:
        columns = [[self.corner, *self._names()]]
        columns += [[*self._head(figure).split("\n"), *figure.cells] for figure in figures]
        return sum(max(map(cell_len, column)) for column in columns) + self.gap * len(figures)

    def table(self, figures: Sequence[Figure]) -> Table:
        """A table of these figures."""
        table = _light_table(self.gap)
        table.add_column(Text(self.corner), no_wrap=True)
        for figure in figures:
            justify = "left" if figure.left else "right"
            table.add_column(Text(self._head(figure)), justify=justify, no_wrap=True, vertical="bottom")  # type: ignore[arg-type]
        for row, context in enumerate(self.contexts):
            cells = [figure.cells[row] for figure in figures]
            style = "bold" if context == self.strong else None
            table.add_row(*map(Text, [folded(context, self.limit), *cells]), style=style)
        return table

    def _head(self, figure: Figure) -> str:
        return figure.short if self.short and figure.short else figure.name

    def _names(self) -> list[str]:
        return list(chain.from_iterable(folded(name, self.limit).split("\n") for name in self.contexts))


def _across(contexts: Sequence[str], figures: Sequence[Figure], corner: str, width: int) -> Table | None:
    """A table with contexts as columns and figures as rows; None if it is wider than `width`."""
    cells = [max(cell_len(figure.cells[column]) for figure in figures) for column in range(len(contexts))]
    for limits in ([max(_NAME, width // 3)] * len(cells), [max(16, each) for each in cells]):
        heads = [folded(name, limit) for name, limit in zip(contexts, limits, strict=True)]
        columns = [max(own, *map(cell_len, head.split("\n"))) for own, head in zip(cells, heads, strict=True)]
        names = max(map(cell_len, [corner, *(figure.name for figure in figures)]))
        if names + sum(2 + column for column in columns) <= width:
            table = _light_table(2)
            table.add_column(Text(corner), no_wrap=True)
            for head in heads:
                table.add_column(Text(head), justify="right", no_wrap=True)
            for figure in figures:
                table.add_row(*map(Text, [figure.name, *figure.cells]))
            return table
    return None


def print_words(rows: Sequence[tuple[str, ...]], *, heads: Sequence[str]) -> None:
    """Print a table whose last column contains sentences, which are wrapped at spaces."""
    width = terminal_width()
    rows = [tuple(map(one_line, row)) for row in rows]
    columns = list(zip(heads, *rows, strict=True))
    narrow = [max(map(cell_len, column)) for column in columns[:-1]]
    room = width - sum(narrow) - 2 * len(narrow)
    if room < 20:
        for *names, words in rows:
            say(", ".join(names), bold=True)
            say(words, first="  ")
        return
    table = _light_table(2)
    for head in heads:
        table.add_column(Text(head), no_wrap=True)
    for *names, words in rows:
        table.add_row(*map(Text, names), Text("\n".join(wrapped(words, room))))
    write_table(table)


def say(text: str = "", *, first: str = "", rest: str | None = None, bold: bool = False, err: bool = False) -> None:
    """Print sentences, wrapped at spaces. `first` precedes the first line of each paragraph, `rest` all others.

    `err` prints them on standard error.
    """
    for line in wrapped(text, terminal_width(), first=first, rest=rest):
        write_line(line, bold=bold, err=err)


def say_command(words: Sequence[str]) -> None:
    """Print a command to type."""
    for line in command_lines(words, terminal_width()):
        write_line(line)


def command_lines(words: Sequence[str], width: int) -> list[str]:
    r"""The lines of a command to type; a long one continues on the next line after a `\`, as in a shell."""
    groups: list[list[str]] = [[]]
    for word in words:
        if word.startswith("-"):
            groups.append([])
        groups[-1].append(quoted(word))
    lines = ["  "]
    for group in filter(None, map(" ".join, groups)):
        if lines[-1].strip() and cell_len(f"{lines[-1]} {group} \\") > width:
            lines.append(" " * 6)
        lines[-1] += group if lines[-1].isspace() else f" {group}"
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]


def wrapped(text: str, width: int, *, first: str = "", rest: str | None = None) -> list[str]:
    """The lines of a text, none wider than `width`, broken at spaces but never within a number or an interval.

    Control characters are replaced, since a terminal would interpret them.
    """
    rest = first if rest is None else rest
    lines = []
    for paragraph in shown(text).expandtabs(4).split("\n"):
        words = re.findall(r" *[^ ]+", _KEPT.sub("\0", paragraph))
        filled = _fill([word.replace("\0", " ") for word in words], width - max(cell_len(first), cell_len(rest)))
        lines += [f"{rest if number else first}{line}".rstrip() for number, line in enumerate(filled)]
    return lines


def folded(name: str, width: int) -> str:
    """The name in lines of at most `width` where possible, broken after slashes, hyphens, underscores and spaces."""
    return "\n".join(_fill(re.findall(r"[^/ _-]*[/ _-]|[^/ _-]+", name), width))


def _fill(pieces: Sequence[str], width: int) -> list[str]:
    lines = [""]
    for piece in pieces:
        if lines[-1].strip() and cell_len(lines[-1] + piece) > width:
            lines.append("")
            piece = piece.lstrip(" ")
        lines[-1] += piece
        if cell_len(lines[-1]) > width:
            lines[-1:] = chop_cells(lines[-1], width)
    return lines


def _light_table(gap: int) -> Table:
    """A table with a rule below the headings and no other lines, since people paste it into documents."""
    return Table(box=SIMPLE, show_edge=False, pad_edge=False, padding=(0, gap - 1, 0, 0))
