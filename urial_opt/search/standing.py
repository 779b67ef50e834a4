"""Standing: the trials of a search so far, their estimates, and the best prompt among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from urial_opt.evaluation.constraints import Keeping
from urial_opt.records import Estimate, TrialRecord, TrialState, Usage
from urial_opt.search.racing import Race, RaceVerdict, finalists
from urial_opt.statistics.shrinkage import TrialEstimate, shrunken_estimates
from urial_opt.statistics.strata import FloatArray, Scores, Strata

MOVED = 0.005
"""Smaller changes of an estimate are stored only at the end of the trials: no output shows them."""


@dataclass(slots=True, kw_only=True)
class Standing:
    """The state of a search after the trials that it has learnt from."""

    race: Race
    records: dict[int, TrialRecord] = field(default_factory=dict)
    """By number, in the order in which they ended."""
    keeping: dict[int, Keeping] = field(default_factory=dict)
    """Whether each trial satisfies the constraints, by trial number."""
    contributions: dict[int, FloatArray] = field(default_factory=dict)
    """Contribution of each query of `scored` to a trial's average, by trial number; failed trials have none."""
    scored: set[str] = field(default_factory=set)
    """The dev queries that at least one trial has a score for."""
    estimates: dict[int, TrialEstimate] = field(default_factory=dict)
    """Shrunken estimates by trial number; failed trials have none."""
    best: int | None = None
    """Number of the complete trial with the best estimate."""
    improved_at: int | None = None
    """Number of the trial after which the best prompt last changed."""
    usage: Usage = field(default_factory=Usage)
    """Tokens of the trials."""
    _incumbent: Keeping = Keeping.BROKEN
    """Whether the race's incumbent satisfies the constraints."""
    _stored: dict[int, TrialEstimate] = field(default_factory=dict)
    """The estimates as they were last stored."""

    def look(self, scores: Scores, keeping: Keeping) -> RaceVerdict:
        """What to do with a challenger that was asked the queries of `scores`.

        A challenger that satisfies the constraints better than the incumbent goes on, since it is preferred whatever
        the scores.
        """
        alone = replace(self.race, incumbent=None) if keeping > self._incumbent else self.race
        verdict = alone.judge(scores)
        return RaceVerdict.STOP if verdict is RaceVerdict.GO_ON and keeping is Keeping.BROKEN else verdict

    def learn(self, record: TrialRecord, keeping: Keeping) -> None:
        """Add a trial to the race and the estimates."""
        self.records[record.number] = record
        self.keeping[record.number] = keeping
        self.usage += record.usage
        if record.state is TrialState.FAILED:
            return
        self._enter_race(record, keeping)
        scored = {query for query, score in record.query_scores.items() if score is not None}
        # A query scored for the first time changes the shares of the kinds, and with them all contributions.
        changed = (
            [record]
            if scored <= self.scored
            else [r for r in self.records.values() if r.state is not TrialState.FAILED]
        )
        self.scored |= scored
        strata = self.race.strata.only(self.scored)
        self.contributions |= {each.number: strata.contributions(each.query_scores) for each in changed}
        estimates = shrunken_estimates(np.array([*self.contributions.values()]), list(strata.kinds.values()))
        self.estimates = dict(zip(self.contributions, estimates, strict=True))
        best = next(iter(self.finalists(1)), None)
        if self.best != best:
            self.best, self.improved_at = best, record.number

    def _enter_race(self, record: TrialRecord, keeping: Keeping) -> None:
        """Make the trial the incumbent if it is better, or satisfies the constraints better, whatever its score."""
        if keeping is Keeping.BROKEN or keeping < self._incumbent:
            return
        before = self.race if keeping == self._incumbent else replace(self.race, incumbent=None)
        after = before.after(record.query_scores)
        if after.incumbent is not None and after.incumbent is not before.incumbent:
            self.race, self._incumbent = after, keeping

    def estimates_of(self, numbers: Sequence[int]) -> dict[int, TrialEstimate]:
        """The estimates of trials, by their numbers in Optuna's study, from these trials alone."""
        known = {record.optuna_number: record for record in self.records.values() if record.number in self.estimates}
        asked = [known[number] for number in numbers if number in known]
        if len(asked) == len(self.estimates):
            return {record.optuna_number: self.estimates[record.number] for record in asked}
        return estimates_of(asked, self.race.strata)

    @property
    def complete(self) -> dict[int, TrialEstimate]:
        """Estimates of the trials that were asked every dev query, by number."""
        return {r.number: self.estimates[r.number] for r in self.records.values() if r.state is TrialState.COMPLETE}

    def finalists(self, number: int) -> list[int]:
        """The best `number` complete trials, best first: those that satisfy the constraints, then the unclear ones."""
        standing = {n: each for n, each in self.complete.items() if self.keeping[n] is not Keeping.BROKEN}
        return finalists(standing, number, first=lambda n: self.keeping[n])

    @property
    def states(self) -> dict[TrialState, int]:
        """How many trials ended in each state."""
        counted = Counter(record.state for record in self.records.values())
        return {state: counted[state] for state in TrialState}

    @property
    def too_long(self) -> int:
        """How many prompts did not fit the base model; they count as failed."""
        return sum(record.state is TrialState.FAILED and not record.query_scores for record in self.records.values())

    @property
    def asked(self) -> int:
        """Queries asked by all trials."""
        return sum(len(record.query_scores) for record in self.records.values())

    def take_moved(self, *, by: float = MOVED) -> dict[int, Estimate]:
        """Estimates to store: new ones and those that changed by at least `by`; each trial shifts all the others."""
        stored = self._stored
        moved = {n: each for n, each in self.estimates.items() if n not in stored or _apart(each, stored[n]) >= by}
        self._stored |= moved
        return {number: each.interval for number, each in moved.items()}


def estimates_of(records: Sequence[TrialRecord], strata: Strata) -> dict[int, TrialEstimate]:
    """The estimates of trials that have a score, by their numbers in Optuna's study, from these trials alone."""
    scored = {query for record in records for query, score in record.query_scores.items() if score is not None}
    strata = strata.only(scored)
    contributions = np.array([strata.contributions(record.query_scores) for record in records])
    estimates = shrunken_estimates(contributions, list(strata.kinds.values())) if scored else []
    return dict(zip((record.optuna_number for record in records), estimates, strict=True))


def _apart(one: TrialEstimate, other: TrialEstimate) -> float:
    """An upper bound on the distance between the means, and between the ends of the intervals."""
    return abs(one.mean - other.mean) + 2 * abs(one.standard_error - other.standard_error)
