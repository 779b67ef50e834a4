"""Options that say how a model or judge is opened: `--base-url`, `--judge-option KEY=VALUE` and their like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])
_CHOSEN = "urial_opt.cli.models"
"""Where a context keeps what was chosen, by role."""


def opening_options(*roles: str) -> Callable[[_F], _F]:
    """For each role, `--ROLE-url URL` and `--ROLE-option KEY=VALUE`; read them with `opening`."""

    def add(function: _F) -> _F:
        for role in reversed(roles):
            function = click.option(
                f"--{role}-option",
                multiple=True,
                metavar="KEY=VALUE",
                expose_value=False,
                callback=_keeper(role),
                help=f"How to open the {role} model, such as device=cuda; may be repeated."
                if role != "judge"
                else "How to open the judge; may be repeated.",
            )(function)
            function = click.option(
                f"--{role}-url",
                metavar="URL",
                expose_value=False,
                callback=_keeper(role),
                help="Server that it runs on, such as http://localhost:8000/v1.",
            )(function)
        return function

    return add


def opening(role: str) -> dict[str, str]:
    """The options chosen for a role in the command under way, as `plugins.open_generator` takes them."""
    chosen: dict[str, dict[str, str]] = click.get_current_context().meta.get(_CHOSEN, {})
    return chosen.get(role, {})


def _keeper(role: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(ctx: click.Context, parameter: click.Parameter, given: str | tuple[str, ...] | None) -> None:
        options = ctx.meta.setdefault(_CHOSEN, {}).setdefault(role, {})
        if isinstance(given, str):
            options["url"] = given
        for pair in given if isinstance(given, tuple) else ():
            key, equals, value = pair.partition("=")
            if not (key and equals):
                raise click.BadParameter(f"{pair!r} is not KEY=VALUE, such as device=cuda", ctx=ctx, param=parameter)
            options[key] = value

    return keep
