"""A search of a few milliseconds: the tiny space, a base model that echoes and a judge that counts words."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from tests import tiny_space
from tests.small_adapters import ByLength, Echo
from urial_opt.protocols import Generator, Judge
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.planning import Plan, plan
from urial_opt.search.result import SearchResult
from urial_opt.search.run import search_space
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store


def space_in(folder: Path) -> SearchSpace:
    """The tiny space, whose files are written to `folder`."""
    return load_space(tiny_space.write(folder, tiny_space.FILES))


def search_tiny(
    store: Store,
    folder: Path,
    *,
    name: str = "tiny",
    budget: int = 3,
    looks: int = 1000,
    base: Generator | None = None,
    judge: Judge | None = None,
    continue_anyway: bool = False,
    meanwhile: Callable[[], object] = lambda: None,
) -> SearchResult:
    """Run the search, which stops after `looks` blocks; `meanwhile` is called before each of them."""
    asked = count()

    def stop() -> bool:
        meanwhile()
        return next(asked) >= looks

    options = SearchOptions(budget=budget, name=name, continue_anyway=continue_anyway)
    models = Models(base=base or Echo(), judge=judge or ByLength())
    return search_space(space_in(folder), models, store, options=options, stop=stop)


def plan_tiny(store: Store, folder: Path, *, name: str) -> Plan:
    """Plan the search."""
    models = Models(base=Echo(), judge=ByLength())
    return plan(space_in(folder), models, store, options=SearchOptions(budget=3, name=name))
