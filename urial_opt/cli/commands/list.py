"""`urial-opt list`: the searches in a store."""

from __future__ import annotations

import click

from urial_opt.cli.options import json_option, print_json, store_option


@click.command(short_help="List the searches in a store.")
@store_option
@json_option
def command(store_url: str, *, as_json: bool) -> None:
    """List the searches in a store, newest first.

    \b
    With --json a list of objects with the keys
      name, created_at, status (running or finished), trials, best (mean, interval; null before any), shifted (share
      of the aligned model's tokens that are shifted under the prompt found; null where not measured)
    """
    from rich.table import Table

    from urial_opt.cli.tables import interval, print_table
    from urial_opt.records import estimate_json
    from urial_opt.store import Store

    with Store.open(store_url, create=False) as store:
        searches = store.searches()[::-1]
    if as_json:
        print_json(
            [
                {
                    "name": each.name,
                    "created_at": each.created_at,
                    "status": each.status.value,
                    "trials": each.trials,
                    "best": estimate_json(each.best) if each.best else None,
                    "shifted": each.shifted,
                }
                for each in searches
            ]
        )
        return
    if not searches:
        click.echo("No search yet. Start one with: urial-opt search --budget 200")
        return
    table = Table()
    for column in ("search", "started", "status", "trials", "best on dev [95 %]", "tokens shifted"):
        table.add_column(column)
    for each in searches:
        best = interval(each.best) if each.best else "–"
        shifted = "–" if each.shifted is None else f"{100 * each.shifted:.1f} %"
        table.add_row(
            each.name, each.created_at[:16].replace("T", " "), each.status.value, str(each.trials), best, shifted
        )
    print_table(table)
    click.echo(f"Look into one with: urial-opt inspect {searches[0].name}")
