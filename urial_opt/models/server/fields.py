"""Fields: what requests to a model may hold, learnt from what it refuses."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from urial_opt.models.server.replies import is_too_long

_log = logging.getLogger(__name__)

PENALTIES = ("repetition_penalty", "repeat_penalty")
"""Names of the repetition penalty: that of vLLM, SGLang and TGI, and that of llama.cpp and llama-cpp-python."""
_INSTEAD: Mapping[str, str | None] = {
    "max_tokens": "max_completion_tokens",
    "temperature": None,
    "seed": None,
    "response_format": None,
}
"""Fields that some chat models do not accept, such as OpenAI's reasoning models, and the field to send instead."""
_REFUSALS = (400, 422)
_FORMAT_REFUSALS = (400, 404, 415, 422, 500, 501)
_QUOTED = re.compile(r"['\"`](\w+)['\"`]")
_FORMAT = re.compile("response_format|schema|grammar|json", re.IGNORECASE)


class RequestFields:
    """The fields that a model accepts; any number of threads may call it at the same time."""

    def __init__(self, name: str) -> None:
        """`name` stands for the model in warnings."""
        self._name = name
        self._refused: set[str] = set()
        self._accepted: set[str] = set()
        self._guessed: set[str] = set()
        """Those of the refused fields that no message named; if the same request fails without them, they are not."""
        self._failed = 0
        """Requests with a response format that the server failed at for no stated reason."""

    def sent(self, request: Mapping[str, object]) -> dict[str, object]:
        """The request with its repetition penalty under every name that servers know, worded as the model wants it.

        Without a penalty it says so, because some servers apply one of their own unless they are told.
        """
        penalty = request.get(PENALTIES[0], 1.0)
        return self.worded({**request, **dict.fromkeys(PENALTIES, penalty)})

    def worded(self, request: Mapping[str, object]) -> dict[str, object]:
        """The request with the refused fields renamed or left out."""
        names = {name: _INSTEAD[name] if name in self._refused & {*_INSTEAD} else name for name in request}
        worded = {name: request[old] for old, name in names.items() if name is not None}
        for name in PENALTIES:
            # A penalty that is asked for is never left out under both names.
            needed = worded.get(name, 1.0) != 1.0 and (name == PENALTIES[0] or PENALTIES[0] not in worded)
            if name in self._refused and not (needed and self._refused >= {*PENALTIES}):
                worded.pop(name, None)
        return worded

    def learn(self, path: str, status: int, words: str, sent: Mapping[str, object]) -> bool:
        """Whether the request that was refused is worth another try, in other words."""
        chat = path == "/chat/completions"
        found: set[str] = set()
        if not is_too_long(words):
            found = _named_fields(words, sent, chat=chat) if status in _REFUSALS else set()
            if chat and not found and status in _FORMAT_REFUSALS and _FORMAT.search(words):
                found = {"response_format"} & {*sent}
            if not found:
                found = self._guess(status, words, sent, chat=chat)
                self._guessed |= found
        if not found:
            self._refused -= self._guessed
            self._guessed = set()
        if "temperature" in found - self._refused:
            _log.warning("%r does not accept a temperature: its answers may differ each time", self._name)
        self._refused |= found
        return bool(found)

    def accept(self, sent: Mapping[str, object]) -> None:
        """Note that the server answered this request."""
        self._accepted |= {*sent}
        self._guessed = set()

    def _guess(self, status: int, words: str, sent: Mapping[str, object], *, chat: bool) -> set[str]:
        """Fields that the server may have refused without naming them; none that it accepted before."""
        neutral = {name for name in PENALTIES if sent.get(name) == 1.0} - self._accepted
        if neutral and status in _REFUSALS and not _QUOTED.search(words):
            return neutral
        if not (chat and status in _FORMAT_REFUSALS and "response_format" in {*sent} - self._accepted):
            return set()
        self._failed += 1
        return {"response_format"} if status != 500 or self._failed > 1 else set()


def _named_fields(words: str, sent: Mapping[str, object], *, chat: bool) -> set[str]:
    """The fields of a request that a message refuses, and that can be left out or renamed."""
    penalties = {name for name in PENALTIES if name in sent}
    named = {name for name in penalties if re.search(rf"\b{name}\b", words)}
    if named:  # a penalty that is asked for stays under one name at least
        return named if penalties - named or all(sent[name] == 1.0 for name in named) else set()
    quoted = set(_QUOTED.findall(words)) if chat else set()
    return next(({name} for name, instead in _INSTEAD.items() if name in sent and (instead or name) in quoted), set())
