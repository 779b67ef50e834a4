"""`urial-opt inspect`: the best prompts of a search, with what they gain and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from urial_opt.cli.options import json_option, print_json, store_option

if TYPE_CHECKING:
    from urial_opt.report.inspection import ExampleAnswer, InspectedTrial


@click.command(short_help="Show the best prompts of a search.")
@click.argument("name", required=False)
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, help="How many prompts to show.")
@click.option("--examples", type=click.IntRange(0), default=2, show_default=True, help="Answers of each sort to show.")
@store_option
@json_option
def command(name: str | None, top: int, examples: int, store_url: str, *, as_json: bool) -> None:
    """Show the best prompts of the search NAME (default: the newest) on the dev queries.

    \b
    With --json an object with the keys
      name, status, settings, found_trial (null while it runs), and
      trials: a list of objects with number, state, estimate and average (mean, interval), aspects and gains (by
      aspect: mean, interval), shift (null where not measured: positions, unshifted, marginal, shifted, surprise,
      kl_base_aligned, kl_aligned_base), params, system, exemplars, text, sampling, best, worst and won (examples:
      query, answer, score, before, reasons)
    """
    from urial_opt.cli.choosing import chosen_search
    from urial_opt.report.inspection import inspect_search
    from urial_opt.store import Store

    with Store.open(store_url, create=False) as store:
        search = chosen_search(store, name)
        inspected = inspect_search(store, search, top=top, examples=examples)
    if as_json:
        print_json(
            {
                "name": search.name,
                "status": search.status.value,
                "settings": dict(search.settings),
                "found_trial": search.summary["found_trial"] if search.summary else None,
                "trials": [_as_json(each) for each in inspected],
            }
        )
        return
    click.echo(f"Search {search.name}, {search.status.value}")
    if not inspected:
        click.echo("No trial is recorded yet; go on with the search by its search command.")
    for each in inspected:
        _show(each)


def _show(inspected: InspectedTrial) -> None:
    from rich.table import Table

    from urial_opt.aspects import Aspect
    from urial_opt.cli.tables import interval, print_table, shift_line

    record = inspected.record
    click.secho(f"\nTrial {record.number} ({record.state.value}, {len(record.query_scores)} dev queries)", bold=True)
    click.echo(f"estimate {interval(inspected.estimate)}, seen {interval(inspected.card.average)}")
    table = Table()
    table.add_column("aspect")
    table.add_column("mean [95 %]", justify="right")
    if inspected.gains:
        table.add_column("against the starting prompt", justify="right")
    for aspect in Aspect:
        if aspect in inspected.card.aspects:
            gain = [interval(inspected.gains[aspect], signed=True)] if aspect in inspected.gains else []
            table.add_row(aspect.value, interval(inspected.card.aspects[aspect]), *gain)
    print_table(table)
    if inspected.shift:
        click.echo(shift_line(inspected.shift))
    chosen = {name: value for name, value in record.candidate.params.items() if value is not False}
    click.echo("parameters: " + ", ".join(f"{name}={value}" for name, value in chosen.items()))
    click.secho("\nprompt", bold=True)
    click.echo(record.candidate.prompt.prefix)
    for title, examples in (("best answers", inspected.best), ("worst answers", inspected.worst)):
        _show_examples(title, examples)
    if inspected.gains:
        _show_examples("most gained on the starting prompt", inspected.won)


def _show_examples(title: str, examples: Sequence[ExampleAnswer]) -> None:
    if not examples:
        return
    click.secho(title, bold=True)
    for example in examples:
        before = "" if example.before is None else f", before {example.before:.2f}"
        click.echo(f"  {example.score:.2f}{before}  {example.query.text}")
        for line in example.completion.text.splitlines() or ["(nothing)"]:
            click.echo(f"        {line}")
        reasons = "; ".join(f"{aspect}: {reason}" for aspect, reason in example.judgment.reasons.items())
        click.echo(f"        ({reasons})")


def _as_json(inspected: InspectedTrial) -> dict[str, object]:
    from dataclasses import asdict

    from urial_opt.records import estimate_json, shift_json

    record = inspected.record
    prompt = record.candidate.prompt
    return {
        "number": record.number,
        "state": record.state.value,
        "estimate": estimate_json(inspected.estimate),
        "average": estimate_json(inspected.card.average),
        "aspects": {aspect.value: estimate_json(each) for aspect, each in inspected.card.aspects.items()},
        "gains": {aspect.value: estimate_json(each) for aspect, each in inspected.gains.items()},
        "shift": shift_json(inspected.shift) if inspected.shift else None,
        "params": dict(record.candidate.params),
        "system": prompt.system,
        "exemplars": [{"query": e.query, "answer": e.answer, "style": e.style} for e in prompt.exemplars],
        "text": prompt.prefix,
        "sampling": asdict(record.candidate.sampling),
        "best": [_example_json(example) for example in inspected.best],
        "worst": [_example_json(example) for example in inspected.worst],
        "won": [_example_json(example) for example in inspected.won],
    }


def _example_json(example: ExampleAnswer) -> Mapping[str, object]:
    return {
        "query": example.query.text,
        "answer": example.completion.text,
        "score": example.score,
        "before": example.before,
        "reasons": dict(example.judgment.reasons),
    }
