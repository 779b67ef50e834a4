"""Options that several commands share, and the one way to print JSON and to write a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

DEFAULT_STORE = "urial-opt.db"

_F = TypeVar("_F", bound=Callable[..., Any])


def store_option(function: _F) -> _F:
    """Where everything is remembered."""
    return click.option(
        "--store",
        "store_url",
        envvar="URIAL_OPT_STORE",
        default=DEFAULT_STORE,
        show_default=True,
        help="SQLite file, or database URL such as postgresql+psycopg://…",
    )(function)


def json_option(function: _F) -> _F:
    """The same as the table, for programs."""
    return click.option("as_json", "--json", is_flag=True, help="Print JSON, and nothing else, on standard output.")(
        function
    )


def print_json(content: Mapping[str, object] | list[Mapping[str, object]]) -> None:
    """Print a JSON document, readable and stable."""
    click.echo(json.dumps(content, ensure_ascii=False, indent=2))


def write_file(path: Path, text: str, *, option: str) -> None:
    """Write a file that an option named; InputError if that cannot be done."""
    from urial_opt.errors import InputError

    try:
        path.write_bytes(text.encode())
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written ({error.strerror}); give another {option}") from error
