"""`urial-opt search`: opens models and store, runs the search, shows its progress and result, and what to do next."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from urial_opt.cli.app import INTERRUPTED, LIMIT_REACHED, as_typed
from urial_opt.cli.options import (
    given_prices,
    json_option,
    named,
    opening_options,
    store_option,
    terms_options,
)
from urial_opt.cli.output import write_json

if TYPE_CHECKING:
    from urial_opt.cli.live import Display
    from urial_opt.roles import Models
    from urial_opt.search.opening import SearchOptions
    from urial_opt.search.result import SearchResult
    from urial_opt.spaces.space import SearchSpace
    from urial_opt.store import Store


@click.command(short_help="Search for the prompt that aligns a base model best.")
@click.option("--budget", type=int, default=200, show_default=True, help="How many prompts to try.")
@click.option("--space", "space_name", default="nano", show_default=True, help="Search space: a name or a YAML file.")
@click.option("--base", help="Base model, such as hf:NAME_OR_FOLDER. [default: the space's]")
@click.option("--aligned", help="Aligned model to compare with, such as hf-chat:NAME; or none. [default: the space's]")
@click.option("--judge", help="Judge of the answers. [default: the space's]")
@opening_options("base", "aligned", "judge")
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
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same trials and scores.")
@click.option("--sampler", default="thompson", show_default=True, help="thompson, tpe or random.")
@click.option("--start-from", type=click.Path(path_type=Path), help="URIAL prompt file that the search starts from.")
@click.option(
    "--name", default="", help="Name of the search. [default: derived from the options; the same options resume it]"
)
@terms_options
@click.option("--plan", "only_plan", is_flag=True, help="Print what the search is expected to use, and stop.")
@store_option
@json_option
def command(
    budget: int,
    space_name: str,
    base: str | None,
    aligned: str | None,
    judge: str | None,
    decoding: tuple[str, ...],
    exemplar_floor: str | None,
    seed: int,
    sampler: str,
    start_from: Path | None,
    name: str,
    max_cost: float | None,
    max_tokens: int | None,
    max_time: float | None,
    price: tuple[str, ...],
    store_url: str,
    *,
    only_plan: bool,
    as_json: bool,
) -> None:
    """Search for the prompt that aligns a base model best.

    Without options it uses the embedded world: a tiny base model, its aligned version and a judge that come with the
    package. Stop it with Ctrl-C at any time; the same command continues it.

    A limit (--max-cost, --max-tokens, --max-time) stops it between two blocks of queries, with exit code 3. Continue
    with a higher limit, or finish with the best prompt so far by setting --budget to the number of trials recorded.
    --plan asks the first block of queries, which is kept for the search, and extrapolates.

    \b
    Examples:
      urial-opt search --budget 200
      urial-opt search --space urial --base hf:mistralai/Mistral-7B-v0.1 --judge PLUGIN --budget 100
    """
    from urial_opt.cli.live import Display
    from urial_opt.cli.tables import show_plan, show_result
    from urial_opt.records import Role
    from urial_opt.roles import open_models, prices_of
    from urial_opt.search.opening import SearchOptions
    from urial_opt.search.planning import plan
    from urial_opt.spending import Terms
    from urial_opt.store import Store

    terms = Terms(prices=given_prices(price), max_cost=max_cost, max_tokens=max_tokens, max_seconds=max_time)
    options = SearchOptions(budget=budget, seed=seed, sampler=sampler, name=name, terms=terms)
    space = _space(space_name, start_from, decoding, exemplar_floor)
    defaults = space.defaults
    chosen = {
        role: named(role.value, typed or default)
        for role, typed, default in (
            (Role.BASE, base, defaults.base),
            (Role.JUDGE, judge, defaults.judge),
            (Role.ALIGNED, aligned, defaults.aligned),
        )
    }
    with Store.open(store_url) as store, _stop_on_signal() as stop, Display() as display:
        of_whom = f"base {chosen[Role.BASE].name}, judge {chosen[Role.JUDGE].name}"
        display.heading = f"space {space.name}, {of_whom}, store {store.name}"
        models = open_models(chosen[Role.BASE], chosen[Role.JUDGE], chosen[Role.ALIGNED])
        for note in models.notes:
            display.say(note)
        options = replace(options, terms=replace(terms, prices=prices_of(models.by_role, terms.prices)))
        if only_plan:
            expected = plan(space, models, store, options=options)
            write_json(expected.as_json()) if as_json else show_plan(expected)
            return
        result = _searched(space, models, store, options, display, stop)
    if as_json:
        write_json(result.as_json())
    else:
        show_result(result, store_url=store_url)


def _space(name: str, start_from: Path | None, decoding: tuple[str, ...], exemplar_floor: str | None) -> SearchSpace:
    from urial_opt.spaces.variants import load_space

    return load_space(name, start_from=start_from, decoding=_numbers(decoding), exemplar_floor=exemplar_floor)


def _searched(
    space: SearchSpace, models: Models, store: Store, options: SearchOptions, display: Display, stop: list[int]
) -> SearchResult:
    """The result, or the exit code of an interruption after printing how to continue."""
    from urial_opt.search.opening import Interrupted, LimitReached
    from urial_opt.search.run import search_space
    from urial_opt.search.study import silence_optuna

    silence_optuna()
    try:
        return search_space(space, models, store, options=options, watch=display.update, stop=lambda: bool(stop))
    except LimitReached as reached:
        display.say(f"Stopped: {as_typed(reached.limit)}. All results so far are in {store.name} as {reached.name!r}.")
        display.say("Continue with a higher limit, or finish it by setting --budget to the number of trials recorded.")
        raise click.exceptions.Exit(LIMIT_REACHED) from reached
    except Interrupted as interrupted:
        display.say(f"Stopped; all results so far are in {store.name} as {interrupted.name!r}.")
        display.say("Continue with the same command.")
        raise click.exceptions.Exit(INTERRUPTED) from interrupted


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


@contextmanager
def _stop_on_signal() -> Iterator[list[int]]:
    """A list that is empty until the user asks to stop; a second request stops immediately."""
    asked: list[int] = []

    def remember(number: int, _frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
