"""Choosing: the search, trial, space, queries and models of a command, with defaults for what the user left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from urial_opt.cli.layout import say
from urial_opt.cli.output import write_line
from urial_opt.cli.suggestions import suggestion
from urial_opt.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from urial_opt.records import Candidate, Query, Split, TrialRecord
    from urial_opt.spaces.contexts import Context
    from urial_opt.spaces.space import SearchSpace
    from urial_opt.store import SearchRecord, Store


def chosen_search(store: Store, name: str | None) -> SearchRecord:
    """The search of that name; by default the newest that has a result, else the newest that has trials.

    It says which one it took if that is not the newest of all.
    """
    if name is not None:
        return store.search(name)
    searches, taken = store.searches(), store.newest_search()
    if taken is None:
        if searches:
            newest = searches[-1]
            raise InputError(f"no search in this store has a trial yet; {newest.name!r} is {newest.status}")
        start = suggestion("search", "--budget", "200")
        raise InputError(f"no search is in the store {store.name!r}; start one with: {start}")
    if not taken.has_result:
        say(f"No search has a result yet; this is {taken.name!r}, which is {taken.status}.", err=True)
    elif taken.name != searches[-1].name:
        say(f"This is {taken.name!r}, the newest search that has a result.", err=True)
    return store.search(taken.name)


def chosen_trial(store: Store, search: SearchRecord, number: int | None) -> TrialRecord:
    """The trial of that number; by default the one that the search found, or the best one of an unfinished search."""
    if number is None:
        number = found_trial(store, search)
    trials = {record.number: record for record in store.trials(search.name)}
    if number not in trials:
        raise UnknownNameError(
            f"the search {search.name!r} has no trial {number}; take one from 0 to {len(trials) - 1}"
            if trials
            else f"the search {search.name!r} has no trial yet; type: {suggestion('resume', search.name)}"
        )
    return trials[number]


def found_trial(store: Store, search: SearchRecord) -> int:
    """Number of the trial that a finished search found, or of the best trial of an unfinished one."""
    if search.summary is not None:
        return int(str(search.summary["found_trial"]))
    best = store.best(search.name, 1)
    if not best:
        then = suggestion("resume", search.name)
        raise InputError(f"the search {search.name!r} has no scored trial yet; type: {then}")
    return best[0].trial.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """The name and space of a search, and the chosen candidate."""

    name: str
    space: str
    trial: int
    candidate: Candidate

    @property
    def context(self) -> Context:
        """The candidate, decoded as in its trial."""
        from urial_opt.spaces.contexts import Context

        return Context(candidate=self.candidate, decoding_from=f"of trial {self.trial} of {self.name!r}")


def searched_candidate(store_url: str, name: str | None, trial: int | None) -> Searched:
    """The candidate that a search found, or that of another of its trials."""
    from urial_opt.store import Store

    with Store.open(store_url, create=False) as store:
        search = chosen_search(store, name)
        record = chosen_trial(store, search, trial)
    space = str(search.settings["space"])
    return Searched(name=search.name, space=space, trial=record.number, candidate=record.candidate)


def chosen_context(
    store_url: str, search_name: str | None, trial: int | None, space_name: str | None, *, base: str | None = None
) -> tuple[Searched | None, SearchSpace]:
    """The candidate of a search, if one is named or a trial of the newest, and the space that provides defaults."""
    searched = None if (search_name, trial) == (None, None) else searched_candidate(store_url, search_name, trial)
    return searched, chosen_space(space_name, searched, base=base)


def named_context(name: str, space: SearchSpace) -> Context:
    """A yardstick of the space by its name, such as `plain-icl`; else the prompt in the file of that name.

    What could not be read in the file is said on standard error.
    """
    from urial_opt.spaces.contexts import context_of

    context = context_of(name, space)
    for note in context.candidate.prompt.notes:
        write_line(note, err=True)
    return context


def default_space(base: str | None) -> str:
    """Name of the space for a base model. UnknownNameError if no plugin opens that model."""
    from urial_opt import plugins
    from urial_opt.spaces.space_file import space_for

    known = plugins.names("generator")
    if base is not None and (called := base.partition(":")[0]) not in known:
        raise UnknownNameError.of("generator", called, known)
    return space_for(base)


def chosen_space(name: str | None, searched: Searched | None, *, base: str | None = None) -> SearchSpace:
    """The space of that name, or else the space of the search, or else the one for that base model."""
    from urial_opt.spaces.space_file import load_space

    if name is not None or searched is None:
        return load_space(name or default_space(base))
    try:
        return load_space(searched.space)
    except UnknownNameError as error:
        raise InputError(
            f"the search {searched.name!r} was run on the space {searched.space!r}, which is not part of this "
            "package; add its file: --space FILE.yaml"
        ) from error


def chosen_queries(source: str | None, split: str | None, space: SearchSpace, *, by_default: Split) -> Sequence[Query]:
    """The queries of a source, or those of the space, of one split or of all."""
    from urial_opt.datasets.query_sources import load_queries

    if source is not None:
        queries: Sequence[Query] = load_queries(source)
    else:
        queries, split = space.queries.queries, split or by_default
    return of_split(queries, split)


def of_split(queries: Sequence[Query], split: str | None) -> Sequence[Query]:
    """The queries of one split or of all. InputError if there are queries, but none in it."""
    chosen = [query for query in queries if split in (None, "all", query.split)]
    if queries and not chosen:
        others = " or ".join(f"--split {name}" for name in sorted({query.split for query in queries}))
        raise InputError(f"none of the {len(queries)} queries is in the split {split}; give {others}, or --split all")
    return chosen


def chosen_model(role: Literal["base", "aligned", "judge"], space: SearchSpace) -> str:
    """The model that the space names for a role."""
    from urial_opt import plugins

    if name := getattr(space.defaults, role):
        return str(name)
    known = ", ".join(plugins.names("judge" if role == "judge" else "generator"))
    raise InputError(f"the space {space.name!r} names no {role}; add --{role} NAME, one of: {known}")
