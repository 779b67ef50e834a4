"""Reads the documents of this project: their code blocks, links and headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_FENCE = re.compile(r"( {0,3})(`{3,})(\w*)\s*")


def documents() -> list[Path]:
    """Every Markdown file that people read, but not the judges' templates, which are prompts."""
    folders = ("", "experiments", "search_spaces", "store", "tests/stores")
    found = [path for folder in folders for path in (ROOT / folder).glob("*.md")]
    return sorted([*found, *(ROOT / "experiments").glob("*/*.md")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A code block, fenced or indented."""

    path: Path
    line: int
    """Of its first line of code, counted from 1."""
    language: str
    """As the fence names it; empty for an indented block."""
    text: str

    @property
    def place(self) -> str:
        """Such as `README.md:12`."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def code_blocks(path: Path) -> list[Block]:
    """The code blocks of a document, in order."""
    blocks: list[Block] = []
    lines: list[str] = []
    language = fence = indent = ""
    begin = 0

    def end() -> None:
        if lines:
            text = "\n".join(lines).rstrip("\n") + "\n"
            blocks.append(Block(path=path, line=begin, language=language, text=text))
        lines.clear()

    before = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        opening = _FENCE.fullmatch(line)
        if fence:
            if line.strip() == fence:
                end()
                fence = language = ""
            else:
                begin = begin if lines else number
                lines.append(line.removeprefix(indent))
        elif opening:
            end()
            indent, fence, language = opening.groups()
        elif line.startswith("    ") and (lines or not before):
            begin = begin if lines else number
            lines.append(line[4:])
        elif line or not lines:
            end()
        else:
            lines.append("")
        before = line.strip()
    end()
    return blocks


def links(path: Path) -> list[str]:
    """What a document links to, as it is written there."""
    return re.findall(r"\]\(([^)\s]+)\)", _prose(path))


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives to a document's headings."""
    headings = re.findall(r"^#+ (.+)$", _prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def named_paths(path: Path) -> list[str]:
    """Words in backticks that look like the path of a file or a folder."""
    return re.findall(r"`([\w.-]+(?:/[\w.-]+)*(?:\.(?:py|md|csv|sql|yaml|toml|txt)|/))`", _prose(path))


def _prose(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return re.sub(r"^(`{3,}).*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
