"""A generator that answers at once, and a small search with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.command_line import Run
from urial_opt import plugins
from urial_opt.content import content_id
from urial_opt.records import Completion, Sampling
from urial_opt.roles import Models
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store

ANSWERS = (
    "Europe.",
    "I am happy to help you! Here is what you do.\n1. Wait.\n2. See.\nLet me know if you have more questions!",
    "I am sorry, but I cannot help with that. It would harm people.",
    "dunno lol",
)


class Parrot:
    """Answers at once; the choice of the answer looks random but depends on the prompt alone."""

    identity = "parrot"

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        numbers = [int(content_id([prefix, suffix, sampling.id])[:6], 16) for suffix in suffixes]
        return [Completion(text=ANSWERS[number % len(ANSWERS)], finish_reason="stop") for number in numbers]


def search_with_parrot(path: Path, space: Path) -> None:
    """Run the search `mine` of three trials in the store at `path`."""
    with Store.open(str(path)) as store:
        models = Models(base=Parrot(), judge=plugins.open_judge("nano"))
        search_space(load_space(str(space)), models, store, options=SearchOptions(budget=3, name="mine"))


def small(space: Path, *more: object) -> tuple[object, ...]:
    """The words of a small search, which is fast with the parrot."""
    return ("search", "--space", space, "--aligned", "none", *more)


def told(run: Run, *words: object) -> dict[str, Any]:
    """What a search printed and recorded, without the parts that change when it is interrupted.

    It must be the newest search in its store.
    """
    summary: dict[str, Any] = json.loads(run(*words, "--json")[0])
    summary["recorded"] = json.loads(run("inspect", "--top", 99, "--json", *words[-2:])[0])
    differ = ("seconds", "tokens", "spending", "cost", "database")
    return {key: value for key, value in summary.items() if key not in differ}


def assert_lists(run: Run, file: Path, *, status: str = "finished") -> None:
    """Checks that the search `mine` has its trials and its result."""
    (entry,) = json.loads(run("list", "--store", file, "--json")[0])
    assert (entry["name"], entry["status"], entry["trials"]) == ("mine", status, 3)
    assert entry["has_result"]
    run("inspect", "mine", "--store", file)
