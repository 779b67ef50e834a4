"""Runs the command line in the process of a test."""

from __future__ import annotations

import re
import sys

import pytest

from urial_opt.cli import main

PROGRESS = re.compile(r"prompts are decoded |space |\[[a-z]|  |\d+ of \d+ exemplars are below the floor")
"""How the lines begin that a search prints while it runs."""


class Run:
    """The command `urial-opt`, called as from a shell."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *words: object, code: int = 0) -> tuple[str, str]:
        """What it wrote on standard output and standard error."""
        self._monkeypatch.setattr(sys, "argv", ["urial-opt", *map(str, words)])
        left_with = main()
        output = self._capsys.readouterr()
        assert left_with == code, output.err
        return output.out, output.err

    def refused(self, *words: object) -> str:
        """The one line of an error."""
        (line,) = self._lines_of_refusal(words)
        return line

    def stopped(self, *words: object) -> str:
        """The one line of an error that ended a search under way: it stands after the lines of progress."""
        *progress, line = self._lines_of_refusal(words)
        assert all(PROGRESS.match(each) for each in progress), progress
        return line

    def _lines_of_refusal(self, words: tuple[object, ...]) -> list[str]:
        out, err = self(*words, code=2)
        assert out == ""
        lines = err.splitlines()
        assert lines[-1].startswith("Error: "), err
        return lines
