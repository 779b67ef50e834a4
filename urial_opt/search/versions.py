"""Versions: those of all that decides in a search, which are part of it, as its space and its models are.

Trials of different versions are not comparable. A room that changes what it decides raises its number, which is in that
room; `tests/test_wrong_results_versions.py` fails where it forgot to. Templates of judges have versions of their own,
in the judges' identities.
"""

from __future__ import annotations

from collections.abc import Mapping

from urial_opt.errors import InputError
from urial_opt.prompt import READING_VERSION
from urial_opt.search.agent.rounds import ROUNDS_VERSION
from urial_opt.search.final import CHOICE_VERSION
from urial_opt.search.floor import FLOOR_VERSION
from urial_opt.search.racing import RACE_VERSION
from urial_opt.search.sampler import SAMPLER_VERSION
from urial_opt.statistics.shrinkage import ESTIMATES_VERSION
from urial_opt.store import Deciders, SearchRecord

VERSIONS: Mapping[str, int] = {
    "sampler": SAMPLER_VERSION,
    "race": RACE_VERSION,
    "estimates": ESTIMATES_VERSION,
    "floor": FLOOR_VERSION,
    "choice": CHOICE_VERSION,
    "prompts and answers": READING_VERSION,
    "rounds": ROUNDS_VERSION,
}
"""By what decides: which prompts are proposed, when one is given up, what a score is worth, which exemplars are barred,
which prompt is chosen at the end, how a prompt is written and an answer is read, and what a proposer may add."""


def deciding(record: SearchRecord) -> dict[str, int]:
    """The versions that decide in a search: those of rounds only if it has a proposer."""
    return {name: number for name, number in VERSIONS.items() if name != "rounds" or record.settings.get("proposer")}


def check_versions(record: SearchRecord, *, trials: int) -> None:
    """InputError if a search has trials that were decided by other versions than this program has.

    What the store does not name did not decide in that search.
    """
    before, now = record.deciders[-1].versions if record.deciders else None, deciding(record)
    if not trials or (before is not None and before == {name: now.get(name) for name in before}):
        return
    raise InputError(
        f"the {trials} trials of {record.name!r} are of another version of the program ({_difference(before, now)}), "
        "so those to come are not comparable with them; "
        "begin anew with another `name=NEW`, or mix them with `continue_anyway=True`"
    )


def _difference(before: Mapping[str, int] | None, now: Mapping[str, int]) -> str:
    if before is None:
        return "one that did not store what decides"
    changed = [name for name in before if before[name] != now.get(name)]
    return ", ".join(f"{name}: {before[name]} then, {now.get(name, 'none')} now" for name in changed)


def version_lines(deciders: tuple[Deciders, ...], trials: int) -> list[str]:
    """Which trials are of which versions, one sentence for each; empty if all are of the same."""
    if len(deciders) < 2:
        return []
    ends = [*(each.first_trial for each in deciders[1:]), trials]
    return [
        f"{_trials(each.first_trial, end - 1)} of {_named(each.versions)}."
        for each, end in zip(deciders, ends, strict=True)
        if end > each.first_trial
    ]


def _trials(first: int, last: int) -> str:
    return f"Trial {first} is" if first == last else f"Trials {first} to {last} are"


def _named(versions: Mapping[str, int] | None) -> str:
    if versions is None:
        return "a version that did not store what decides"
    return ", ".join(f"{name} {number}" for name, number in versions.items())
