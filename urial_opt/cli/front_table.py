"""Front table: prints the prompts of a search that no other one beats on all axes, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from urial_opt.cli.layout import Figure, print_figures, say
from urial_opt.cli.options import given_prices
from urial_opt.cli.output import write_json
from urial_opt.cli.suggestions import say_suggestions, suggested
from urial_opt.objective import COST, TokenCount, axis_names
from urial_opt.records import Estimate, Role
from urial_opt.report.pareto import Compared, Front, pareto_front
from urial_opt.store import SearchRecord, Store

_UNITS = {COST: ".4f", TokenCount.PROMPT.value: ",.0f", TokenCount.ANSWER.value: ".1f"}
_HEADS = {COST: "dollars for 1,000 answers"} | {each.value: each.value.replace("_", " ") for each in TokenCount}


def show_front(store: Store, search: SearchRecord, axes: str, prices: tuple[str, ...], *, as_json: bool) -> None:
    """Print the front of a search over the axes that a person named."""
    front = pareto_front(store, search, axis_names(axes), price=given_prices(prices).get(Role.BASE))
    if as_json:
        write_json({"name": search.name, "front": front.as_json()})
    else:
        print_front(front, search.name)


def own_front(store: Store, search: SearchRecord) -> Front | None:
    """The front over the axes that a search was begun with; None if it names none, or has nothing to compare yet."""
    names = search.objective.pareto
    return pareto_front(store, search, names) if names and store.best(search.name, 1) else None


def print_front(front: Front, name: str) -> None:
    """Print the front as a table, with the prompts that are not surely beaten, and what to type next."""
    best = [each for each in front.prompts if each.beaten_by is None]
    near = [each for each in front.prompts if each.beaten_by is not None and not each.surely]
    shown: Sequence[Compared] = [*best, *near]
    figures = [
        Figure(name=_HEADS.get(axis, axis), cells=[_cell(axis, each.values[axis]) for each in shown])
        for axis in front.axes
    ]
    beaten = ["" if each.beaten_by is None else f"perhaps trial {each.beaten_by}" for each in shown]
    if near:
        figures.append(Figure(name="beaten by", cells=beaten, left=True))
    number = len(front.prompts)
    axes = f"{', '.join(front.axes[:-1])} and {front.axes[-1]}"
    say(f"Pareto front of {name} over {axes}, on the dev queries", bold=True)
    print_figures(
        [f"{each.trial}, the prompt found" if each.found else str(each.trial) for each in shown],
        figures,
        corner="trial",
    )
    say()
    surely = number - len(shown)
    say(
        f"Of {number} prompts that were asked every dev query {len(best)} are on the front; {surely} are beaten on all "
        f"axes beyond doubt, {len(near)} perhaps."
    )
    if front.breaking:
        say(f"{front.breaking} more are left out, since they break the constraints.")
    say_suggestions("Look at one:", suggested("inspect", name, "--trial", str(best[0].trial)))


def _cell(axis: str, value: Estimate) -> str:
    spec = _UNITS.get(axis, ".2f")
    return format(value.mean, spec) if value.low == value.high else format(value, spec)
