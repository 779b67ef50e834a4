"""Suggestions: the commands that messages tell people to type next, on the same store and without its password."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click
from click.core import ParameterSource

from urial_opt.cli.layout import say, say_command
from urial_opt.cli.options import DEFAULT_STORE, STORE_VARIABLE
from urial_opt.cli.output import quoted
from urial_opt.secrets import redacted


def suggested(command: str, *words: str, store_url: str | None = None) -> list[str]:
    """The words of `urial-opt COMMAND …` on a store, by default the store of the command that is running."""
    return ["urial-opt", command, *words, *_same_store(store_url)]


def suggestion(command: str, *words: str, store_url: str | None = None) -> str:
    """As `suggested`, in the form in which a shell reads it."""
    return " ".join(map(quoted, suggested(command, *words, store_url=store_url)))


def say_suggestions(title: str, *commands: Sequence[str]) -> None:
    """Print commands to type next under a title."""
    say(title)
    for command in commands:
        say_command(command)
    if any("***" in word for command in commands for word in command):
        say(f"(*** stands for the store's password; with the URL in {STORE_VARIABLE}, --store may be left out)")


def _same_store(store_url: str | None) -> list[str]:
    """`--store` with its value, unless the same store is meant without it."""
    context = click.get_current_context(silent=True)
    if store_url is None:
        store_url = context.params.get("store_url", DEFAULT_STORE) if context else DEFAULT_STORE
    from_environment = context and context.get_parameter_source("store_url") is ParameterSource.ENVIRONMENT
    if from_environment or (store_url == DEFAULT_STORE and STORE_VARIABLE not in os.environ):
        return []
    return ["--store", redacted(store_url)]
