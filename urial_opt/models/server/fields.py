"""Fields: what requests to a model may hold, learnt from what it refuses."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from urial_opt.models.server.replies import is_too_long

_log = logging.getLogger(__name__)

_INSTEAD: Mapping[str, str | None] = {"max_tokens": "max_completion_tokens", "temperature": None, "seed": None}
"""Fields that some chat models do not accept, such as OpenAI's reasoning models, and the field to send instead."""


class RequestFields:
    """The fields that a model accepts; any number of threads may call it at the same time."""

    def __init__(self, name: str) -> None:
        """`name` stands for the model in warnings."""
        self._name = name
        self._refused: set[str] = set()

    def sent(self, request: Mapping[str, object]) -> dict[str, object]:
        """The request with the refused fields renamed or left out."""
        names = {name: _INSTEAD[name] if name in self._refused else name for name in request}
        return {name: request[old] for old, name in names.items() if name is not None}

    def learn(self, path: str, words: str, sent: Mapping[str, object]) -> bool:
        """Whether a refusal names a field of the request that it can do without; it is not sent again."""
        field = _refused_field(words, sent) if path == "/chat/completions" else None
        if field is None or is_too_long(words):
            return False
        if field == "temperature" and field not in self._refused:
            _log.warning("%r does not accept a temperature: its answers may differ each time", self._name)
        self._refused.add(field)
        return True


def _refused_field(words: str, request: Mapping[str, object]) -> str | None:
    """The field of a request that an error message refuses; None if it is not a field that can be left out."""
    quoted = set(re.findall(r"['\"`](\w+)['\"`]", words))
    return next((name for name, instead in _INSTEAD.items() if name in request and (instead or name) in quoted), None)
