"""Adapters that hand on their results and keep their replies, and some that do it wrongly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import Any

from tests.small_adapters import NUMBERS, ByLength, Echo, Named
from tests.small_proposers import Writes
from urial_opt.memory import PaidReply, ReplyMemory
from urial_opt.records import Completion, Judgment, Preference, Query, Sampling, Usage
from urial_opt.spaces.proposals import Diagnosis, Draft, Situation, Task


class Able(Named):
    """Works row by row; hands on each result, keeps a reply for each, and may be stopped. A Generator, ChatGenerator,
    judge and Proposer."""

    def __init__(self) -> None:
        self.heard: Callable[[Mapping[int, Any]], None] | None = None
        self.memory: ReplyMemory | None = None
        self.check: Callable[[], None] | None = None

    def stop_when(self, check: Callable[[], None] | None) -> None:
        self.check = check

    def hand_on(self, heard: Callable[[Mapping[int, Any]], None] | None) -> None:
        self.heard = heard

    def keep_replies(self, memory: ReplyMemory | None) -> None:
        self.memory = memory

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        return self.work(suffixes, lambda row: Echo().generate(prefix, [suffixes[row]], sampling))

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        return self.work(queries, lambda row: Echo().answer([queries[row]], sampling))

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        return self.work(queries, lambda row: ByLength().judge([queries[row]], [completions[row]]))

    def compare(
        self, queries: Sequence[Query], firsts: Sequence[Completion], seconds: Sequence[Completion]
    ) -> list[Preference]:
        return self.work(queries, lambda row: ByLength().compare([queries[row]], [firsts[row]], [seconds[row]]))

    def diagnose(self, situation: Situation) -> Diagnosis:
        return Writes().diagnose(situation)

    def write(self, tasks: Sequence[Task]) -> list[Draft]:
        return self.work(tasks, lambda row: Writes().write([tasks[row]]))

    def work(self, rows: Sequence[object], ask: Callable[[int], list[Any]]) -> list[Any]:
        results = []
        for row in range(len(rows)):
            if self.check is not None:
                self.check()
            self.pay(f"{row} of {rows}")
            results += ask(row)
            self.hand(row, results)
        return results

    def hand(self, row: int, results: list[Any]) -> None:
        if self.heard is not None:
            self.heard({row: results[row]})

    def pay(self, request: str) -> None:
        """A kept reply is read by working it out again."""
        if self.memory is None:
            return
        id_ = self.memory.claim(request)
        if self.memory.find_replies([id_]) == [None]:
            self.ask_leave(self.memory)
            self.memory.add_replies([PaidReply(id=id_, body="words", usage=Usage())])

    def ask_leave(self, memory: ReplyMemory) -> None:
        memory.allow()


class HandsOnTwice(Able):
    def hand(self, row: int, results: list[Any]) -> None:
        super().hand(row, results)
        super().hand(0, results)


class HandsOnTheFirst(Able):
    """Hands on the first result in the place of each."""

    def hand(self, row: int, results: list[Any]) -> None:
        super().hand(row, [results[0]] * len(results))


class HandsOnElsewhere(Able):
    """Hands on in a thread of its own."""

    def hand(self, row: int, results: list[Any]) -> None:
        thread = Thread(target=super().hand, args=(row, results))
        thread.start()
        thread.join()


class MindsNoError(Able):
    """Goes on after what is raised by what hears it."""

    def hand(self, row: int, results: list[Any]) -> None:
        with suppress(Exception):
            super().hand(row, results)


class HandsOnForEver(Able):
    def hand_on(self, heard: Callable[[Mapping[int, Any]], None] | None) -> None:
        self.heard = heard or self.heard


class AsksNoLeave(Able):
    def ask_leave(self, memory: ReplyMemory) -> None: ...


class AsksLeaveOnce(Able):
    """Asks leave for the first request of a memory only."""

    asked: ReplyMemory | None = None

    def ask_leave(self, memory: ReplyMemory) -> None:
        if self.asked is not memory:
            memory.allow()
        self.asked = memory


class MindsNoRefusal(Able):
    """Goes on without leave."""

    def ask_leave(self, memory: ReplyMemory) -> None:
        with suppress(Exception):
            memory.allow()


class StoresNothing(Able):
    def pay(self, request: str) -> None:
        if self.memory is not None:
            self.memory.claim(request)
            self.memory.allow()


class NamesRequestsAnew(Able):
    """Another key each time, so that it finds no reply."""

    def pay(self, request: str) -> None:
        super().pay(f"{request} {next(NUMBERS)}")


class KeepsForEver(Able):
    def keep_replies(self, memory: ReplyMemory | None) -> None:
        self.memory = memory or self.memory


class CannotStop(Able):
    def stop_when(self, check: Callable[[], None] | None) -> None: ...


class StopsForEver(Able):
    def stop_when(self, check: Callable[[], None] | None) -> None:
        self.check = check or self.check
