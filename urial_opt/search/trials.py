"""Trials: prompts race on `dev` against the best so far until the budget is recorded.

Our tables are authoritative, and Optuna's study follows them: a trial is stored first and reported to the study second.
A search that was interrupted at any point therefore continues as if it had not been.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from urial_opt.errors import ContextError
from urial_opt.evaluation.constraints import Keeping, keeping
from urial_opt.evaluation.evaluator import judge_answers
from urial_opt.evaluation.scorecard import query_values
from urial_opt.evaluation.unreadable import nothing_read, unreadable_judge
from urial_opt.records import Evaluation, Judgment, TrialRecord, TrialState
from urial_opt.search.context_window import check_window, check_yardstick, too_long_to_start
from urial_opt.search.flight import Flight, fly
from urial_opt.search.proposing import check_budget
from urial_opt.search.racing import RaceVerdict
from urial_opt.search.running import RunningSearch
from urial_opt.search.study import SearchStudy


def learn_stored_trials(search: RunningSearch) -> None:
    """Load the trials that earlier runs recorded; missing verdicts are asked for again (`memory.AskingAgain`).

    While other processes work on the search they are not: those would not hear of the answers.
    """
    unsettled = set() if search.worker.others() else set(search.store.open_trials(search.name))
    for stored in search.store.trials_from(search.name, 0):
        learn(search, _judged_again(search, stored) if stored.number in unsettled else stored)


def learn_from_others(search: RunningSearch) -> None:
    """Learn the trials that have ended in other processes since this one last looked."""
    for record in search.store.trials_from(search.name, len(search.standing.records)):
        learn(search, record)
    search.begun.account.refresh()


def learn(search: RunningSearch, record: TrialRecord) -> None:
    """Learn a trial that is stored."""
    constraints = search.space.constraints
    # Only constraints need the judgments of a trial, and reading them takes time.
    evaluation = search.store.evaluation(search.name, record.number) if constraints else None
    keeps = keeping(search.counted(record.candidate, evaluation), constraints) if evaluation else Keeping.KEPT
    search.standing.learn(record, keeps)


def end_trial(search: RunningSearch, study: SearchStudy, flight: Flight, record: TrialRecord) -> bool:
    """Record a trial, and learn it; False if another process has taken it over, and this one is to forget it."""
    standing, store = search.standing, search.store
    ended = store.add_trial(search.name, record, flight.evaluation, lease=flight.lease)
    if ended < 0:
        return False
    if ended == len(standing.records):
        standing.learn(record, flight.keeps)
    else:
        learn_from_others(search)
    store.set_estimates(search.name, standing.take_moved())
    study.tell(record, standing.estimates)
    return True


def report_all(search: RunningSearch, study: SearchStudy) -> None:
    """Let the study hold every trial that is recorded or under way, and no other."""
    leases = search.worker.leases
    with leases.proposing():
        learn_from_others(search)
        leased = [int(each.proposal["optuna_number"]) for each in leases.all() if each.proposal]
        study.catch_up(search.standing.records, search.standing.estimates, leased=leased)


def check_start(search: RunningSearch, flight: Flight) -> None:
    """ContextError if the prompt of a trial is known not to fit the base model, or its budget of tokens."""
    check_budget(search, flight.candidate)
    check_window(search.models.base, flight.candidate, search.space.queries.queries)
    if flight.number == 0:
        check_yardstick(search.models.base, search.space)


def check_flight(search: RunningSearch, flight: Flight, come: Evaluation) -> None:
    """UnreadableJudgeError if the judge is out of order: nothing is read in what has come of a trial, nor before it."""
    silent = bool(search.unread - {flight.number})
    if silent or not flight.scores:
        check_judge(search, come.judgments, silent=silent)
    if search.parallel > 1:
        search.unread = {*search.unread, flight.number} if nothing_read(come.judgments) else set()


def check_judge(search: RunningSearch, judgments: Sequence[Judgment], *, silent: bool = False) -> None:
    """UnreadableJudgeError if nothing in a trial's first verdicts can be read, nor in the trial before it.

    With `silent` nothing could be read in another trial under way, so that these need not be the first ones.

    A single prompt may lead to answers that a judge refuses to judge; a judge that is out of order may cost the budget.
    """
    asked = [record for record in search.standing.records.values() if record.query_scores]
    alone = bool(asked) and asked[-1].state is not TrialState.FAILED and not silent
    may_change = any(map(search.begun.account.again.may_change, judgments))
    if not alone and nothing_read(judgments) and may_change:
        raise unreadable_judge(search.models.judge.identity, judgments)


def _judged_again(search: RunningSearch, stored: TrialRecord) -> TrialRecord:
    """A trial with the verdicts that the judge gives now in place of those missing.

    A failed trial is run again, and finds its answers in the store. Of others only the verdicts are asked for.
    """
    if stored.state is TrialState.FAILED:
        record, evaluation = _run_alone(search, stored)
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


def _run_alone(search: RunningSearch, stored: TrialRecord) -> tuple[TrialRecord, Evaluation]:
    """A trial as it ends now."""
    flight = fly(search, stored.candidate, stored.number, optuna_number=stored.optuna_number)
    verdict = RaceVerdict.GO_ON
    try:
        check_start(search, flight)
        while verdict is RaceVerdict.GO_ON and (queries := flight.next_step(whole=False)):
            search.check_limits(len(queries))
            asked = search.evaluator.evaluate(flight.candidate, queries)
            if not flight.scores:
                check_judge(search, asked.judgments)
            verdict = flight.look(search, asked)
    except ContextError as error:
        if flight.number == 0:
            raise too_long_to_start(error) from error
        return flight.too_long(), flight.evaluation
    return flight.record(verdict), flight.evaluation
