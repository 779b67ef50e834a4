"""Paid replies: asks a server only for what is not stored yet, and stores each reply as it comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeAlias, TypeVar

from urial_opt.memory import PaidReply, ReplyMemory
from urial_opt.models.server.retries import EmptyReplyError, Retrier
from urial_opt.records import Usage


class Counted(Protocol):
    """What is read from a reply."""

    @property
    def usage(self) -> Usage: ...


_Read = TypeVar("_Read", bound=Counted)
Heard: TypeAlias = Callable[[Mapping[int, _Read]], None]
"""Called with what was read from replies, by place of their request."""


def ignore(_: Mapping[int, Counted]) -> None:
    """As `Heard`, for a caller that waits for all replies."""


@dataclass(frozen=True, slots=True)
class Answered(Generic[_Read]):
    """A reply, and what was read from it."""

    body: str
    """Empty if it need not be stored."""
    read: _Read


class PaidReplies:
    """The replies to one endpoint; without a memory, none is stored."""

    def __init__(self, retrier: Retrier) -> None:
        self.memory: ReplyMemory | None = None
        self._retrier = retrier
        self._wasted: SimpleQueue[Usage] = SimpleQueue()
        """What replies cost that are of no use; put here from any thread."""

    def ask(
        self,
        ask: Callable[[Mapping[str, object]], Answered[_Read]],
        requests: Sequence[Mapping[str, object]],
        *,
        keys: Sequence[str],
        reread: Callable[[str], _Read],
        heard: Heard[_Read] = ignore,
        ahead: Callable[[], AbstractContextManager[bool]] = lambda: nullcontext(enter_result=False),
    ) -> list[_Read]:
        """What was read from the reply to each request, in the order given.

        `keys` identify the requests, and `reread` reads a stored body. `heard` is called with replies as they come, by
        place of their request, once they are stored. `ahead` says whether the first request is sent before the others,
        within its context. Errors as `Retrier.ask_all`.
        """
        memory = self.memory or _Nowhere()
        ids = [memory.claim(key) for key in keys]
        replies: dict[int, _Read] = {}
        for row, body in enumerate(memory.find_replies(ids)):
            with suppress(ValueError):  # written by another version, perhaps
                if body is not None:
                    replies[row] = reread(body)
        if replies:
            heard(dict(replies))
        missing = [row for row in range(len(requests)) if row not in replies]

        def send(rows: Sequence[int]) -> None:
            def come(new: Mapping[int, Answered[_Read]]) -> None:
                paid = [
                    PaidReply(id=ids[rows[place]], body=each.body, usage=each.read.usage)
                    for place, each in new.items()
                    if each.body
                ]
                memory.add_replies([*paid, *self._wasted_replies()])
                found = {rows[place]: each.read for place, each in new.items()}
                replies.update(found)
                heard(found)

            try:
                self._retrier.ask_all(ask, [requests[row] for row in rows], allow=memory.allow, heard=come)
            finally:
                if wasted := self._wasted_replies():
                    memory.add_replies(wasted)

        if missing:
            with ahead() as first:
                if first:
                    send(missing[:1])
            send(missing[1:] if first else missing)
        return [replies[row] for row in range(len(requests))]

    def read(self, body: str, read: Callable[[str], _Read]) -> Answered[_Read]:
        """A new reply, read. Errors as `read`; an empty reply that is accepted in the end is counted here."""
        try:
            return Answered(body, read(body))
        except EmptyReplyError as error:
            empty: _Read = error.reply  # type: ignore[assignment]
            self._wasted.put(empty.usage)
            raise EmptyReplyError(Answered("", empty)) from error

    def _wasted_replies(self) -> list[PaidReply]:
        wasted: list[PaidReply] = []
        with suppress(Empty):
            while True:
                wasted.append(PaidReply(id="", body="", usage=self._wasted.get_nowait()))
        return wasted


class _Nowhere:
    """A `ReplyMemory` that remembers nothing."""

    def allow(self) -> None: ...

    def claim(self, key: str) -> str:
        return key

    def find_replies(self, ids: Sequence[str]) -> list[str | None]:
        return [None] * len(ids)

    def add_replies(self, paid: Sequence[PaidReply]) -> None: ...
