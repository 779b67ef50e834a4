"""The context window: whether a prompt fits the base model, found out before anything is sent where that is known."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest

from urial_opt.errors import ContextError, InputError
from urial_opt.protocols import Generator, Windowed
from urial_opt.records import Candidate, Query
from urial_opt.spaces.space import SearchSpace

_COUNTED = 4
"""How many of the longest queries are counted in tokens: the longest text is not always the one of most tokens."""


def check_window(base: Generator, candidate: Candidate, queries: Sequence[Query]) -> None:
    """ContextError if the prompt with one of the queries and its answer is known not to fit the base model."""
    if not isinstance(base, Windowed) or (window := base.context_window) is None:
        return
    longest = nlargest(_COUNTED, queries, key=lambda query: len(query.text))
    tokens = max((base.count_tokens(candidate.prompt.render(query.text)) for query in longest), default=0)
    if (needed := tokens + candidate.sampling.max_tokens) > window:
        raise ContextError(
            f"prompt and answer may need {needed} tokens, but {base.identity!r} reads {window}; "
            "use fewer exemplars or a lower max_tokens"
        )


def check_yardstick(base: Generator, space: SearchSpace) -> None:
    """InputError if no test query is known to fit the base model after the hand-written prompt."""
    shortest = min(space.queries.split(space.queries.held_out), key=lambda query: len(query.text))
    try:
        check_window(base, space.hand_written, [shortest])
    except ContextError as error:
        said = str(error).partition("; use fewer")[0]
        raise InputError(
            f"the hand-written prompt, with which the prompt found is compared, is too long: {said}; "
            "give a space with a shorter one as `space=FILE`, or shorter answers: `decoding=max_tokens=64`"
        ) from error


def too_long_to_start(error: ContextError) -> ContextError:
    """The error for a search whose starting prompt does not fit."""
    said = str(error).partition("; use fewer")[0]
    return ContextError(
        f"the prompt that the search starts from is too long: {said}; give a shorter one as `start_from=FILE`, "
        "or shorter answers: `decoding=max_tokens=64`",
        says=error.says,
    )
