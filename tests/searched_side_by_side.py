"""A search over the server with random delays, with several trials at once: how its trials ended, and what it told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.delayed_server import DelayedModels, racing_space
from urial_opt.roles import Models
from urial_opt.search.opening import Interrupted, SearchOptions
from urial_opt.search.run import search_space
from urial_opt.spaces.variants import load_space
from urial_opt.store import Store

MAY_DIFFER = ("seconds", "database", "tokens")
"""Keys of a result that differ between a search and one that was interrupted: what it found stored counts as saved."""
_COLUMNS = ("number", "ended", "state", "looks", "knew", "tick", "observed", "estimate", "params")
_TRIALS = f"""
    SELECT {", ".join(_COLUMNS)} FROM urial_trials
    JOIN urial_evaluations ON urial_evaluations.id = urial_trials.evaluation_id ORDER BY ended
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is left of a search."""

    trials: Sequence[Mapping[str, Any]]
    """In the order in which they ended, with what was known at each decision."""
    result: Mapping[str, Any]
    looks: int
    """How often it was asked whether it should stop, in its last run."""
    leases: int
    """How many leases it left."""


def ended(store: Store, result: Mapping[str, Any], *, looks: int = 0) -> Ended:
    """What is left of the only search in a store."""
    engine = sa.create_engine(store.url)
    with engine.connect() as connection:
        trials = [dict(row._mapping) for row in connection.execute(sa.text(_TRIALS))]
        leases = connection.execute(sa.text("SELECT count(*) FROM urial_leases WHERE work = 'trial'")).scalar_one()
    engine.dispose()
    kept = {key: each for key, each in result.items() if key not in MAY_DIFFER}
    return Ended(trials=trials, result=kept, looks=looks, leases=leases)


def search(
    folder: Path,
    server: DelayedModels,
    *,
    stops: Sequence[int] = (),
    objective: Sequence[str] = (),
    models: Callable[[], Models] | None = None,
    **options: Any,
) -> Ended:
    """Search to the end; `stops` are numbers of looks after which a run is interrupted, one run after another."""
    space = load_space(racing_space(folder), objective=objective or None)
    wanted = SearchOptions(**{"budget": 6, "name": "it", **options})
    with Store.open(str(folder / "it.db")) as store:
        for at in (*stops, float("inf")):
            asked = count()
            stop = partial(_is_over, asked, at)
            try:
                result = search_space(space, (models or server.models)(), store, options=wanted, stop=stop)
            except Interrupted:
                assert at < float("inf")
            else:
                return ended(store, result.as_json(), looks=next(asked))
    raise AssertionError("the last run is not interrupted")


def leases_held(folder: Path) -> int:
    """How many leases of the search belong to a process."""
    engine = sa.create_engine(f"sqlite:///{folder / 'it.db'}")
    with engine.connect() as connection:
        held = connection.execute(sa.text("SELECT count(*) FROM urial_leases WHERE owner IS NOT NULL")).scalar_one()
    engine.dispose()
    return int(held)


def _is_over(asked: Iterator[int], at: float) -> bool:
    return next(asked) >= at
