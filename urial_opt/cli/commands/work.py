"""`urial-opt work`: works on a stored search beside other processes, on this machine or on others."""

from __future__ import annotations

import click

from urial_opt.cli.options import (
    ask_again_option,
    given_prices,
    json_option,
    named,
    opening_options,
    store_option,
    terms_options,
)
from urial_opt.cli.side_by_side import at_once, at_once_options


@click.command(short_help="Work on a search beside other processes.")
@click.argument("name", required=False)
@click.option("--name", "typed_name", help="The same as NAME.")
@click.option("--base", help="Base model, as this machine reaches it. [default: as the search was begun]")
@click.option("--aligned", help="Aligned model. [default: as the search was begun]")
@click.option("--judge", help="Judge. [default: as the search was begun]")
@click.option("--proposer", help="Proposer. [default: as the search was begun]")
@opening_options("base", "aligned", "judge", "proposer")
@at_once_options
@terms_options
@ask_again_option
@store_option
@json_option
def command(
    name: str | None,
    typed_name: str | None,
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
    as_json: bool,
) -> None:
    """Work on the search NAME beside other processes, on this machine or on others.

    Every process proposes prompts and tries them; what one has paid for, no other asks again. The budget and limits on
    money hold for all together. One that is killed loses what is in the air; the others take over its prompts. All of
    them print the result at the end. Processes on one machine may share a SQLite file; on several, give a PostgreSQL
    database as --store. `urial-opt list` tells who works.

    \b
    Examples:
      urial-opt work NAME
      urial-opt work NAME --parallel 8
    """
    from urial_opt.cli.running import go_on
    from urial_opt.records import Role
    from urial_opt.spending import Terms

    if not (chosen := name or typed_name):
        raise click.UsageError("give the name of a search; `urial-opt list` shows those in the store")
    typed = {Role.BASE: base, Role.ALIGNED: aligned, Role.JUDGE: judge, Role.PROPOSER: proposer}
    go_on(
        chosen,
        {role: named(role.value, model) for role, model in typed.items()},
        Terms(prices=given_prices(price), max_cost=max_cost, max_tokens=max_tokens, max_seconds=max_time),
        store_url=store_url,
        as_json=as_json,
        **{**at_once(), "join": True},
    )
