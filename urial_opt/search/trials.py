"""Trials: prompts race on `dev` against the best so far until the budget is recorded.

Our tables are authoritative, and Optuna's study follows them: a trial is stored first and reported to the study second.
A search that was interrupted at any point therefore continues as if it had not been.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from urial_opt.errors import ContextError
from urial_opt.evaluation.constraints import Keeping, keeping
from urial_opt.evaluation.evaluator import judge_answers
from urial_opt.evaluation.scorecard import query_values, usage_of
from urial_opt.evaluation.unreadable import nothing_read, unreadable_judge
from urial_opt.records import Candidate, Evaluation, Judgment, TrialRecord, TrialState, Usage
from urial_opt.search.agent.widening import next_look, widen_if_due
from urial_opt.search.context_window import check_window, check_yardstick, too_long_to_start
from urial_opt.search.front import may_be_on_front
from urial_opt.search.progress import Phase
from urial_opt.search.proposing import check_budget, propose
from urial_opt.search.racing import RaceVerdict
from urial_opt.search.running import RunningSearch
from urial_opt.search.seeding import blocks_of
from urial_opt.search.stopping import is_done
from urial_opt.search.study import SearchStudy


def learn_stored_trials(search: RunningSearch) -> None:
    """Load the trials that earlier runs recorded; missing verdicts are asked for again (`memory.AskingAgain`)."""
    constraints = search.space.constraints
    unsettled = set(search.store.open_trials(search.name))
    for stored in search.store.trials(search.name):
        record = _judged_again(search, stored) if stored.number in unsettled else stored
        # Only constraints need the judgments of a trial, and reading them takes time.
        evaluation = search.store.evaluation(search.name, record.number) if constraints else None
        keeps = keeping(search.counted(record.candidate, evaluation), constraints) if evaluation else Keeping.KEPT
        search.standing.learn(record, keeps)


def run_trials(search: RunningSearch, study: SearchStudy) -> None:
    """Race prompts until the budget is recorded, or a better one is unlikely to be left (`stopping.py`)."""
    standing, store = search.standing, search.store
    study.catch_up(standing.records, standing.estimates)
    for number, known_as in study.adopt(standing.records, standing.estimates).items():
        standing.records[number] = replace(standing.records[number], optuna_number=known_as)
        store.replace_trial(search.name, standing.records[number])
    store.set_estimates(search.name, standing.take_moved())
    _probe_survivors(search)
    search.report(Phase.TRIALS)
    while len(standing.records) < search.options.budget:
        widen_if_due(search, study)
        if is_done(search, study):
            break
        search.check_limits(len(search.blocks[0]))
        fixed = next_look(search) if standing.records else search.space.start_params
        trial, candidate = propose(search, study, fixed=fixed)
        try:
            record, evaluation = _run_trial(search, candidate, len(standing.records), optuna_number=trial.number)
        except BaseException:
            study.drop(trial.number)
            raise
        standing.learn(record, keeping(evaluation, search.space.constraints))
        store.add_trial(search.name, record, evaluation, estimates=standing.take_moved())
        study.tell(record, standing.estimates)
        _probe_survivors(search)
        search.report(Phase.TRIALS)
    store.set_estimates(search.name, standing.take_moved(by=0))


def _judged_again(search: RunningSearch, stored: TrialRecord) -> TrialRecord:
    """A trial with the verdicts that the judge gives now in place of those missing.

    A failed trial is run again, and finds its answers in the store. Of others only the verdicts are asked for.
    """
    if stored.state is TrialState.FAILED:
        record, evaluation = _run_trial(search, stored.candidate, stored.number, optuna_number=stored.optuna_number)
        if record.state is TrialState.FAILED:
            return stored
        record = replace(record, seconds=stored.seconds + record.seconds, usage=stored.usage + record.usage)
    else:
        before = search.store.evaluation(search.name, stored.number)
        search.check_limits(len(before.queries))
        judged = judge_answers(search.models.judge, search.begun.account, before.queries, before.completions)
        evaluation = search.counted(stored.candidate, judged)
        scores = query_values(evaluation, search.space.objective)
        if scores == stored.query_scores:
            return stored
        record = replace(stored, query_scores=scores)
    search.store.replace_trial(search.name, record, evaluation)
    return record


def _run_trial(
    search: RunningSearch, candidate: Candidate, number: int, *, optuna_number: int
) -> tuple[TrialRecord, Evaluation]:
    """A trial as it ends; one whose prompt does not fit the base model has failed without being asked anything."""
    try:
        check_budget(search, candidate)
        check_window(search.models.base, candidate, search.space.queries.queries)
        if number == 0:
            check_yardstick(search.models.base, search.space)
        return _race(search, candidate, number, optuna_number=optuna_number)
    except ContextError as error:
        if number == 0:
            raise too_long_to_start(error) from error
    record = TrialRecord(
        number=number,
        optuna_number=optuna_number,
        candidate=candidate,
        query_scores={},
        state=TrialState.FAILED,
        seconds=0.0,
        usage=Usage(),
    )
    return record, Evaluation(queries=(), completions=(), judgments=())


def _race(
    search: RunningSearch, candidate: Candidate, number: int, *, optuna_number: int
) -> tuple[TrialRecord, Evaluation]:
    """Ask one block of queries after another until the race or a constraint stops the trial."""
    started = time.perf_counter()
    evaluation = Evaluation(queries=(), completions=(), judgments=())
    scores: dict[str, float | None] = {}
    verdict = RaceVerdict.GO_ON
    for block in blocks_of(search.blocks, seed=search.options.seed, trial=number):
        search.check_limits(len(block))
        asked = search.evaluator.evaluate(candidate, block)
        if not scores:
            _check_judge(search, asked.judgments)
        evaluation = search.counted(candidate, evaluation + asked)
        scores = query_values(evaluation, search.space.objective)
        keeps = keeping(evaluation, search.space.constraints)
        verdict = search.standing.look(scores, keeps)
        if verdict is RaceVerdict.STOP and keeps is not Keeping.BROKEN and may_be_on_front(search, scores, evaluation):
            verdict = RaceVerdict.GO_ON
        if verdict is not RaceVerdict.GO_ON:
            break
        search.report(Phase.TRIALS, asked=len(scores), usage=usage_of(evaluation))
    read = any(score is not None for score in scores.values())
    complete = TrialState.COMPLETE if verdict is RaceVerdict.COMPLETED else TrialState.PRUNED
    record = TrialRecord(
        number=number,
        optuna_number=optuna_number,
        candidate=candidate,
        query_scores=scores,
        state=complete if read else TrialState.FAILED,
        seconds=time.perf_counter() - started,
        usage=usage_of(evaluation),
    )
    return record, evaluation


def _check_judge(search: RunningSearch, judgments: Sequence[Judgment]) -> None:
    """UnreadableJudgeError if nothing in a trial's first verdicts can be read, nor in the trial before it.

    A single prompt may lead to answers that a judge refuses to judge; a judge that is out of order may cost the budget.
    """
    records = search.standing.records
    asked = [record for record in records.values() if record.query_scores]
    alone = bool(asked) and asked[-1].state is not TrialState.FAILED
    may_change = any(map(search.begun.account.again.may_change, judgments))
    if not alone and nothing_read(judgments) and may_change:
        raise unreadable_judge(search.models.judge.identity, judgments)


def _probe_survivors(search: RunningSearch) -> None:
    """Measure the token shift of complete trials, as far as the number of queries asked allows."""
    if search.shift:
        records = search.standing.records
        survivors = {number: records[number].candidate.prompt for number in search.standing.complete}
        search.shift.take(survivors, asked=search.standing.asked)
