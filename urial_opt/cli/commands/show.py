"""`urial-opt show`: prints the result of a finished search again, from the store alone."""

from __future__ import annotations

import click

from urial_opt.cli.options import json_option, store_option
from urial_opt.cli.output import write_json


@click.command(short_help="Print the result of a finished search again.")
@click.argument("name", required=False)
@store_option
@json_option
def command(name: str | None, store_url: str, *, as_json: bool) -> None:
    """Print the result of the search NAME (default: the newest that has a result), as the search printed it.

    No model is loaded. Of a search that is running it says which processes work on it. With --json the object that
    `search --json` printed.

    \b
    Example:
      urial-opt show NAME
    """
    from urial_opt.cli.choosing import chosen_search
    from urial_opt.cli.layout import say
    from urial_opt.cli.suggestions import suggestion
    from urial_opt.cli.tables import show_result
    from urial_opt.cli.working import run_by, say_workers
    from urial_opt.errors import InputError
    from urial_opt.search.restored import restored_result
    from urial_opt.search.versions import version_lines
    from urial_opt.store import Store

    with Store.open(store_url, create=False) as store:
        record = chosen_search(store, name)
        if record.summary is None and record.status == "running":
            raise InputError(
                f"the search {record.name!r} has no result yet: it is run by {run_by(record.workers)}; "
                f"see how far it is with: {suggestion('inspect', record.name)}"
            )
        if record.summary is None:
            then = suggestion("resume", record.name)
            raise InputError(f"the search {record.name!r} is {record.status} and has no result yet; type: {then}")
        result = restored_result(store, record)
        trials = store.count_trials(record.name)
    if as_json:
        write_json({**record.summary, "space": record.settings["space"]})
        return
    if record.status != "finished":
        say(f"The search is {record.status} after a run that had a smaller budget; this is the result of that run.")
        say_workers(record.name, record.workers)
    for line in version_lines(record.deciders, trials):
        say(line)
    show_result(result, store_url=store_url)
