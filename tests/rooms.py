"""The rooms of the package, floor by floor: what ARCHITECTURE.md shows of them."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

from tests.documents import ROOT

PACKAGE = ROOT / "urial_opt"


def layers() -> list[list[str]]:
    """The rooms of each floor, from the top, as the import contract in `pyproject.toml` has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (ordered,) = [contract for contract in contracts["contracts"] if contract["type"] == "layers"]
    return [re.findall(r"\w+", layer) for layer in ordered["layers"]]


def caption(file: Path) -> str:
    """The first line of a module's docstring."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    assert text, f"{file.relative_to(ROOT)} has no docstring"
    return text.partition("\n")[0]


def floors() -> str:
    """Every floor with its rooms, in Markdown."""
    there = [[room for room in rooms if _file(room).exists()] for rooms in layers()]
    there = [sorted(rooms, key=lambda room: (not _file(room).name.startswith("__"), room)) for rooms in there if rooms]
    parts = []
    for number, rooms in zip(range(len(there), 0, -1), there, strict=True):
        names = ", ".join(f"`{room}`" for room in rooms)
        parts.append(f"### Floor {number}: {names}\n\n" + "".join(_entry(_file(room), indent="") for room in rooms))
    return "\n" + "\n".join(parts) + "\n"


def _file(room: str) -> Path:
    folder = PACKAGE / room
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def _entry(file: Path, *, indent: str) -> str:
    if file.name != "__init__.py":
        return f"{indent}- `{file.name}` {caption(file)}\n"
    folder = file.parent
    entries = [f"{indent}- **`{folder.name}/`** {caption(file)}\n"]
    inside = [path for path in sorted(folder.glob("*.py")) if path != file]
    inside += [path / "__init__.py" for path in sorted(folder.iterdir()) if (path / "__init__.py").exists()]
    return "".join([*entries, *(_entry(path, indent=f"{indent}  ") for path in inside)])
