"""Shift tables: token shift on a terminal, with the figures of each context side by side and their explanation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from urial_opt.cli.layout import Figure, folded, print_figures, say
from urial_opt.records import Estimate
from urial_opt.shift.figures import ContextShift, KindShift, ShiftedText, TokenShift
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
    """Print the shares of the three classes, further measures of divergence, and the tokens that are shifted most."""
    positions = next((each.positions for each in shift.contexts.values()), 0)
    cut = f", {shift.cut_off} cut off at the maximal length" if shift.cut_off else ""
    say(f"{shift.answers} answers of {shift.aligned}, {positions} tokens{cut}, read by {shift.base}", rest="  ")
    say()
    figures = [
        _figure(shift, "unshifted (first choice)", lambda each: _share(each.unshifted)),
        _figure(shift, "marginal (second, third)", lambda each: _share(each.marginal)),
        _figure(shift, "shifted (further down)", lambda each: _share(each.shifted)),
        _figure(shift, "mean probability", lambda each: _number(each.probability)),
        _figure(
            shift,
            "KL(base || aligned), nats",
            lambda each: _divergence(each.kl_base_aligned, each.kl_base_aligned_least),
            short="KL(base ||\naligned), nats",
        ),
        _figure(
            shift,
            "KL(aligned || base), nats",
            lambda each: _divergence(each.kl_aligned_base, each.kl_aligned_base_least),
            short="KL(aligned ||\nbase), nats",
        ),
        _figure(
            shift,
            "  of it at shifted tokens",
            lambda each: _share(each.kl_of_shifted.get("kl_aligned_base")),
            short="of KL(aligned ||\nbase), at\nshifted tokens",
        ),
        _figure(shift, "end of turn shifted", lambda each: _share(each.end_of_turn.shifted)),
    ]
    title = "how the base model ranks these tokens [95 %]"
    print_figures(list(shift.contexts), figures, corner="context", title=title, down=True)
    say()
    spans = [
        _figure(shift, f"{first}" if first == last else f"{first} to {last}", partial(_span, first=first, last=last))
        for first, last in _SPANS
    ]
    print_figures(list(shift.contexts), spans, corner="position", title="shifted by position in the answer", down=True)
    say()
    _print_groups(shift)
    say()
    for name, context in shift.contexts.items():
        words = [word for word in context.top_words if word.shifted][:_WORDS]
        if words:
            say(f"most shifted, {name}: " + ", ".join(map(_word, words)), rest="  ")
    for name, difference in shift.differences.items():
        base = next(iter(shift.contexts))
        counts = f"{difference.repaired} shifted tokens repaired, {difference.broken} broken"
        say(f"{name} against {base}: {counts}; shifted {_share(difference.shifted, signed=True)}", rest="  ")


def show_explanation(explanation: ShiftExplanation) -> None:
    """Print what a context repairs, breaks and lacks, one sentence each."""
    against = f" against {explanation.baseline}" if explanation.baseline else ""
    say()
    say(f"{explanation.context}{against}", bold=True)
    for finding in explanation.findings:
        say(finding.sentence, first=f"  {_MARKS[finding.kind]} ", rest="    ")
    if explanation.findings:
        say("(for each next token, given the aligned model's own answer so far)", first="  ")
    else:
        say("Too few answers to show anything.", first="  ")


def _print_groups(shift: TokenShift) -> None:
    contexts = shift.contexts.values()
    groups = list(dict.fromkeys(name for each in contexts for name, group in each.groups.items() if group.positions))
    by_context = {name: [each.groups.get(group) for group in groups] for name, each in shift.contexts.items()}
    counts = [{each.positions for each in row if each and each.share} for row in zip(*by_context.values(), strict=True)]
    alike = all(
        len(each) <= 1 for each in counts
    )  # contexts differ in their number of tokens if a server leaves ranks out
    tokens = [Figure(name="tokens", cells=[f"{max(each, default=0):,}" for each in counts])] if alike else []
    shifted = [
        Figure(name=name, short=folded(name, 16), cells=[_group(each, counted=not alike) for each in row])
        for name, row in by_context.items()
    ]
    names = [group.replace("_", " ") for group in groups]
    title = "which tokens are shifted: share of the kind (and its share of all shifted tokens)"
    print_figures(names, [*tokens, *shifted], corner="kind", title=title)


def _figure(shift: TokenShift, name: str, cell: Callable[[ContextShift], str], *, short: str = "") -> Figure:
    return Figure(
        name=name,
        short=short or name.replace(" (", "\n("),
        cells=[cell(each) for each in shift.contexts.values()],
    )


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


def _group(group: KindShift | None, *, counted: bool) -> str:
    """`3.1 % (24 %)`; `3.1 % of 1,234 (24 %)` where it is `counted`."""
    if group is None or group.share is None:
        return "–"
    shifted = "–" if group.shifted is None else f"{100 * group.shifted.mean:.1f} %"
    number = f" of {group.positions:,}" if counted else ""
    part = "–" if group.of_shifted is None else f"{100 * group.of_shifted.mean:.0f} %"
    return f"{shifted}{number} ({part})"


def _word(word: ShiftedText) -> str:
    return f"{word.text!r} {word.shifted}/{word.count}"
