"""Working: tells which processes work on a search, what they have in flight, and which were killed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urial_opt.store.worker_records import WorkerRecord

_SHOWN = 8
"""How many trials in flight are named."""


def say_workers(name: str, workers: Sequence[WorkerRecord]) -> None:
    """Print who runs the search `name`: a line for each process that is at work, and for each that was killed."""
    from urial_opt.cli.layout import say

    there = [each for each in workers if each.is_at_work]
    killed = [each for each in workers if each.left_at is None and not each.is_at_work]
    if len(there) == 1:
        say(f"{name} is run by {_told(there[0])}.", rest="  ")
    elif there:
        say(f"{name} is run by {len(there)} processes:", rest="  ")
        for each in there:
            say(f"  {_told(each)}", rest="    ")
    for each in killed if there else []:
        say(f"  {each.process}, is gone; others take over what it had in flight", rest="    ")


def run_by(workers: Sequence[WorkerRecord]) -> str:
    """Who runs a search, in a few words."""
    from urial_opt.cli.suggestions import suggestion

    there = [each for each in workers if each.is_at_work]
    return _told(there[0]) if len(there) == 1 else f"{len(there)} processes, which this lists: {suggestion('list')}"


def _told(worker: WorkerRecord) -> str:
    numbers = [str(number) for number in worker.trials[:_SHOWN]]
    more = len(worker.trials) - len(numbers)
    trials = f"trial{'' if len(worker.trials) == 1 else 's'} {', '.join(numbers)}{f' and {more} more' if more else ''}"
    return f"{worker.process}{f'; {trials} in flight' if numbers else ''}"
