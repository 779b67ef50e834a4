"""Tables: prints the results of searches, assessments, comparisons and plans for people."""

from __future__ import annotations

from urial_opt.aspects import Aspect
from urial_opt.cli.layout import Figure, print_figures, say
from urial_opt.cli.suggestions import say_suggestions, suggested
from urial_opt.datasets.fitting import said_too_long
from urial_opt.evaluation.assessment import Assessment
from urial_opt.evaluation.pairwise import PairwiseResult
from urial_opt.evaluation.scorecard import Scorecard, in_words
from urial_opt.objective import TokenCount
from urial_opt.records import Estimate, ProbeShift, Role
from urial_opt.search.digest import CONTEXT_NAMES, known_prompt, value_in_words, written_in_words
from urial_opt.search.planning import Plan
from urial_opt.search.result import SearchResult, ShiftOutcome
from urial_opt.spending import Bill

SHORT = {
    Aspect.HELPFULNESS: "help",
    Aspect.CLARITY: "clear",
    Aspect.FACTUALITY: "fact",
    Aspect.DEPTH: "depth",
    Aspect.ENGAGEMENT: "engage",
    Aspect.SAFETY: "safe",
}


def interval(estimate: Estimate | None, *, signed: bool = False) -> str:
    """`4.31 [4.20, 4.42]`; a dash for None."""
    if estimate is None:
        return "–"
    return format(estimate, "+.2f" if signed else ".2f")


def tokens_line(card: Scorecard) -> str:
    """`prompt of 312 tokens, answers of 41.2 [38.0, 44.9]`"""
    words = {TokenCount.PROMPT: "{:,.0f} tokens before a query", TokenCount.ANSWER: "{:.1f} in an answer"}
    said = [
        words[each].format(known.mean if each is TokenCount.PROMPT else known) for each, known in card.tokens.items()
    ]
    return "; ".join(said)


def show_result(result: SearchResult, *, store_url: str) -> None:
    """Print the final table of a search, the gain in words, and the commands to type next."""
    measured = result.contexts.values()
    figures = []
    for aspect in Aspect:
        means = [each.card.aspects.get(aspect) for each in measured]
        cells = ["–" if mean is None else f"{mean.mean:.2f}" for mean in means]
        figures.append(Figure(name=aspect.value, short=SHORT[aspect], cells=cells))
    averages = [interval(each.card.average) for each in measured]
    figures.append(Figure(name="average [95 %]", short="average\n[95 %]", cells=averages))
    tokens = ["–" if each.prompt_tokens is None else f"{each.prompt_tokens:,}" for each in measured]
    figures.append(Figure(name="prompt tokens", short="prompt\ntokens", cells=tokens))
    print_figures(
        [CONTEXT_NAMES.get(role, role.replace("_", " ")) for role in result.contexts],
        figures,
        corner="context",
        title=f"{result.name}: {result.found.card.queries} {result.split} queries, scores 1 to 5",
        strong=CONTEXT_NAMES["found"],
    )
    say()
    _show_constraints(result)
    _print_bill(result.bill, title="usage and cost")
    _say_missing_prices(result.bill)
    say()
    gain = interval(result.gain, signed=True)
    known = known_prompt(result.found_equals)
    if known:
        say(f"The found prompt (trial {result.found_trial}) is {known}.")
    if "hand_written" in result.found_equals:
        say("No prompt of this search was better, so there is no gain to measure.")
    elif result.significant:
        say(f"The found prompt (trial {result.found_trial}) gains {gain} over the hand-written one.")
    else:
        say(f"No significant gain over the hand-written prompt: {gain}.")
    _say_value(result)
    if sum(result.missing.values()):
        say(f"Over all trials and measurements {in_words(result.missing)}.")
    if result.too_long:
        say(f"{result.too_long} prompts did not fit the base model's context window; their trials failed.")
    for role, each in result.contexts.items():
        if each.too_long:
            window = f"the {'aligned' if role == 'aligned' else 'base'} model's context window"
            say(f"on test, {CONTEXT_NAMES[role]}: {said_too_long(each.too_long, of=each.card.queries, window=window)}.")
    if result.shift and result.shift.by_trial:
        _show_shift(result.shift)
    _say_written(result)
    say()
    if any(number for why, number in result.missing.items() if why.is_open):
        say_suggestions(
            "Ask the judge again for what is unread or refused with:",
            suggested("resume", result.name, store_url=store_url),
        )
    say_suggestions(
        "Next:",
        suggested("inspect", result.name, store_url=store_url),
        *([suggested("inspect", result.name, "--lineage", store_url=store_url)] if result.written else []),
        suggested("export", result.name, "--format", "urial", "--output", "found.txt", store_url=store_url),
    )


