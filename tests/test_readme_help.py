"""The README shows the help of every command as it is printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from urial_opt.cli.app import COMMANDS, app

README = Path(__file__).parent.parent / "README.md"


def shown(*words: str) -> str:
    """What `urial-opt WORDS` prints, in lines of 100 characters at most whatever the terminal is."""
    result = CliRunner().invoke(app, words, prog_name="urial-opt", terminal_width=100)
    assert result.exit_code == 0, result.output
    return f"```console\n$ {' '.join(['urial-opt', *words])}\n{result.output}```\n"


def test_the_readme_shows_the_help_of_every_command(generated: Callable[..., None]) -> None:
    parts = [shown("--help"), *(shown(name, "--help") for name in COMMANDS)]
    generated(README, "\n".join(parts), part="help")
