"""`urial-opt resume`: continues a search by its name, with the space and the models that the store holds."""

from __future__ import annotations

import click

from urial_opt.cli.options import (
    ask_again_option,
    continue_option,
    given_prices,
    json_option,
    named,
    opening_options,
    store_option,
    terms_options,
)
from urial_opt.cli.side_by_side import at_once, at_once_options


@click.command(short_help="Continue a search by its name.")
@click.argument("name")
@click.option("--budget", type=int, help="How many prompts to try. [default: as before]")
@click.option("--until-done/--no-until-done", default=None, help="Whether it may stop before. [default: as before]")
@click.option("--base", help="Base model. [default: as before]")
@click.option("--aligned", help="Aligned model. [default: as before]")
@click.option("--judge", help="Judge. [default: as before]")
@click.option("--proposer", help="Proposer. [default: as before]")
@opening_options("base", "aligned", "judge", "proposer")
@at_once_options
@terms_options
@continue_option
@ask_again_option
@store_option
@json_option
def command(
    name: str,
    budget: int | None,
    base: str | None,
    aligned: str | None,
    judge: str | None,
    proposer: str | None,
    max_cost: float | None,
    max_tokens: int | None,
    max_time: float | None,
    price: tuple[str, ...],
    store_url: str,
    *,
    until_done: bool | None,
    continue_anyway: bool,
    as_json: bool,
) -> None:
    """Continue the search NAME with the space, models and settings that it was begun with.

    Options replace what is stored. Keys and passwords are not stored: give them as when it was begun. With --json the
    object that `search --json` prints.

    \b
    Example:
      urial-opt resume NAME --budget 300
    """
    from urial_opt.cli.running import go_on
    from urial_opt.records import Role
    from urial_opt.spending import Terms

    typed = {Role.BASE: base, Role.ALIGNED: aligned, Role.JUDGE: judge, Role.PROPOSER: proposer}
    given = {role: named(role.value, model) for role, model in typed.items()}
    go_on(
        name,
        given,
        Terms(prices=given_prices(price), max_cost=max_cost, max_tokens=max_tokens, max_seconds=max_time),
        budget=budget,
        until_done=until_done,
        continue_anyway=continue_anyway,
        store_url=store_url,
        as_json=as_json,
        **at_once(),
    )
