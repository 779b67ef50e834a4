"""Token budget: how long a prompt may be, and what is left of one that is too long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from urial_opt.errors import InputError
from urial_opt.evaluation.token_counts import prompt_length
from urial_opt.objective import TokenCount
from urial_opt.protocols import Generator
from urial_opt.records import Candidate, Params
from urial_opt.spaces.space import COMPOSED, NO_SYSTEM, SearchSpace, without_generations


def most_tokens(space: SearchSpace) -> float | None:
    """The longest prompt that the constraints allow; None if they do not limit it."""
    bounds = [each.bound for each in space.constraints if each.aspect is TokenCount.PROMPT and not each.at_least]
    return min(bounds, default=None)


def shortened(space: SearchSpace, params: Params, fits: Callable[[Candidate], bool]) -> Candidate | None:
    """The prompt of `params` with as many of its exemplars, from the first on, as fit; None if too few do."""
    chosen = without_generations(params)
    system, keys = str(chosen["system"]), space.exemplar_keys(params)
    clauses = [name for name in space.clauses if system == COMPOSED and chosen[f"clause_{name}"]]
    for number in range(len(keys), space.k_min - 1, -1):
        candidate = space.candidate(
            space.params_of(system=system, exemplars=keys[:number], clauses=clauses, decoding=params)
        )
        if fits(candidate):
            return candidate
    return None


def start_within(space: SearchSpace, base: Generator) -> tuple[SearchSpace, str]:
    """The space with a starting prompt that its constraints allow, and a note if that is a shorter one.

    InputError if not even the first exemplars without a system prompt are short enough.
    """
    most, start = most_tokens(space), space.candidate(space.start_params)
    if most is None or (length := prompt_length(start.prompt, base)) <= most:
        return space, ""

    def fits(candidate: Candidate) -> bool:
        return prompt_length(candidate.prompt, base) <= most

    found = shortened(space, space.start_params, fits)
    if found is None:
        system = {space.system_param: NO_SYSTEM, "system": NO_SYSTEM}
        found = shortened(space, {**space.start_params, **system}, fits)
    if found is None:
        raise InputError(
            f"no prompt of the space {space.name!r} is known to keep prompt_tokens<={most:g}: the starting prompt has "
            f"{length} tokens, and too many even without a system prompt and with {space.k_min} exemplars; "
            f"raise the bound, for example `objective=prompt_tokens<={length}`"
        )
    has = prompt_length(found.prompt, base)
    note = (
        f"The starting prompt has {length} tokens, more than prompt_tokens<={most:g} allows; the search starts from a "
        f"shorter one of {has}, with {len(found.prompt.exemplars)} of its {len(start.prompt.exemplars)} exemplars."
    )
    return replace(space, start_params=found.params), note
