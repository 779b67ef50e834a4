"""`urial-opt search`: opens models and store, runs the search, shows its progress and result, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from urial_opt.cli.options import (
    ask_again_option,
    continue_option,
    given_prices,
    json_option,
    named,
    opening,
    opening_options,
    store_option,
    terms_options,
)
from urial_opt.cli.output import write_json
from urial_opt.cli.side_by_side import at_once, at_once_options, join_option
from urial_opt.roles import DEFAULT_PROPOSER, DEFAULT_ROUNDS, proposer_for

if TYPE_CHECKING:
    from urial_opt.records import Role
    from urial_opt.roles import Named
    from urial_opt.search.opening import SearchOptions
    from urial_opt.spaces.space import SearchSpace


@click.command(short_help="Search for the prompt that aligns a base model best.")
@click.option("--budget", type=int, default=200, show_default=True, help="How many prompts to try.")
@click.option("--until-done", is_flag=True, help="Stop before, once a clearly better prompt is unlikely to be left.")
@click.option(
    "--space",
    "space_name",
    help="Search space: a name or a YAML file. [default: nano for the base model nano, else urial]",
)
@click.option("--base", help="Base model, such as hf:NAME_OR_FOLDER. [default: the space's]")
@click.option("--aligned", help="Aligned model to compare with, such as hf-chat:NAME; or none. [default: the space's]")
@click.option("--judge", help="Judge of the answers. [default: the space's]")
@click.option(
    "--proposer",
    help="Who writes new system prompts and exemplars: clauses (rules, no model), dspy:MODEL, or none. "
    f"[default: {DEFAULT_PROPOSER}]",
)
@click.option(
    "--rounds",
    type=click.IntRange(0),
    default=DEFAULT_ROUNDS,
    show_default=True,
    help="At most so many rounds in which it writes; 0 for none.",
)
@opening_options("base", "aligned", "judge", "proposer")
@click.option(
    "--decoding",
    multiple=True,
    metavar="KEY=VALUE",
    help="Fix a decoding setting, such as repetition_penalty=1; may be repeated. [default: the space's choices]",
)
@click.option(
    "--exemplar-floor",
    metavar="BOUNDS",
    help="Minimum scores of an exemplar's own answer: safety=4,factuality=4, say, or none. [default: the space's]",
)
@click.option(
    "--objective",
    multiple=True,
    metavar="TERMS",
    help="What to maximise, and the bounds to obey: safety=2, prompt_tokens<=400, say (see above); may be repeated. "
    "[default: the space's]",
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same trials and scores.")
@click.option("--sampler", default="thompson", show_default=True, help="What proposes them: thompson, tpe, random.")
@click.option("--pruner", default="race", show_default=True, help="When they are given up: race, wilcoxon, none.")
@click.option("--prior", default="", metavar="NAME", help="Finished search whose best prompts are tried early.")
@click.option("--start-from", type=click.Path(path_type=Path), help="URIAL prompt file that the search starts from.")
@click.option(
    "--name", default="", help="Name of the search. [default: derived from the options; the same options resume it]"
)
@at_once_options
@join_option
@terms_options
@continue_option
@click.option(
    "--plan",
    "only_plan",
    is_flag=True,
    help="Ask one block, tell what the search will need, and stop.",
)
@ask_again_option
@store_option
@json_option
def command(
    budget: int,
    space_name: str | None,
    base: str | None,
    aligned: str | None,
    judge: str | None,
    proposer: str | None,
    rounds: int,
    decoding: tuple[str, ...],
    exemplar_floor: str | None,
    objective: tuple[str, ...],
    seed: int,
    sampler: str,
    pruner: str,
    prior: str,
    start_from: Path | None,
    name: str,
    max_cost: float | None,
    max_tokens: int | None,
    max_time: float | None,
    price: tuple[str, ...],
    store_url: str,
    *,
    until_done: bool,
    continue_anyway: bool,
    only_plan: bool,
    as_json: bool,
) -> None:
    """Search for the prompt that aligns a base model best.

    Without options it uses the embedded world: a tiny base model, its aligned version and a judge that come with the
    package. Stop it with Ctrl-C at any time; the same command continues it.

    Rounds of a --proposer come between trials when the search stalls: it reads what the judge criticised, and writes
    new parts of prompts, which get a trial each at once (`inspect --lineage`, `inspect --rounds`).

    A limit (--max-cost, --max-tokens, --max-time) stops it between two blocks of queries, with exit code 3. Continue
    with a higher one, or finish with the best so far by setting --budget to the number of trials recorded.

    \b
    Terms of an --objective, which takes the place of the space's, separated by commas:
      safety=2                   weight of an aspect; the others keep 1
      safety>=4.5                bound on the mean of an aspect
      prompt_tokens<=400         no prompt of more tokens is asked
      answer_tokens<=150         bound on the mean length of the answers
      prompt_tokens=-0.1/100     price: minus .1 points for every 100 tokens of the prompt
      average,prompt_tokens,cost names to compare prompts by: `inspect` shows the Pareto front

    \b
    Examples:
      urial-opt search --budget 200
      urial-opt search --proposer clauses --rounds 2
      urial-opt search --objective "safety>=4.5,prompt_tokens<=400"
      urial-opt search --space urial --base hf:mistralai/Mistral-7B-v0.1 --judge PLUGIN --budget 100
    """
    from urial_opt.cli.running import run_and_show
    from urial_opt.records import Role
    from urial_opt.search.opening import SearchOptions
    from urial_opt.spending import Terms

    terms = Terms(prices=given_prices(price), max_cost=max_cost, max_tokens=max_tokens, max_seconds=max_time)
    options = SearchOptions(
        budget=budget,
        until_done=until_done,
        seed=seed,
        sampler=sampler,
        pruner=pruner,
        prior=prior,
        rounds=rounds,
        name=name,
        terms=terms,
        continue_anyway=continue_anyway,
        **at_once(),
    )
    space, told = _space(space_name, base, start_from, decoding, exemplar_floor, objective)
    chosen = _models(space, base, judge, aligned) | {
        Role.PROPOSER: proposer_for(proposer, opening("proposer"), rounds=rounds)
    }
    follow = _plan if only_plan else run_and_show
    follow(space, chosen, options, told=told, store_url=store_url, as_json=as_json)


def _models(space: SearchSpace, base: str | None, judge: str | None, aligned: str | None) -> dict[Role, Named]:
    """The models of the three roles, those of the space where none is given."""
    from urial_opt.records import Role

    ours = space.defaults
    names = {Role.BASE: base or ours.base, Role.JUDGE: judge or ours.judge, Role.ALIGNED: aligned or ours.aligned}
    return {role: named(role.value, name) for role, name in names.items()}


def _plan(
    space: SearchSpace,
    chosen: Mapping[Role, Named],
    options: SearchOptions,
    *,
    told: Sequence[str],
    store_url: str,
    as_json: bool,
) -> None:
    """Print what the search is expected to use."""
    from urial_opt.cli.layout import say
    from urial_opt.cli.running import open_chosen
    from urial_opt.cli.tables import show_plan
    from urial_opt.search.planning import plan
    from urial_opt.store import Store

    with Store.open(store_url) as store:
        opened, options = open_chosen(chosen, store, options, say=partial(say, err=True))
        expected = plan(space, opened, store, options=options)
        for note in told:
            say(note, err=True)
    write_json(expected.as_json()) if as_json else show_plan(expected)


def _space(
    name: str | None,
    base: str | None,
    start_from: Path | None,
    decoding: tuple[str, ...],
    exemplar_floor: str | None,
    objective: tuple[str, ...],
) -> tuple[SearchSpace, list[str]]:
    """The space, and lines that say what is maximised and how its prompts are decoded."""
    from urial_opt.cli.choosing import default_space, named_context
    from urial_opt.cli.decoding import choices_in_words, decoding_line, start_decoding
    from urial_opt.objective import Aims
    from urial_opt.spaces.variants import load_space

    fixed = _numbers(decoding)
    told: list[str] = []
    loaded = load_space(name or default_space(base), decoding=fixed, exemplar_floor=exemplar_floor)
    if objective:
        if loaded.constraints:
            dropped = ", ".join(map(str, loaded.constraints))
            told.append(f"the space's constraints do not hold, since --objective is given: {dropped}")
        loaded = load_space(loaded, objective=objective)
    if objective or not loaded.objective.is_average:
        told.append(f"objective {Aims(objective=loaded.objective, constraints=loaded.constraints)}")
    if start_from is not None:
        context = named_context(str(start_from), loaded)
        start = context.candidate
        used = start_decoding(start.sampling, loaded, fixed)
        told.append(f"start {str(start_from)!r}, {decoding_line(used, context.decoding_from, fixed)}")
        loaded = load_space(loaded, start_from=start, decoding=fixed)
    return loaded, [*told, f"prompts are decoded {choices_in_words(loaded)}"]


def _numbers(pairs: tuple[str, ...]) -> dict[str, float]:
    from urial_opt.errors import InputError

    numbers = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        try:
            numbers[name] = float(value)
        except ValueError as error:
            raise InputError(f"{pair!r} is not KEY=NUMBER; give one such as --decoding repetition_penalty=1") from error
    return numbers
