"""Running: runs a search on the terminal, with its progress, its result, and what to do after an interruption."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import click

from urial_opt.cli.advice import as_typed
from urial_opt.cli.app import INTERRUPTED, LIMIT_REACHED
from urial_opt.cli.live import Display
from urial_opt.cli.options import asking_again
from urial_opt.cli.output import write_json
from urial_opt.cli.suggestions import suggested
from urial_opt.cli.tables import show_result
from urial_opt.records import Role
from urial_opt.roles import Models, Named, open_models, prices_of
from urial_opt.search.opening import Interrupted, LimitReached, SearchOptions
from urial_opt.search.reopening import reopened
from urial_opt.search.result import SearchResult
from urial_opt.search.run import search_space
from urial_opt.search.study import silence_optuna
from urial_opt.spaces.space import SearchSpace
from urial_opt.spending import Terms
from urial_opt.store import Store

_PATIENCE = 20.0
"""Seconds after a request to stop in which the queries under way may finish; less than what most supervisors allow."""


def run_and_show(
    space: SearchSpace,
    chosen: Mapping[Role, Named],
    options: SearchOptions,
    *,
    told: Sequence[str] = (),
    store_url: str,
    as_json: bool,
) -> None:
    """Run or continue a search and print its result; `told` are lines to print below its heading.

    The command exits if the search is interrupted, after saying how to continue it.
    """
    with Store.open(store_url) as store, _stop_on_signal() as stop, Display() as display:
        of_whom = f"base {chosen[Role.BASE].name}, judge {chosen[Role.JUDGE].name}"
        of_whom += "" if chosen[Role.PROPOSER].is_absent else f", proposer {chosen[Role.PROPOSER].wanted}"
        display.heading = "\n".join([f"space {space.name}, {of_whom}, store {store.name}", *told])
        models, options = open_chosen(chosen, store, options, say=display.say)
        result = _searched(space, models, store, options, display, stop)
    if as_json:
        write_json({**result.as_json(), "space": space.name})
    else:
        show_result(result, store_url=store_url)


def go_on(
    name: str,
    given: Mapping[Role, Named],
    terms: Terms,
    *,
    budget: int | None = None,
    until_done: bool | None = None,
    continue_anyway: bool = False,
    store_url: str,
    as_json: bool,
    **at_once: Any,  # noqa: ANN401 - arguments of SearchOptions
) -> None:
    """Continue a stored search, with what is `given` in place of what is stored, and print its result."""
    with Store.open(store_url, create=False) as store:
        before = reopened(store, store.search(name), given)
    options = SearchOptions(
        budget=budget or before.budget,
        until_done=before.until_done if until_done is None else until_done,
        seed=before.seed,
        sampler=before.sampler,
        pruner=before.pruner,
        prior=before.prior,
        rounds=before.rounds,
        name=name,
        terms=terms,
        continue_anyway=continue_anyway,
        **at_once,
    )
    run_and_show(before.space, before.models, options, store_url=store_url, as_json=as_json)


def open_chosen(
    chosen: Mapping[Role, Named], store: Store, options: SearchOptions, *, say: Callable[[str], object]
) -> tuple[Models, SearchOptions]:
    """The models of a search, whose notes are said, and its options with their prices."""
    store.again.most = asking_again()
    models = open_models(chosen[Role.BASE], chosen[Role.JUDGE], chosen[Role.ALIGNED], chosen[Role.PROPOSER])
    for note in models.notes:
        say(note)
    prices = prices_of(models.by_role, options.terms.prices)
    return models, replace(options, terms=replace(options.terms, prices=prices))


def _searched(
    space: SearchSpace, models: Models, store: Store, options: SearchOptions, display: Display, stop: list[int]
) -> SearchResult:
    """The result, or the exit code of an interruption after printing how to continue."""
    silence_optuna()
    try:
        return search_space(space, models, store, options=options, watch=display.update, stop=lambda: bool(stop))
    except LimitReached as reached:
        display.say(f"Stopped: {as_typed(reached.limit)}. All results so far are in {store.name} as {reached.name!r}.")
        _say_continue(display, reached.name, "Continue with a higher limit:")
        if (trials := store.count_trials(reached.name)) and trials < options.budget:
            _say_continue(display, reached.name, "Or end with the trials recorded:", "--budget", str(trials))
        raise click.exceptions.Exit(LIMIT_REACHED) from reached
    except Interrupted as interrupted:
        display.say(f"Stopped; all results so far are in {store.name} as {interrupted.name!r}.")
        _say_continue(display, interrupted.name)
        raise click.exceptions.Exit(INTERRUPTED) from interrupted
    except KeyboardInterrupt:
        name = display.searched or options.name
        called = f" as {name!r}" if name else ""
        display.say(f"Stopped at once; all results so far are in {store.name}{called}.")
        if name:
            _say_continue(display, name)
        else:
            display.say("Continue with the same command.")
        raise


def _say_continue(display: Display, name: str, title: str = "Continue with:", *words: str) -> None:
    display.say(title)
    display.say_command(suggested("resume", name, *words))


@contextmanager
def _stop_on_signal() -> Iterator[list[int]]:
    """A list that is empty until the user asks to stop; a second request stops immediately, and so does a while."""
    asked: list[int] = []
    # A server may take its time for what is under way. A signal is what wakes the main thread.
    again = threading.Timer(_PATIENCE, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    again.daemon = True

    def remember(number: int, _frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        again.start()

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        again.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