def _say_value(result: SearchResult) -> None:
    """Say what was maximised, if that is not the average."""
    if result.value_gain:
        found, hand_written = (measured.card.worth for measured in (result.found, result.hand_written))
        says = value_in_words(str(result.objective), found, hand_written, result.value_gain)
        say(f"{says[0].upper()}{says[1:]}.", rest="  ")


def _say_written(result: SearchResult) -> None:
    """Say which parts of the found prompt the proposer wrote, if there is one."""
    if result.written:
        say(f"The proposer wrote {written_in_words(result.written)}.")
    elif Role.PROPOSER in result.bill.spent:
        say("Nothing that the proposer wrote is in the found prompt.")


def _show_constraints(result: SearchResult) -> None:
    """Print whether the winner satisfies the constraints on `validation`, and each context on `test`."""
    if not result.choice.constraints:
        return
    of_winner = ", ".join(map(str, result.choice.constraints))
    if result.choice.keeps_constraints:
        say(f"On validation the found prompt satisfies the constraints ({of_winner}).")
    else:
        say(f"No finalist satisfies the constraints on validation; the closest one is shown ({of_winner}).")
    for role, measured in result.contexts.items():
        if measured.constraints:
            name = CONTEXT_NAMES.get(role, role)
            say(f"on test, {name}: {', '.join(map(str, measured.constraints))}", first="  ", rest="    ")
    say()


def _show_shift(shift: ShiftOutcome) -> None:
    for name, each in (("starting", shift.start), ("found", shift.found)):
        if each:
            say(f"The {name} prompt: {shift_line(each)}", rest="  ")
    number = len(shift.by_trial)
    if shift.correlation:
        correlation = interval(shift.correlation, signed=True)
        say(f"Over {number} trials, surprise and score have a rank correlation of {correlation}.")
    else:
        say(f"Too few trials ({number}) to say whether token shift goes with the score.")


def shift_line(shift: ProbeShift) -> str:
    """The token shift of a prompt, in one line."""
    shifted, marginal = (f"{100 * share:.1f} %" for share in (shift.shifted, shift.marginal))
    of = f"{shifted} of {shift.positions} tokens of the aligned model shifted, {marginal} marginal"
    return f"{of}; surprise {shift.surprise:.3f} nats a token"


def show_assessment(assessment: Assessment) -> None:
    """Print the aspect means of one prompt or of given outputs, with the numbers of verdicts."""
    card = assessment.card
    prompt = assessment.prompt
    what = "given outputs" if prompt is None else f"prompt {prompt.id}" if prompt.prefix else "zero-shot"
    say(f"{what}, base {assessment.base}, judge {assessment.judge}: {card.queries} queries, scores 1 to 5", rest="  ")
    say()
    judged = len(card.aspects)
    average = "average" if judged == len(Aspect) else f"average of {judged}"
    verdicts = card.verdicts.values()
    figures = [
        Figure(
            name="mean [95 %]",
            cells=[
                *(interval(card.aspects.get(each)) for each in card.verdicts),
                interval(card.average if judged else None),
            ],
        ),
        Figure(name="n", cells=[*(str(each.n) for each in verdicts), str(card.queries)]),
        Figure(name="missing", cells=[*(str(each.missing) for each in verdicts), str(card.missing)]),
    ]
    if card.missing:
        for why, number in card.missing_by_reason.items():
            by_aspect = [str(each.by_reason[why]) for each in verdicts]
            figures.append(Figure(name=why.words, cells=[*by_aspect, str(number)]))
    if assessment.spreads:
        apart = [interval(assessment.spreads.get(aspect)) for aspect in card.verdicts]
        figures.append(Figure(name="judges apart by", cells=[*apart, ""]))
    print_figures([*(each.value for each in card.verdicts), average], figures, corner="aspect", strong=average)
    say()
    if card.value:
        say(f"objective {assessment.scoring.objective}: {interval(card.value)}", rest="  ")
    if card.tokens:
        say(tokens_line(card), rest="  ")
    for each in assessment.constraints:
        say(f"constraint {each}", rest="  ")
    if card.open:
        say(f"{card.open} verdicts are unread or refused; the same command asks the judge for them again.")
    if assessment.too_long:
        say(f"{said_too_long(assessment.too_long, of=card.queries)}.")
    if assessment.scoring.na_as_five:
        say("Verdicts n/a count as 5.0, as on just-eval's leaderboard.")
    if there := assessment.answered_in_prompt:
        say(
            f"{len(there)} of the queries are answered in the prompt, which inflates its scores: {', '.join(there[:5])}"
        )


