"""Inspection of a search's best prompts: aspects, answers, and where each wins over the starting prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from urial_opt.aspects import Aspect
from urial_opt.evaluation.constraints import Kept, kept
from urial_opt.evaluation.scorecard import Scorecard, query_scores, summed_up
from urial_opt.evaluation.unreadable import unreadable_judge
from urial_opt.objective import Constraint, Objective
from urial_opt.records import Completion, Estimate, Evaluation, Judgment, ProbeShift, Query, TrialRecord
from urial_opt.statistics.bootstrap import bootstrap_mean
from urial_opt.store import RankedTrial, SearchRecord, Store


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
    estimate: Estimate
    """Shrunken towards the other trials."""
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


def inspect_search(store: Store, search: SearchRecord, *, top: int = 3, examples: int = 2) -> list[InspectedTrial]:
    """The `top` trials by shrunken estimate, best first, each with up to `examples` answers of each sort."""
    ranked = store.best(search.name, top)
    if not ranked:
        return []
    objective, constraints = objective_of(search), constraints_of(search)
    start = store.evaluation(search.name, 0)
    prompts = [each.trial.candidate.prompt for each in ranked]
    shifts = store.shifts_of_prompts(str(search.settings["base"]), str(search.settings["aligned"]), prompts)
    inspected = []
    for each, shift in zip(ranked, shifts, strict=True):
        evaluation = store.evaluation(search.name, each.trial.number)
        inspected.append(_inspected(each, evaluation, start, shift, objective, constraints, examples))
    return inspected


def objective_of(search: SearchRecord) -> Objective:
    """The objective of the search."""
    weights = search.settings["weights"]
    assert isinstance(weights, Mapping)
    return Objective(weights={Aspect(name): float(weight) for name, weight in weights.items()})


def constraints_of(search: SearchRecord) -> tuple[Constraint, ...]:
    """The constraints that the search was run with; a search of earlier versions names none."""
    named = search.settings.get("constraints", [])
    assert isinstance(named, list)
    return tuple(Constraint.read(each) for each in named)


def _inspected(
    ranked: RankedTrial,
    evaluation: Evaluation,
    start: Evaluation,
    shift: ProbeShift | None,
    objective: Objective,
    constraints: Sequence[Constraint],
    number: int,
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
        record=ranked.trial,
        estimate=ranked.estimate,
        card=card,
        constraints=kept(card.aspects, constraints),
        shift=shift,
        gains=_gains(evaluation, start) if ranked.trial.number else {},
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
