"""Earlier: what a finished search has learnt, read from the store as the prior of another one."""

from __future__ import annotations

from collections.abc import Sequence

from urial_opt.errors import InputError
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.records import TrialRecord, TrialState
from urial_opt.search.effects.stored_trials import read_trials
from urial_opt.search.prior import Prior
from urial_opt.search.standing import estimates_of
from urial_opt.search.thompson import Scored, Thompson, fitted_on
from urial_opt.store import SearchRecord, Store


def learn_prior(store: Store, name: str) -> Prior:
    """What the search `name` has learnt: the mean effect of each part of a prompt, and its best prompts.

    UnknownNameError if there is no such search; InputError if it has no result, or did not store its space.
    """
    search = store.search(name)
    if search.summary is None:
        raise InputError(f"the search {name!r} has no result yet and is no prior; resume it, or give another `prior`")
    trials = read_trials(store, search)
    if trials is None:
        raise InputError(f"the search {name!r} did not store its space and is no prior; give another `prior`")
    strata = strata_of(trials.space.queries.split("dev"), trials.space.objective)
    records, rows = trials.records, list(trials.tried[trials.which])

    def scored(some: Sequence[TrialRecord]) -> Scored:
        return Scored.of(rows[: len(some)], [*estimates_of(some, strata).values()])

    known, early = scored(records), scored(records[: fitted_on(len(records))])
    complete = [place for place, record in enumerate(records) if record.state is TrialState.COMPLETE]
    best = sorted(complete, key=lambda place: -known.means[place])
    return Prior.learnt(
        name,
        trials.features,
        Thompson(trials.features).model(known, early).mean(),
        [records[place].candidate.params for place in best],
    )


def prior_of(search: SearchRecord) -> Prior | None:
    """The prior with which a search was begun, as it was then; None if it has none."""
    stored = (search.models or {}).get("prior")
    return None if stored is None else Prior.read(stored)
