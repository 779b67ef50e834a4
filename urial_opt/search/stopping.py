"""Stopping: whether a search may end before its budget, since a clearly better prompt is unlikely to be left."""

from __future__ import annotations

from urial_opt.search.agent.widening import next_look
from urial_opt.search.running import RunningSearch
from urial_opt.search.study import SearchStudy

BETTER = 0.02
"""Points by which a prompt has to be better than the best one so far …"""
UNLIKELY = 0.05
"""… and the probability that one is left, below which the search is done."""
EVERY = 8
"""Trials between two looks at that."""


def is_done(search: RunningSearch, study: SearchStudy, following: int) -> bool:
    """Whether the search is done, and is to stop when it is; never before all rounds of the proposer are taken.

    The next trial would have the number `following`.
    """
    standing = search.standing
    if not search.options.until_done or standing.best is None or len(standing.records) % EVERY:
        return False
    writes = search.models.proposer is not None and len(search.rounds) < search.options.rounds
    if writes or next_look(search, following) is not None:
        return False
    chance = study.chance_of_better(standing.estimates[standing.best], by=BETTER, at_most=UNLIKELY)
    return chance < UNLIKELY


def say_done(search: RunningSearch, after: int) -> None:
    """Note, once, that the search was done after so many trials."""
    note = (
        f"Done after {after} of {search.options.budget} prompts: the probability that an untried one "
        f"is better by {BETTER} points is below {UNLIKELY:.0%}."
    )
    if note not in search.notes:
        search.notes = (*search.notes, note)
