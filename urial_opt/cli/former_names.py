"""Former names: what options were called in earlier versions, which they still answer to, with a hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from urial_opt.cli.output import write_line

_F = TypeVar("_F", bound=Callable[..., Any])
_GIVEN = "urial_opt.cli.former_names"
"""Key of the values given under former names, by parameter, in the metadata of a click context."""


def search_argument(function: _F) -> _F:
    """Add the argument NAME, a stored search, as `search_name`; `--search NAME` is its former name."""
    function = click.argument("search_name", metavar="[NAME]", required=False, callback=_former)(function)
    return former_option("--search", "search_name", now="NAME")(function)


def answer_length_option(by_default: str) -> Callable[[_F], _F]:
    """Add `--max-new-tokens`, the maximum length of an answer; `--max-tokens` is its former name."""
    kind, text = click.IntRange(1), f"Maximum length of an answer, in tokens. [default: {by_default}]"

    def add(function: _F) -> _F:
        function = click.option("--max-new-tokens", type=kind, callback=_former, help=text)(function)
        return former_option("--max-tokens", "max_new_tokens", now="--max-new-tokens", kind=kind)(function)

    return add


def former_option(
    former: str, parameter: str, *, now: str, kind: click.ParamType[Any] | None = None
) -> Callable[[_F], _F]:
    """Accept the option `former` for a parameter whose callback is `_former`, and say what it is called `now`."""

    def keep(ctx: click.Context, option: click.Parameter, value: object) -> None:
        if value is not None:
            source = ctx.get_parameter_source(option.name or "")
            ctx.meta.setdefault(_GIVEN, {})[ctx.command, parameter] = (former, value, source)
            write_line(f"{former} is called {now} now.", err=True)

    return click.option(former, type=kind, hidden=True, is_eager=True, expose_value=False, callback=keep)


def _former(ctx: click.Context, parameter: click.Parameter, value: object) -> object:
    """The value of a parameter, or else what was given under its former name; on the command line not both."""
    former, other, source = ctx.meta.get(_GIVEN, {}).get((ctx.command, parameter.name), (None, None, None))
    if former is None or value is None:
        return other if value is None else value
    typed = ParameterSource.COMMANDLINE
    if source is typed and ctx.get_parameter_source(parameter.name or "") is typed and other != value:
        raise click.UsageError(f"{value!r} and {former} {other!r} are two values of one thing; leave one out", ctx)
    return other if source is typed and ctx.get_parameter_source(parameter.name or "") is not typed else value
