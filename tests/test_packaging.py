"""The wheel: its contents, and that it works alone and with a plugin, without a checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def build(project: Path, folder: Path) -> Path:
    """Build the wheel of a project in `folder`."""
    words = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(project)]
    subprocess.run([*PIP, *words], check=True)
    (built,) = folder.glob("*.whl")
    return built


def environment(folder: Path, *wheels: Path) -> Path:
    """The `bin` folder of an environment with these wheels; their dependencies come from the current environment."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    words = ["--python", str(python), "install", "--no-deps", "--no-index", *map(str, wheels)]
    subprocess.run([*PIP, *words], check=True)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    # Python searches a folder named in a .pth file, but ignores .pth files in it (that of the editable checkout).
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def run_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, without a path to the checkout."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=variables)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("environment"), wheel)


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Callable[..., str]:
    """Run a program of that environment in an empty folder and return its standard output."""

    def run(program: str, *words: str) -> str:
        done = run_in(tmp_path, str(installed / program), *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def files_in(folder: str) -> set[str]:
    """The files under a folder of the checkout, without those that tools leave there."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".db", ".log", ".tmp")
    }


def test_the_wheel_carries_the_package_and_its_content(wheel: Path) -> None:
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    content = files_in("search_spaces") | files_in("store")
    assert names == files_in("urial_opt") | {f"urial_opt/_content/{name}" for name in content}
    assert {"urial_opt/py.typed", "urial_opt/testing/contracts.py"} <= names


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in ZipFile(wheel).namelist())


def test_the_wheel_stays_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 40e6


def test_content_is_found_inside_the_installed_package(run: Callable[..., str], installed: Path) -> None:
    code = "from urial_opt.content import content_folder as f; print(f('search_spaces')); print(f('store'))"
    for line in run("python", "-c", code).splitlines():
        assert Path(line).is_relative_to(installed.parent)


def test_plugins_are_found_through_the_wheel(run: Callable[..., str]) -> None:
    code = "from urial_opt import plugins as p; print(p.open_exporter('urial').suffix, *p.names('generator'))"
    assert run("python", "-c", code).split() == [
        *(".txt", "hf", "hf-chat", "nano", "nano-aligned", "openai", "openai-chat")
    ]


def test_help_from_another_folder(run: Callable[..., str]) -> None:
    assert "search" in run("urial-opt", "--help")


def test_the_main_job_from_another_folder(run: Callable[..., str]) -> None:
    assert run("urial-opt", "search", "--budget", "1")


BROKEN = """
import pytest
from urial_opt import plugins
from urial_opt.testing.contracts import GeneratorContract


class Backwards:
    identity = "backwards"

    def generate(self, prefix, suffixes, sampling):
        return plugins.open_generator("echo").generate(prefix, suffixes[::-1], sampling)


class TestBackwards(GeneratorContract):
    @pytest.fixture
    def generator(self):
        return Backwards()
"""


@pytest.fixture(scope="module")
def with_plugin(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the package and `plugin_package`."""
    source = shutil.copytree(ROOT / "tests" / "plugin_package", tmp_path_factory.mktemp("source") / "plugin")
    plugin = build(source, tmp_path_factory.mktemp("plugin"))
    return environment(tmp_path_factory.mktemp("with_plugin"), wheel, plugin)


def contracts_of(installed: Path, folder: Path) -> str:
    """The output of pytest for the tests in a folder."""
    return run_in(folder, str(installed / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider").stdout


def test_a_plugin_of_somebody_else_keeps_the_contracts(with_plugin: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "plugin_package" / "tests", tmp_path / "tests")
    printed = contracts_of(with_plugin, tmp_path)
    assert re.search(r"^[1-9]\d+ passed, \d+ skipped in ", printed, re.MULTILINE), printed


def test_a_broken_plugin_fails_and_shows_the_values_compared(with_plugin: Path, tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text(BROKEN)
    printed = contracts_of(with_plugin, tmp_path)
    failed = re.findall(r"^FAILED \S+::TestBackwards::(\w+)", printed, re.MULTILINE)
    assert failed == ["test_each_query_has_one_completion_in_order"], printed
    assert "At index 1 diff: ('``` How can I rob a bank?" in printed, "assertions are rewritten"
