"""Content: finds the files that come with the package, identifies content by its hash, and mends text."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

_PACKAGE = Path(__file__).parent
canonical_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
"""Encodes JSON with sorted keys and without blanks, so that equal content has equal text."""


def content_folder(name: str) -> Path:
    """The folder `search_spaces` or `store`: inside the package in a wheel, beside it in a checkout."""
    packaged = _PACKAGE / "_content" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def content_id(content: object) -> str:
    """Sixteen hexadecimal digits that identify JSON-representable content."""
    return hashlib.sha256(canonical_json(content).encode("utf-8", "surrogatepass")).hexdigest()[:16]


_HALF = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(?:(u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w)|(u[dD][89a-fA-F]\w\w)|.)", re.DOTALL)

READ_AS = "it is read as U+FFFD"
"""What becomes of half a character, in messages."""


def mended(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate: half a character, which no file, terminal or server takes.

    Two halves that stand side by side become the character that they make up.
    """
    if not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def mended_json(text: str) -> str:
    """JSON text in which each escape of a lone surrogate, such as `\\ud83d` alone, is that of U+FFFD."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPE.sub(lambda found: r"\ufffd" if found[2] else found[0], text)


def is_lfs_pointer(beginning: bytes) -> bool:
    """Whether a file that begins so is not itself but a pointer to it, as Git leaves it without Git LFS."""
    return beginning.startswith(b"version https://git-lfs.github.com/")
