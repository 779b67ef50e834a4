"""Content: finds the files that come with the package, and identifies content by its hash."""

from __future__ import annotations

import hashlib
import json
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
