"""Errors: one small tree of exceptions, whose messages say what to do next.

UrialOptError              everything raised on purpose; the command line prints it in one line
├── InputError             what was asked cannot be done: exit code 2
│   ├── UnknownNameError   no space, generator, judge, exporter, search or query of that name
│   ├── SpaceError         a search space file is wrong; names file, line and field
│   ├── PromptError        a URIAL prompt cannot be read, rendered or exported
│   └── StoreError         the database cannot be opened, read or written
└── AdapterError           a generator or judge failed; `retryable` if another try may succeed

UrialOptWarning            a note on a model, such as why it is slow; no error
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from urial_opt.secrets import redacted


class UrialOptError(Exception):
    """Root of the tree. `str(error)` is one line, without secrets: what happened, to which item, what to do next."""

    def __init__(self, message: str = "") -> None:
        super().__init__(redacted(message))


class UrialOptWarning(UserWarning):
    """What a caller should know about the models or the search, such as why a model is slow; no error."""


class InputError(UrialOptError):
    """What was asked for cannot be done as asked."""


class UnknownNameError(InputError):
    """No space, plugin, search or query has this name."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """The error for a `name` that is not in `known`; it suggests the closest known name."""
        names = sorted(known)
        near = get_close_matches(name, names, n=1)
        if near:
            advice = f"did you mean {near[0]!r}?"
        elif names:
            advice = f"choose one of: {', '.join(names)}"
        else:
            advice = f"no {kind} is known yet"
        return cls(f"no {kind} is called {name!r}; {advice}")


class SpaceError(InputError):
    """A search space file that cannot be used; the message names file, line and field."""


class PromptError(InputError):
    """A URIAL prompt that cannot be read, rendered or exported."""


class StoreError(InputError):
    """A database that cannot be opened, read or written; nothing already stored is lost."""


class AdapterError(UrialOptError):
    """A generator or judge failed.

    `retryable` says whether the same call may succeed later (a timeout may; a wrong key may not).
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class ContextError(AdapterError):
    """A prompt and its answer do not fit the context window of a model."""

    def __init__(self, message: str, *, says: str = "") -> None:
        super().__init__(message)
        self.says = says
        """The words of the server; empty for a local model."""


class UnreadableJudgeError(AdapterError):
    """Nothing that a judge said could be read as a verdict; the message shows the judge's own words."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, then its cause, then the cause of that, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
