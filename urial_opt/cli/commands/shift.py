"""`urial-opt shift`: shows where a base model differs from its aligned version, and what prompts change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from urial_opt.cli.choosing import chosen_context, chosen_model, chosen_queries, named_context
from urial_opt.cli.decoding import decoding_line
from urial_opt.cli.former_names import answer_length_option, search_argument
from urial_opt.cli.options import (
    chosen_terms,
    json_option,
    named,
    opening_options,
    refuse_unwritable,
    run_limits,
    space_option,
    store_option,
    write_file,
)
from urial_opt.cli.output import write_json, write_line

if TYPE_CHECKING:
    from urial_opt.prompt import UrialPrompt
    from urial_opt.records import Query
    from urial_opt.shift.figures import TokenShift
    from urial_opt.shift.findings import ShiftExplanation
    from urial_opt.spaces.contexts import Context
    from urial_opt.spending import Bill
    from urial_opt.token_scores import ShiftReading

_FILE = click.Path(path_type=Path, dir_okay=False)
_CONTEXTS = ("zero-shot", "hand-written")


@click.command(short_help="Show where a base model differs from its aligned version.")
@search_argument
@click.option(
    "--prompt",
    "prompts",
    multiple=True,
    metavar="WHAT",
    help="Context of the base model: zero-shot, plain-icl, hand-written (the space's) or a prompt file; may be "
    "repeated, and the others are compared with the first. [default: zero-shot, hand-written]",
)
@click.option("--trial", type=int, help="Another trial of the search. [default: the one it found]")
@space_option
@click.option("--base", help="Base model, such as hf:NAME_OR_FOLDER. [default: the space's]")
@click.option("--aligned", help="Its aligned version, such as hf-chat:NAME_OR_FOLDER. [default: the space's]")
@opening_options("base", "aligned")
@click.option(
    "--queries",
    "source",
    metavar="SOURCE",
    help="A file (.jsonl, .json, .csv, .tsv, .parquet), or just-eval-instruct, alpaca-eval, mt-bench or lima. "
    "[default: the space's]",
)
@click.option(
    "--split",
    type=click.Choice(["dev", "validation", "test", "all"]),
    help="[default: validation for the space's queries, all for others]",
)
@click.option(
    "--sample", type=click.IntRange(1), help="Ask only this many queries, stratified by kind, task and topic."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of --sample.")
@answer_length_option("the space's")
@partial(run_limits, tokens=False)
@click.option("--explain", is_flag=True, help="Say what each context repairs, breaks and still lacks.")
@click.option("--compat", type=click.Choice(["aligntds"]), help="Count as the paper's public code does.")
@click.option("--html", "page_file", type=_FILE, help="Write a page that shows every token.")
@click.option("--parquet", "table_file", type=_FILE, help="Write a row for every position of every answer.")
@store_option
@json_option
def command(
    search_name: str | None,
    prompts: tuple[str, ...],
    trial: int | None,
    space_name: str | None,
    base: str | None,
    aligned: str | None,
    source: str | None,
    split: Literal["dev", "validation", "test", "all"] | None,
    sample: int | None,
    seed: int,
    max_new_tokens: int | None,
    compat: Literal["aligntds"] | None,
    page_file: Path | None,
    table_file: Path | None,
    store_url: str,
    *,
    explain: bool,
    as_json: bool,
) -> None:
    """Show, token by token, where a base model differs from its aligned version.

    NAME is a stored search, whose found prompt is another context. The aligned model answers each query greedily.
    Both models then read its answers, the base model once in each context. A token is unshifted if the base model
    ranks it first, marginal if second or third, and otherwise shifted. Replies of servers are kept in the store: what
    was paid is not paid again. At a limit (--max-cost, --max-time; exit code 3) the figures so far are shown, and the
    same command goes on. Tokens have no limit here.

    \b
    Examples:
      urial-opt shift --explain --html shift.html
      urial-opt shift NAME --explain
      urial-opt shift --space urial --base hf:BASE --aligned hf-chat:TWIN --queries just-eval-instruct

    \b
    With --json an object with the keys
      base, aligned, compat, answers, cut_off (answers that reached the maximum length),
      contexts (by name: unshifted, marginal, shifted (mean, interval), and the other fields that
        urial_opt/shift/figures.py lists), baseline (the first context), differences (of the others
        with it), explanations (by name, with --explain: repaired, broken, findings),
      space, max_tokens (maximum length of an answer), too_long_queries (ids of those left out),
      spending and cost (as in evaluate: what was not in the store)
    """
    from urial_opt.cli.accounts import stop_early
    from urial_opt.datasets.query_sources import sample_queries
    from urial_opt.report.shift_table import check_pyarrow
    from urial_opt.shift.explanation import explain_shift
    from urial_opt.shift.summary import summarise_shift

    refuse_unwritable(page_file, option="--html")
    refuse_unwritable(table_file, option="--parquet")
    if table_file is not None:
        check_pyarrow()
    searched, space = chosen_context(store_url, search_name, trial, space_name, base=base)
    given = {name: named_context(name, space) for name in prompts or _CONTEXTS}
    if searched is not None:
        given["found" if trial is None else f"trial {trial}"] = searched.context
    contexts = {name: each.candidate.prompt for name, each in given.items()}
    queries = chosen_queries(source, split, space, by_default="validation")
    if sample is not None:
        queries = sample_queries(queries, sample, seed=seed)
    longest = max_new_tokens or max(each.candidate.sampling.max_tokens for each in given.values())
    base_name, aligned_name = base or chosen_model("base", space), aligned or chosen_model("aligned", space)
    write_line(f"space {space.name}, base {base_name}, aligned {aligned_name}", err=True)
    _say_decoding(given, longest)
    reading, bill = _read(store_url, base_name, aligned_name, queries, contexts, longest)
    shift = summarise_shift(reading, compat=compat)
    explained = {name: explain_shift(reading, name) for name in contexts} if explain else {}
    _write_files(reading, shift, page_file, table_file)
    if as_json:
        more = {"explanations": {name: each.as_json() for name, each in explained.items()}} if explain else {}
        paid = {"spending": bill.as_json(), "cost": bill.total}
        used = {"space": space.name, "max_tokens": longest, "too_long_queries": list(reading.too_long)}
        write_json({**shift.as_json(), **more, **used, **paid})
    else:
        _show(shift, explained.values(), bill, reading)
    if reading.limit:
        read = f"These are the figures of {len(reading.answers)} of {len(queries)} queries."
        stop_early(reading.limit, read, goes_on=any(spent.requests for spent in bill.spent.values()))


def _show(shift: TokenShift, explained: Iterable[ShiftExplanation], bill: Bill, reading: ShiftReading) -> None:
    from urial_opt.cli.layout import say
    from urial_opt.cli.shift_tables import show_explanation, show_shift
    from urial_opt.cli.tables import show_bill
    from urial_opt.datasets.fitting import said_too_long

    show_shift(shift)
    for each in explained:
        show_explanation(each)
    if reading.too_long:
        number = len(reading.answers) + len(reading.too_long)
        said = said_too_long(reading.too_long, of=number, window="the models' context windows")
        say(f"{said}.")
    if any(spent.requests for spent in bill.spent.values()):
        show_bill(bill)


def _read(
    store_url: str,
    base_name: str,
    aligned_name: str,
    queries: Sequence[Query],
    contexts: Mapping[str, UrialPrompt],
    longest: int,
) -> tuple[ShiftReading, Bill]:
    """Open the models and let them answer and read, on the account of the command."""
    from urial_opt.cli.accounts import paying
    from urial_opt.errors import InputError
    from urial_opt.records import Role
    from urial_opt.roles import aligned_of, base_of, notes_of
    from urial_opt.shift.reading import read_shift
    from urial_opt.spending import bill_of
    from urial_opt.store import Store

    generator, twin = base_of(named("base", base_name)), aligned_of(named("aligned", aligned_name))
    for note in notes_of(generator, twin):
        write_line(note, err=True)
    models: dict[Role, object] = {Role.BASE: generator, Role.ALIGNED: twin}
    terms = chosen_terms(models)
    read = 0

    def watch(done: int) -> None:
        nonlocal read
        read = done
        write_line(f"[reading] {done}/{len(queries)}", err=True)

    with Store.open(store_url) as store:
        store.pace(*models.values())
        account = store.account(command="shift")

        def kept() -> str:
            return f"{read} of {len(queries)} queries are read."

        try:
            with paying(account, models, terms, stored=kept, replies_are_results=True):
                reading = read_shift(generator, twin, queries, contexts, max_tokens=longest, watch=watch)
        except InputError:
            account.settle()  # a server that is set up wrongly is asked again once it is set up well
            raise
        identities = {Role.BASE: generator.identity, Role.ALIGNED: twin.identity}
        return reading, bill_of(account.spent, identities, terms.prices)


def _say_decoding(given: Mapping[str, Context], longest: int) -> None:
    """How the aligned model answers, and the decoding that prompts come with, of which only the length counts."""
    write_line(f"answers greedy, without repetition penalty, at most {longest:,} new tokens", err=True)
    for name, each in given.items():
        if each.decoding_from != "the space's":
            write_line(f"{name}: {decoding_line(each.candidate.sampling, each.decoding_from)}", err=True)


def _write_files(reading: ShiftReading, shift: TokenShift, page_file: Path | None, table_file: Path | None) -> None:
    if shift.compat and (page_file or table_file):
        from urial_opt.shift.aligntds import as_aligntds

        reading = as_aligntds(reading)
    if page_file is not None:
        from urial_opt.report.shift_page import render_shift_page

        write_file(page_file, render_shift_page(reading, shift), option="--html")
        write_line(f"Wrote the page to {page_file}; open it in a browser.", err=True)
    if table_file is not None:
        from urial_opt.report.shift_table import write_shift_table

        write_shift_table(table_file, reading)
        write_line(f"Wrote every position to {table_file}.", err=True)
