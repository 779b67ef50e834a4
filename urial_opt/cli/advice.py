"""Advice: the messages of the library as a person at the command line can follow them."""

from __future__ import annotations

import re
from collections.abc import Collection

from urial_opt.cli.output import quoted

_ARGUMENT = re.compile(r"`([a-z_]+)=([^`]*)`")
_OPENING = re.compile(r"(?:the )?option `([a-z_]+=[^`]*)`")
_OF_ROLE = re.compile(r"\b([a-z_]+=\S+) for the (base|aligned|judge|proposer)(?: model)?\b")
_SPECIAL = re.compile(r"[\s'\"$&;|<>()\\*?#!]")
"""What a shell does not take as it is. An ellipsis, which stands for something, is not quoted."""
_TYPED = {"max_seconds": "max_time"}
"""Library arguments whose options have another name."""
_ROLES = ("base", "aligned", "judge", "proposer")


def as_typed(message: str, options: Collection[str] = ()) -> str:
    """A library message with its arguments turned into options: "give `max_cost=20`" becomes "give --max-cost 20".

    `options` are those of the running command. In it the address of a server is `--base-url`, and "option `rows=4`"
    or "rows=4 for the base model" is `--base-option rows=4`; for a server that may be of several roles, all of them.
    """

    def opening(found: re.Match[str]) -> str:
        alone = f"--{found[1].replace('=', ' ')}"
        if alone.partition(" ")[0] in options:
            return alone
        return f"{_any_of('option', options)} {found[1]}" if _any_of("option", options) else found[0]

    def typed(found: re.Match[str]) -> str:
        value = quoted(found[2]) if _SPECIAL.search(found[2]) else found[2]
        option = f"--{_TYPED.get(found[1], found[1]).replace('_', '-')}"
        if option == "--url" and option not in options:
            option = _any_of("url", options) or option
        return option if value == "True" else f"{option} {value}"

    message = _OPENING.sub(opening, message)
    message = _OF_ROLE.sub(r"--\2-option \1", message)
    return _ARGUMENT.sub(typed, message)


def _any_of(kind: str, options: Collection[str]) -> str:
    """`--base-url or --judge-url`: the options of this kind that the command has."""
    return " or ".join(f"--{role}-{kind}" for role in _ROLES if f"--{role}-{kind}" in options)
