"""`urial-opt inspect`: shows the prompt that a search found and its best ones, with their gains and some answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from urial_opt.aspects import Aspect
from urial_opt.cli.options import json_option, price_option, store_option
from urial_opt.cli.output import write_json

if TYPE_CHECKING:
    from urial_opt.report.inspection import ExampleAnswer, InspectedTrial
    from urial_opt.report.pareto import Front
    from urial_opt.spaces.lineage import WrittenPart
    from urial_opt.store import SearchRecord, Store

_TOO_LONG = "nothing was asked, because its prompt did not fit the base model's context window"


@click.command(short_help="Show the best prompts of a search.")
@click.argument("name", required=False)
@click.option("--trial", type=click.IntRange(0), help="Show only this trial's prompt.")
@click.option(
    "--top",
    type=click.IntRange(1),
    help="How many prompts to show, or how many of the best and of the worst effects.  [default: 1, or 4 effects]",
)
@click.option(
    "--examples", type=click.IntRange(0), default=2, show_default=True, help="How many answers of each sort to show."
)
@click.option("--lineage", is_flag=True, help="Show who wrote each part of the prompt, from what, and its gain.")
@click.option("--rounds", is_flag=True, help="Show all that the proposer wrote, and what became of it.")
@click.option("--effects", is_flag=True, help="Show what was learnt of each part of a prompt, and what comes next.")
@click.option(
    "--aspect", type=click.Choice(list(Aspect), case_sensitive=False), help="Show the effects on this aspect only."
)
@click.option(
    "--pareto", metavar="AXES", help="Show the prompts that no other beats on all axes: average,prompt_tokens, say."
)
@price_option
@store_option
@json_option
def command(
    name: str | None,
    trial: int | None,
    top: int | None,
    examples: int,
    aspect: Aspect | None,
    pareto: str | None,
    price: tuple[str, ...],
    store_url: str,
    *,
    lineage: bool,
    rounds: bool,
    effects: bool,
    as_json: bool,
) -> None:
    """Show the prompts of the search NAME (default: the newest that has a result) on the dev queries.

    The prompt that it found comes first, and is marked; then come the best by shrunken estimate. --lineage shows the
    family tree of the found (or best, or --trial) prompt instead: what each part was made from, by whom, why, and what
    its first look gained. --rounds shows all drafts of the proposer and what became of them. --effects shows what each
    part of a prompt does to the scores, and what the search would try next. --pareto compares all prompts that were
    asked every dev query by average, value (what was maximised), aspects, prompt_tokens, answer_tokens or cost.

    \b
    With --json an object with the keys
      name, status, reason, settings, versions (first_trial, versions), found_trial (null before it was finished), and
      trials: a list of objects with number, found, state, estimate, average and validation (mean, interval; null
      where there is no score, validation for all but finalists), value (what was maximised, null where that is the
      average), prompt_tokens (null where not known), answer_tokens (mean, interval), aspects and gains (by aspect:
      mean, interval), constraints (constraint, mean, kept), shift (null where not measured: positions, unshifted,
      marginal, shifted, surprise, kl_base_aligned, kl_aligned_base), params, written (parts that the proposer wrote:
      part, name, round, parents), system, exemplars, text, sampling, best, worst and won (examples: query, answer,
      score, before, reasons);
      with --lineage name, trial, left_out (drafts by what kept them out) and parts: a tree of objects with part, name,
      query, text, written (null for a person; round, proposer, weakness, reason, attempt, look: trial, against, shows,
      queries, gain) and parents (alike);
      with --rounds name and rounds: a list of objects with number, after, best, proposer, closed, shift, diagnosis,
      looks, left_out and drafts (task, attempt, part, style, parents, weakness, query, text, reason, fate, name, asked,
      reply, usage);
      with --effects name, prompts, trials, answers, and by target, the average or an aspect: explained (variance,
      noise), groups (group, against, parts: name, trials, answers, effects), more_exemplars (many, few, effects),
      order (deviations, shares, pairs), next (sampler, shows, params, text, tried, score, best, differences, chance,
      reasons; null if there is no study);
      with --pareto name and front, which is also among the keys above for a search that was begun with axes, else null:
      axes, breaking_constraints and prompts (trial, found, front, values by axis, beaten_by, surely)
    """
    from urial_opt.cli.agent_tables import show_agent
    from urial_opt.cli.choosing import chosen_search
    from urial_opt.cli.effect_tables import show_effects
    from urial_opt.cli.front_table import own_front, show_front
    from urial_opt.report.inspection import inspect_search, why_nothing_scored
    from urial_opt.search.agent.ancestry import written_by_trial
    from urial_opt.store import Store

    _check_views(lineage=lineage, rounds=rounds, effects=effects, trial=trial, aspect=aspect, pareto=pareto)
    with Store.open(store_url, create=False) as store:
        search = chosen_search(store, name)
        if effects:
            show_effects(store, search, aspect, top=top or 4, as_json=as_json)
            return
        if pareto is not None:
            show_front(store, search, pareto, price, as_json=as_json)
            return
        if lineage or rounds:
            show_agent(store, search, trial, drafts=rounds, as_json=as_json)
            return
        inspected = inspect_search(store, search, trial=trial, top=top or 1, examples=examples)
        written = written_by_trial(store, search, [each.record for each in inspected])
        front = None if trial is not None else own_front(store, search)
        why_none = None if inspected else why_nothing_scored(store, search)
        if as_json:
            _write_json(search, inspected, written, front)
            return
        _say_head(store, search, why_none or ("" if inspected else None))
    _show_all(search, inspected, written, front, alone=trial is not None)


def _show_all(
    search: SearchRecord,
    inspected: Sequence[InspectedTrial],
    written: Mapping[int, Sequence[WrittenPart]],
    front: Front | None,
    *,
    alone: bool,
) -> None:
    from urial_opt.cli.front_table import print_front
    from urial_opt.cli.layout import say

    if not alone:
        _say_why_two(inspected)
    for each in inspected:
        _show(each, written.get(each.record.number, ()))
    if front:
        say()
        print_front(front, search.name)


def _check_views(
    *, lineage: bool, rounds: bool, effects: bool, trial: int | None, aspect: Aspect | None, pareto: str | None
) -> None:
    """InputError if options of several views are given at once."""
    from urial_opt.errors import InputError

    whole = (("--effects", effects), ("--rounds", rounds), ("--pareto", pareto is not None))
    for name, chosen in whole:
        if chosen and (lineage or trial is not None or sum(each for _, each in whole) > 1):
            others = f"--lineage and --trial, or leave out {name}"
            raise InputError(f"{name} shows the whole search; leave out {others}")
    if aspect is not None and not effects:
        raise InputError("--aspect chooses among effects; add --effects")


def _write_json(
    search: SearchRecord,
    inspected: Sequence[InspectedTrial],
    written: Mapping[int, Sequence[WrittenPart]],
    front: Front | None,
) -> None:
    from urial_opt.cli.inspected_json import trial_json
    from urial_opt.report.inspection import found_trial

    write_json(
        {
            "name": search.name,
            "status": search.status.value,
            "reason": search.reason or None,
            "settings": dict(search.settings),
            "versions": [asdict(each) for each in search.deciders],
            "found_trial": found_trial(search),
            "trials": [trial_json(each, written.get(each.record.number, ())) for each in inspected],
            "front": front and front.as_json(),
        }
    )


def _say_head(store: Store, search: SearchRecord, nothing: str | None) -> None:
    """Say how the search stands. `nothing`: why there is no prompt to show; None if none is recorded."""
    from urial_opt.cli.advice import as_typed
    from urial_opt.cli.layout import say, say_command
    from urial_opt.cli.suggestions import suggested
    from urial_opt.search.versions import version_lines

    reason = f" ({as_typed(search.reason)})" if search.reason else ""
    say(f"Search {search.name}, {search.status.value}{reason}")
    for line in version_lines(search.deciders, store.count_trials(search.name)):
        say(line)
    if nothing is None:
        say("No trial is recorded yet; continue it with:")
        say_command(suggested("resume", search.name))
    elif nothing:
        say(nothing)


def _say_why_two(inspected: Sequence[InspectedTrial]) -> None:
    """Say why the prompt found is not the best by estimate, if it is not."""
    from urial_opt.cli.layout import say

    if len(inspected) < 2 or not inspected[0].found:
        return
    found, best = inspected[:2]
    if best.estimate is None or (found.estimate and found.estimate.mean >= best.estimate.mean):
        return
    which = f"trial {best.record.number}"
    said = f"The search found trial {found.record.number}. T{which[1:]} has the highest estimate on dev, but "
    if best.validation is None or found.validation is None:
        say(f"{said}it was not measured on validation, where the prompt is chosen: its state is {best.record.state}.")
        return
    score, other = found.validation.mean, best.validation.mean
    said += f"the prompt is chosen on validation: {score:.2f} there, and {other:.2f} for {which}."
    if other > score:
        said += " Prompts that keep the constraints there, and with which no query is too long, come first."
    say(said)


def _show(inspected: InspectedTrial, written: Sequence[WrittenPart]) -> None:
    from urial_opt.cli.layout import say
    from urial_opt.cli.tables import shift_line
    from urial_opt.search.digest import written_in_words

    record, card = inspected.record, inspected.card
    say()
    mark = ", the prompt found" if inspected.found else ""
    say(f"Trial {record.number}{mark} ({record.state.value}, {len(record.query_scores)} dev queries)", bold=True)
    if not card.aspects:
        reason = "none of its verdicts could be read" if record.query_scores else _TOO_LONG
        say(f"no score: {reason}")
    else:
        _show_scores(inspected)
    for each in inspected.constraints:
        say(f"constraint {each}", rest="  ")
    if inspected.shift:
        say(shift_line(inspected.shift), rest="  ")
    chosen = {name: value for name, value in record.candidate.params.items() if value is not False}
    say("parameters: " + ", ".join(f"{name}={value}" for name, value in chosen.items()), rest="  ")
    if written:
        say(f"written by the proposer: {written_in_words(written)}", rest="  ")
    say()
    say("prompt", bold=True)
    say(record.candidate.prompt.prefix, first="  ", rest="    ")
    for title, examples in (("best answers", inspected.best), ("worst answers", inspected.worst)):
        _show_examples(title, examples)
    if inspected.gains:
        _show_examples("largest gains over the starting prompt", inspected.won)


def _show_scores(inspected: InspectedTrial) -> None:
    from urial_opt.cli.layout import Figure, print_figures, say
    from urial_opt.cli.tables import interval, tokens_line

    card = inspected.card
    if card.value is None:
        say(f"score {interval(card.average)} (mean), {interval(inspected.estimate)} (shrunken estimate)")
    else:
        say(f"average {interval(card.average)}; what was maximised:")
        say(f"value {interval(card.value)} (mean), {interval(inspected.estimate)} (shrunken estimate)", rest="  ")
    if card.tokens:
        say(tokens_line(card), rest="  ")
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
