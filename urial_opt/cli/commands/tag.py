"""`urial-opt tag`: lets a judge label queries by task, topic and difficulty, so that samples can be stratified."""

from __future__ import annotations

import json
from pathlib import Path

import click

from urial_opt.cli.options import given_prices, named, opening_options, price_option
from urial_opt.cli.output import write_line


@click.command(short_help="Tag queries by task, topic and difficulty.")
@click.argument("source")
@click.option("--judge", required=True, help="Judge that tags them, such as llm:gpt-4o.")
@opening_options("judge")
@price_option
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write, .jsonl.")
def command(source: str, judge: str, price: tuple[str, ...], output: Path) -> None:
    """Tag the queries of SOURCE by task, topic and difficulty, and write them with these tags.

    SOURCE is anything that evaluate accepts as --queries. The file written can be used as --queries, where --sample
    then represents tasks and topics proportionally, and as the queries of a search space, whose blocks mix the tasks.

    \b
    Example:
      urial-opt tag mine.csv --judge llm:gpt-4o --output mine.jsonl
    """
    from urial_opt.cli.layout import say
    from urial_opt.cli.tables import show_bill
    from urial_opt.datasets.query_sources import load_queries
    from urial_opt.errors import InputError
    from urial_opt.evaluation.tagging import able_to_tag, tag_queries
    from urial_opt.records import Role
    from urial_opt.roles import judge_of, notes_of, prices_of
    from urial_opt.spending import Bill, Spent

    queries = load_queries(source)
    prices = given_prices(price)
    opened = judge_of(named("judge", judge))
    tagger = able_to_tag(opened)
    for note in notes_of(opened):
        say(note, rest="  ", err=True)
    total = sum(not query.earlier for query in queries)
    spent, done, unread = Spent(), 0, 0
    try:
        with output.open("x", encoding="utf-8") as file:
            for block in tag_queries(queries, tagger):
                file.writelines(json.dumps(each.as_json(), ensure_ascii=False) + "\n" for each in block)
                file.flush()
                done += len(block)
                unread += sum(not each.read for each in block)
                spent = sum((Spent(calls=1, usage=each.tags.usage) for each in block), spent)
                write_line(f"[tagging] {done}/{total}", err=True)
    except OSError as error:
        raise InputError(f"{str(output)!r} cannot be written ({error.strerror}); give another --output") from error
    say(f"Wrote {total} queries to {output}{f', {unread} of them untagged' if unread else ''}.")
    show_bill(Bill(spent={Role.JUDGE: spent}, prices=prices_of({Role.JUDGE: opened}, prices)))
