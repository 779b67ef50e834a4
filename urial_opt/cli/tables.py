"""Tables of results, for people."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from urial_opt.aspects import Aspect
from urial_opt.cli.options import DEFAULT_STORE
from urial_opt.outcome import Measured, SearchResult
from urial_opt.records import Estimate

_NAMES = {
    "zero_shot": "zero-shot",
    "hand_written": "hand-written URIAL",
    "found": "found",
    "aligned": "aligned model",
}


def interval(estimate: Estimate, *, signed: bool = False) -> str:
    """`4.31 [4.20, 4.42]`."""
    form = "+.2f" if signed else ".2f"
    return f"{estimate.mean:{form}} [{estimate.low:{form}}, {estimate.high:{form}}]"


def aspect_cells(measured: Measured) -> list[str]:
    """The six aspect means; a dash where nothing could be read."""
    aspects = measured.card.aspects
    return [f"{aspects[aspect].mean:.2f}" if aspect in aspects else "–" for aspect in Aspect]


def show_result(result: SearchResult, *, store_url: str) -> None:
    """The final table of a search, the gain in words, and the commands to type next."""
    table = Table(title=f"{result.name}: {result.found.card.queries} test queries, scores 1 to 5", title_justify="left")
    table.add_column("context")
    for aspect in Aspect:
        table.add_column(aspect.value, justify="right")
    table.add_column("average [95 %]", justify="right")
    table.add_column("prompt tokens", justify="right")
    for role, measured in result.contexts.items():
        tokens = "" if measured.prompt_tokens is None else str(measured.prompt_tokens)
        style = "bold" if role == "found" else None
        table.add_row(_NAMES[role], *aspect_cells(measured), interval(measured.card.average), tokens, style=style)
    print_table(table)
    click.echo()
    gain = interval(result.gain, signed=True)
    if result.significant:
        click.echo(f"The found prompt (trial {result.found_trial}) gains {gain} on the hand-written one.")
    else:
        click.echo(f"No significant gain over the hand-written prompt: {gain}.")
    click.echo()
    click.echo("Next:")
    store = "" if store_url == DEFAULT_STORE else f" --store {store_url}"
    click.echo(f"  urial-opt inspect {result.name}{store}")
    click.echo(f"  urial-opt export {result.name}{store} --format urial --output found.txt")


def print_table(table: Table) -> None:
    """Print on standard output, never narrower than the table needs where that is no terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    console.print(table)
