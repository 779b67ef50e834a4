"""Accounts: bills a command that asks models, keeps it within its limits, and says how to go on when it stops early."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import click

from urial_opt.cli.advice import as_typed
from urial_opt.cli.app import INTERRUPTED, LIMIT_REACHED

if TYPE_CHECKING:
    from urial_opt.records import Role
    from urial_opt.spending import Terms
    from urial_opt.store import Account


@contextmanager
def paying(
    account: Account,
    models: Mapping[Role, object],
    terms: Terms,
    *,
    stored: Callable[[], str] = lambda: "",
    replies_are_results: bool = False,
) -> Iterator[None]:
    """While the context lasts, models are billed to the account, within the limits of `terms`.

    At a limit, and if the user stops the command, everything that was paid is stored, and the command ends with the
    exit code for it and a message; `stored` says what there is. `replies_are_results`: see `Account.billing`.
    """
    from urial_opt.cli.layout import say
    from urial_opt.spending import Meter, StoppedAtLimit, bill_of

    identities = {role: str(getattr(model, "identity", "")) for role, model in models.items()}
    terms.check(identities)
    meter = Meter(terms)

    def allow() -> None:
        if limit := meter.reached(bill_of(account.spent, identities, terms.prices)):
            raise StoppedAtLimit(limit)

    try:
        billing = account.billing(*models.values(), allow=allow, replies_are_results=replies_are_results)
        with billing, _stoppable(models.values(), allow):
            yield
    except StoppedAtLimit as stopped:
        stop_early(stopped.limit, stored(), goes_on=not replies_are_results or are_billed(models))
    except KeyboardInterrupt as stopped:
        say(f"Stopped. {stored()}", err=True)
        say("Everything that came is stored; the same command goes on with it.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from stopped


def are_billed(models: Mapping[Role, object]) -> bool:
    """Whether one of the models is behind a server, whose replies are stored."""
    from urial_opt.protocols import Billed

    return any(isinstance(model, Billed) for model in models.values())


def stop_early(limit: str, stored: str, *, goes_on: bool = True) -> NoReturn:
    """End the command at a limit; `stored` says what there is, and `goes_on` whether the next run finds it."""
    from urial_opt.cli.layout import say

    say(f"Stopped: {as_typed(limit)}. {stored}", err=True)
    if goes_on:
        say("Everything that was paid is stored; the same command goes on with it.", err=True)
    else:
        say("What local models read is not stored; the next run begins again.", err=True)
    raise click.exceptions.Exit(LIMIT_REACHED)


@contextmanager
def _stoppable(models: Iterable[object], check: Callable[[], None]) -> Iterator[None]:
    """While the context lasts, models that compute here call `check` as they work."""
    from urial_opt.protocols import Stoppable

    here = [model for model in models if isinstance(model, Stoppable)]
    for model in here:
        model.stop_when(check)
    try:
        yield
    finally:
        for model in here:
            model.stop_when(None)
