"""Tables: the rows of a CSV or Parquet file, each with its place in the file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from importlib import import_module
from io import StringIO
from pathlib import Path

from urial_opt.datasets.file_text import read_text
from urial_opt.datasets.written import Source
from urial_opt.errors import InputError
from urial_opt.secrets import redacted

_LONGEST_CELL = 2**31 - 1
_DELIMITERS = ",;\t"


def read_csv(
    path: Path,
    *,
    columns: Callable[[Source, list[str]], list[str]] = lambda _, names: names,
    may_be_blank: Collection[str] = (),
) -> Iterator[tuple[Source, dict[str, str]]]:
    """The rows under the header, without the cells that are blank, except in the columns `may_be_blank`.

    Cells are separated by commas, semicolons or tabs, whichever the header has most of. `columns` may change the names
    in the header or refuse them. SpaceError if a row has more or fewer cells, or if two columns have one name.
    """
    text = read_text(path)
    header = text[: text.find("\n")] if "\n" in text else text
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.DictReader(StringIO(text), strict=True, delimiter=delimiter)
    csv.field_size_limit(_LONGEST_CELL)  # for the process; Python's own limit is 131,072 characters
    try:
        names = list(reader.fieldnames or ())
        if twice := [name for name, count in Counter(names).items() if count > 1 and name.strip()]:
            raise Source(path=path).error(twice[0], "names two columns; rename one of them")
        reader.fieldnames = columns(Source(path=path), names)
        for cells in reader:
            within = sum(cell.count("\n") for cell in cells.values() if isinstance(cell, str))
            source = Source(path=path, lines={(): reader.line_num - within})
            if None in cells or None in cells.values():
                more = "more" if None in cells else "fewer"
                raise source.error(
                    "", f"the row has {more} cells than the header; put cells with {delimiter!r} in quotes"
                )
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
    except Exception as error:  # a damaged file raises what it likes, such as MemoryError or NotImplementedError
        says = redacted(" ".join(str(error).split()))[:160]
        raise InputError(f"{str(path)!r} cannot be read as Parquet ({says}); give another file") from error
    return numbered(path, rows)


def numbered(path: Path, rows: Iterable[object]) -> list[tuple[Source, object]]:
    """Rows of a file without lines; their errors name the row number instead."""
    return [(Source(path=path, lines={(): number}), row) for number, row in enumerate(rows, start=1)]
