"""Given: a store as a caller of the library names it, or hands it over opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeAlias

from urial_opt.memory import NoMemory
from urial_opt.store.database import Store

File: TypeAlias = str | os.PathLike[str]


@contextmanager
def opened_store(store: File | Store, *, create: bool = True) -> Iterator[Store]:
    """The store; one that is opened here is closed here."""
    if isinstance(store, Store):
        yield store
    else:
        with Store.open(os.fspath(store), create=create) as opened:
            yield opened


@contextmanager
def memory_of(store: File | Store | None) -> Iterator[Store | NoMemory]:
    """The store as a memory; none if none is given."""
    with nullcontext(NoMemory()) if store is None else opened_store(store) as opened:
        yield opened
