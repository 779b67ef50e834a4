"""`urial-opt rename`: gives a search another name."""

from __future__ import annotations

import click

from urial_opt.cli.options import json_option, store_option
from urial_opt.cli.output import write_json


@click.command(short_help="Give a search another name.")
@click.argument("name")
@click.argument("new")
@store_option
@json_option
def command(name: str, new: str, store_url: str, *, as_json: bool) -> None:
    """Give the search NAME the name NEW.

    \b
    With --json an object with the keys
      name, before
    """
    from urial_opt.cli.layout import say
    from urial_opt.cli.suggestions import say_suggestions, suggested
    from urial_opt.store import Store

    with Store.open(store_url, create=False) as store:
        store.rename_search(name, new)
    if as_json:
        write_json({"name": new, "before": name})
        return
    say(f"The search {name!r} is called {new!r} now.")
    say_suggestions("Its search command would begin another one; continue it with:", suggested("resume", new))
