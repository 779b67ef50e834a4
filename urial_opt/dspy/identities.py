"""Identities: what tells one program or metric from another, under which the store holds what was paid for them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

from dspy.adapters.utils import serialize_for_json  # type: ignore[import-untyped]

from urial_opt.content import content_id


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON holds them; what it cannot hold becomes text."""
    return {str(name): serialize_for_json(value) for name, value in values.items()}


def named_program(program: Any, *, but: str) -> str:
    """Names a program by its code and state, without the demos and instructions of the predictor `but`."""
    state = [
        [name, described(each.config), _fields(each, text=name != but), [] if name == but else _demos(each)]
        for name, each in program.named_predictors()
    ]
    return f"{type(program).__qualname__} {content_id([described(type(program)), state])[:8]} by {but}"


def _fields(predictor: Any, *, text: bool) -> str:
    state = predictor.signature.dump_state()
    return str(state if text else state["fields"])


def _demos(predictor: Any) -> list[Mapping[str, Any]]:
    return [plain(dict(demo)) for demo in predictor.demos]


_SIMPLE = (str, int, float, bool, type(None), tuple, list, dict)


def described(code: Any) -> list[object]:
    """What tells one function, class or callable object from another: its source, and the plain values it holds.

    Functions that it calls are not looked into.
    """
    if isinstance(code, _SIMPLE):
        return [repr(code)]
    if isinstance(code, partial):
        return [*described(code.func), repr(code.args), repr(sorted(code.keywords.items()))]
    held = getattr(code, "__defaults__", None) or ()
    held += tuple(cell.cell_contents for cell in getattr(code, "__closure__", None) or ())
    known = code if hasattr(code, "__qualname__") else type(code)
    if known is not code:
        held += tuple(item for item in sorted(vars(code).items()) if isinstance(item[1], _SIMPLE))
    try:
        source = inspect.getsource(known)
    except (OSError, TypeError):
        source = f"{getattr(known, '__module__', '')}.{getattr(known, '__qualname__', '')}"
    return [source, *(repr(each) for each in held if isinstance(each, _SIMPLE))]
