"""COMMANDS.md shows the help of every command as it is printed; ARCHITECTURE.md lists every room."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import CliRunner

from tests.documents import ROOT
from tests.rooms import PACKAGE, floors
from urial_opt.cli.app import COMMANDS, group


def shown(*words: str) -> str:
    """What `urial-opt WORDS` prints, in lines of 100 characters at most whatever the terminal is."""
    result = CliRunner().invoke(group, words, prog_name="urial-opt", terminal_width=100)
    assert result.exit_code == 0, result.output
    title = f"## {words[0]}\n\n" if len(words) > 1 else ""
    return f"{title}```console\n$ {' '.join(['urial-opt', *words])}\n{result.output}```\n"


def test_the_help_of_every_command_is_shown(generated: Callable[..., None]) -> None:
    parts = [shown("--help"), *(shown(name, "--help") for name in COMMANDS)]
    generated(ROOT / "COMMANDS.md", "\n".join(parts), part="help")


def test_every_room_is_listed(generated: Callable[..., None]) -> None:
    generated(ROOT / "ARCHITECTURE.md", floors(), part="rooms")


def test_no_module_is_left_out() -> None:
    listed = floors()
    files = [path for path in PACKAGE.rglob("*.py") if not path.name.startswith("__")]
    assert listed.count(".py`") == len(files)
    assert all(f"`{path.name}`" in listed for path in files)
