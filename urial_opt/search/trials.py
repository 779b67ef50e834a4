"""Trials: prompts race on `dev` against the best so far until the budget is recorded.

Our tables are authoritative, and Optuna's study follows them: a trial is stored first and reported to the study second.
A search that was interrupted at any point therefore continues as if it had not been.
"""

from __future__ import annotations

import time

import optuna

from urial_opt.evaluation.constraints import Keeping, keeping
from urial_opt.evaluation.scorecard import query_scores, usage_of
from urial_opt.records import Evaluation, TrialRecord, TrialState
from urial_opt.search.progress import Phase
from urial_opt.search.racing import RaceVerdict
from urial_opt.search.running import RunningSearch
from urial_opt.search.study import SearchStudy
from urial_opt.search.widening import next_look, widen_if_due


def learn_stored_trials(search: RunningSearch) -> None:
    """Load the trials that earlier runs recorded."""
    constraints = search.space.constraints
    for record in search.store.trials(search.name):
        # Only constraints need the judgments of a trial, and reading them takes time.
        evaluation = search.store.evaluation(search.name, record.number) if constraints else None
        search.standing.learn(record, keeping(evaluation, constraints) if evaluation else Keeping.KEPT)


def run_trials(search: RunningSearch, study: SearchStudy) -> None:
    """Race prompts until the budget is recorded."""
    standing, store = search.standing, search.store
    study.catch_up(standing.records, standing.estimates)
    store.set_estimates(search.name, standing.take_moved())
    _probe_survivors(search)
    search.report(Phase.TRIALS)
    while len(standing.records) < search.options.budget:
        widen_if_due(search, study)
        search.check_limits(len(search.blocks[0]))
        trial = study.ask(fixed=next_look(search) if standing.records else search.space.start_params)
        try:
            record, evaluation = _run_trial(search, trial)
        except BaseException:
            study.drop(trial.number)
            raise
        standing.learn(record, keeping(evaluation, search.space.constraints))
        store.add_trial(search.name, record, evaluation, estimates=standing.take_moved())
        study.tell(record, standing.estimates)
        _probe_survivors(search)
        search.report(Phase.TRIALS)
    store.set_estimates(search.name, standing.take_moved(by=0))


def _run_trial(search: RunningSearch, trial: optuna.Trial) -> tuple[TrialRecord, Evaluation]:
    """Ask one block of queries after another until the race or a constraint stops the trial."""
    started = time.perf_counter()
    candidate = search.space.suggest(trial)
    evaluation = Evaluation(queries=(), completions=(), judgments=())
    scores: dict[str, float | None] = {}
    verdict = RaceVerdict.GO_ON
    for block in search.blocks:
        search.check_limits(len(block))
        asked = search.evaluator.evaluate(candidate, block)
        evaluation += asked
        scores |= query_scores(asked, search.space.objective)
        verdict = search.standing.look(scores, keeping(evaluation, search.space.constraints))
        if verdict is not RaceVerdict.GO_ON:
            break
        search.report(Phase.TRIALS, asked=len(scores), usage=usage_of(evaluation))
    read = any(score is not None for score in scores.values())
    complete = TrialState.COMPLETE if verdict is RaceVerdict.COMPLETED else TrialState.PRUNED
    record = TrialRecord(
        number=len(search.standing.records),
        optuna_number=trial.number,
        candidate=candidate,
        query_scores=scores,
        state=complete if read else TrialState.FAILED,
        seconds=time.perf_counter() - started,
        usage=usage_of(evaluation),
    )
    return record, evaluation


def _probe_survivors(search: RunningSearch) -> None:
    """Measure the token shift of complete trials, as far as the number of queries asked allows."""
    if search.shift:
        records = search.standing.records
        survivors = {number: records[number].candidate.prompt for number in search.standing.complete}
        search.shift.take(survivors, asked=search.standing.asked)
