"""The next prompt: what the search would try next, what that would score, and why it differs from the best so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from urial_opt.evaluation.scorecard import strata_of
from urial_opt.records import Candidate, Estimate, Params, estimate_json
from urial_opt.search.agent.rounds import look_of
from urial_opt.search.effects.earlier import prior_of
from urial_opt.search.effects.effect_model import EffectModel
from urial_opt.search.effects.prompt_design import PromptDesign
from urial_opt.search.effects.stored_trials import AVERAGE, StoredTrials
from urial_opt.search.prompt_features import Features
from urial_opt.search.samplers import make_sampler
from urial_opt.search.standing import estimates_of
from urial_opt.search.study import ask_copy
from urial_opt.statistics.shrinkage import TrialEstimate
from urial_opt.statistics.strata import IntArray
from urial_opt.store import SearchRecord, Store

_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One difference between the next prompt and the best one so far, and what the model expects of it."""

    change: str
    effect: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class NextPrompt:
    """The prompt that a search would try next."""

    candidate: Candidate
    sampler: str
    shows: tuple[str, ...]
    """What is new in it, if it is a first look at what a proposer wrote, and no choice of the sampler."""
    best: int
    """Number of the best trial so far."""
    tried: bool
    """Whether a trial had this prompt."""
    score: Estimate
    """Predicted average on the dev queries."""
    differences: Mapping[str, Estimate]
    """Predicted difference to the best trial, by target."""
    reasons: Sequence[Reason]
    """The differences one by one, which add up to that of the average; the largest first."""

    @property
    def chance(self) -> float:
        """The probability that it is better than the best trial."""
        estimate = self.differences[AVERAGE]
        deviation = (estimate.high - estimate.low) / 2 / _Z95
        if deviation <= 0:
            return float(estimate.mean > 0)
        return 1 - NormalDist(estimate.mean, deviation).cdf(0.0)

    def as_json(self) -> dict[str, object]:
        """Keys as in the help of `inspect`."""
        return {
            "sampler": self.sampler,
            "shows": list(self.shows),
            "params": dict(self.candidate.params),
            "text": self.candidate.prompt.prefix,
            "tried": self.tried,
            "score": estimate_json(self.score),
            "best": self.best,
            "differences": {target: estimate_json(each) for target, each in self.differences.items()},
            "chance": round(self.chance, 4),
            "reasons": [{"change": each.change, **estimate_json(each.effect)} for each in self.reasons],
        }


def what_next(
    store: Store,
    search: SearchRecord,
    trials: StoredTrials,
    design: PromptDesign,
    models: Mapping[str, EffectModel],
) -> NextPrompt | None:
    """The prompt that the search would try next; None if it has no study, or none that can be read."""
    look = look_of(trials.rounds, trials.recorded)
    params = look.params if look else _proposed(store, search, trials)
    if params is None:
        return None
    features, tried = trials.features, trials.tried
    best = _best(store, search)
    row = features.row(params)
    ours = _number_of(row, tried)
    theirs = int(trials.which[[record.number for record in trials.records].index(best)])
    columns = design(row[None])[0]
    model = models[AVERAGE]
    return NextPrompt(
        candidate=trials.space.candidate(params),
        sampler=str(search.settings["sampler"]),
        shows=look.shows if look else (),
        best=best,
        tried=ours is not None,
        score=model.level_of(columns, ours),
        differences={target: each.better(columns, ours, theirs) for target, each in models.items()},
        reasons=_reasons(features, design, model, row, tried[theirs], theirs, ours),
    )


def _proposed(store: Store, search: SearchRecord, trials: StoredTrials) -> Params | None:
    """What the sampler of the search proposes next."""
    settings = search.settings
    name, seed, space = str(settings["sampler"]), int(str(settings["seed"])), trials.space
    records = {record.optuna_number: record for record in trials.records}
    asked = [query for block in space.queries.blocks("dev", space.block, seed=seed) for query in block]
    strata = strata_of(asked, space.objective)

    def learnt(numbers: Sequence[int]) -> dict[int, TrialEstimate]:
        return estimates_of([records[number] for number in numbers if number in records], strata)

    sampler = make_sampler(name, space, seed=seed, estimates_of=learnt, prior=prior_of(search))
    return ask_copy(store, search.name, sampler, space)


