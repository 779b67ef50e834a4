"""Memories: the protocols through which measurements and adapters reuse stored results instead of paying twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from urial_opt.content import content_id
from urial_opt.prompt import UrialPrompt
from urial_opt.records import (
    Completion,
    Judgment,
    Preference,
    ProbeKey,
    ProbeShift,
    Query,
    QueryTags,
    Sampling,
    Usage,
)

if TYPE_CHECKING:  # they import numpy and optuna, which `--help` does not need
    from urial_opt.spaces.lineage import Attempt, Round
    from urial_opt.spaces.proposals import Diagnosis
    from urial_opt.token_scores import AlignedAnswer


_T = TypeVar("_T")
_VerdictT = TypeVar("_VerdictT", "Judgment", "Preference")


def fill_gaps(
    known: Sequence[_T | None],
    ask: Callable[[list[int]], Sequence[_T]],
    *,
    remembered: Callable[[_T], _T] = lambda x: x,
) -> list[_T]:
    """The known results in their order, with each None replaced by a new result.

    `ask` receives the positions of the gaps, stores the results and returns them in that order; it is called only if
    there is a gap. `remembered` is applied to each known result.
    """
    missing = [place for place, each in enumerate(known) if each is None]
    fresh = iter(ask(missing) if missing else ())
    return [next(fresh) if each is None else remembered(each) for each in known]


@dataclass(slots=True, kw_only=True)
class AskingAgain:
    """Which stored verdicts a run asks for again: those with an unread or refused part, each once in a run."""

    most: int = 3
    """How many runs ask for a verdict again before it is final."""
    _asked: set[str] = field(default_factory=set)
    """The verdicts that this run has asked for; threads only add to it."""

    def is_due(self, stored: Judgment | Preference, *about: str) -> bool:
        """Whether to ask for a verdict again; `about` are the query and the answers."""
        return bool(open_parts(stored)) and stored.asked <= self.most and _key(stored, about) not in self._asked

    def may_change(self, verdict: Judgment | Preference) -> bool:
        """Whether a verdict is not final yet: a part of it is open, and this run or a later one asks for it."""
        return bool(open_parts(verdict)) and verdict.asked <= max(self.most, 1)

    def note(self, fresh: Judgment | Preference, *about: str) -> None:
        """Remember that this run has asked for a verdict."""
        if open_parts(fresh):
            self._asked.add(_key(fresh, about))


def open_parts(verdict: Judgment | Preference) -> list[str]:
    """The parts of a verdict that were refused or could not be read."""
    return [name for name, why in verdict.missing.items() if why.is_open]


def improved(stored: _VerdictT | None, fresh: _VerdictT) -> _VerdictT:
    """The verdict with fewer open parts, or the newer of two equals; with the usage of the newer."""
    if stored is None:
        return fresh
    better = stored if len(open_parts(stored)) < len(open_parts(fresh)) else fresh
    return replace(better, usage=fresh.usage, asked=stored.asked + 1)


def _key(verdict: Judgment | Preference, about: Sequence[str]) -> str:
    return content_id([verdict.judge, verdict.query_id, *about])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The load that a server tolerates."""

    at_once: int
    """Maximum number of concurrent requests."""
    not_before: float
    """When the server accepts requests again, or when it was last overloaded, in seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidReply:
    """A reply of a server, whatever it is worth."""

    id: str
    body: str
    """Empty if nothing can be made of it, so that only its cost is counted."""
    usage: Usage


class ReplyMemory(Protocol):
    """Stores the paid replies to one model as they arrive; `store.Account.billing` hands one to each model.

    A reply is kept until the results that it is a part of are stored. `allow` may be called from any thread.
    """

    def allow(self) -> None:
        """Called before each request. What it raises ends the batch, once the replies under way are stored."""

    def claim(self, key: str) -> str:
        """The id of the reply to a request; `key` identifies the request, and a repeated one gets another id."""

    def find_replies(self, ids: Sequence[str]) -> list[str | None]:
        """The body of each reply, in the order given; None if it is not stored."""

    def add_replies(self, paid: Sequence[PaidReply]) -> None:
        """Store replies, and what they cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """What one caller has reserved."""

    keys: frozenset[str]
    """Those that nobody had reserved."""
    doubtful: frozenset[str] = frozenset()
    """Those of `keys` whose results may have been stored since the caller looked them up."""


class Asking(Protocol):
    """Which results are being asked for, so that nobody asks for one that somebody else is asking for.

    Keys are content hashes. A thread reserves what it has looked up in vain, asks for it, stores it, releases it, and
    only then waits for what others have reserved, so that no two threads wait for each other.
    """

    def now(self) -> int:
        """A mark to take before looking results up."""

    def reserve(self, keys: Collection[str], *, looked: int) -> Reserved:
        """Reserve those keys that are free; `looked` is the mark that was taken before they were looked up."""

    def release(self, keys: Collection[str]) -> None:
        """Free keys that the caller has reserved: their results are stored, or will not come."""

    def wait(self, keys: Collection[str]) -> None:
        """Wait until each of these keys has been released since, or whoever had reserved it is gone."""


