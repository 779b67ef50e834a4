"""`urial-opt tag`: lets a judge label queries by task, topic and difficulty, so that samples can be stratified."""

from __future__ import annotations

import json
from pathlib import Path

import click

from urial_opt.cli.options import (
    given_prices,
    named,
    opening_options,
    refuse_unwritable,
    store_option,
    terms_options,
    write_file,
)
from urial_opt.cli.output import write_line


@click.command(short_help="Tag queries by task, topic and difficulty.")
@click.argument("source")
@click.option("--judge", required=True, help="Judge that tags them, such as llm:gpt-4o.")
@opening_options("judge")
@terms_options
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write, .jsonl.")
@store_option
def command(
    source: str,
    judge: str,
    max_cost: float | None,
    max_tokens: int | None,
    max_time: float | None,
    price: tuple[str, ...],
    output: Path,
    store_url: str,
) -> None:
    """Tag the queries of SOURCE by task, topic and difficulty, and write them with these tags.

    SOURCE is anything that evaluate accepts as --queries. The file written can be used as --queries, where --sample
    then represents tasks and topics proportionally, and as the queries of a search space, whose blocks mix the tasks.

    Tags are kept in the store as they come, and the file is written when all are there: where a run was cut short, the
    same command goes on. The judge's tags come first, and those that SOURCE gives follow them.

    \b
    Example:
      urial-opt tag mine.csv --judge llm:gpt-4o --output mine.jsonl
    """
    from urial_opt.cli.accounts import paying
    from urial_opt.cli.layout import say
    from urial_opt.cli.tables import show_bill
    from urial_opt.datasets.query_sources import load_queries
    from urial_opt.errors import AdapterError
    from urial_opt.evaluation.tagging import able_to_tag, stored_tags, tag_queries
    from urial_opt.records import Role
    from urial_opt.roles import judge_of, notes_of, prices_of
    from urial_opt.spending import Terms, bill_of
    from urial_opt.store import Store

    queries = load_queries(source)
    prices = given_prices(price)
    refuse_unwritable(output, option="--output", new=True)
    opened = judge_of(named("judge", judge))
    tagger = able_to_tag(opened)
    for note in notes_of(opened):
        say(note, rest="  ", err=True)
    total = sum(not query.earlier for query in queries)
    models: dict[Role, object] = {Role.JUDGE: opened}
    prices = prices_of(models, prices)
    terms = Terms(prices=prices, max_cost=max_cost, max_tokens=max_tokens, max_seconds=max_time)
    rows: list[str] = []
    unread = 0
    with Store.open(store_url) as store:
        account = store.account(command="tag")

        def kept() -> str:
            done = stored_tags(queries, tagger, store)
            return f"{done} of {total} queries are tagged in {store.name}; {output} is not written."

        store.pace(opened)
        try:
            with paying(account, models, terms, stored=kept):
                for block in tag_queries(queries, tagger, account):
                    rows += [json.dumps(each.as_json(), ensure_ascii=False) + "\n" for each in block]
                    unread += sum(not each.read for each in block)
                    write_line(f"[tagging] {len(rows)}/{total}", err=True)
        except AdapterError as error:
            raise AdapterError(f"{error}; {kept()} The same command goes on", retryable=error.retryable) from error
    write_file(output, "".join(rows), option="--output")
    say(f"Wrote {total} queries to {output}{f', {unread} of them untagged' if unread else ''}.")
    show_bill(bill_of(account.spent, {Role.JUDGE: opened.identity}, prices))
