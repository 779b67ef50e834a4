"""The documents: their links and paths lead somewhere, the README is short, and their Python runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT, Block, anchors, code_blocks, documents, links, named_paths
from urial_opt.cli.app import COMMANDS

README = ROOT / "README.md"
LONGEST_README = 200
WIDEST_CODE = 80
LONG_LIVED = ("LOG.md", "CHANGELOG.md")
"""They speak of files that were there once."""


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_there_are_documents() -> None:
    assert {"README.md", "COMMANDS.md", "ARCHITECTURE.md", "store/README.md"} <= {named(path) for path in documents()}


@pytest.mark.parametrize("document", documents(), ids=named)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(document):
        if re.match(r"https?:", link):
            continue  # tests stay on loopback
        file, _, anchor = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        assert target.exists(), f"{named(document)} links to {link!r}"
        assert target.is_relative_to(ROOT), f"{named(document)} links to {link!r}, outside the repository"
        assert not anchor or anchor in anchors(target), f"{named(document)} links to {link!r}: no such heading"


@pytest.mark.parametrize("document", [path for path in documents() if path.name not in LONG_LIVED], ids=named)
def test_every_path_with_a_folder_exists(document: Path) -> None:
    parents = (document.parent, ROOT, ROOT / "urial_opt", ROOT / "experiments")
    for path in named_paths(document):
        if "/" in path.rstrip("/") and "NAME" not in path:
            assert any((parent / path).exists() for parent in parents), f"{named(document)} names {path!r}"


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= LONGEST_README


def test_the_code_of_the_readme_fits_a_narrow_terminal() -> None:
    for block in code_blocks(README):
        assert max(map(len, block.text.splitlines())) <= WIDEST_CODE, block.place


def test_the_readme_names_every_command() -> None:
    shown = set(re.findall(r"urial-opt ([a-z-]+)", README.read_text(encoding="utf-8")))
    assert shown >= set(COMMANDS)


PYTHON = [block for path in documents() for block in code_blocks(path) if block.language == "python"]


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.place)
def test_python_runs(block: Block, tmp_path: Path, small_space: Path) -> None:
    """In a process of its own; the space of these tests stands in for `nano`, whose queries take minutes."""
    text = re.sub(r'(?<!Engine\()"nano"', repr(str(small_space)), block.text)
    (tmp_path / "example.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{block.place}: {done.stderr}"
    for saved in re.findall(r'"([\w.]+\.(?:json|db))"', block.text):
        assert (tmp_path / saved).exists()
