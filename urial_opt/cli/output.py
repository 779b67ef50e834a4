"""Output: the one place that writes to the terminal, where nothing that others wrote acts as a control sequence."""

from __future__ import annotations

import json
import logging
import re
import shlex
import sys
import traceback
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import click

from urial_opt.content import mended
from urial_opt.secrets import redacted, without_known

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys (C0, DEL, C1) or what reorders a line (bidi overrides and isolates), and halves of characters,
which no terminal can show. Tabs and newlines stay: the layout replaces them."""
_UNTYPED = re.compile(rf"{_CONTROL.pattern}|[\t\n]")


def shown(text: str) -> str:
    """The text as it is safe to show: without known secrets; control characters and halves of characters become `�`.

    Names, queries, answers, reasons and errors of servers come from strangers. Raw, an answer could set the terminal's
    title, clear the screen or write to the clipboard.
    """
    return _CONTROL.sub("�", without_known(text).replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """As `shown`, in one line."""
    return " ".join(shown(text).split())


def quoted(word: str) -> str:
    """A word as a shell reads it; one with control characters in the form `$'…'`, which can be copied and typed."""
    if not _UNTYPED.search(word):
        return shlex.quote(word)
    escaped = re.sub(r"[\\']", r"\\\g<0>", word)
    return f"$'{_UNTYPED.sub(_escape, escaped)}'"


def write_line(text: str = "", *, bold: bool = False, err: bool = False) -> None:
    """Write a line that is laid out already; `err` writes it on standard error."""
    click.secho(shown(text), bold=bold, err=err)


def write_exactly(text: str) -> None:
    """Write a text for other programs: exactly as it is, except on a terminal."""
    text = without_known(text)
    click.echo(shown(text) if sys.stdout.isatty() else mended(text), nl=False)


def write_json(content: Mapping[str, object] | Sequence[Mapping[str, object]]) -> None:
    """Write a JSON document, readable and stable; a control character is written as its escape `\\u….`"""
    text = mended(without_known(json.dumps(content, ensure_ascii=False, indent=2)))
    click.echo(_CONTROL.sub(_escape, text))


def write_table(table: Table) -> None:
    """Write without the trailing spaces of the last column, since people paste tables into documents."""
    from rich.console import Console

    console = Console(highlight=False)
    with console.capture() as captured:
        console.print(table)
    click.echo(re.sub(r" +$", "", captured.get(), flags=re.MULTILINE), nl=False)


def width() -> int:
    """Columns of the terminal."""
    from rich.console import Console

    return Console().width


def progress_console() -> Console:
    """The console of a live display: standard error, where square brackets are no markup."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def write_above(console: Console, line: str) -> None:
    """Write a line above the live display of a console."""
    from rich.text import Text

    console.print(Text(shown(line)), soft_wrap=True)


def write_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Write the traceback of an error that nobody expected; an excepthook."""
    for line in redacted("".join(traceback.format_exception(kind, error, trace))).splitlines():
        write_line(line, err=True)


class LogLines(logging.Handler):
    """Writes each warning of a log as one line on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        write_line(one_line(redacted(self.format(record))), err=True)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


class HarmlessContext(click.Context):
    """A context whose help shows defaults that come from a file or the environment as `shown` does."""

    def get_help(self) -> str:
        return shown(redacted(super().get_help()))
