"""Schedule: keeps trials under way side by side, decides about each as its answers come, and proposes the next ones.

Decisions are made in one thread, one after another; answers and verdicts are asked for in threads of their own. With
one trial at a time this is a loop. With several, what a decision depends on hangs on what came first, so it is stored
what was known at the time. `deterministic` lets the decisions wait for each other: time is then counted in looks, and
the trial whose next look is the earliest is the next.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count

from urial_opt.errors import ContextError
from urial_opt.evaluation.scorecard import usage_of
from urial_opt.records import Candidate, Evaluation, TrialRecord, Usage
from urial_opt.search.agent.widening import begin_round, hear_of_rounds, is_round_due, next_look
from urial_opt.search.context_window import too_long_to_start
from urial_opt.search.flight import Flight, fly, share_time
from urial_opt.search.lanes import Lanes, in_flight
from urial_opt.search.progress import Phase
from urial_opt.search.proposing import propose
from urial_opt.search.racing import RaceVerdict
from urial_opt.search.running import RunningSearch
from urial_opt.search.stopping import is_done, say_done
from urial_opt.search.study import SearchStudy
from urial_opt.search.trials import check_flight, check_start, end_trial, learn_from_others, report_all
from urial_opt.spaces.lineage import Round
from urial_opt.store import Lease, Work

_WAIT = 0.5
"""Seconds between two looks at whether the user asked to stop."""
_ROUND, _SHIFT = -1, -2
"""In place of a trial's number: a round of the proposer, and the token shift of survivors."""
_LAST = 2**62
"""The tick of work on which no decision waits."""

_Key = tuple[int, int]
"""Tick and number of what is under way; the least is decided first where the order is fixed."""


def run_trials(search: RunningSearch, study: SearchStudy) -> None:
    """Race prompts until the budget is recorded, or a better one is unlikely to be left (`stopping.py`)."""
    standing, store = search.standing, search.store
    report_all(search, study)
    for number, known_as in study.adopt(standing.records, standing.estimates).items():
        standing.records[number] = replace(standing.records[number], optuna_number=known_as)
        store.replace_trial(search.name, standing.records[number])
    store.set_estimates(search.name, standing.take_moved())
    with Lanes[_Key, Evaluation | Round | None](search.parallel, ended_by=search.end) as lanes:
        schedule = _Schedule(search, study, lanes)
        schedule.measure_shift()
        search.report(Phase.TRIALS)
        schedule.run()
    store.set_estimates(search.name, standing.take_moved(by=0))


