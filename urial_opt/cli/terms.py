"""Options that say what a search may take: `--max-cost`, `--max-tokens`, `--max-time` and `--price`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from urial_opt.records import Role
    from urial_opt.spending import Price

_F = TypeVar("_F", bound=Callable[..., Any])
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class Duration(click.ParamType[float]):
    """A time such as `90s`, `45m` or `1h30m`; a bare number is seconds. In seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        if isinstance(value, int | float):
            return float(value)
        text = str(value).strip().lower()
        parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            self.fail(f"{value!r} is no time; give one such as 90s, 45m or 1h30m", param, ctx)
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)


price_option = click.option(
    "--price",
    multiple=True,
    metavar="ROLE=IN/OUT",
    help="Dollars for a million tokens of a role, such as judge=2.5/10. [default: what is known]",
)
"""What `given_prices` reads, as `price`."""


def terms_options(function: _F) -> _F:
    """The four options, as `max_cost`, `max_tokens`, `max_time` and `price`."""
    options = [
        click.option("--max-cost", type=click.FloatRange(min=0), help="Stop before this many dollars are spent."),
        click.option("--max-tokens", type=click.IntRange(min=1), help="Stop before this many tokens are spent."),
        click.option("--max-time", type=Duration(), help="Stop this run after a time such as 90s, 45m or 1h30m."),
        price_option,
    ]
    for option in reversed(options):
        function = option(function)
    return function


def given_prices(pairs: tuple[str, ...]) -> dict[Role, Price]:
    """What `--price` says. InputError if that is not ROLE=IN/OUT."""
    from urial_opt.errors import InputError, UnknownNameError
    from urial_opt.records import Role
    from urial_opt.spending import Price

    prices = {}
    for pair in pairs:
        role, equals, price = pair.partition("=")
        if not equals:
            raise InputError(f"{pair!r} is no price of a role; give one such as --price judge=2.5/10")
        if role not in [*Role]:
            raise UnknownNameError.of("role", role, map(str, Role))
        prices[Role(role)] = Price.read(price)
    return prices
