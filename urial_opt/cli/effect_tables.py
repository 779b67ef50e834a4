"""Effect tables: prints what a search has learnt of each part of a prompt, and what it would try next, for people."""

from __future__ import annotations

from collections.abc import Sequence

from urial_opt.aspects import Aspect
from urial_opt.cli.layout import Figure, print_figures, say
from urial_opt.cli.output import write_json
from urial_opt.cli.suggestions import say_suggestions, suggested
from urial_opt.cli.tables import SHORT, interval
from urial_opt.search.effects.contrasts import Group
from urial_opt.search.effects.learnt import FEW_PROMPTS, Learnt, PartEffect, excludes_zero, learnt_of
from urial_opt.search.effects.next_prompt import NextPrompt
from urial_opt.search.effects.stored_trials import AVERAGE
from urial_opt.store import SearchRecord, Store

_IN_ORDER = (Group.K, Group.SAFETY)
"""Groups whose parts have an order of their own."""
_EVIDENT = (Group.POSITION, Group.PAIR, Group.STYLE_UNDER_SYSTEM)
"""Groups of many parts, of which only those are shown whose interval excludes zero."""
_REASONS = 3


def show_effects(store: Store, search: SearchRecord, aspect: Aspect | None, *, top: int, as_json: bool) -> None:
    """Print what a search has learnt; `top` is how many of the best and of the worst parts of a group are shown."""
    learnt = learnt_of(store, search)
    if as_json:
        write_json(learnt.as_json())
        return
    show_learnt(learnt, AVERAGE if aspect is None else aspect.value, top=top)


def show_learnt(learnt: Learnt, target: str, *, top: int) -> None:
    """Print the effects on one target, the average or an aspect."""
    say(
        f"Search {learnt.search}: what {learnt.prompts} prompts and {learnt.answers:,} judged answers on dev say "
        "of the parts of a prompt",
        bold=True,
    )
    if all(target not in part.effects for part in learnt.parts):
        say(f"No verdict on {target} could be read.")
        return
    _say_explained(learnt, target)
    say()
    _say_size(learnt, target)
    _say_order(learnt, target)
    for group in Group:
        parts = [part for part in learnt.of_group(group) if target in part.effects]
        if parts:
            say()
            _show_group(group, parts, target, top)
    if learnt.next:
        say()
        _show_next(learnt.next, target)
    say()
    say_suggestions("All of it, on each aspect:", suggested("inspect", learnt.search, "--effects", "--json"))


def _say_explained(learnt: Learnt, target: str) -> None:
    what = "the average score" if target == AVERAGE else target
    found = learnt.explained.get(target)
    if found is None:
        say(f"The prompts do not differ in {what}.")
    else:
        share = f"{100 * found.variance:.0f} %" if found.variance > 0 else "nothing"
        say(
            f"The model explains {share} of the variance of {what} between prompts that it has not seen (R², "
            f"leave-one-out); {100 * found.noise:.0f} % is noise of the answers, which no model explains."
        )
    say(
        "Effects are points, with 95 % intervals, in prompts like those tried, the difficulty of queries taken out. "
        "They say how such prompts differ, and need not hold for others."
    )
    if learnt.prompts < FEW_PROMPTS:
        say("With so few prompts, effects and intervals are mostly what the model assumes beforehand.")


def _say_size(learnt: Learnt, target: str) -> None:
    size = learnt.size
    if size is None:
        return
    effect = size.effects[target]
    verdict = "" if excludes_zero(effect) else ", which is not clear"
    say(f"More exemplars: K = {size.many} against K = {size.few}: {interval(effect, signed=True)}{verdict}.")


def _say_order(learnt: Learnt, target: str) -> None:
    order = learnt.order
    if order is None:
        return
    share = f", {100 * order.shares[target]:.0f} % of the variance between prompts" if target in order.shares else ""
    pairs = "1 pair of prompts differs" if order.pairs == 1 else f"{order.pairs} pairs of prompts differ"
    say(
        f"Order: the same exemplars in another order differ by {interval(order.deviations[target])} (standard "
        f"deviation{share}); {pairs} in the order alone."
    )


def _show_group(group: Group, parts: Sequence[PartEffect], target: str, top: int) -> None:
    chosen = list(parts)
    if group in _EVIDENT:
        chosen = [part for part in parts if part.is_clear(target)]
    if group not in _IN_ORDER:
        chosen.sort(key=lambda part: -part.effects[target].mean)
    number = f" ({len(chosen)} of {len(parts)} are clear)" if group in _EVIDENT else ""
    left = max(len(chosen) - 2 * top, 0) if group not in _IN_ORDER else 0
    title = f"{group.value[0].upper()}{group.value[1:]}, against {group.against}{number}"
    if not chosen:
        say(f"{title}.", rest="  ")
        return
    if left > 1:
        chosen = [*chosen[:top], *chosen[-top:]]
    figures = [
        Figure(name="effect [95 %]", cells=[interval(part.effects[target], signed=True) for part in chosen]),
        *([] if target != AVERAGE else [_clearest(chosen)]),
        Figure(name="trials", cells=[f"{part.trials:,}" for part in chosen]),
        Figure(name="answers", cells=[f"{part.answers:,}" for part in chosen]),
    ]
    names = [part.name for part in chosen]
    print_figures(names, figures, title=title)
    if left > 1:
        say(f"({left} between the {top} best and the {top} worst are left out)")


def _clearest(parts: Sequence[PartEffect]) -> Figure:
    """The aspect on which each part has the largest of its clear effects."""
    cells = []
    for part in parts:
        clear = [aspect for aspect in Aspect if part.is_clear(aspect.value)]
        most = max(clear, key=lambda aspect: abs(part.effects[aspect.value].mean), default=None)
        cells.append("–" if most is None else f"{SHORT[most]} {part.effects[most.value].mean:+.2f}")
    return Figure(name="most on", cells=cells, left=True)


def _show_next(following: NextPrompt, target: str) -> None:
    if following.shows:
        new = " and ".join(map(repr, following.shows))
        say(f"Next the search would try a first look at {new}:", bold=True)
    else:
        say(f"Next the sampler {following.sampler!r} would try:", bold=True)
    chosen = {name: value for name, value in following.candidate.params.items() if value is not False}
    say(", ".join(f"{name}={value}" for name, value in chosen.items()), first="  ", rest="    ")
    if following.tried:
        say("This prompt was tried before.", first="  ")
    on_target = "" if target == AVERAGE else f"; {target} {interval(following.differences[target], signed=True)}"
    say(
        f"predicted {interval(following.score)} on dev; against trial {following.best}, the best so far, "
        f"{interval(following.differences[AVERAGE], signed=True)}{on_target}; better with a probability of "
        f"{100 * following.chance:.0f} %",
        first="  ",
        rest="    ",
    )
    if not following.reasons:
        return
    left = len(following.reasons) - _REASONS
    say(f"{'the largest differences' if left > 0 else 'the differences'} to trial {following.best}:", first="  ")
    for reason in following.reasons[:_REASONS]:
        say(f"{interval(reason.effect, signed=True)}  {reason.change}", first="    ", rest=" " * 8)
