"""`urial-opt rm`: removes a search, its trials and results; answers and verdicts that were paid for stay."""

from __future__ import annotations

import click

from urial_opt.cli.options import json_option, store_option
from urial_opt.cli.output import write_json


@click.command(short_help="Remove a search.")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
@json_option
def command(name: str, store_url: str, *, yes: bool, as_json: bool) -> None:
    """Remove the search NAME, its trials, its results and Optuna's study of it.

    Answers and verdicts that were paid for stay in the store, and other searches use them. What the search has spent
    is kept under "removed searches".

    \b
    With --json, which wants --yes, an object with the keys
      name, trials, results (how many were removed)
    """
    from urial_opt.cli.layout import say
    from urial_opt.errors import InputError
    from urial_opt.search.study import remove_study
    from urial_opt.store import Store

    with Store.open(store_url, create=False) as store:
        number = store.count_trials(name)
        if as_json and not yes:
            raise InputError("--json does not ask; add --yes")
        if not yes:
            click.confirm(f"Remove the search {name!r} with its {number} trials?", abort=True, err=True)
        removed = store.remove_search(name)
        remove_study(store, name)
    if as_json:
        write_json({"name": name, "trials": removed.trials, "results": removed.results})
        return
    say(f"The search {name!r} is removed: {removed.trials} trials and {removed.results} measurements.")
    say("Its answers and verdicts stay in the store; a search that asks for the same ones does not pay again.")
