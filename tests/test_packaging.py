"""The wheel: what it carries, and that it works from another folder with no checkout beside it."""

from __future__ import annotations

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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*PIP, *build], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel installed; its dependencies are borrowed from this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    subprocess.run([*PIP, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], check=True)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    # A folder named in a .pth file is searched, but .pth files in it (that of the editable checkout) are not read.
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Callable[..., str]:
    """Runs a program of that environment in an empty folder; gives its standard output."""

    def run(program: str, *words: str) -> str:
        command = [str(installed / program), *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def files_in(folder: str) -> set[str]:
    """What stands under a folder of the checkout, without what tools leave there."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".db", ".log", ".tmp")
    }


def test_the_wheel_carries_the_package_and_its_content(wheel: Path) -> None:
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    content = files_in("search_spaces") | files_in("store")
    assert names == files_in("urial_opt") | {f"urial_opt/_content/{name}" for name in content}
    assert "urial_opt/py.typed" in names


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
