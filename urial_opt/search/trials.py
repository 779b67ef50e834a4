"""The search: Optuna proposes, the base model answers, the judge scores, the store remembers.

`dev` queries race prompts against the best so far, `validation` chooses among the best few, `test` is asked once, at
the end. Our tables are the truth and Optuna's study the ledger: a trial is stored first and told second, so that a
search that was interrupted anywhere goes on as if it had not been.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import optuna

from urial_opt.errors import InputError
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.evaluation.scorecard import query_scores, strata_of, summed_up, usage_of
from urial_opt.protocols import ChatGenerator, TokenCounter
from urial_opt.records import (
    Candidate,
    Estimate,
    Evaluation,
    Query,
    Sampling,
    Split,
    TrialRecord,
    TrialState,
    Usage,
)
from urial_opt.search.opening import Begun, Interrupted, LimitReached, SearchOptions, begin
from urial_opt.search.progress import Best, Phase, Progress
from urial_opt.search.racing import Race, Verdict, finalists
from urial_opt.search.result import Measured, SearchResult, ShiftOutcome
from urial_opt.search.samplers import make_sampler
from urial_opt.search.shift_probe import PROBES, ShiftWatch, watch_shift
from urial_opt.search.study import Ledger
from urial_opt.spaces.space import SearchSpace
from urial_opt.spending import Bill, Meter, Spent
from urial_opt.statistics.bootstrap import bootstrap_difference
from urial_opt.statistics.correlation import rank_correlation
from urial_opt.statistics.shrinkage import TrialEstimate, shrunken_estimates
from urial_opt.statistics.strata import FloatArray
from urial_opt.store import Store

FINALISTS = 5
"""How many prompts go on from `dev` to `validation`, the starting one besides."""

LEAST_CHANCE = 0.2
"""A challenger with less chance than this to end ahead of the best is stopped: late in a search most are near ties."""
_MEASURED_AT_ONCE = 128
"""Queries of a measurement between two looks at whether to stop."""
_MOVED = 0.005
"""An estimate that moved by less is stored at the end of the trials, not before: it shows nowhere."""
_NOTHING = Usage()


def search(
    space: SearchSpace,
    evaluator: Evaluator,
    store: Store,
    *,
    aligned: ChatGenerator | None = None,
    options: SearchOptions = SearchOptions(),
    watch: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> SearchResult:
    """Run a search, or go on with it, to its end.

    `watch` hears of the progress; `stop` is asked between blocks of queries. Interrupted once `stop` says so,
    LimitReached before a limit would be passed: what was paid is kept, and the same search goes on from there.
    InputError for options that cannot be; StoreError and AdapterError as store and adapters raise them.
    """
    sampler = make_sampler(options.sampler, space, seed=options.seed)
    begun = begin(space, evaluator, store, aligned=aligned, options=options)
    under_way = _Search(
        begun=begun,
        space=space,
        evaluator=replace(evaluator, memory=begun.account),
        store=store,
        options=options,
        watch=watch,
        stop=stop,
    )
    under_way.follow_shift(aligned)
    with Ledger(store, begun.name, sampler) as ledger:
        under_way.run_trials(ledger)
    return under_way.finish(aligned)


@dataclass(slots=True, kw_only=True)
class _Search:
    """A search under way."""

    begun: Begun
    space: SearchSpace
    evaluator: Evaluator
    store: Store
    options: SearchOptions
    watch: Callable[[Progress], None]
    stop: Callable[[], bool]
    blocks: list[tuple[Query, ...]] = field(init=False)
    race: Race = field(init=False)
    meter: Meter = field(init=False)
    records: list[TrialRecord] = field(default_factory=list)
    contributions: dict[int, FloatArray] = field(default_factory=dict)
    """What each dev query adds to a trial's average, by number of the trial; failed trials have none."""
    estimates: dict[int, TrialEstimate] = field(default_factory=dict)
    """By number of the trial; failed trials have none."""
    stored: dict[int, TrialEstimate] = field(default_factory=dict)
    """The estimates as this run last stored them."""
    shift: ShiftWatch | None = None
    """None where there is no aligned model, or none that can be compared with the base model."""
    best: int | None = None
    """Number of the complete trial believed best."""
    improved_at: int | None = None
    asked: int = 0
    """Queries asked after the trials."""
    usage: Usage = field(default_factory=Usage)
    """Tokens of the recorded trials, and of the measurements after them."""

    def __post_init__(self) -> None:
        self.meter = Meter(self.options.terms)
        self.blocks = self.space.queries.blocks("dev", self.space.block, seed=self.options.seed)
        strata = strata_of([query for block in self.blocks for query in block], self.space.objective)
        self.race = Race(strata=strata, least_chance=LEAST_CHANCE)
        for record in self.store.trials(self.begun.name):
            self._learn(record)

    def follow_shift(self, aligned: ChatGenerator | None) -> None:
        """Measure the token shift of survivors from here on, if the models can be compared."""
        queries = self.blocks[0][:PROBES]
        longest = self.space.hand_written.sampling.max_tokens
        account, generator = self.begun.account, self.evaluator.generator
        self.shift = watch_shift(generator, aligned, account, queries=queries, max_tokens=longest)
        if self.options.prune_by_shift and self.shift is None:
            raise InputError(
                "--prune-by-shift needs a base and an aligned model whose tokens can be compared, as local ones of one "
                "family; give the right --aligned, or leave the option out"
            )

    def run_trials(self, ledger: Ledger) -> None:
        """Race prompts until the budget is recorded."""
        ledger.catch_up(self.records, self.estimates)
        self.store.set_estimates(self.begun.name, self._moved_estimates())
        self._probe_survivors()
        self._report(Phase.TRIALS)
        while len(self.records) < self.options.budget:
            self._go_on_or_raise(len(self.blocks[0]))
            trial = ledger.ask(first=None if self.records else self.space.start_params)
            try:
                record, evaluation = self._run_trial(trial)
            except BaseException:
                ledger.drop(trial.number)
                raise
            self._learn(record)
            self.store.add_trial(self.begun.name, record, evaluation, estimates=self._moved_estimates())
            ledger.tell(record, self.estimates)
            self._probe_survivors()
            self._report(Phase.TRIALS)
        self.store.set_estimates(self.begun.name, self._moved_estimates(by=0))

    def _run_trial(self, trial: optuna.Trial) -> tuple[TrialRecord, Evaluation]:
        """Ask block after block of queries until the race says stop."""
        started = time.perf_counter()
        candidate = self.space.suggest(trial)
        evaluation = Evaluation(queries=(), completions=(), judgments=())
        scores: dict[str, float | None] = {}
        verdict = Verdict.GO_ON
        further = self._is_further_than_best(candidate)
        for block in () if further else self.blocks:
            self._go_on_or_raise(len(block))
            asked = self.evaluator.evaluate(candidate, block)
            evaluation += asked
            scores |= query_scores(asked, self.space.objective)
            verdict = self.race.judge(scores)
            if verdict is not Verdict.GO_ON:
                break
            self._report(Phase.TRIALS, asked=len(scores), usage=usage_of(evaluation))
        read = any(score is not None for score in scores.values())
        complete = TrialState.COMPLETE if verdict is Verdict.COMPLETED else TrialState.PRUNED
        record = TrialRecord(
            number=len(self.records),
            optuna_number=trial.number,
            candidate=candidate,
            query_scores=scores,
            state=complete if read or further else TrialState.FAILED,
            seconds=time.perf_counter() - started,
            usage=usage_of(evaluation),
        )
        return record, evaluation

    def _is_further_than_best(self, candidate: Candidate) -> bool:
        """Whether the prompt is to be dropped for its token shift alone."""
        if not self.options.prune_by_shift or self.shift is None or self.best is None:
            return False
        self._go_on_or_raise(PROBES)
        return self.shift.is_further(candidate.prompt, self.records[self.best].candidate.prompt)

    def _probe_survivors(self) -> None:
        if self.shift:
            survivors = {n: self.records[n].candidate.prompt for n in self._complete()}
            self.shift.take(survivors, asked=sum(len(record.query_scores) for record in self.records))

    def _moved_estimates(self, *, by: float = _MOVED) -> dict[int, Estimate]:
        """Estimates that this run has not stored, or that moved since: each trial moves all others a little."""
        stored = self.stored
        moved = {n: each for n, each in self.estimates.items() if n not in stored or _apart(each, stored[n]) >= by}
        self.stored |= moved
        return {number: each.interval for number, each in moved.items()}

    def _learn(self, record: TrialRecord) -> None:
        """Take a trial into the race and the estimates."""
        self.records.append(record)
        self.usage += record.usage
        if record.state is TrialState.FAILED:
            return
        self.race = self.race.after(record.query_scores)
        self.contributions[record.number] = self.race.strata.contributions(record.query_scores)
        seen = np.array([*self.contributions.values()])
        estimates = shrunken_estimates(seen, list(self.race.strata.kinds.values()))
        self.estimates = dict(zip(self.contributions, estimates, strict=True))
        best = next(iter(finalists(self._complete(), 1)), None)
        if self.best != best:
            self.best, self.improved_at = best, record.number

    @property
    def _spent(self) -> Usage:
        return self.usage + (self.shift.usage if self.shift else _NOTHING)

    def _complete(self) -> dict[int, TrialEstimate]:
        """Estimates of the trials that were asked every dev query, by number."""
        return {r.number: self.estimates[r.number] for r in self.records if r.state is TrialState.COMPLETE}

    # The end

    def finish(self, aligned: ChatGenerator | None) -> SearchResult:
        """Choose the winner on `validation`, measure it and its yardsticks on `test`, and store both."""
        started = time.perf_counter()
        winner = self._choose()
        total = 4 if aligned else 3
        contexts = [
            ("zero_shot", self.space.zero_shot),
            ("hand_written", self.space.hand_written),
            ("found", winner.candidate),
        ]
        measured: dict[str, Measured] = {}
        for role, candidate in contexts:
            self._report(Phase.TEST, done=len(measured), total=total)
            measured[role] = self._measure(role, "test", candidate)
        if aligned:
            self._report(Phase.TEST, done=len(measured), total=total)
            measured["aligned"] = self._measure_aligned(aligned)
        self._report(Phase.TEST, done=total, total=total)
        test = self.space.queries.split("test")
        found, yardstick = (
            query_scores(measured[role].evaluation, self.space.objective) for role in ("found", "hand_written")
        )
        shift = self._shift_outcome(winner.number)
        result = SearchResult(
            name=self.begun.name,
            zero_shot=measured["zero_shot"],
            hand_written=measured["hand_written"],
            found=measured["found"],
            aligned=measured.get("aligned"),
            found_trial=winner.number,
            gain=bootstrap_difference(found, yardstick, strata_of(test, self.space.objective)),
            states=self._states(),
            usage=self._spent,
            bill=self.bill,
            shift=shift,
            seconds=sum(record.seconds for record in self.records) + time.perf_counter() - started,
            database=self.store.name,
        )
        self.store.finish(self.begun.name, result.as_json())
        return result

    def _shift_outcome(self, winner: int) -> ShiftOutcome | None:
        """How the shift of survivors goes with their score."""
        if self.shift is None:
            return None
        # with all that the end of the search asked, more can be afforded
        asked = sum(len(record.query_scores) for record in self.records) + self.asked
        for numbers in ([0, winner], [*self._complete()]):
            self.shift.take({n: self.records[n].candidate.prompt for n in numbers}, asked=asked)
        shifts = dict(sorted(self.shift.by_trial.items()))
        surprises = [shift.surprise for shift in shifts.values()]
        return ShiftOutcome(
            queries=len(self.shift.probe.key.queries),
            by_trial=shifts,
            found=shifts.get(winner),
            start=shifts.get(0),
            correlation=rank_correlation(surprises, [self.estimates[number].mean for number in shifts]),
            usage=self.shift.usage,
        )

    def _choose(self) -> TrialRecord:
        """The best on `validation` among the best few on `dev`, the starting prompt among them."""
        complete = self._complete()
        if not complete:
            raise InputError(
                "no trial was scored on all dev queries; look at why with: urial-opt inspect " + self.begun.name
            )
        chosen = sorted({*finalists(complete, FINALISTS), min(complete)})
        averages: dict[int, float] = {}
        for number in chosen:
            self._report(Phase.VALIDATION, done=len(averages), total=len(chosen))
            candidate = self.records[number].candidate
            averages[number] = self._measure("finalist", "validation", candidate).card.average.mean
        return self.records[max(chosen, key=lambda number: (averages[number], -number))]

    def _measure(self, role: str, split: Split, candidate: Candidate) -> Measured:
        evaluation = Evaluation(queries=(), completions=(), judgments=())
        queries = self.space.queries.split(split)
        for start in range(0, len(queries), _MEASURED_AT_ONCE):
            some = queries[start : start + _MEASURED_AT_ONCE]
            self._go_on_or_raise(len(some))
            evaluation += self.evaluator.evaluate(candidate, some)
        self.store.add_result(self.begun.name, role, split, candidate, evaluation)
        self.usage += usage_of(evaluation)
        self.asked += len(evaluation.queries)
        generator = self.evaluator.generator
        counted = generator.count_tokens(candidate.prompt.prefix) if isinstance(generator, TokenCounter) else None
        card = summed_up(evaluation, self.space.objective)
        return Measured(candidate=candidate, evaluation=evaluation, card=card, prompt_tokens=counted)

    def _measure_aligned(self, aligned: ChatGenerator) -> Measured:
        test = self.space.queries.split("test")
        self._go_on_or_raise(len(test))
        sampling = Sampling(max_tokens=self.space.hand_written.sampling.max_tokens, stop=())
        evaluation = self.evaluator.evaluate_aligned(aligned, sampling, test)
        self.store.add_result(self.begun.name, "aligned", "test", None, evaluation)
        self.usage += usage_of(evaluation)
        self.asked += len(evaluation.queries)
        card = summed_up(evaluation, self.space.objective)
        return Measured(candidate=None, evaluation=evaluation, card=card, prompt_tokens=None)

    # What is told on the way

    def _go_on_or_raise(self, queries: int) -> None:
        """Before each block: whether to stop, at the user's wish or because the block may pass a limit."""
        if self.stop():
            raise Interrupted(self.begun.name)
        if limit := self.meter.look(self.bill, queries):
            raise LimitReached(self.begun.name, limit)

    @property
    def bill(self) -> Bill:
        """What the search has taken, over all its runs."""
        spent = {role: self.begun.account.spent.get(name, Spent()) for role, name in self.begun.roles.items()}
        return Bill(spent=spent, prices=self.options.terms.prices)

    def _states(self) -> dict[TrialState, int]:
        counted = Counter(record.state for record in self.records)
        return {state: counted[state] for state in TrialState}

    def _report(
        self,
        phase: Phase,
        *,
        done: int | None = None,
        total: int | None = None,
        asked: int = 0,
        usage: Usage = _NOTHING,
    ) -> None:
        best = self.best
        self.watch(
            Progress(
                phase=phase,
                done=len(self.records) if done is None else done,
                total=self.options.budget if total is None else total,
                states=self._states(),
                best=None if best is None else Best(trial=best, estimate=self.estimates[best].interval),
                improved_at=self.improved_at,
                usage=self._spent + usage,
                bill=self.bill,
                fraction=asked / sum(map(len, self.blocks)),
            )
        )


def _apart(one: TrialEstimate, other: TrialEstimate) -> float:
    """At least as far as the means, or the ends of the intervals, lie apart."""
    return abs(one.mean - other.mean) + 2 * abs(one.standard_error - other.standard_error)
