"""Tables: the rows of a CSV or Parquet file, each with its place in the file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Iterator
from importlib import import_module
from io import StringIO
from pathlib import Path

from urial_opt.datasets.written import Source, read_text
from urial_opt.errors import InputError
from urial_opt.secrets import redacted


def read_csv(
    path: Path,
    *,
    columns: Callable[[Source, list[str]], list[str]] = lambda _, names: names,
    may_be_blank: Collection[str] = (),
) -> Iterator[tuple[Source, dict[str, str]]]:
    """The rows under the header, without the cells that are blank, except in the columns `may_be_blank`.

    `columns` may change the names in the header or refuse them. SpaceError if a row has more or fewer cells.
    """
    reader = csv.DictReader(StringIO(read_text(path)), strict=True)
    try:
        reader.fieldnames = columns(Source(path=path), list(reader.fieldnames or ()))
        for cells in reader:
            within = sum(cell.count("\n") for cell in cells.values() if isinstance(cell, str))
            source = Source(path=path, lines={(): reader.line_num - within})
            if None in cells or None in cells.values():
                more = "more" if None in cells else "fewer"
                raise source.error("", f"the row has {more} cells than the header; put cells with commas in quotes")
            yield source, {name: cell for name, cell in cells.items() if cell.strip() or name in may_be_blank}
    except csv.Error as error:
        source = Source(path=path, lines={(): reader.reader.line_num})
        raise source.error("", f"this is not CSV: {error}; correct the quotes") from error


def read_parquet(path: Path) -> list[tuple[Source, object]]:
    """The rows. InputError if the file is not Parquet, or the package that reads it is missing."""
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        needs = "needs the package 'pyarrow', which is not installed"
        raise InputError(f"{str(path)!r} {needs}; type: pip install pyarrow, or give a .jsonl file") from error
    try:
        rows = parquet.read_table(path).to_pylist()
    except (OSError, ValueError) as error:
        says = redacted(" ".join(str(error).split()))[:160]
        raise InputError(f"{str(path)!r} cannot be read as Parquet ({says}); give another file") from error
    return numbered(path, rows)


def numbered(path: Path, rows: Iterable[object]) -> list[tuple[Source, object]]:
    """Rows of a file without lines; their errors name the row number instead."""
    return [(Source(path=path, lines={(): number}), row) for number, row in enumerate(rows, start=1)]
