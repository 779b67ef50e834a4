"""`urial-opt copy`: copies a search, with all that it needs to go on, to another store."""

from __future__ import annotations

import click

from urial_opt.cli.options import json_option, store_option
from urial_opt.cli.output import write_json


@click.command(short_help="Copy a search to another store.")
@click.argument("name")
@click.option("--to", "other_url", metavar="STORE", required=True, help="SQLite file or database URL; it may be new.")
@click.option("--as", "new", metavar="NEW", help="Name of the copy. [default: NAME]")
@store_option
@json_option
def command(name: str, other_url: str, new: str | None, store_url: str, *, as_json: bool) -> None:
    """Copy the search NAME to another store, where it can be shown and continued.

    With it go its trials, its results, Optuna's study, what it has spent, and all answers and verdicts of its models
    that this store holds, so that the copy does not pay again.

    \b
    Example:
      urial-opt copy NAME --to postgresql+psycopg://me@host/urial

    \b
    With --json an object with the keys
      name, store, trials, completions, judgments (how many were copied)
    """
    from urial_opt.cli.layout import say
    from urial_opt.search.study import copy_study
    from urial_opt.store import Store

    called = new or name
    with Store.open(store_url, create=False) as store, Store.open(other_url) as other:
        copied = store.copy_search(name, other, called)
        copy_study(store, name, other, called)
        where = other.name
    if as_json:
        counts = {"trials": copied.trials, "completions": copied.completions, "judgments": copied.judgments}
        write_json({"name": called, "store": where, **counts})
        return
    say(f"The search {name!r} is copied to {where} as {called!r}: {copied.trials} trials.")
    say(f"With it went {copied.completions} answers and {copied.judgments} verdicts of its models.")
