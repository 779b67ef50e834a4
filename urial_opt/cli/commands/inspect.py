"""`urial-opt inspect`: shows the best prompts of a search, with their gains and their best and worst answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from urial_opt.cli.options import json_option, store_option
from urial_opt.cli.output import write_json

if TYPE_CHECKING:
    from urial_opt.report.inspection import ExampleAnswer, InspectedTrial


@click.command(short_help="Show the best prompts of a search.")
@click.argument("name", required=False)
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, help="How many prompts to show.")
@click.option(
    "--examples", type=click.IntRange(0), default=2, show_default=True, help="How many answers of each sort to show."
)
@store_option
@json_option
def command(name: str | None, top: int, examples: int, store_url: str, *, as_json: bool) -> None:
    """Show the best prompts of the search NAME (default: the newest) on the dev queries.

    \b
    With --json an object with the keys
      name, status, settings, found_trial (null while it runs), and
      trials: a list of objects with number, state, estimate and average (mean, interval), aspects and gains (by
      aspect: mean, interval), constraints (constraint, mean, kept), shift (null where not measured: positions,
      unshifted, marginal, shifted, surprise, kl_base_aligned, kl_aligned_base), params, system, exemplars, text,
      sampling, best, worst and won (examples: query, answer, score, before, reasons)
    """
    from urial_opt.cli.choosing import chosen_search
    from urial_opt.cli.layout import say
    from urial_opt.report.inspection import inspect_search
    from urial_opt.store import Store

    with Store.open(store_url, create=False) as store:
        search = chosen_search(store, name)
        inspected = inspect_search(store, search, top=top, examples=examples)
    if as_json:
        write_json(
            {
                "name": search.name,
                "status": search.status.value,
                "settings": dict(search.settings),
                "found_trial": search.summary["found_trial"] if search.summary else None,
                "trials": [_as_json(each) for each in inspected],
            }
        )
        return
    say(f"Search {search.name}, {search.status.value}")
    if not inspected:
        say("No trial is recorded yet; continue the search with its search command.")
    for each in inspected:
        _show(each)


def _show(inspected: InspectedTrial) -> None:
    from urial_opt.aspects import Aspect
    from urial_opt.cli.layout import Figure, print_figures, say
    from urial_opt.cli.tables import interval, shift_line

    record, card = inspected.record, inspected.card
    say()
    say(f"Trial {record.number} ({record.state.value}, {len(record.query_scores)} dev queries)", bold=True)
    say(f"score {interval(card.average)} (mean), {interval(inspected.estimate)} (shrunken estimate)")
    say()
    aspects = [aspect for aspect in Aspect if aspect in card.aspects]
    figures = [Figure(name="mean [95 %]", cells=[interval(card.aspects[aspect]) for aspect in aspects])]
    if inspected.gains:
        gains = [interval(inspected.gains.get(aspect), signed=True) for aspect in aspects]
        figures.append(
            Figure(name="gain over the starting prompt", short="gain over the\nstarting prompt", cells=gains)
        )
    print_figures([aspect.value for aspect in aspects], figures, corner="aspect")
    say()
    for each in inspected.constraints:
        say(f"constraint {each}", rest="  ")
    if inspected.shift:
        say(shift_line(inspected.shift), rest="  ")
    chosen = {name: value for name, value in record.candidate.params.items() if value is not False}
    say("parameters: " + ", ".join(f"{name}={value}" for name, value in chosen.items()), rest="  ")
    say()
    say("prompt", bold=True)
    say(record.candidate.prompt.prefix, first="  ", rest="    ")
    for title, examples in (("best answers", inspected.best), ("worst answers", inspected.worst)):
        _show_examples(title, examples)
    if inspected.gains:
        _show_examples("largest gains over the starting prompt", inspected.won)


def _show_examples(title: str, examples: Sequence[ExampleAnswer]) -> None:
    from urial_opt.cli.layout import say

    if not examples:
        return
    say()
    say(title, bold=True)
    for number, example in enumerate(examples):
        if number:
            say()
        before = "" if example.before is None else f", before {example.before:.2f}"
        say(f"{example.score:.2f}{before}  {' '.join(example.query.text.split())}", first="  ", rest="      ")
        say(example.completion.text or "(nothing)", first="    ", rest="      ")
        reasons = "; ".join(f"{aspect}: {reason}" for aspect, reason in example.judgment.reasons.items())
        say(f"({reasons})", first="    ", rest="      ")


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
        "constraints": [each.as_json() for each in inspected.constraints],
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
