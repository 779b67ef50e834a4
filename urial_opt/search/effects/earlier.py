"""Earlier: the best prompts of a finished search, read from the store as the prior of another one."""

from __future__ import annotations

from urial_opt.errors import InputError
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.records import TrialState
from urial_opt.search.prior import MOST, Prior
from urial_opt.search.standing import estimates_of
from urial_opt.spaces.space_json import read_space_text
from urial_opt.store import SearchRecord, Store


def learn_prior(store: Store, name: str) -> Prior:
    """The best prompts of the search `name`, by what is estimated of those that were asked everything.

    UnknownNameError if there is no such search; InputError if it has no result, or did not store its space.
    """
    search = store.search(name)
    if search.summary is None:
        raise InputError(f"the search {name!r} has no result yet and is no prior; resume it, or give another `prior`")
    text = store.stored_space(name)
    if text is None:
        raise InputError(f"the search {name!r} did not store its space and is no prior; give another `prior`")
    space = read_space_text(text)
    records = [record for record in store.trials(name) if record.state is not TrialState.FAILED]
    estimates = estimates_of(records, strata_of(space.queries.split("dev"), space.objective))
    complete = [record for record in records if record.state is TrialState.COMPLETE]
    best = sorted(complete, key=lambda record: -estimates[record.optuna_number].mean)
    return Prior(search=name, best=[dict(record.candidate.params) for record in best[:MOST]])


def prior_of(search: SearchRecord) -> Prior | None:
    """The prior with which a search was begun, as it was then; None if it has none."""
    stored = (search.models or {}).get("prior")
    return None if stored is None else Prior.read(stored)
