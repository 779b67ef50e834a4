"""Space JSON: a whole search space as one text, with its exemplars and queries, from which a store restores it."""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter, ValidationError

from urial_opt.errors import SpaceError
from urial_opt.spaces.space import SearchSpace


def space_text(space: SearchSpace) -> str:
    """The space as JSON. The order of its exemplars is kept: Optuna's choices have an order."""
    return _adapter().dump_json(space).decode()


def read_space_text(text: str) -> SearchSpace:
    """The space that `space_text` described. SpaceError if the text describes none."""
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        raise SpaceError("the stored search space cannot be read by this version; give its search command") from error


@cache
def _adapter() -> TypeAdapter[SearchSpace]:
    return TypeAdapter(SearchSpace)