class Memory(Protocol):
    """Stores completions and judgments; `store.Store` implements it.

    The methods that find return one entry for each input, in the order of the inputs; None if it is not stored.
    Results may be added in any portions, as they become complete. After the last one of a batch `settle` says that
    no reply to it need be kept by itself any longer.
    """

    @property
    def again(self) -> AskingAgain: ...
    @property
    def asking(self) -> Asking: ...
    def settle(self) -> None: ...
    def find_completions(self, generator: str, sampling: Sampling, texts: Sequence[str]) -> list[Completion | None]: ...
    def add_completions(
        self, generator: str, sampling: Sampling, texts: Sequence[str], completions: Sequence[Completion]
    ) -> None: ...
    def find_judgments(
        self, judge: str, queries: Sequence[Query], completions: Sequence[Completion]
    ) -> list[Judgment | None]: ...
    def add_judgments(
        self, judgments: Sequence[Judgment], queries: Sequence[Query], completions: Sequence[Completion]
    ) -> None: ...


class _NobodyElse:
    """As `Asking`, where nothing is stored that others could wait for."""

    def now(self) -> int:
        return 0

    def reserve(self, keys: Collection[str], *, looked: int) -> Reserved:  # noqa: ARG002
        return Reserved(keys=frozenset(keys))

    def release(self, keys: Collection[str]) -> None: ...

    def wait(self, keys: Collection[str]) -> None: ...


class NoMemory:
    """A `Memory` that remembers nothing, and no pace of a server either."""

    again = AskingAgain()
    asking = _NobodyElse()

    def settle(self) -> None:
        """There is nothing to settle."""

    def find_completions(self, generator: str, sampling: Sampling, texts: Sequence[str]) -> list[Completion | None]:  # noqa: ARG002
        """None for each text."""
        return [None] * len(texts)

    def add_completions(
        self, generator: str, sampling: Sampling, texts: Sequence[str], completions: Sequence[Completion]
    ) -> None:
        """Forget them."""

    def find_judgments(
        self,
        judge: str,  # noqa: ARG002
        queries: Sequence[Query],
        completions: Sequence[Completion],  # noqa: ARG002
    ) -> list[Judgment | None]:
        """None for each query."""
        return [None] * len(queries)

    def add_judgments(
        self, judgments: Sequence[Judgment], queries: Sequence[Query], completions: Sequence[Completion]
    ) -> None:
        """Forget them."""

    def pace(self, *models: object) -> None:
        """Leave the models at the pace they have; see `store.Store.pace`."""


class PairMemory(Memory, Protocol):
    """Stores preferences as well, with the same rules."""

    def find_preferences(
        self, judge: str, queries: Sequence[Query], firsts: Sequence[Completion], seconds: Sequence[Completion]
    ) -> list[Preference | None]: ...
    def add_preferences(
        self,
        preferred: Sequence[Preference],
        queries: Sequence[Query],
        firsts: Sequence[Completion],
        seconds: Sequence[Completion],
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Where a model was last asked, and what its server said it is."""

    address: str
    replies: str = ""
    """The model's name in replies; empty if they name none."""
    root: str = ""
    """The weights that the server's list of models names, without their folder; empty if it names none."""


class TagMemory(Protocol):
    """Stores tags of queries, with the same rules as `Memory`; `store.Store` implements it."""

    def settle(self) -> None: ...
    def find_tags(self, judge: str, queries: Sequence[Query]) -> list[QueryTags | None]: ...
    def add_tags(self, tagged: Sequence[QueryTags], queries: Sequence[Query]) -> None: ...


class PaceMemory(Protocol):
    """Stores what is known of servers; `store.Store` implements it."""

    def find_pace(self, server: str) -> Pace | None: ...
    def add_pace(self, server: str, pace: Pace) -> None: ...
    def find_served(self, model: str) -> Served | None: ...
    def add_served(self, model: str, served: Served) -> None: ...


class RoundMemory(Protocol):
    """Stores the rounds of a proposer in one search; `store.Store` implements it."""

    def begin_round(self, begun: Round) -> None: ...
    def add_diagnosis(self, number: int, proposer: str, diagnosis: Diagnosis) -> None: ...
    def add_attempts(self, number: int, proposer: str, attempts: Sequence[Attempt]) -> None: ...
    def close_round(self, closed: Round) -> None: ...


class ShiftMemory(Protocol):
    """Stores aligned answers and token shifts, with the same rules as `Memory`; `store.Store` implements it."""

    def settle(self) -> None: ...
    def find_aligned_answers(self, probe: ProbeKey) -> list[AlignedAnswer | None]: ...
    def add_aligned_answers(self, probe: ProbeKey, answers: Sequence[AlignedAnswer]) -> None: ...
    def find_shifts(self, probe: ProbeKey, prompts: Sequence[UrialPrompt]) -> list[ProbeShift | None]: ...
    def add_shift(
        self,
        probe: ProbeKey,
        prompt: UrialPrompt,
        shift: ProbeShift,
        *,
        base: Sequence[Usage],
        aligned: Sequence[Usage],
    ) -> None: ...
