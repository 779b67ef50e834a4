"""Options: the options that several commands share, and how commands write files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from urial_opt.secrets import is_secret, keep_secret, without_known

if TYPE_CHECKING:
    from urial_opt.records import Role
    from urial_opt.roles import Named
    from urial_opt.spending import Price, Terms

DEFAULT_STORE = "urial-opt.db"
STORE_VARIABLE = "URIAL_OPT_STORE"

_F = TypeVar("_F", bound=Callable[..., Any])


def store_option(function: _F) -> _F:
    """Add `--store`, the database of everything that is stored."""
    return click.option(
        "--store",
        "store_url",
        envvar=STORE_VARIABLE,
        default=DEFAULT_STORE,
        show_default=True,
        help="SQLite file, or database URL such as postgresql+psycopg://…",
    )(function)


continue_option = click.option(
    "--continue-anyway",
    is_flag=True,
    help="Continue a search whose trials are of another version of the program.",
)
"""Adds `--continue-anyway`."""

_AGAIN = "urial_opt.cli.options.again"
"""Key of `--ask-again` in the metadata of a click context."""


def ask_again_option(function: _F) -> _F:
    """Add `--ask-again`; `asking_again` reads it."""

    def keep(ctx: click.Context, _: click.Parameter, given: int) -> None:
        ctx.meta[_AGAIN] = given

    return click.option(
        "--ask-again",
        type=click.IntRange(0),
        default=3,
        show_default=True,
        expose_value=False,
        callback=keep,
        help="How many later runs ask the judge again for a verdict that it refused or that could not be read.",
    )(function)


def asking_again() -> int:
    """How many later runs ask again for a missing verdict."""
    return int(click.get_current_context().meta[_AGAIN])


space_option = click.option(
    "--space",
    "space_name",
    help="Search space that provides defaults. [default: the search's; nano for the base nano, else urial]",
)
"""Adds `--space` as `space_name`."""


def json_option(function: _F) -> _F:
    """Add `--json`, output for programs."""
    return click.option("as_json", "--json", is_flag=True, help="Print only JSON on standard output.")(function)


def write_file(path: Path, text: str, *, option: str) -> None:
    """Write the file that `option` names, whole or not at all; InputError if it cannot be written."""
    from urial_opt.content import mended
    from urial_opt.errors import InputError

    try:
        if path.exists() and not path.is_file():  # such as /dev/stdout, which nothing may replace
            path.write_bytes(mended(without_known(text)).encode())
            return
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            unfinished.write_bytes(mended(without_known(text)).encode())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written ({error.strerror}); give another {option}") from error


def refuse_unwritable(path: Path | None, *, option: str, new: bool = False) -> None:
    """InputError if `write_file` could not write there, or if it exists though it must be `new`; before all is paid."""
    from urial_opt.errors import InputError

    if path is None:
        return
    reason = "File exists" if new and path.exists() else ""
    try:
        if not reason and (path.is_file() or not path.exists()):
            unfinished = path.with_name(f".{path.name}.{os.getpid()}")
            unfinished.touch()
            unfinished.unlink()
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise InputError(f"{str(path)!r} cannot be written ({reason}); give another {option}")


_CHOSEN = "urial_opt.cli.options"
"""Key of the chosen options, by role, in the metadata of a click context."""


def opening_options(*roles: str) -> Callable[[_F], _F]:
    """Add `--ROLE-url URL` and `--ROLE-option KEY=VALUE` for each role; read them with `opening`."""

    def add(function: _F) -> _F:
        for role in reversed(roles):
            function = click.option(
                f"--{role}-option",
                multiple=True,
                metavar="KEY=VALUE",
                expose_value=False,
                callback=_keeper(role),
                help=f"Option for opening the {role} model, such as device=cuda; may be repeated."
                if role not in ("judge", "proposer")
                else f"Option for opening the {role}; may be repeated.",
            )(function)
            function = click.option(
                f"--{role}-url",
                metavar="URL",
                expose_value=False,
                callback=_keeper(role),
                help="URL of its server, such as http://localhost:8000/v1.",
            )(function)
        return function

    return add


def opening(role: str) -> dict[str, str]:
    """The options given for a role in the current command, in the form that `plugins.open_generator` expects."""
    chosen: dict[str, dict[str, str]] = click.get_current_context().meta.get(_CHOSEN, {})
    return chosen.get(role, {})


def named(role: str, name: str | None) -> Named:
    """The name of a role's model and the options given for it in the current command."""
    from urial_opt.roles import Named

    return Named(name=name, options=opening(role))


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
            if is_secret(key):
                keep_secret(value)

    return keep