def show_pairwise(comparison: PairwiseResult, *, against: str) -> None:
    """Print which answers the judge prefers, overall and by aspect."""
    tallies = {"overall": comparison.overall} | {aspect.value: tally for aspect, tally in comparison.aspects.items()}
    figures = [
        Figure(name="wins", cells=[str(each.wins) for each in tallies.values()]),
        Figure(name="ties", cells=[str(each.ties) for each in tallies.values()]),
        Figure(name="losses", cells=[str(each.losses) for each in tallies.values()]),
        Figure(name="missing", cells=[str(each.unread) for each in tallies.values()]),
        Figure(name="won [95 %]", cells=[share_cell(each.won) for each in tallies.values()]),
    ]
    title = f"compared with {against}: {comparison.queries} queries"
    print_figures(list(tallies), figures, corner="aspect", title=title, strong="overall")
    say()
    if sum(comparison.missing.values()):
        say(f"{in_words(comparison.missing)[0].upper()}{in_words(comparison.missing)[1:]}.")
    if comparison.too_long:
        window = "the base model's context window after one of the prompts"
        say(f"{said_too_long(comparison.too_long, of=comparison.queries, window=window)}.")
    if comparison.consistent is not None:
        agreed = share_cell(comparison.consistent)
        say(f"Shown two answers in both orders, the judge gives the same verdict in {agreed}.")


def share_cell(estimate: Estimate | None) -> str:
    """`93 % [90, 96]`; a dash for None."""
    if estimate is None:
        return "–"
    return f"{100 * estimate.mean:.0f} % [{100 * estimate.low:.0f}, {100 * estimate.high:.0f}]"


def show_bill(bill: Bill) -> None:
    """Print what the command used and paid."""
    if any(spent.calls for spent in bill.spent.values()):
        _print_bill(bill, title="usage and cost")
        _say_missing_prices(bill)
    else:
        say("Nothing was paid: all answers and verdicts were in the store.")


def show_plan(plan: Plan) -> None:
    """Print what a search is expected to use, and the most that it can use."""
    for title, bill, seconds in (
        ("expected", plan.expected, plan.seconds),
        ("at most, if no prompt is stopped early", plan.at_most, plan.seconds_at_most),
    ):
        _print_bill(bill, title=title)
        lasts = "not known: all answers were stored already" if seconds is None else duration(seconds)
        say(f"time: {lasts}")
        say()
    say(f"prompts tried at once: {plan.at_once}{'' if plan.at_once == 1 else ', if the server takes as many'}")
    _say_missing_prices(plan.expected)


def duration(seconds: float) -> str:
    """`2 h 05 min`, `3 min 20 s` or `45 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"


def _print_bill(bill: Bill, *, title: str) -> None:
    paid = [*bill.spent.values()]
    usages = [spent.usage for spent in paid]
    requests = [f"{spent.requests:,}" for spent in paid]
    costs = [bill.cost(role) for role in bill.spent]
    asked = ["answers", "verdicts", *(["drafts"] if Role.PROPOSER in bill.spent else [])]
    calls = [f"{spent.calls:,}" for spent in paid]
    figures = [
        Figure(name=", ".join(asked), short=",\n".join(asked), cells=calls),
        *([Figure(name="requests", cells=requests)] if any(spent.requests for spent in paid) else []),
        _tokens("prompt", [usage.prompt_tokens for usage in usages]),
        _tokens("answer", [usage.completion_tokens for usage in usages]),
        _tokens("cached", [usage.saved_tokens for usage in usages]),
        Figure(name="dollars", cells=["price?" if cost is None else f"{cost:.2f}" for cost in costs]),
    ]
    print_figures([role.value for role in bill.spent], figures, corner="role", title=title)


def _tokens(which: str, numbers: list[int]) -> Figure:
    return Figure(name=f"{which} tokens", short=f"{which}\ntokens", cells=[f"{number:,}" for number in numbers])


def _say_missing_prices(bill: Bill) -> None:
    for role, spent in bill.spent.items():
        if spent.calls and bill.cost(role) is None:
            say(f"The price of the {role} model is not known; give dollars per million tokens: --price {role}=2.5/10")