def _best(store: Store, search: SearchRecord) -> int:
    """The trial that a finished search found; of another one, that with the highest estimate."""
    if search.summary is not None:
        return int(str(search.summary["found_trial"]))
    return store.best(search.name, 1)[0].trial.number


def _number_of(row: IntArray, tried: IntArray) -> int | None:
    same = np.flatnonzero((tried == row).all(axis=1))
    return int(same[0]) if same.size else None


def _reasons(
    features: Features,
    design: PromptDesign,
    model: EffectModel,
    row: IntArray,
    best: IntArray,
    best_number: int,
    number: int | None,
) -> list[Reason]:
    """What each change on the way from the best prompt to the next one does; the largest first."""
    names, rows = [], [best]
    for name, changed in _way(features, best, row):
        names.append(name)
        rows.append(changed)
    reasons = []
    if names:
        columns = design(np.array(rows))
        effects = model.effects(np.diff(columns, axis=0))
        reasons = [Reason(change=name, effect=effect) for name, effect in zip(names, effects, strict=True)]
    if number != best_number:
        own = model.unexplained(best_number)
        away = Estimate(mean=-own.mean, low=-own.high, high=-own.low)
        reasons.append(Reason(change="without what no part explains of the best prompt's score", effect=away))
    if number is not None and number != best_number:
        reasons.append(Reason(change="what no part explains of its own score", effect=model.unexplained(number)))
    return sorted(reasons, key=lambda reason: -abs(reason.effect.mean))


def _way(features: Features, start: IntArray, end: IntArray) -> Iterator[tuple[str, IntArray]]:
    """The prompts on the way from one to another, part by part, each with what changed."""
    row, space = start.copy(), features.space
    clauses = 1 + len(space.clauses)
    if (row[:clauses] != end[:clauses]).any():
        yield from _system_changed(features, row, end)
        row[:clauses] = end[:clauses]
    for place, name in enumerate(features.decoding, start=clauses):
        if row[place] != end[place]:
            was, now = (features.choices[place - clauses][each[place]] for each in (row, end))
            row[place] = end[place]
            yield f"{name} {now} in place of {was}", row.copy()
    ours, theirs = ([int(each) for each in one[features.slots :] if each >= 0] for one in (row, end))
    for name, exemplars in _exemplars_changed(features, ours, theirs):
        row[features.slots :] = -1
        row[features.slots : features.slots + len(exemplars)] = exemplars
        yield name, row.copy()


def _exemplars_changed(
    features: Features, start: Sequence[int], end: Sequence[int]
) -> Iterator[tuple[str, Sequence[int]]]:
    """The exemplars on the way from some to others. A new one goes to its place at once, so that only those that were
    there before are moved at last."""
    keys, ours = features.keys, list(start)
    out, into = [each for each in start if each not in end], [each for each in end if each not in start]
    for new in into:
        alike = [old for old in out if features.classes[old] == features.classes[new]]
        old = next(iter(alike or out), None)
        place = end.index(new)
        if old is not None:
            out.remove(old)
            ours.remove(old)
        ours.insert(max([0, *(ours.index(each) + 1 for each in end[:place] if each in ours)]), new)
        if old is None:
            yield f"{keys[new]!r} added as exemplar {place + 1}", list(ours)
        elif start.index(old) == place:
            yield f"{keys[new]!r} in place of {keys[old]!r}", list(ours)
        else:
            yield (
                f"{keys[new]!r} as exemplar {place + 1} in place of {keys[old]!r} as {start.index(old) + 1}",
                list(ours),
            )
    for old in out:
        ours.remove(old)
        yield f"without {keys[old]!r}", list(ours)
    if ours != list(end):
        yield "another order", end


def _system_changed(features: Features, row: IntArray, end: IntArray) -> Iterator[tuple[str, IntArray]]:
    clauses = 1 + len(features.space.clauses)
    changed = row.copy()
    changed[:clauses] = end[:clauses]
    names = features.space.systems
    if row[0] != end[0]:
        yield f"system prompt {names[end[0]]!r} in place of {names[row[0]]!r}", changed
        return
    parts = zip(features.space.clauses, row[1:clauses], end[1:clauses], strict=True)
    different = [f"{'with' if now else 'without'} {name!r}" for name, was, now in parts if was != now]
    yield f"clauses {', '.join(different)}", changed
