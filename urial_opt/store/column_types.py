"""Column types that store text and JSON without loss, and the type of hashes."""

from __future__ import annotations

import json
import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from urial_opt.content import canonical_json

_UNSTORABLE = re.compile("[\0\x1b\ud800-\udfff]")
_ESCAPED = re.compile("\x1b([0-9a-f]{4})")


class ExactText(TypeDecorator[str]):
    """Text that is read back exactly as it was written.

    PostgreSQL refuses NUL and both databases refuse lone surrogates, but a model may write either. Each of these, and
    ESC itself, is stored as ESC and four hexadecimal digits.
    """

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else _UNSTORABLE.sub(lambda match: f"\x1b{ord(match[0]):04x}", value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value)


class JsonText(TypeDecorator[Any]):
    """JSON with sorted keys, as text that is readable in either database."""

    impl = ExactText
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ANN401, ARG002
        return None if value is None else canonical_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002
        return None if value is None else json.loads(value)


Hash = sa.String(16)
"""The `content.content_id` of what the row holds."""
