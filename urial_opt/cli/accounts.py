"""Accounts: bills a command that asks models, keeps it within its limits, and says how to go on when it stops early."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

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
        with account.billing(*models.values(), allow=allow, replies_are_results=replies_are_results):
            yield
    except StoppedAtLimit as stopped:
        say(f"Stopped: {as_typed(stopped.limit)}. {stored()}", err=True)
        say("Everything that was paid is stored; the same command goes on with it.", err=True)
        raise click.exceptions.Exit(LIMIT_REACHED) from stopped
    except KeyboardInterrupt as stopped:
        say(f"Stopped. {stored()}", err=True)
        say("Everything that came is stored; the same command goes on with it.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from stopped
