"""Tables of results, for people."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from urial_opt.aspects import Aspect
from urial_opt.cli.options import DEFAULT_STORE
from urial_opt.evaluation.assessment import Assessment
from urial_opt.evaluation.pairwise import Duel
from urial_opt.records import Estimate, ProbeShift
from urial_opt.search.planning import Plan
from urial_opt.search.result import Measured, SearchResult, ShiftOutcome
from urial_opt.spending import Bill

_NAMES = {
    "zero_shot": "zero-shot",
    "plain_icl": "plain ICL",
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
    _show_constraints(result)
    print_table(_bill_table(result.bill, title="what it took"))
    _say_missing_prices(result.bill)
    click.echo()
    gain = interval(result.gain, signed=True)
    if result.significant:
        click.echo(f"The found prompt (trial {result.found_trial}) gains {gain} on the hand-written one.")
    else:
        click.echo(f"No significant gain over the hand-written prompt: {gain}.")
    if result.shift and result.shift.by_trial:
        _show_shift(result.shift)
    click.echo()
    click.echo("Next:")
    store = "" if store_url == DEFAULT_STORE else f" --store {store_url}"
    click.echo(f"  urial-opt inspect {result.name}{store}")
    click.echo(f"  urial-opt export {result.name}{store} --format urial --output found.txt")


def _show_constraints(result: SearchResult) -> None:
    """How the winner was chosen under constraints, and which contexts keep them on the test queries."""
    if not result.choice.constraints:
        return
    of_winner = ", ".join(map(str, result.choice.constraints))
    if result.choice.keeps_constraints:
        click.echo(f"On validation the found prompt keeps the constraints ({of_winner}).")
    else:
        click.echo(f"No prompt tried keeps the constraints on validation; the nearest one is shown ({of_winner}).")
    for role, measured in result.contexts.items():
        click.echo(f"  on test, {_NAMES[role]}: {', '.join(map(str, measured.constraints))}")


def _show_shift(shift: ShiftOutcome) -> None:
    for name, each in (("starting", shift.start), ("found", shift.found)):
        if each:
            click.echo(f"The {name} prompt: {shift_line(each)}")
    number = len(shift.by_trial)
    if shift.correlation:
        told = interval(shift.correlation, signed=True)
        click.echo(f"Surprise goes with the score of {number} trials by a rank correlation of {told}.")
    else:
        click.echo(f"Too few trials ({number}) to say whether token shift goes with the score.")


def shift_line(shift: ProbeShift) -> str:
    """How far a prompt leaves the base model from the aligned one, in a line."""
    shifted, marginal = (f"{100 * share:.1f} %" for share in (shift.shifted, shift.marginal))
    of = f"{shifted} of {shift.positions} tokens of the aligned model shifted, {marginal} marginal"
    return f"{of}; surprise {shift.surprise:.3f} nats a token"


def show_assessment(assessment: Assessment) -> None:
    """The aspect means of one prompt or of given outputs, what they rest on, and what they cost."""
    card = assessment.card
    prompt = assessment.prompt
    what = "given outputs" if prompt is None else f"prompt {prompt.id}" if prompt.prefix else "zero-shot"
    click.echo(f"{what}, base {assessment.base}, judge {assessment.judge}: {card.queries} queries, scores 1 to 5")
    table = Table(show_footer=True)
    judged = len(card.aspects)
    average = interval(card.average) if judged else "–"
    table.add_column("aspect", footer="average" if judged == len(Aspect) else f"average of {judged}")
    table.add_column("mean [95 %]", justify="right", footer=average)
    table.add_column("n", justify="right", footer=str(card.queries))
    table.add_column("missing", justify="right", footer=str(card.missing))
    spreads = {aspect: interval(spread) for aspect, spread in assessment.spreads.items()}
    if spreads:
        table.add_column("judges apart by", justify="right")
    for aspect, verdicts in card.verdicts.items():
        mean = interval(card.aspects[aspect]) if aspect in card.aspects else "–"
        apart = [spreads.get(aspect, "–")] if spreads else []
        table.add_row(aspect.value, mean, str(verdicts.n), str(verdicts.missing), *apart)
    print_table(table)
    for each in assessment.constraints:
        click.echo(f"constraint {each}")
    if assessment.scoring.na_as_five:
        click.echo("Missing verdicts count as 5.0, as on just-eval's leaderboard.")
    if there := assessment.answered_in_prompt:
        click.echo(f"{len(there)} of the queries stand answered in the prompt and flatter it: {', '.join(there[:5])}")


def show_duel(duel: Duel, *, against: str) -> None:
    """Which answers the judge prefers, on the whole and by aspect."""
    table = Table(title=f"compared with {against}: {duel.queries} queries", title_justify="left")
    table.add_column("")
    for heading in ("wins", "ties", "losses", "not readable", "won [95 %]"):
        table.add_column(heading, justify="right")
    for name, tally in [("overall", duel.overall), *duel.aspects.items()]:
        counts = (tally.wins, tally.ties, tally.losses, tally.unread)
        table.add_row(name, *map(str, counts), share_cell(tally.won), style="bold" if name == "overall" else None)
    print_table(table)
    if duel.consistent is not None:
        click.echo(f"Shown two answers in both orders, the judge says the same in {share_cell(duel.consistent)}.")


def share_cell(estimate: Estimate | None) -> str:
    """`93 % [90, 96]`."""
    if estimate is None:
        return "–"
    return f"{100 * estimate.mean:.0f} % [{100 * estimate.low:.0f}, {100 * estimate.high:.0f}]"


def show_bill(bill: Bill) -> None:
    """What was asked for and paid now."""
    if any(spent.calls for spent in bill.spent.values()):
        print_table(_bill_table(bill, title="what it took"))
        _say_missing_prices(bill)
    else:
        click.echo("It took nothing: all answers and verdicts were in the store.")


def show_plan(plan: Plan) -> None:
    """What a search is expected to take, and at most."""
    for title, bill, seconds in (
        ("expected", plan.expected, plan.seconds),
        ("at most, if no prompt is dropped early", plan.at_most, plan.seconds_at_most),
    ):
        print_table(_bill_table(bill, title=title))
        lasts = "not known: all that was asked was stored already" if seconds is None else duration(seconds)
        click.echo(f"time: {lasts}")
        click.echo()
    _say_missing_prices(plan.expected)


def duration(seconds: float) -> str:
    """`2 h 05 min`, `3 min 20 s` or `45 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"


def _bill_table(bill: Bill, *, title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("role")
    for heading in ("calls", "prompt tokens", "answer tokens", "cached tokens", "dollars"):
        table.add_column(heading, justify="right")
    for role, spent in bill.spent.items():
        usage, cost = spent.usage, bill.cost(role)
        numbers = (spent.calls, usage.prompt_tokens, usage.completion_tokens, usage.saved_tokens)
        table.add_row(role.value, *(f"{number:,}" for number in numbers), "price?" if cost is None else f"{cost:.2f}")
    return table


def _say_missing_prices(bill: Bill) -> None:
    for role, spent in bill.spent.items():
        if spent.calls and bill.cost(role) is None:
            click.echo(
                f"The price of the {role} model is not known; give dollars for a million tokens: --price {role}=2.5/10"
            )


def print_table(table: Table) -> None:
    """Print on standard output, never narrower than the table needs where that is no terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    console.print(table)