class _Schedule:
    """The trials under way in this process."""

    def __init__(
        self, search: RunningSearch, study: SearchStudy, lanes: Lanes[_Key, Evaluation | Round | None]
    ) -> None:
        self._lanes = lanes
        self._search = search
        self._study = study
        self._leases = search.worker.leases
        self._flights: dict[int, Flight] = {}
        self._round: Lease | None = None
        self._following = 0
        """The number of the trial that comes after the round."""
        self._alone = True
        """Whether no other process worked on the search when that was last looked at."""
        leased = [each.proposal["tick"] + len(each.looks) for each in self._leases.all() if each.proposal]
        self._since = time.perf_counter()
        self._tick = max([search.store.last_tick(search.name), *leased])

    def run(self) -> None:
        while True:
            self._fill()
            if not self._lanes.keys:
                if self._is_over():
                    return
                self._search.pause()
            elif (key := self._next()) is None:
                self._wait()
                if not self._begun:
                    learn_from_others(self._search)
            else:
                self._hear(key)

    def _wait(self) -> None:
        if self._lanes.is_busy:
            self._lanes.wait(_WAIT)
            self._search.allow()
        else:  # what has come waits for the first trial, which another process has
            self._search.pause()

    def measure_shift(self) -> None:
        """Measure the token shift of complete trials, as far as the number of queries asked allows."""
        search = self._search
        if search.shift is None or (_LAST, _SHIFT) in self._lanes.keys:
            return
        standing = search.standing
        survivors = {number: standing.records[number].candidate.prompt for number in standing.complete}
        take = partial(search.shift.take, survivors, asked=standing.asked)
        if search.parallel == 1 or search.options.deterministic:
            take()
        elif self._alone:  # at the end, one of them measures what this leaves out
            self._lanes.start((_LAST, _SHIFT), take)

    def _next(self) -> _Key | None:
        """What to decide next; None if it has not come yet."""
        arrived = self._lanes.arrived
        if self._search.options.deterministic:
            arrived = [key for key in arrived if key == min(self._lanes.keys)]
        # Before the first trial has ended there is nothing to compare the others with.
        return next((key for key in arrived if self._begun or key[1] <= 0), None)

    @property
    def _begun(self) -> bool:
        """Whether the first trial has ended."""
        return 0 in self._search.standing.records

    def _hear(self, key: _Key) -> None:
        search, (tick, number) = self._search, key
        if number == _SHIFT:
            self._lanes.take(key)
            return
        self._tick = max(self._tick, tick)
        if number == _ROUND:
            self._lanes.take(key)
            hear_of_rounds(search, self._study)
            assert self._round is not None
            self._leases.end(self._round)
            self._round = None
            return
        flight = self._flights[number]
        try:
            come = self._lanes.take(key)
        except ContextError as error:
            if number == 0:
                raise too_long_to_start(error) from error
            self._end(flight, flight.too_long())
            return
        self._since = share_time(self._flights.values(), self._since)
        assert isinstance(come, Evaluation)
        if not self._alone:
            learn_from_others(search)
        check_flight(search, flight, come)
        verdict = flight.look(search, come)
        if verdict is not RaceVerdict.GO_ON:
            self._end(flight, flight.record(verdict))
            return
        if flight.lease and search.parallel > 1:
            flight.lease = self._leases.look(flight.lease, len(search.standing.records))
            if flight.lease is None:  # another process has taken it over
                del self._flights[number]
                return
        self._report()
        self._ask(flight)

    def _report(self) -> None:
        flights = self._flights.values()
        usage = sum((usage_of(each.evaluation) for each in flights), Usage())
        self._search.report(Phase.TRIALS, asked=sum(len(each.scores) for each in flights), usage=usage)

    def _fill(self) -> None:
        """Take up trials that are under way and nobody's, and propose new ones, while there is room for them."""
        self._since = share_time(self._flights.values(), self._since)
        while len(self._flights) < self._room and self._round is None:
            flight = self._next_flight()
            if self._round:
                self._lanes.start((self._tick, _ROUND), begin_round(self._search, self._following))
            if flight is None:
                return
            self._flights[flight.number] = flight
            try:
                check_start(self._search, flight)
            except ContextError as error:  # heard of in its turn, as if the model had refused the prompt
                if flight.number == 0:
                    raise too_long_to_start(error) from error
                self._lanes.start(flight.key, partial(_refuse, error))
            else:
                self._ask(flight)

    @property
    def _room(self) -> int:
        """How many trials may be under way now: a server may turn out to take more requests, or fewer."""
        search = self._search
        if search.options.deterministic or search.parallel == 1:
            return search.parallel
        return in_flight(search.models.base, block=search.space.block, options=search.options)

    def _ask(self, flight: Flight) -> None:
        search = self._search
        # All of what a trial is asked in any case need not be asked block by block. Whether there is something to
        # compare it with may be different when it is taken up again.
        first = flight.number == 0 or (self._begun and not search.options.deterministic)
        whole = search.parallel > 1 and first and search.standing.race.incumbent is None
        queries = flight.next_step(whole=whole)

        def asked() -> Evaluation:
            with search.asking(len(queries)):
                return search.evaluator.evaluate(flight.candidate, queries)

        self._lanes.start(flight.key, asked)

    def _end(self, flight: Flight, record: TrialRecord) -> None:
        del self._flights[flight.number]
        if end_trial(self._search, self._study, flight, record):
            self.measure_shift()
        self._report()

    def _next_flight(self) -> Flight | None:
        """The next trial to take up; None if there is none now. A round that is due is taken up in its place."""
        search, leases = self._search, self._leases
        with leases.proposing():
            self._alone = not search.worker.others()
            if not self._alone:
                search.worker.share()
            known = leases.all()  # before the trials: what ends in between is in both then, and in neither otherwise
            learn_from_others(search)
            if search.models.proposer:
                hear_of_rounds(search, self._study)
            ended = search.standing.records
            trials = {each.number: each for each in known if each.work is Work.TRIAL and each.number not in ended}
            held = sum(each.is_held for each in trials.values())
            if search.options.budget - len(ended) - held <= 0:
                return None
            if held < len(trials) and (lease := leases.take(Work.TRIAL)):
                return self._resumed(lease)
            if any(each.work is Work.ROUND and each.is_held for each in known) or self._is_done(known):
                return None
            number = next(n for n in count() if n not in trials and n not in ended)
            if is_round_due(search, number):
                self._round, self._following = leases.take(Work.ROUND, len(search.rounds) + 1), number
                return None
            if is_done(search, self._study, number):
                self._mark_done()
                return None
            params = [each.proposal["params"] for each in trials.values() if each.proposal]
            return self._proposed(number, [search.space.candidate(each) for each in params])

    def _is_done(self, known: Sequence[Lease]) -> bool:
        """Whether it was decided, perhaps by another process, that the search ends before its budget is spent."""
        marks = [each.number for each in known if each.work is Work.DONE]
        if not marks or not self._search.options.until_done:
            return False
        say_done(self._search, marks[0])
        return True

    def _mark_done(self) -> None:
        if mark := self._leases.take(Work.DONE, len(self._search.standing.records)):
            self._leases.give_back([mark])
            say_done(self._search, mark.number)

    def _proposed(self, number: int, under_way: list[Candidate]) -> Flight | None:
        search = self._search
        if search.parallel == 1:  # others may wait until there is room for what they ask
            search.check_limits(len(search.blocks[0]))
        fixed = next_look(search, number) if number else search.space.start_params
        known_as, candidate = propose(search, self._study, fixed=fixed, under_way=under_way)
        flight = fly(search, candidate, number, optuna_number=known_as)
        flight.proposed_at = self._tick
        proposal = {
            "params": candidate.params,
            "optuna_number": known_as,
            "tick": self._tick,
            "knew": len(search.standing.records),
        }
        flight.lease = self._leases.grant(number, proposal)
        if flight.lease is None:  # another process proposed it after the lock was lost with the connection
            self._study.drop(known_as)
            return None
        return flight

    def _resumed(self, lease: Lease) -> Flight:
        assert lease.proposal is not None
        candidate = self._search.space.candidate(lease.proposal["params"])
        flight = fly(self._search, candidate, lease.number, optuna_number=lease.proposal["optuna_number"])
        flight.proposed_at, flight.lease = lease.proposal["tick"], lease
        return flight

    def _is_over(self) -> bool:
        """Whether no process has anything under way, and nothing is left that one might take up."""
        known = [each for each in self._leases.all() if each.work is not Work.END]
        if any(each.is_held for each in known):
            return False
        left = any(each.work is Work.TRIAL for each in known) or not self._is_done(known)
        return len(self._search.standing.records) >= self._search.options.budget or not left


def _refuse(error: ContextError) -> Evaluation:
    raise error
