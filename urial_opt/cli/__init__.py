"""The command line: one short file for each command, which parses options, calls the library and prints."""

from __future__ import annotations

from urial_opt.cli.app import main

__all__ = ["main"]