_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class Duration(click.ParamType[float]):
    """A time such as `90s`, `45m` or `1h30m`, converted to seconds; a bare number is in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        if isinstance(value, int | float):
            return float(value)
        text = str(value).strip().lower()
        parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            self.fail(f"{value!r} is not a time; give one such as 90s, 45m or 1h30m", param, ctx)
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)


_PRICE = "Dollars per million tokens of a role, such as judge=2.5/10. [default: the list price, if known]"
price_option = click.option("--price", multiple=True, metavar="ROLE=IN/OUT", help=_PRICE)
"""Adds `--price`; read its value `price` with `given_prices`."""


def terms_options(function: _F) -> _F:
    """Add the options for limits and prices: `max_cost`, `max_tokens`, `max_time` and `price`."""
    function = price_option(function)
    for name, kind, says in reversed(_LIMITS):
        function = click.option(name, type=kind, help=f"{says}.")(function)
    return function


_LIMITS: tuple[tuple[str, click.ParamType[Any], str], ...] = (
    ("--max-cost", click.FloatRange(min=0), "Stop before this many dollars are spent"),
    ("--max-tokens", click.IntRange(min=1), "Stop before this many tokens are spent"),
    ("--max-time", Duration(), "Stop this run after a time such as 90s, 45m or 1h30m"),
)
_TERMS = "urial_opt.cli.options.terms"
"""Key of the limits and prices, by parameter, in the metadata of a click context."""


def run_limits(function: _F, *, tokens: bool = True) -> _F:
    """Add limits on what one run of a command pays, and prices; `chosen_terms` reads them.

    Without `tokens` there is no `--max-tokens`: there it is the former name of `--max-new-tokens`.
    """
    kept: dict[str, Any] = {"expose_value": False, "callback": _keep_limit}
    function = click.option("--price", multiple=True, metavar="ROLE=IN/OUT", help=_PRICE, **kept)(function)
    for name, kind, says in reversed(_LIMITS):
        if tokens or name != "--max-tokens":
            of_run = says if name == "--max-time" else f"{says} by this run"
            function = click.option(name, type=kind, help=f"{of_run}.", **kept)(function)
    return function


def _keep_limit(ctx: click.Context, parameter: click.Parameter, given: object) -> None:
    ctx.meta.setdefault(_TERMS, {})[parameter.name] = given_prices(given) if isinstance(given, tuple) else given


def chosen_terms(models: Mapping[Role, object]) -> Terms:
    """The limits and prices of the running command, for its models by role."""
    from urial_opt.roles import prices_of
    from urial_opt.spending import Terms

    chosen: dict[str, Any] = click.get_current_context().meta[_TERMS]
    return Terms(
        prices=prices_of(models, chosen["price"]),
        max_cost=chosen["max_cost"],
        max_tokens=chosen.get("max_tokens"),
        max_seconds=chosen["max_time"],
    )


def given_prices(pairs: tuple[str, ...]) -> dict[Role, Price]:
    """The prices given with `--price`. InputError if one is not ROLE=PROMPT/COMPLETION."""
    from urial_opt.errors import InputError, UnknownNameError
    from urial_opt.records import Role
    from urial_opt.spending import Price

    prices = {}
    for pair in pairs:
        role, equals, price = pair.partition("=")
        if not equals:
            raise InputError(f"{pair!r} is not the price of a role; give one such as --price judge=2.5/10")
        if role not in [*Role]:
            raise UnknownNameError.of("role", role, map(str, Role))
        prices[Role(role)] = Price.read(price)
    return prices
