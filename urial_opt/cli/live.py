"""Live display: the progress of a search, as a live line and bar on a terminal and as plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from urial_opt.cli.layout import command_lines, wrapped
from urial_opt.cli.output import progress_console, write_above
from urial_opt.records import TrialState
from urial_opt.search.progress import Phase
from urial_opt.search.progress import Progress as SearchProgress

_PHASES = {
    Phase.EXEMPLARS: "judging exemplars",
    Phase.TRIALS: "searching on dev",
    Phase.WRITING: "writing new parts",
    Phase.VALIDATION: "choosing on validation",
    Phase.TEST: "measuring on test",
}
_LINE_EVERY = 10.0
"""Seconds between plain lines, unless something improved."""


class Display:
    """Shows progress on standard error; standard output is left to results."""

    def __init__(self) -> None:
        self.heading = ""
        """Printed once, before the first progress."""
        self._console = progress_console()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[ended]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            expand=True,
        )
        self._task = self._bar.add_task(_PHASES[Phase.TRIALS], total=None, ended="")
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._started = time.monotonic()
        self._first_done: int | None = None
        self._last_line = 0.0
        self._last: SearchProgress | None = None

    def __enter__(self) -> Display:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """Print lines that stay."""
        for line in wrapped(text, self._console.width, rest="  "):
            write_above(self._console, line)

    def say_command(self, words: Sequence[str]) -> None:
        """Print a command to type."""
        for line in command_lines(words, self._console.width):
            write_above(self._console, line)

    @property
    def searched(self) -> str:
        """Name of the search that is shown; empty before its first progress."""
        return self._last.name if self._last else ""

    def update(self, progress: SearchProgress) -> None:
        """Show the progress of the search."""
        before, self._last = self._last, progress
        if before is None and self.heading:
            self.say(self.heading)
        for note in progress.notes[len(before.notes) if before else 0 :]:
            self.say(note)
        if self._console.is_terminal:
            self._bar.update(
                self._task,
                description=_PHASES[progress.phase],
                completed=progress.done + progress.fraction,
                total=progress.total,
                ended=f"{progress.done}/{progress.total}",  # not what is under way, which the bar shows too
            )
            state = "\n".join(wrapped(_state(progress), self._console.width, rest="  "))
            self._live.update(Group(self._bar, Text(state)))
            return
        improved = before is not None and before.improved_at != progress.improved_at
        ended = progress.done == progress.total and not progress.fraction
        new_phase = before is None or before.phase is not progress.phase
        if improved or ended or new_phase or time.monotonic() - self._last_line > _LINE_EVERY:
            self._last_line = time.monotonic()
            self.say(
                f"[{_PHASES[progress.phase]}] {progress.done}/{progress.total}{self._eta(progress)}, {_state(progress)}"
            )

    def _eta(self, progress: SearchProgress) -> str:
        """Time left for the trials at the speed of this run; empty before the speed is known."""
        if self._first_done is None:
            self._first_done = progress.done
        done = progress.done - self._first_done
        if progress.phase is not Phase.TRIALS or done <= 0 or progress.done >= progress.total:
            return ""
        left = (time.monotonic() - self._started) / done * (progress.total - progress.done)
        return f" ({left:.0f} s left)"


def _state(progress: SearchProgress) -> str:
    states, usage = progress.states, progress.usage
    best = "none yet"
    if progress.best:
        estimate = progress.best.estimate
        best = f"{estimate.mean:.2f} [{estimate.low:.2f}, {estimate.high:.2f}] (trial {progress.best.trial})"
    improved = "" if progress.improved_at is None else f", last improved at trial {progress.improved_at}"
    failed = f", {states[TrialState.FAILED]} failed" if states[TrialState.FAILED] else ""
    cost = progress.bill.total
    saved = f"{_short(usage.saved_tokens)} saved" + (f", {cost:.2f} dollars" if cost else "")
    return (
        f"best {best}{improved}; {states[TrialState.COMPLETE]} complete, {states[TrialState.PRUNED]} pruned{failed}; "
        f"tokens {_short(usage.prompt_tokens + usage.completion_tokens)} spent, {saved}"
    )


def _short(number: int) -> str:
    if number < 10_000:
        return str(number)
    return f"{number / 1e3:.0f}k" if number < 1_000_000 else f"{number / 1e6:.1f}M"
