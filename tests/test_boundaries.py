"""Boundaries: the import contracts can fail, and a plain import loads no heavy package."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("alembic", "dspy", "litellm", "numpy", "openai", "optuna", "scipy", "sqlalchemy", "torch", "transformers")

# A package of empty modules, and for each contract an import that breaks it.
ROOMS = (
    "aspects", "cli/app", "content", "doctor/diagnosis", "errors", "evaluation/evaluator", "exporters/urial_format",
    "judges/llm", "memory", "models/local/generator", "models/server/endpoint", "nano/models", "objective", "plugins",
    "prompt", "prompt_file", "protocols", "records", "search/trials", "secrets/known",
    "shift/figures", "spaces/space", "store/database",
)  # fmt: skip
VIOLATIONS = {
    "Each floor imports only from lower floors": ("prompt", "import urial_opt.spaces.space"),
    "Adapters are found by name, through plugins.py": ("search/trials", "import urial_opt.models.local.generator"),
    "Model libraries are for local models": ("judges/llm", "import torch"),
    "Optuna is for the search": ("objective", "from optuna import Trial"),
    "Databases are for the store": ("search/trials", "def search():\n    import sqlalchemy.orm"),
    "DSPy is for proposers and programs": ("search/trials", "import dspy"),
    "openai is for adapters that talk to a server": ("nano/models", "import openai"),
    "click and rich are for the command line": ("evaluation/evaluator", "from rich.progress import Progress"),
    "Nobody imports tests or experiments": ("cli/app", "import tests.conftest"),
}
ALLOWED = (
    ("search/trials", "import optuna"),
    ("store/database", "import sqlalchemy, alembic"),
    ("models/local/generator", "import torch, transformers"),
    ("nano/models", "import torch\nimport urial_opt.models.local.generator"),
    ("doctor/diagnosis", "import urial_opt.models.server.endpoint"),
    ("cli/app", "import click, rich"),
)


def verdicts(folder: Path) -> dict[str, str]:
    """KEPT or BROKEN for each contract of this project, checked on the package `urial_opt` in `folder`."""
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return dict(re.findall(r"^(.+) (KEPT|BROKEN)\b", done.stdout, re.MULTILINE))


@pytest.fixture
def rooms(tmp_path: Path) -> Path:
    package = tmp_path / "urial_opt"
    for room in ROOMS:
        file = package / f"{room}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        for folder in file.relative_to(tmp_path).parents[:-1]:
            (tmp_path / folder / "__init__.py").touch()
        file.touch()
    return package


def add(package: Path, room: str, text: str) -> None:
    with (package / f"{room}.py").open("a") as file:
        file.write(f"{text}\n")


def test_every_contract_has_a_violation_here() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {contract["name"] for contract in contracts} == set(VIOLATIONS)


def test_allowed_imports_keep_every_contract(rooms: Path) -> None:
    for room, text in ALLOWED:
        add(rooms, room, text)
    assert verdicts(rooms.parent) == dict.fromkeys(VIOLATIONS, "KEPT")


def test_every_contract_can_be_broken(rooms: Path) -> None:
    for room, text in VIOLATIONS.values():
        add(rooms, room, text)
    assert verdicts(rooms.parent) == dict.fromkeys(VIOLATIONS, "BROKEN")


def test_a_room_on_no_floor_breaks_the_first_contract(rooms: Path) -> None:
    (rooms / "helpers.py").touch()
    assert verdicts(rooms.parent)["Each floor imports only from lower floors"] == "BROKEN"


def loaded_by(code: str) -> set[str]:
    """The heavy packages that are loaded after `code` has run in a separate process."""
    script = f"import sys\n{code}\nprint('loaded:', *(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("loaded:")[2].split())


def test_the_probe_sees_what_is_loaded() -> None:
    assert loaded_by("import alembic") >= {"alembic", "sqlalchemy"}


@pytest.mark.parametrize("module", ["urial_opt", "urial_opt.plugins", "urial_opt.prompt_file", "urial_opt.records"])
def test_a_plain_import_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") == set()


def test_opening_an_exporter_loads_nothing_heavy() -> None:
    assert loaded_by("from urial_opt.plugins import *; open_exporter('urial'); open_exporter('json')") == set()


def help_of(words: str) -> str:
    """Code that prints the help of the command line and continues."""
    return (
        f"sys.argv = ['urial-opt', *{words.split()!r}, '--help']\n"
        "from urial_opt.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code"
    )


def commands() -> list[str]:
    """The commands that `urial-opt --help` lists."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{help_of('')}"], capture_output=True, text=True, check=True
    )
    return re.findall(r"^  ([a-z-]+)  ", done.stdout.rpartition("Commands:")[2], re.MULTILINE)


def test_help_loads_nothing_heavy() -> None:
    found = commands()
    assert "search" in found
    for command in ["", *found]:
        assert loaded_by(help_of(command)) == set(), command


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="torch may share the setting there")
@pytest.mark.parametrize(("given", "used"), [(None, "1"), ("4", "4")])
def test_numpy_uses_one_thread_unless_told_otherwise(
    given: str | None, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if given:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", given)
    code = f"{help_of('')}\nimport os\nassert os.environ['OPENBLAS_NUM_THREADS'] == {used!r}"
    assert loaded_by(code) == set(), "NumPy was loaded before"
