"""`urial-opt list`: lists the searches in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from urial_opt.cli.options import DEFAULT_STORE, json_option, store_option
from urial_opt.cli.output import write_json

if TYPE_CHECKING:
    from urial_opt.store import SearchSummary


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
    from urial_opt.cli.layout import Figure, print_figures, say, say_command
    from urial_opt.cli.tables import interval
    from urial_opt.records import estimate_json
    from urial_opt.store import Store

    with Store.open(store_url, create=False) as store:
        searches = store.searches()[::-1]
    if as_json:
        write_json(
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
        say("No search yet. Start one with: urial-opt search --budget 200")
        return
    figures = [
        Figure(name="started", cells=[each.created_at[:16].replace("T", " ") for each in searches], left=True),
        Figure(name="status", cells=[each.status.value for each in searches], left=True),
        Figure(name="trials", cells=[str(each.trials) for each in searches]),
        Figure(
            name="best on dev [95 %]", short="best on dev\n[95 %]", cells=[interval(each.best) for each in searches]
        ),
        Figure(name="tokens shifted", short="tokens\nshifted", cells=[_shifted(each) for each in searches]),
    ]
    print_figures([each.name for each in searches], figures, corner="search")
    say("\nInspect one with:")
    say_command(["urial-opt", "inspect", searches[0].name, *_elsewhere(store_url)])


def _shifted(search: SearchSummary) -> str:
    return "–" if search.shifted is None else f"{100 * search.shifted:.1f} %"


def _elsewhere(store_url: str) -> list[str]:
    return [] if store_url == DEFAULT_STORE else ["--store", store_url]
