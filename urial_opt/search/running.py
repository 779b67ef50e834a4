"""Running: a search in progress, with its parts, its limits and its progress reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition

from urial_opt.evaluation.axes import Sampled
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.evaluation.token_counts import counted
from urial_opt.records import Candidate, Evaluation, Query, Role, Usage
from urial_opt.roles import Models
from urial_opt.search.opening import Begun, Interrupted, LimitReached, SearchOptions
from urial_opt.search.progress import Best, Phase, Progress
from urial_opt.search.shift_probe import ShiftWatch
from urial_opt.search.standing import Standing
from urial_opt.spaces.lineage import Round
from urial_opt.spaces.space import SearchSpace
from urial_opt.spending import Asked, Bill, Meter, Spent
from urial_opt.store import Store, Worker

_NOTHING = Usage()
_PAUSE = 0.5
"""Seconds between two looks at what other processes do."""


@dataclass(slots=True, kw_only=True)
class RunningSearch:
    """A search in progress; `trials` advances it, `final` finishes it."""

    begun: Begun
    worker: Worker
    """This process, as the store knows it."""
    space: SearchSpace
    """The space without the exemplars below the floor, and with what the proposer wrote."""
    models: Models
    evaluator: Evaluator
    store: Store
    options: SearchOptions
    blocks: list[tuple[Query, ...]]
    """The dev queries, in blocks of one composition. Each trial has its own first block (`seeding`)."""
    standing: Standing
    parallel: int
    """How many trials may be under way at once."""
    shift: ShiftWatch | None
    """None if there is no aligned model, or none that can be compared with the base model."""
    watch: Callable[[Progress], None]
    stop: Callable[[], bool]
    meter: Meter
    notes: tuple[str, ...] = ()
    """Notes for the user, one sentence each."""
    rounds: list[Round] = field(default_factory=list)
    """The rounds of the proposer so far."""
    sampled: dict[int, Sampled] = field(default_factory=dict)
    """Complete trials on the axes of a front, by number (see `front`)."""
    ending: BaseException | None = None
    """Why the search ends; nothing more is asked then."""
    under_way: int = 0
    """Queries that are asked at this moment."""
    unread: set[int] = field(default_factory=set)
    """The trials of which nothing could be read, since something could be read; with several at once."""
    asked: int = 0
    """Queries asked after the trials."""
    usage: Usage = field(default_factory=Usage)
    """Tokens of the measurements after the trials."""
    room: Condition = field(default_factory=Condition)
    """Of the limits, for more queries under way."""

    @property
    def name(self) -> str:
        """The search's name in the store."""
        return self.begun.name

    @property
    def spent(self) -> Usage:
        """Tokens of the trials, of the measurements after them, of the token shift probes, and of the proposer."""
        proposer = self.models.proposer
        written = self.begun.account.spent.get(proposer.identity) if proposer else None
        tokens = self.standing.usage + self.usage + (self.shift.usage if self.shift else _NOTHING)
        return tokens + (written.usage if written else _NOTHING)

    @property
    def bill(self) -> Bill:
        """What each role of the search has used, over all its runs."""
        paid = self.begun.account.spent
        spent: dict[Role, Spent] = {role: paid.get(name, Spent()) for role, name in self.models.identities.items()}
        return Bill(spent=spent, prices=self.options.terms.prices)

    def counted(self, candidate: Candidate, evaluation: Evaluation) -> Evaluation:
        """With the tokens of the prompt and its answers, if the objective or a constraint is about them."""
        if not self.space.counts_tokens:
            return evaluation
        return counted(evaluation, candidate, self.models.base, self.begun.account)

    def check_limits(self, number: int, *, of: Asked = "queries") -> None:
        """Called before each block: Interrupted on the user's request, LimitReached if the block may exceed a limit."""
        if self.stop():
            raise Interrupted(self.name)
        with self.room:
            limit = self._at_risk(number, of=of)
        if limit:
            raise LimitReached(self.name, limit)

    def _at_risk(self, number: int, *, of: Asked = "queries") -> str | None:
        under_way = self.under_way if self.parallel > 1 else None
        return self.meter.look(self.bill, number, of=of, under_way=under_way)

    @contextmanager
    def asking(self, number: int) -> Iterator[None]:
        """While so many queries are asked, in any thread. Errors: as `check_limits`.

        What may exceed a limit together with what is under way waits for that: it may cost less than is assumed.
        """
        if self.stop() or self.ending:
            raise Interrupted(self.name)
        with self.room:
            while limit := self._at_risk(number):
                if not self.under_way:
                    raise LimitReached(self.name, limit)
                self.room.wait(_PAUSE)
                self.allow()
            self.under_way += number
        try:
            yield
        finally:
            with self.room:
                self.under_way -= number
                self.room.notify_all()

    def end(self, why: BaseException) -> None:
        """Let nothing more be asked, in any thread."""
        self.ending = why

    def pause(self) -> None:
        """Let other processes that work on the search go on, and look again then."""
        time.sleep(_PAUSE)
        self.allow()

    def allow(self) -> None:
        """Called before each request to a server: Interrupted on the user's request, LimitReached if one is reached."""
        if self.stop() or self.ending:
            raise Interrupted(self.name)
        if not self.meter.is_limited:
            return
        if limit := self.meter.reached(self.bill):
            raise LimitReached(self.name, limit)

    def report(
        self,
        phase: Phase,
        *,
        done: int | None = None,
        total: int | None = None,
        asked: int = 0,
        usage: Usage = _NOTHING,
    ) -> None:
        """Report the state of the search to `watch`."""
        standing, best = self.standing, self.standing.best
        self.watch(
            Progress(
                name=self.name,
                phase=phase,
                done=len(standing.records) if done is None else done,
                total=self.options.budget if total is None else total,
                states=standing.states,
                best=None if best is None else Best(trial=best, estimate=standing.estimates[best].interval),
                improved_at=standing.improved_at,
                usage=self.spent + usage,
                bill=self.bill,
                notes=self.notes,
                fraction=min(asked / sum(map(len, self.blocks)), self.parallel),
            )
        )
