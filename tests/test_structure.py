"""What keeps the code readable: few modules at the top, short files and functions, names that are used once."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import ROOT

PACKAGE = ROOT / "urial_opt"
ADAPTERS = ("exporters", "judges", "models", "nano", "proposers")
LONGEST_FILE = 300
LONGEST_COMMAND = 80
MOST_FLAT = 14

Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in path.parts)


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(path: Path) -> Iterator[Function]:
    """Those of a module, and those inside its classes and functions."""
    return (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, Function))


def test_few_modules_lie_flat() -> None:
    flat = [path.name for path in PACKAGE.glob("*.py") if path.name not in ("__init__.py", "__main__.py")]
    assert len(flat) <= MOST_FLAT, sorted(flat)


def test_no_file_is_long() -> None:
    files = python_files("urial_opt", "tests", "experiments", "store")
    long = {place(path): lines for path in files if (lines := lines_of(path)) > LONGEST_FILE}
    assert not long, long


def test_no_function_of_the_command_line_is_long() -> None:
    long = {
        f"{place(path)}: {each.name}": lines
        for path in python_files("urial_opt/cli")
        for each in functions(path)
        if each.end_lineno and (lines := each.end_lineno - each.lineno + 1) > LONGEST_COMMAND
    }
    assert not long, long


def test_nothing_is_named_like_its_module() -> None:
    named = [
        f"{place(path)}: {node.name}"
        for path in python_files("urial_opt")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, Function | ast.ClassDef) and node.name == path.stem
    ]
    assert not named, named


PRINTS = {"echo", "secho", "print", "print_json", "Console", "style"}
MAY_PRINT = ("urial_opt/cli/output.py", "urial_opt/nano/server.py")  # the second one is a program of its own


def called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_one_place_writes_to_the_terminal() -> None:
    elsewhere = [
        f"{place(path)}:{node.lineno}"
        for path in python_files("urial_opt")
        if place(path) not in MAY_PRINT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Call) and called(node) in PRINTS)
        or (isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr"))
    ]
    assert not elsewhere, elsewhere


def exceptions_between_adapters() -> list[str]:
    """The exceptions to import contracts that let one adapter import another."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    contracts = tools["importlinter"]["contracts"]
    allowed = []
    for exception in (each for contract in contracts for each in contract.get("ignore_imports", ())):
        importer, imported = (side.strip().split(".") for side in exception.split("->"))
        from_adapter = importer[1:2] and importer[1] in ADAPTERS
        to_adapter = imported[1:2] and imported[1] in ADAPTERS
        if from_adapter and to_adapter and importer[1] != imported[1]:
            allowed.append(exception)
    return allowed


def test_no_contract_excepts_an_adapter_that_imports_another() -> None:
    assert exceptions_between_adapters() == []


@pytest.mark.parametrize("folder", ["urial_opt", "tests", "experiments", "store"])
def test_there_is_something_to_check(folder: str) -> None:
    assert list(python_files(folder))
