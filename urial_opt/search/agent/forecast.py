"""Forecast: how much the rounds of a proposer will ask for, as far as that can be known before the first one."""

from __future__ import annotations

from dataclasses import dataclass

from urial_opt.protocols import Metered, Proposer
from urial_opt.records import Usage
from urial_opt.search.agent import rounds
from urial_opt.search.agent.assignments import MOST_RESTYLED
from urial_opt.search.agent.situation import SHOWN
from urial_opt.spaces.space import SearchSpace

_WEAKNESSES = 3
"""How many a diagnosis names, at most and usually."""
_EXPECTED_ATTEMPTS = 1.5
"""How often a task is tried: half of the first drafts pass the guards. Small models need more."""
_FORM = 600
"""Tokens of the instructions of a request."""
_SAID = 400
"""Tokens of a diagnosis, and of what is written around a draft."""
_QUERY = 40
"""Tokens of a query with its scores."""
_CHARACTERS = 4
"""Of a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the rounds of a search are expected to ask for."""

    calls: int
    """A diagnosis for each round, and the drafts."""
    exemplars: int
    """How many of the drafts are exemplars, which the judge scores."""
    usage: Usage
    """Tokens of the calls; zero if nothing is known of the answers."""


NOTHING = Forecast(calls=0, exemplars=0, usage=Usage())


def forecast_rounds(
    proposer: Proposer | None, space: SearchSpace, *, budget: int, most: int, answer: float, at_most: bool
) -> Forecast:
    """What `most` rounds may take in a search of `budget` trials; a proposer that asks no model takes nothing.

    Each round is a diagnosis and, for each of three weaknesses, a system prompt, the starting prompt's exemplars in
    another style and one new exemplar, then one merged system prompt; each tried 1.5 times, or `at_most` three times.
    Rounds come every 32 trials, or at most every 20. `answer` is the tokens of an answer with its verdict, of which a
    request shows twelve.
    """
    if not isinstance(proposer, Metered):
        return NOTHING
    every = rounds.SPACING if at_most else (rounds.SPACING + rounds.OVERDUE) // 2
    number = min(most, max(0, budget - rounds.LEFT) // every)
    exemplars = space.exemplar_keys(space.start_params)
    restyled = min(MOST_RESTYLED, len(exemplars))
    attempts = rounds.ATTEMPTS if at_most else _EXPECTED_ATTEMPTS
    drafts = round((_WEAKNESSES * (1 + restyled + 1) + 1) * attempts) * number
    pool = [exemplar.answer for exemplar in space.exemplars.values()]
    text = max(map(len, [*space.system_prompts.values(), *pool]), default=0) / _CHARACTERS
    shown = SHOWN * (answer + _QUERY)
    calls = number + drafts
    return Forecast(
        calls=calls,
        exemplars=round(_WEAKNESSES * (restyled + 1) * attempts) * number,
        usage=Usage(
            prompt_tokens=round((_FORM + shown + 2 * text) * calls),
            completion_tokens=round(_SAID * calls + text * drafts),
        ),
    )
