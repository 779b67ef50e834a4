"""`urial-opt judge-check`: compares a judge with given scores and reports how well it agrees with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from urial_opt.cli.options import (
    ask_again_option,
    asking_again,
    json_option,
    named,
    opening_options,
    store_option,
)
from urial_opt.cli.output import write_json, write_line
from urial_opt.roles import judge_of, notes_of, prices_of

if TYPE_CHECKING:
    from urial_opt.aspects import Aspect
    from urial_opt.evaluation.judge_check import JudgeCheck, PositionBias, Repeated
    from urial_opt.records import Estimate
    from urial_opt.statistics.agreement import Agreement


@click.command(short_help="Compare a judge with given scores.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--judge", required=True, help="Judge to check, such as llm:gpt-4o.")
@opening_options("judge")
@click.option("--limit", type=click.IntRange(1), help="Use only this many answers, from the start. [default: all]")
@click.option(
    "--self-consistency",
    "repeats",
    type=click.IntRange(1),
    metavar="N",
    help="Judge each answer N more times, and compare the verdicts.",
)
@click.option("--position-bias", is_flag=True, help="Compare answers to the same query in pairs, in both orders.")
@ask_again_option
@store_option
@json_option
def command(
    file: Path,
    judge: str,
    limit: int | None,
    repeats: int | None,
    store_url: str,
    *,
    position_bias: bool,
    as_json: bool,
) -> None:
    """Compare a judge with the scores of answers in FILE.

    FILE contains JSON lines, a JSON list, CSV, or results of just-eval. A row has the fields query (or instruction,
    input), answer (or output, candidate, output_cand) and scores (by aspect, from 1 to 5 or N/A); it may have id and
    kind (regular or safety). In CSV each aspect is a column. Verdicts are kept in the store: repeating a check costs
    nothing, except for --self-consistency.

    \b
    Examples:
      urial-opt judge-check scores.csv --judge llm:gpt-4o
      urial-opt judge-check results.json --judge llm:gpt-4o --limit 100 --self-consistency 2

    \b
    With --json an object with the keys
      judge, answers, asked (how many were judged now; the others were in the store),
      missing (verdicts of the judge, by the reason: not_applicable, unread, refused),
      left_out (given scores on aspects that are not judged on queries of that kind),
      overall and aspects (by name): n (pairs of scores), missing_given, missing_judged and, each
        with mean and interval or null where undefined, exact, within_one, spearman, kendall,
        kappa (quadratic weights), bias (judge less given),
      self_consistency (null unless requested): repeats, aspects (by name: answers, equal,
        deviation in points),
      spending and cost (as in evaluate: what was not in the store),
      position_bias (null unless requested): pairs, unread, consistent, ordered (pairs with one
        preferred and one scored higher), follows_given (share of those where both are the same)
    """
    from urial_opt.cli.layout import say
    from urial_opt.cli.tables import show_bill
    from urial_opt.datasets.rated_answers import read_rated_answers
    from urial_opt.evaluation.judge_check import check_judge
    from urial_opt.evaluation.unreadable import nothing_read, unreadable_judge
    from urial_opt.records import Role
    from urial_opt.spending import bill_of
    from urial_opt.store import Store

    rated = read_rated_answers(file)[:limit]
    opened = judge_of(named("judge", judge))
    for note in notes_of(opened):
        say(note, rest="  ", err=True)
    with Store.open(store_url) as store:
        store.pace(opened)
        store.again.most = asking_again()
        account = store.account(command="judge-check")
        with account.billing(opened):
            check = check_judge(
                rated,
                opened,
                account,
                repeats=repeats or 0,
                position_bias=position_bias,
                watch=lambda doing, done, of: write_line(f"[{doing}] {done}/{of}", err=True),
            )
    bill = bill_of(account.spent, {Role.JUDGE: opened.identity}, prices_of({Role.JUDGE: opened}, {}))
    if as_json:
        write_json({**check.as_json(), "spending": bill.as_json(), "cost": bill.total})
    else:
        _show(check)
        show_bill(bill)
    if nothing_read(check.verdicts):
        raise unreadable_judge(check.judge, check.verdicts)


def _show(check: JudgeCheck) -> None:
    from urial_opt.cli.layout import Figure, print_figures, say
    from urial_opt.evaluation.scorecard import in_words

    title = f"{check.judge} on {check.answers} answers, {check.asked} of them judged now"
    rows = {aspect.value: each for aspect, each in check.aspects.items()}
    if len(rows) > 1:
        rows["all"] = check.overall
    found = rows.values()
    figures = [
        Figure(name="n", cells=[str(each.n) for each in found]),
        Figure(
            name="missing (given, judge)",
            short="missing\n(given,\njudge)",
            cells=[f"{each.missing_given}, {each.missing_judged}" for each in found],
        ),
        Figure(name="exact", cells=[_share(each.exact) for each in found]),
        Figure(name="within one", cells=[_share(each.within_one) for each in found]),
        Figure(name="bias", cells=[_number(each.bias, signed=True) for each in found]),
        Figure(name="Spearman", cells=[_number(each.spearman) for each in found]),
        Figure(name="Kendall", cells=[_number(each.kendall) for each in found]),
        Figure(name="kappa", cells=[_number(each.kappa) for each in found]),
    ]
    print_figures(list(rows), figures, corner="aspect", title=title, strong="all")
    say()
    if sum(check.missing.values()):
        say(f"Of the judge: {in_words(check.missing)}.\n")
    if check.left_out:
        say(f"Left out: {check.left_out} of the given scores, on aspects not judged on queries of their kind.\n")
    if check.repeated:
        _show_repeated(check.repeated, check.repeats)
    if check.position:
        say(f"{_position_in_words(check.position)}\n")
    say(_in_words(check.overall))


def _share(estimate: Estimate | None) -> str:
    from urial_opt.cli.tables import share_cell

    return share_cell(estimate)


def _number(estimate: Estimate | None, *, signed: bool = False) -> str:
    from urial_opt.cli.tables import interval

    return interval(estimate, signed=signed)


def _show_repeated(repeated: Mapping[Aspect, Repeated], repeats: int) -> None:
    from urial_opt.cli.layout import Figure, print_figures, say

    figures = [
        Figure(name="answers", cells=[str(each.answers) for each in repeated.values()]),
        Figure(name="equal", cells=[_share(each.equal) for each in repeated.values()]),
        Figure(name="points apart", cells=[_number(each.deviation) for each in repeated.values()]),
    ]
    title = f"{repeats + 1} verdicts on each answer, compared in pairs"
    print_figures([aspect.value for aspect in repeated], figures, corner="aspect", title=title)
    say()


def _position_in_words(position: PositionBias) -> str:
    if position.consistent is None:
        return f"None of {position.pairs} pairs of answers got a readable verdict in both orders."
    unread = f" ({position.unread} more could not be read)" if position.unread else ""
    said = f"Shown two answers in both orders, the judge gives the same verdict in {_share(position.consistent)} of "
    said += f"{position.pairs - position.unread} pairs{unread}"
    if position.follows_given is None:
        return f"{said}."
    return (
        f"{said}; where it prefers one and the given scores differ, it is the one scored higher in "
        f"{_share(position.follows_given)} of {position.ordered}."
    )


def _in_words(agreement: Agreement) -> str:
    if agreement.within_one is None or agreement.bias is None:
        return "No answer has both a given score and a readable verdict of the judge, so nothing can be compared."
    bias = agreement.bias
    if bias.low > 0 or bias.high < 0:
        leaning = f"{abs(bias.mean):.2f} points {'more lenient' if bias.mean > 0 else 'harsher'}"
    else:
        leaning = f"neither more lenient nor harsher on average ({_number(bias, signed=True)})"
    return (
        f"The judge is within one point of the given scores in {_share(agreement.within_one)} of "
        f"{agreement.n} verdicts, and {leaning}."
    )
