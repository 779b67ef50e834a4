"""A store that is removed, moved or replaced while a search writes to it: the search notices, and stops in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tiny_search import search_tiny
from urial_opt.errors import StoreError
from urial_opt.store import Store


def remove(path: Path) -> None:
    path.unlink()


def move(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def replace(path: Path) -> None:
    path.unlink()
    Store.open(str(path)).close()


@pytest.mark.parametrize("harm", [remove, move, replace])
@pytest.mark.parametrize("when", [1, 4, 9])
def test_a_search_stops_when_its_store_is_gone(harm: Callable[[Path], None], when: int, tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    looks: list[None] = []

    def meanwhile() -> None:
        looks.append(None)
        if len(looks) == when:
            harm(path)

    with Store.open(str(path)) as store, pytest.raises(StoreError) as stopped:
        search_tiny(store, tmp_path, meanwhile=meanwhile)
    what = "was replaced by another file" if harm is replace else "was removed or moved"
    assert str(stopped.value).startswith(f"the store '{path}' {what} while it was in use")
    assert "\n" not in str(stopped.value)
    assert path.exists() is (harm is replace)


def test_nobody_is_told_that_results_are_in_a_store_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    looks: list[None] = []

    def meanwhile() -> None:
        looks.append(None)
        if len(looks) == 5:
            path.unlink()

    with Store.open(str(path)) as store:
        with pytest.raises(StoreError, match="removed or moved"):
            search_tiny(store, tmp_path, looks=4, meanwhile=meanwhile)
        with pytest.raises(StoreError, match="removed or moved"):
            store.searches()
