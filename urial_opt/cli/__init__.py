"""Command line: parses the arguments of each command, calls the library and prints the results."""

from __future__ import annotations

from urial_opt.cli.app import main

__all__ = ["main"]
