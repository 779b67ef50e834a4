"""Patience: work on a PostgreSQL server that was cut short by a fault that passes is done again, for some minutes.

A lost connection, a server that starts or stops, and a deadlock pass. Whether a transaction whose COMMIT got no answer
was committed, the server knows (`Connection.writing`), so what is done again was not done before.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError, OperationalError

from urial_opt.errors import StoreError

PATIENCE = 300.0
"""Seconds for which a fault may last."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_PASSING = ("08", "40", "53300", "57P", "25006")
"""How the SQLSTATEs of faults that pass begin: connections, deadlocks, too many clients, shutdowns, a standby."""
_LASTING = ("does not exist", "authentication failed", "no password", "pg_hba.conf", "permission denied")
"""What a server says that refuses a connection for good; such a refusal has no SQLSTATE."""
_P = ParamSpec("_P")
_T = TypeVar("_T")


def patient(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """The function, which is called again after a fault that passes. StoreError if it lasts too long."""

    @wraps(function)
    def patiently(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        give_up, pause = time.monotonic() + PATIENCE, _FIRST_PAUSE
        while True:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if not passes(error):
                    raise
                if time.monotonic() > give_up:
                    if isinstance(error, StoreError):  # without its cause, so that no caller waits for it once more
                        raise StoreError(f"{error} (tried for {PATIENCE / 60:g} minutes)") from None
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    return patiently


def all_patient(kind: type[_T]) -> type[_T]:
    """The class, each of whose public methods is `patient`."""
    for name, member in list(vars(kind).items()):
        if (
            inspect.isfunction(member)
            and not name.startswith("_")
            and not inspect.isgeneratorfunction(inspect.unwrap(member))
        ):
            setattr(kind, name, patient(member))
    return kind


def passes(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is a fault of a PostgreSQL server or of the way to it that passes."""
    while error is not None and not isinstance(error, DBAPIError):
        error = error.__cause__
    if error is None or not type(error.orig).__module__.startswith("psycopg"):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return str(state).startswith(_PASSING)
    if error.connection_invalidated:
        return True
    return isinstance(error, OperationalError) and not any(words in str(error.orig) for words in _LASTING)
