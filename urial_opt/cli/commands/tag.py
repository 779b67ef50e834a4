"""`urial-opt tag`: a judge tags queries by task, topic and difficulty, so that samples and races cover all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from urial_opt.cli.options import given_prices, opening, opening_options, price_option
from urial_opt.roles import notes_of

if TYPE_CHECKING:
    from urial_opt.records import Query, QueryTags

_BLOCK = 64
"""Queries between two writings of what was paid for."""


@click.command(short_help="Tag queries by task, topic and difficulty.")
@click.argument("source")
@click.option("--judge", required=True, help="Judge that tags them, such as llm:gpt-4o.")
@opening_options("judge")
@price_option
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write, .jsonl.")
def command(source: str, judge: str, price: tuple[str, ...], output: Path) -> None:
    """Tag the queries of SOURCE by task, topic and difficulty, and write them with these tags.

    SOURCE is what evaluate takes as --queries. The file written is taken by --queries, too, where --sample then asks
    each task and topic in its share, and as the queries of a search space, whose races are spread over the tasks.

    \b
    Example:
      urial-opt tag mine.csv --judge llm:gpt-4o --output mine.jsonl
    """
    from urial_opt import plugins
    from urial_opt.cli.layout import say
    from urial_opt.cli.tables import show_bill
    from urial_opt.datasets.query_sources import load_queries
    from urial_opt.errors import InputError
    from urial_opt.protocols import Tagger
    from urial_opt.records import Role
    from urial_opt.roles import prices_of
    from urial_opt.spending import Bill, Spent

    queries = load_queries(source)
    prices = given_prices(price)
    opened = plugins.open_judge(judge, opening("judge"))
    if not isinstance(opened, Tagger):
        raise InputError(f"the judge {judge!r} tags no queries; name one that does, such as --judge llm:gpt-4o")
    for note in notes_of(opened):
        say(note, rest="  ", err=True)
    later = [query for query in queries if query.earlier]
    turns = {query.id.rpartition("-")[0]: (*query.earlier[1:], query.text) for query in later}
    firsts = [query for query in queries if not query.earlier]
    spent, unread = Spent(), 0
    try:
        with output.open("x", encoding="utf-8") as file:
            for start in range(0, len(firsts), _BLOCK):
                block = firsts[start : start + _BLOCK]
                for query, tags in zip(block, opened.tag(block), strict=True):
                    row = _row(query, tags, turns=turns.get(query.id, ()))
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                    spent += Spent(calls=1, usage=tags.usage)
                    unread += "tags" not in row
                file.flush()
                click.echo(f"[tagging] {start + len(block)}/{len(firsts)}", err=True)
    except OSError as error:
        raise InputError(f"{str(output)!r} cannot be written ({error.strerror}); give another --output") from error
    say(f"Wrote {len(firsts)} queries to {output}{f', {unread} of them untagged' if unread else ''}.")
    show_bill(Bill(spent={Role.JUDGE: spent}, prices=prices_of({Role.JUDGE: opened}, prices)))


def _row(query: Query, tags: QueryTags, *, turns: tuple[str, ...]) -> dict[str, object]:
    """A row of a file of queries; without tags unless all could be read, since their order tells which is which."""
    read = [tag for tag in (tags.task, tags.topic, tags.difficulty) if tag]
    return {
        "id": query.id,
        "text": query.text,
        "kind": query.kind,
        "split": query.split,
        **({"tags": read} if len(read) == 3 else {}),
        **({"turns": list(turns)} if turns else {}),
    }
