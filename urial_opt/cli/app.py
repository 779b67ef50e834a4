"""App: the command `urial-opt`, which finds its subcommands, reads `--config` and reports errors in one line."""

from __future__ import annotations

import logging
import os
import platform
import sys
import tomllib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from urial_opt import __version__
from urial_opt.cli.advice import as_typed
from urial_opt.cli.output import HarmlessContext, LogLines, one_line, write_crash, write_line
from urial_opt.errors import InputError, UnknownNameError, UrialOptError, UrialOptWarning
from urial_opt.secrets import redacted

INTERRUPTED = 130
_PREFIX = "URIAL_OPT"
LIMIT_REACHED = 3
COMMANDS = {
    "search": "Search for the prompt that aligns a base model best.",
    "list": "List the searches in a store.",
    "show": "Print the result of a finished search again.",
    "inspect": "Show the best prompts of a search.",
    "evaluate": "Measure a prompt, or given answers, on any queries.",
    "shift": "Show where a base model differs from its aligned version.",
    "export": "Write a found prompt in a format for serving.",
    "resume": "Continue a search by its name.",
    "rename": "Give a search another name.",
    "copy": "Copy a search to another store.",
    "rm": "Remove a search.",
    "judge-check": "Compare a judge with given scores.",
    "tag": "Tag queries by task, topic and difficulty.",
    "doctor": "Find out what a model server supports.",
}
"""What each command does, in display order; its code is in the module of that name in `commands/`."""


def _load(name: str) -> click.Command:
    command: click.Command = import_module(f"urial_opt.cli.commands.{name.replace('-', '_')}").command
    command.context_class = HarmlessContext
    for parameter in command.params:
        # Click makes the variable's name from the parameter, which is not always called like its option.
        if isinstance(parameter, click.Option) and parameter.envvar is None:
            option = max(parameter.opts, key=len).lstrip("-")
            parameter.envvar = f"{_PREFIX}_{name}_{option}".replace("-", "_").upper()
    return command


class _LazyGroup(click.Group):
    """Loads a command's module only when the command is called, which keeps `--help` fast."""

    called = ""
    """The command that is running."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        return _load(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            raise UnknownNameError.of("command", args[0], COMMANDS)
        _LazyGroup.called = args[0]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _read_config(ctx: click.Context, _option: click.Parameter, path: Path | None) -> None:
    """Take the defaults of each command's options from its table in a TOML file."""
    if path is None:
        return
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        raise click.BadParameter(f"{path}: {error}; give a TOML file with a table such as [search]") from error
    defaults: dict[str, dict[str, Any]] = {}
    for name, table in tables.items():
        if name not in COMMANDS or not isinstance(table, dict):
            raise click.BadParameter(f"{path}: {name!r} is not a command; the tables are named {', '.join(COMMANDS)}")
        parameters = _load(name).params
        known = {option.removeprefix("--"): parameter.name for parameter in parameters for option in parameter.opts}
        for option in table:
            if option not in known:
                raise click.BadParameter(f"{path}: {name} has no option {option!r}; it has {', '.join(sorted(known))}")
        defaults[name] = {known[option]: value for option, value in table.items()}
    ctx.default_map = defaults


@click.group(
    cls=_LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
@click.version_option(__version__, prog_name="urial-opt")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_read_config,
    is_eager=True,
    expose_value=False,
    help="TOML file with default options, one table for each command.",
)
def group() -> None:
    """Align a base language model without tuning it: search for the prompt.

    Start with `urial-opt search`; it needs no key, no download and no GPU.

    Each option can also be given as an environment variable: `--budget` of `search` is URIAL_OPT_SEARCH_BUDGET.
    """


def _say_error(message: str) -> None:
    called = group.get_command(click.Context(group), _LazyGroup.called)
    options = {option for parameter in (called.params if called else ()) for option in parameter.opts}
    write_line(f"Error: {one_line(redacted(as_typed(message, options)))}", err=True)


@contextmanager
def _notes() -> Iterator[None]:
    """Print the library's warnings as sentences, each once."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", UrialOptWarning)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any) -> None:  # noqa: ANN401
            from urial_opt.cli.layout import say

            if issubclass(category, UrialOptWarning):
                say(str(message), rest="  ", err=True)
            else:
                others(message, category, *where)

        warnings.showwarning = show  # type: ignore[assignment]
        yield


def main() -> int:
    """Run the command line.

    The exit code is 2 if the request cannot be carried out, 1 if a model or judge failed, 3 if a limit stopped a
    search, and 130 if the user did.
    """
    _use_one_thread_for_numpy()
    sys.excepthook = write_crash
    logging.lastResort = LogLines(logging.WARNING)
    try:
        with _notes():
            left_with = group(standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "urial-opt"
        _say_error(f"{error.format_message().rstrip('.')}; type: {command} --help")
        return 2
    except UrialOptError as error:
        _say_error(str(error))
        return 2 if isinstance(error, InputError) else 1
    return left_with if isinstance(left_with, int) else 0


def _use_one_thread_for_numpy() -> None:
    """Leave the other cores alone, unless the user says otherwise; called before NumPy is loaded.

    The sampler's matrices are so small that OpenBLAS's threads mostly wait for each other, in loops that keep all cores
    busy. Torch has threads of its own, but on ARM it may share this setting.
    """
    if platform.machine().lower() in ("x86_64", "amd64"):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
