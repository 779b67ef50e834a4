"""Proposing: the next prompt of a search, which is no longer than its constraints allow.

How long a prompt is, is known before anything is asked. So a proposal that is too long costs neither answers nor a
trial: its last exemplars are left out until it fits, and where that gives a prompt that was tried before, another
proposal is asked for.
"""

from __future__ import annotations

from collections.abc import Callable

import optuna

from urial_opt.errors import ContextError, InputError
from urial_opt.evaluation.token_counts import CHARACTERS_OF_A_TOKEN, billed, characters_of_a_token, prompt_length
from urial_opt.protocols import TokenCounter
from urial_opt.records import Candidate, Params
from urial_opt.search.running import RunningSearch
from urial_opt.search.sampler import TOO_LONG
from urial_opt.search.study import SearchStudy
from urial_opt.search.token_budget import most_tokens, shortened

PROPOSALS = 20
"""How many proposals in a row may be too long, and nothing new when they are shortened."""


def propose(search: RunningSearch, study: SearchStudy, *, fixed: Params | None) -> tuple[optuna.Trial, Candidate]:
    """The next trial and its prompt, which the constraints allow unless `fixed` gives it."""
    trial = study.ask(fixed=fixed)
    try:
        candidate = search.space.suggest(trial)
        if fixed is not None or _fits(search)(candidate):
            return trial, candidate
    except BaseException:
        study.drop(trial.number)
        raise
    return _shorter(search, study, trial, candidate)


def check_budget(search: RunningSearch, candidate: Candidate) -> None:
    """ContextError if a prompt is longer than the constraints allow."""
    if not _fits(search)(candidate):
        most = most_tokens(search.space)
        raise ContextError(f"the prompt is longer than prompt_tokens<={most:g} allows; use fewer exemplars")


def _shorter(
    search: RunningSearch, study: SearchStudy, trial: optuna.Trial, candidate: Candidate
) -> tuple[optuna.Trial, Candidate]:
    """What comes of proposals that are too long.

    They stay open in the study while others are asked for, since samplers do not repeat an open proposal, and are
    dropped at the end as if they had never been: so a resumed search proposes the same.
    """
    space, fits = search.space, _fits(search)
    tried = {_key(record.candidate) for record in search.standing.records.values()}
    opened, known = [trial], None
    try:
        while len(opened) <= PROPOSALS:
            found = shortened(space, candidate.params, fits)
            if found is not None and _key(found) not in tried:
                known = found
                break
            known = known or found
            trial.set_user_attr(TOO_LONG, value=True)
            trial = study.ask()
            opened.append(trial)
            candidate = space.suggest(trial)
            if fits(candidate):
                opened.pop()
                return trial, candidate
    finally:
        for each in opened:
            study.drop(each.number)
    if known is None:
        raise InputError(
            f"{len(opened)} proposals in a row had more tokens than prompt_tokens<={most_tokens(space):g} allows, even "
            f"with {space.k_min} exemplars; raise the bound in `objective=…`, or lower k.min in the space file"
        )
    trial = study.ask(fixed=known.params)
    return trial, space.suggest(trial)


def _fits(search: RunningSearch) -> Callable[[Candidate], bool]:
    most, base = most_tokens(search.space), search.models.base
    if most is None:
        return lambda _: True
    characters = CHARACTERS_OF_A_TOKEN
    if not isinstance(base, TokenCounter) and (records := search.standing.records):
        first = records[0].candidate
        characters = characters_of_a_token(billed(search.begun.account, base.identity, first, search.blocks[0]))
    return lambda candidate: prompt_length(candidate.prompt, base, characters=characters) <= most


def _key(candidate: Candidate) -> tuple[str, str]:
    return candidate.prompt.id, candidate.sampling.id
