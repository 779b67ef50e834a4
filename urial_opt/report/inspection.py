"""Inspection of a search's prompts, the one found first: aspects, answers, and gains over the starting prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from urial_opt.aspects import Aspect
from urial_opt.evaluation.constraints import Kept, kept
from urial_opt.evaluation.scorecard import Scorecard, query_scores, summed_up
from urial_opt.evaluation.unreadable import unreadable_judge
from urial_opt.objective import Constraint, Objective
from urial_opt.records import (
    Candidate,
    Completion,
    Estimate,
    Evaluation,
    Judgment,
    ProbeShift,
    Query,
    TrialRecord,
)
from urial_opt.report.stored_counts import StoredCounts
from urial_opt.statistics.bootstrap import bootstrap_mean
from urial_opt.store import SearchRecord, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleAnswer:
    """One answer under a prompt."""

    query: Query
    completion: Completion
    judgment: Judgment
    score: float
    before: float | None
    """Score of the starting prompt's answer to the same query; None if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedTrial:
    """One trial, on the dev queries that it was evaluated on."""

    record: TrialRecord
    found: bool
    """Whether the search found this prompt, which it chose on `validation`."""
    estimate: Estimate | None
    """Of its value, shrunken towards the other trials; None if no verdict on its answers could be read."""
    validation: Estimate | None
    """Its value on `validation`; None if it was not among the finalists."""
    card: Scorecard
    constraints: tuple[Kept, ...]
    """What the prompt does about each constraint of the search."""
    shift: ProbeShift | None
    """None if the token shift was not measured."""
    gains: Mapping[Aspect, Estimate]
    """Paired differences to the starting prompt (trial 0), by aspect; empty for the starting prompt itself."""
    best: Sequence[ExampleAnswer]
    worst: Sequence[ExampleAnswer]
    won: Sequence[ExampleAnswer]
    """The largest gains over the starting prompt."""


def inspect_search(
    store: Store, search: SearchRecord, *, trial: int | None = None, top: int = 3, examples: int = 2
) -> list[InspectedTrial]:
    """The prompt that the search found, then its best by shrunken estimate; each with up to `examples` of each sort.

    There are `top` of them; or two if the prompt found is not the best by estimate. `trial`: only this one.
    UnknownNameError if there is no such trial.
    """
    records = {record.number: record for record in store.trials(search.name)}
    estimates = {each.trial.number: each.estimate for each in store.best(search.name, len(records))}
    found = found_trial(search)
    numbers = _chosen(found, list(estimates), top) if trial is None else [trial]
    if not numbers:
        return []
    objective, constraints = search.objective, search.constraints
    counts = StoredCounts(store, search, records)
    validated = _validated(store, search, objective, counts)
    stored = {number: store.evaluation(search.name, number) for number in {0, *numbers}}
    evaluations = {number: counts.counted(records[number].candidate, each) for number, each in stored.items()}
    prompts = [records[number].candidate.prompt for number in numbers]
    shifts = store.shifts_of_prompts(str(search.settings["base"]), str(search.settings["aligned"]), prompts)
    return [
        _inspected(
            records[number],
            evaluations[number],
            evaluations[0],
            objective,
            constraints,
            examples,
            found=number == found,
            estimate=estimates.get(number),
            validation=validated.get(_key(records[number].candidate)),
            shift=shift,
        )
        for number, shift in zip(numbers, shifts, strict=True)
    ]


def found_trial(search: SearchRecord) -> int | None:
    """The trial that a search found; None before it was finished."""
    return None if search.summary is None else int(str(search.summary["found_trial"]))


def _chosen(found: int | None, ranked: Sequence[int], top: int) -> list[int]:
    first = [] if found is None else [found]
    numbers = [*first, *(number for number in ranked if number != found)]
    differs = found is not None and ranked[:1] != [found]
    return numbers[: max(top, 2 if differs else 1)]


def _validated(
    store: Store, search: SearchRecord, objective: Objective, counts: StoredCounts
) -> dict[tuple[str, str], Estimate]:
    """The values of the finalists on `validation`."""
    return {
        _key(each.candidate): summed_up(counts.counted(each.candidate, each.evaluation), objective).worth
        for each in store.results(search.name)
        if each.role == "finalist" and each.candidate is not None
    }


def _key(candidate: Candidate) -> tuple[str, str]:
    return candidate.prompt.id, candidate.sampling.id


def _inspected(
    record: TrialRecord,
    evaluation: Evaluation,
    start: Evaluation,
    objective: Objective,
    constraints: Sequence[Constraint],
    number: int,
    *,
    found: bool,
    estimate: Estimate | None,
    validation: Estimate | None,
    shift: ProbeShift | None,
) -> InspectedTrial:
    before = query_scores(start, objective)
    judged = zip(evaluation.queries, evaluation.completions, evaluation.judgments, strict=True)
    answers = [
        ExampleAnswer(query=query, completion=completion, judgment=judgment, score=score, before=before.get(query.id))
        for query, completion, judgment in judged
        if (score := objective.query_score(judgment, query.kind)) is not None
    ]
    by_score = sorted(answers, key=lambda example: -example.score)
    gained = [example for example in answers if example.before is not None and example.score > example.before]
    card = summed_up(evaluation, objective)
    return InspectedTrial(
        record=record,
        found=found,
        estimate=estimate,
        validation=validation,
        card=card,
        constraints=kept(card.means, constraints),
        shift=shift,
        gains=_gains(evaluation, start) if record.number else {},
        best=by_score[:number],
        worst=by_score[::-1][:number],
        won=sorted(gained, key=lambda example: (example.before or 0) - example.score)[:number],
    )


def _gains(evaluation: Evaluation, start: Evaluation) -> dict[Aspect, Estimate]:
    theirs = {judgment.query_id: judgment for judgment in start.judgments}
    differences: dict[Aspect, list[float]] = {}
    for judgment in evaluation.judgments:
        for aspect, score in judgment.scores.items():
            other = theirs[judgment.query_id].scores.get(aspect) if judgment.query_id in theirs else None
            if score is not None and other is not None:
                differences.setdefault(aspect, []).append(score - other)
    return {aspect: bootstrap_mean(differences[aspect]) for aspect in Aspect if aspect in differences}


def why_nothing_scored(store: Store, search: SearchRecord) -> str | None:
    """Why none of the recorded trials has a score, with the judge's own words; None if no trial is recorded."""
    trials = store.trials(search.name)
    judged = [store.evaluation(search.name, trial.number).judgments for trial in trials if trial.query_scores]
    too_long = len(trials) - len(judged)
    said = [f"{too_long} prompts did not fit the base model's context window"] if too_long else []
    if judged:
        said.append(str(unreadable_judge(judged[0][0].judge, [each for some in judged for each in some])))
    return f"No trial has a score, {len(trials)} failed: {', and '.join(said)}." if trials else None
