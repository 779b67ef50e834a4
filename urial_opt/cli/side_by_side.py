"""Side by side: the options that say how much of a search is under way at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])
_CHOSEN = "urial_opt.cli.side_by_side"
"""Key of what was chosen, in the metadata of a click context."""


def at_once_options(function: _F) -> _F:
    """Add `--parallel` and `--deterministic`; `at_once` reads them."""
    kept: dict[str, Any] = {"expose_value": False, "callback": _keep}
    in_order = "The same seed gives the same search, however fast replies come; a little slower."
    function = click.option("--deterministic", is_flag=True, help=in_order, **kept)(function)
    return click.option(
        "--parallel",
        type=click.IntRange(1),
        metavar="N",
        help="Prompts to try at once. [default: as many as the base model's server takes, 1 without a server]",
        **kept,
    )(function)


def join_option(function: _F) -> _F:
    """Add `--join`; `at_once` reads it."""
    words = "Work on the search beside other processes that do; the same command on each machine."
    return click.option("--join", is_flag=True, help=words, expose_value=False, callback=_keep)(function)


def at_once() -> dict[str, Any]:
    """What was chosen in the current command, as arguments of `SearchOptions`."""
    chosen: dict[str, Any] = click.get_current_context().meta.get(_CHOSEN, {})
    return chosen


def _keep(ctx: click.Context, parameter: click.Parameter, given: object) -> None:
    ctx.meta.setdefault(_CHOSEN, {})[parameter.name] = given
