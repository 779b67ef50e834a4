"""Which search and which trial a command speaks of, when the user left it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urial_opt.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from urial_opt.records import TrialRecord
    from urial_opt.store import SearchRecord, Store


def chosen_search(store: Store, name: str | None) -> SearchRecord:
    """The search of that name, or the newest."""
    if name is not None:
        return store.search(name)
    searches = store.searches()
    if not searches:
        raise InputError("no search is in this store; start one with: urial-opt search --budget 200")
    return store.search(searches[-1].name)


def chosen_trial(store: Store, search: SearchRecord, number: int | None) -> TrialRecord:
    """The trial of that number; or the one found, or, while the search runs, the one believed best."""
    if number is None:
        number = found_trial(store, search)
    trials = {record.number: record for record in store.trials(search.name)}
    if number not in trials:
        raise UnknownNameError(
            f"the search {search.name!r} has no trial {number}; take one from 0 to {len(trials) - 1}"
            if trials
            else f"the search {search.name!r} has no trial yet; go on with it by its search command"
        )
    return trials[number]


def found_trial(store: Store, search: SearchRecord) -> int:
    """Number of the trial that a finished search found, or that a running one believes best."""
    if search.summary is not None:
        return int(str(search.summary["found_trial"]))
    best = store.best(search.name, 1)
    if not best:
        raise InputError(f"the search {search.name!r} has no scored trial yet; go on with it by its search command")
    return best[0].trial.number
