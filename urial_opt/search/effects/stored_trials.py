"""Stored trials: the prompts of a search as rows, and what each scored on each query, on average and by aspect."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from urial_opt.aspects import Aspect
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.records import TrialRecord
from urial_opt.search.floor import Floor
from urial_opt.search.prompt_features import Features
from urial_opt.spaces.lineage import Round
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_json import read_space_text
from urial_opt.statistics.comparisons import Comparisons, compare
from urial_opt.statistics.strata import IntArray
from urial_opt.store import SearchRecord, Store

AVERAGE = "average"
"""The target that is not an aspect: just-eval's average, or as the objective weighs the aspects."""


@dataclass(frozen=True, kw_only=True)
class StoredTrials:
    """The scored trials of a search."""

    space: SearchSpace
    """The space that the search proposes from now: without exemplars below the floor, with what was written."""
    features: Features
    """Of the space with all exemplars."""
    records: list[TrialRecord]
    tried: IntArray
    """The distinct prompts, as rows."""
    which: IntArray
    """Which of these each trial tried."""
    comparisons: dict[str, Comparisons]
    """By target: the average, and each aspect that could be read."""
    rounds: list[Round]
    """The closed rounds of the proposer."""
    recorded: int
    """How many trials there are, those without a score among them."""


def read_trials(store: Store, search: SearchRecord) -> StoredTrials | None:
    """The scored trials of a search; None if an earlier version began it, which did not store the space."""
    text = store.stored_space(search.name)
    if text is None:
        return None
    space = read_space_text(text)
    if search.floor is not None:
        space = Floor.kept_by(search.floor, space).space
    rounds = [each for each in store.rounds(search.name) if each.closed]
    for each in rounds:
        space = each.grow(space)
    features = Features(replace(space, exemplars=space.known, barred={}))
    trials = store.trials(search.name)
    records = [record for record in trials if any(score is not None for score in record.query_scores.values())]
    rows = [features.row(record.candidate.params) for record in records]
    width = features.slots + features.width
    tried, which = np.unique(np.array(rows, dtype=np.int64).reshape(-1, width), axis=0, return_inverse=True)
    return StoredTrials(
        space=space,
        features=features,
        records=records,
        tried=tried,
        which=which.reshape(-1),
        comparisons=_compared(store, search, space, records),
        rounds=rounds,
        recorded=len(trials),
    )


def _compared(
    store: Store, search: SearchRecord, space: SearchSpace, records: list[TrialRecord]
) -> dict[str, Comparisons]:
    strata = strata_of(space.queries.split("dev"), space.objective)
    scored = {query for record in records for query, score in record.query_scores.items() if score is not None}
    strata = strata.only(scored)
    targets = {}
    if records:
        contributions = np.array([strata.contributions(record.query_scores) for record in records])
        targets[AVERAGE] = compare(contributions, list(strata.kinds.values()))
    by_trial = store.aspect_scores(search.name)
    queries = list(strata.kinds)
    for aspect in Aspect:
        scores = np.array(
            [[by_trial[record.number].get(query, {}).get(aspect, np.nan) for query in queries] for record in records],
            dtype=np.float64,
        ).reshape(len(records), len(queries))
        if not np.isnan(scores).all():
            targets[aspect.value] = compare(scores, ["all"] * len(queries))
    return targets
