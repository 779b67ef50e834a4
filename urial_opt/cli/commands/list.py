"""`urial-opt list`: lists the searches in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from urial_opt.cli.options import json_option, store_option
from urial_opt.cli.output import write_json

if TYPE_CHECKING:
    from urial_opt.store import SearchSummary


@click.command(short_help="List the searches in a store.")
@store_option
@json_option
def command(store_url: str, *, as_json: bool) -> None:
    """List the searches in a store, newest first, and which processes work on them.

    \b
    With --json a list of objects with the keys
      name, created_at, status (planned, running, stopped, failed or finished), reason (why it stopped or failed),
      process (host, pid, since; null before any), has_result,
      workers (all that work, or have worked, on it: host, pid, since, at_work, left (null if at work or killed),
      reason, trials (numbers of those in flight)),
      trials, best (mean, interval; null before any),
      shifted (share of the aligned model's tokens that are shifted under the prompt found; null where not measured)
    """
    from urial_opt.cli.advice import as_typed
    from urial_opt.cli.layout import Figure, print_figures, say
    from urial_opt.cli.suggestions import say_suggestions, suggested, suggestion
    from urial_opt.cli.tables import interval
    from urial_opt.cli.working import say_workers
    from urial_opt.records import estimate_json
    from urial_opt.store import SearchStatus, Store

    with Store.open(store_url, create=False) as store:
        searches = store.searches()[::-1]
    if as_json:
        write_json(
            [
                {
                    "name": each.name,
                    "created_at": each.created_at,
                    "status": each.status.value,
                    "reason": each.reason or None,
                    "process": each.process.as_shown() if each.process else None,
                    "workers": [worker.as_json() for worker in each.workers],
                    "has_result": each.has_result,
                    "trials": each.trials,
                    "best": estimate_json(each.best) if each.best else None,
                    "shifted": each.shifted,
                }
                for each in searches
            ]
        )
        return
    if not searches:
        say(f"No search yet. Start one with: {suggestion('search', '--budget', '200')}")
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
    for each in searches:
        if each.status is SearchStatus.RUNNING:
            say_workers(each.name, each.workers)
        elif each.reason:
            say(f"{each.name} {each.status}: {as_typed(each.reason)}", rest="  ")
    shown = next((each for each in searches if each.has_result), searches[0])
    say_suggestions("\nInspect one with:", suggested("inspect", shown.name))


def _shifted(search: SearchSummary) -> str:
    return "–" if search.shifted is None else f"{100 * search.shifted:.1f} %"
