"""The served model: what a server says its model is, compared with what it said before."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from urial_opt.errors import AdapterError
from urial_opt.memory import PaceMemory, Served
from urial_opt.models.server.retries import WrongModelError

_log = logging.getLogger(__name__)

_IN_A_ROW = 3
"""Replies under one other name that make it the model's name; a gateway that is overloaded sends one or two."""
_LOOPBACK = {"localhost": "127.0.0.1", "[::1]": "127.0.0.1"}


class ServedModel:
    """One model as its server names it; any number of threads may call it at the same time.

    The address is no part of the model's identity: what was paid stays known when the server moves. What tells models
    apart is the name that is asked, the name in the replies and the `root` in the server's list of models.
    """

    def __init__(self, asked: str, *, url: str, replies: str, card: Callable[[], Mapping[str, object]]) -> None:
        """`replies` is the name that replies must have; if it is empty, that of the first reply, from then on.

        `card` asks the server for the model's entry in its list of models.
        """
        self._asked = asked
        self._url = url
        self._card = card
        self._pinned = bool(replies)
        self._name = replies
        """The name that replies have; empty until it is known."""
        self._other: list[str] = []
        """The other names in the first replies."""
        self._memory: PaceMemory | None = None
        self._key = ""
        self._before: Served | None = None
        self._checked = False
        self._lock = threading.Lock()

    def keep(self, memory: PaceMemory, key: str) -> None:
        """Compare with what `memory` holds for `key`, the model's identity, and store what the server says now."""
        with self._lock:
            self._memory, self._key, self._checked = memory, key, False
            self._before = memory.find_served(key)
            if self._before and self._before.replies and not self._name:
                self._name = self._before.replies

    def check(self, answered: str | None) -> None:
        """Look at the name in a reply. WrongModelError if it is not the model's, so that the request is sent again.

        AdapterError if the model goes by another name now than when its stored replies were paid for.
        """
        with self._lock:
            self._check_name(answered)
            if not self._checked:
                self._checked = True
                self._compare()

    def _check_name(self, answered: str | None) -> None:
        if not answered or (self._name and is_one_model(answered, self._name)):
            return
        if not self._name and is_called(answered, self._asked):
            self._name = answered
            return
        if self._pinned:
            raise WrongModelError(f"the server answers as {answered!r}, not as {self._name!r}; correct model_replies=")
        if self._checked:
            raise WrongModelError(
                f"the server answers as {answered!r}, and answered as {self._name!r} before; "
                "if one of them is the model you mean, give it as model_replies=NAME"
            )
        self._other.append(answered)
        if self._other[-_IN_A_ROW:] != [answered] * _IN_A_ROW:
            raise WrongModelError(f"the server answers as {answered!r}; give that name if it is the model you mean")
        if self._name:
            raise AdapterError(
                f"{self._asked!r} at {self._url!r} answers as {answered!r} now, and answered as {self._name!r} when "
                f"its stored replies were paid for; give model_replies={answered} to keep their replies apart"
            )
        self._name = answered
        _log.warning("%r at %s answers as %r, which is taken for its name", self._asked, self._url, answered)

    def _compare(self) -> None:
        """Store what the server says, and warn if it may be another model than before."""
        if self._memory is None:
            return
        root = self._card().get("root")
        now = Served(
            address=self._url, replies=self._name, root=PurePosixPath(root).name if isinstance(root, str) else ""
        )
        if before := self._before:
            same_root = bool(now.root) and now.root == before.root
            if before.root and now.root and not same_root:
                _log.warning(
                    "%r at %s is %r now, and was %r when its stored replies were paid for; if that is another model, "
                    "give it a name of its own by revision=NAME",
                    *(self._asked, self._url, now.root, before.root),
                )
            elif _place(now.address) != _place(before.address) and not same_root:
                _log.warning(
                    "%r is asked at %s now, and was asked at %s before; if that is another model, give it a name of "
                    "its own by revision=NAME",
                    *(self._asked, self._url, before.address),
                )
        if now != self._before:
            self._memory.add_served(self._key, now)


def is_called(answered: str, asked: str) -> bool:
    """Whether both names mean one model: a server may add a date or a folder, or drop one."""
    answered, asked = answered.casefold(), asked.casefold()
    return (
        answered == asked
        or (answered.startswith(asked) and answered[len(asked)] in "-@:")
        or PurePosixPath(answered).name == asked
        or PurePosixPath(asked).name == answered
    )


def is_one_model(one: str, other: str) -> bool:
    """Whether one of the names is the other, or the other with a date or a folder."""
    return is_called(one, other) or is_called(other, one)


def _place(url: str) -> str:
    """The address, with one name for this machine."""
    for name, number in _LOOPBACK.items():
        url = url.replace(f"//{name}", f"//{number}", 1)
    return url
