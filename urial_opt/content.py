"""Content: where what comes with the package is found, and how content names itself by its hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

_PACKAGE = Path(__file__).parent


def content_folder(name: str) -> Path:
    """The folder `search_spaces` or `store`: inside the package in a wheel, beside it in a checkout."""
    packaged = _PACKAGE / "_content" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def content_id(content: object) -> str:
    """Sixteen hexadecimal digits that identify JSON-representable content."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
