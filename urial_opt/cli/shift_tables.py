"""Token shift on a terminal: the figures of each context side by side, and what explains them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click
from rich.table import Table

from urial_opt.cli.tables import print_table
from urial_opt.records import Estimate
from urial_opt.shift.figures import ContextShift, ShiftedText, TokenShift
from urial_opt.shift.findings import FindingKind, ShiftExplanation

_WORDS = 12
_SPANS = ((1, 1), (2, 5), (6, 20), (21, 100))
_MARKS: Mapping[FindingKind, str] = {
    FindingKind.REPAIRED: "+",
    FindingKind.BROKEN: "-",
    FindingKind.LACKING: "!",
    FindingKind.LATE: "!",
    FindingKind.KEPT: "=",
}


def show_shift(shift: TokenShift) -> None:
    """The shares of the three classes, what else tells the models apart, and which tokens it is about."""
    positions = next((each.positions for each in shift.contexts.values()), 0)
    cut = f", {shift.cut_off} cut off at the maximal length" if shift.cut_off else ""
    click.echo(f"{shift.answers} answers of {shift.aligned}, {positions} tokens{cut}, read by {shift.base}")
    table = _by_context(shift, "tokens in the base model's eyes [95 %]")
    rows: list[tuple[str, Callable[[ContextShift], str]]] = [
        ("unshifted (its first choice)", lambda each: _share(each.unshifted)),
        ("marginal (its second or third)", lambda each: _share(each.marginal)),
        ("shifted", lambda each: _share(each.shifted)),
        ("probability it gives them", lambda each: _number(each.probability)),
        ("KL(base || aligned), nats", lambda each: _divergence(each.kl_base_aligned, each.kl_base_aligned_least)),
        ("KL(aligned || base), nats", lambda each: _divergence(each.kl_aligned_base, each.kl_aligned_base_least)),
        ("  of it at shifted tokens", lambda each: _share(each.kl_of_shifted.get("kl_aligned_base"))),
        ("end of the turn shifted", lambda each: _share(each.end_of_turn.shifted)),
    ]
    for heading, cell in rows:
        table.add_row(heading, *map(cell, shift.contexts.values()))
    for first, last in _SPANS:
        heading = f"shifted at position {first}" if first == last else f"shifted at positions {first} to {last}"
        table.add_row(heading, *[_span(each, first, last) for each in shift.contexts.values()])
    print_table(table)
    table = _by_context(shift, "which tokens are shifted")
    groups = list(dict.fromkeys(name for each in shift.contexts.values() for name in each.groups))
    for name in groups:
        cells = [_group(each, name) for each in shift.contexts.values()]
        table.add_row(name.replace("_", " "), *cells)
    print_table(table)
    for name, context in shift.contexts.items():
        words = [word for word in context.top_words if word.shifted][:_WORDS]
        if words:
            click.echo(f"most shifted, {name}: " + ", ".join(map(_word, words)))
    for name, difference in shift.differences.items():
        base = next(iter(shift.contexts))
        told = f"{difference.repaired} shifted tokens repaired, {difference.broken} broken"
        click.echo(f"{name} against {base}: {told}; shifted {_share(difference.shifted, signed=True)}")


def show_explanation(explanation: ShiftExplanation) -> None:
    """What a context repairs, breaks and lacks, a sentence each."""
    against = f" against {explanation.baseline}" if explanation.baseline else ""
    click.secho(f"\n{explanation.context}{against}", bold=True)
    for finding in explanation.findings:
        click.echo(f"  {_MARKS[finding.kind]} {finding.sentence}")
    if explanation.findings:
        click.echo("  (of each next token, the aligned model's own answer so far being given)")
    else:
        click.echo("  Nothing that so few answers could show.")


def _by_context(shift: TokenShift, heading: str) -> Table:
    table = Table()
    table.add_column(heading)
    for name in shift.contexts:
        table.add_column(name, justify="right")
    return table


def _share(estimate: Estimate | None, *, signed: bool = False) -> str:
    """`7.8 % [7.1, 8.6]`."""
    if estimate is None:
        return "–"
    form = "+.1f" if signed else ".1f"
    ends = f" [{100 * estimate.low:{form}}, {100 * estimate.high:{form}}]"
    return f"{100 * estimate.mean:{form}} %" + ("" if estimate.low != estimate.low else ends)


def _number(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    ends = f" [{estimate.low:.3f}, {estimate.high:.3f}]"
    return f"{estimate.mean:.3f}" + ("" if estimate.low != estimate.low else ends)


def _divergence(known: Estimate | None, least: Estimate | None) -> str:
    return f"≥ {_number(least)}" if known is None and least is not None else _number(known)


def _span(context: ContextShift, first: int, last: int) -> str:
    points = [p for p in context.curve if first <= p.position <= last and p.shifted is not None]
    tokens = sum(point.answers for point in points)
    shifted = sum(point.answers * point.shifted.mean for point in points if point.shifted)
    return f"{100 * shifted / tokens:.1f} %" if tokens else "–"


def _group(context: ContextShift, name: str) -> str:
    """`24 % of all, 3.1 % shifted`."""
    group = context.groups.get(name)
    if group is None or group.share is None:
        return "–"
    shifted = "–" if group.shifted is None else f"{100 * group.shifted.mean:.1f} %"
    of = "–" if group.of_shifted is None else f"{100 * group.of_shifted.mean:.0f} %"
    return f"{shifted} of {group.positions}; {of} of all shifted"


def _word(word: ShiftedText) -> str:
    return f"{word.text!r} {word.shifted}/{word.count}"
