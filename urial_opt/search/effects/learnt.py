"""Learnt: what a search says of each part of a prompt, on average and on each aspect, from the stored trials alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from urial_opt.errors import InputError
from urial_opt.records import Estimate, estimate_json
from urial_opt.search.agent.widening import counted
from urial_opt.search.effects.contrasts import Contrast, Contrasts, Group
from urial_opt.search.effects.effect_model import EffectModel, Explained
from urial_opt.search.effects.next_prompt import NextPrompt, what_next
from urial_opt.search.effects.prompt_design import PLACES, PromptDesign
from urial_opt.search.effects.stored_trials import AVERAGE, StoredTrials, read_trials
from urial_opt.store import SearchRecord, Store

LEAST_PROMPTS = 3
"""With fewer scored prompts nothing is said of their parts."""
FEW_PROMPTS = 20
"""With fewer, effects are mostly what the model assumes beforehand."""
_OFTEN = 3
"""How many prompts must have as many exemplars for the largest K that is spoken of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEffect:
    """What one part of a prompt does."""

    group: Group
    name: str
    effects: Mapping[str, Estimate]
    """In points, by target: `average` and the aspects."""
    trials: int
    """How many trials had the part."""
    answers: int
    """How many judged answers these trials have."""

    def is_clear(self, target: str) -> bool:
        """Whether the interval of that effect excludes zero."""
        return target in self.effects and excludes_zero(self.effects[target])

    def as_json(self) -> dict[str, object]:
        """Keys: `name`, `trials`, `answers` and `effects`."""
        return {
            "name": self.name,
            "trials": self.trials,
            "answers": self.answers,
            "effects": {target: estimate_json(each) for target, each in self.effects.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeEffect:
    """What more exemplars do: prompts with `many` against the same prompts with `few` of theirs."""

    many: int
    few: int
    effects: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEffect:
    """What the order of the same exemplars does."""

    deviations: Mapping[str, Estimate]
    """Standard deviation between orders, in points, by target."""
    shares: Mapping[str, float]
    """The same squared, as a share of the variance between the prompts tried."""
    pairs: int
    """How many pairs of prompts tried differ in the order alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a search has learnt."""

    search: str
    prompts: int
    """Distinct prompts with a score."""
    trials: int
    answers: int
    """Judged answers of the trials."""
    explained: Mapping[str, Explained]
    """By target."""
    parts: Sequence[PartEffect]
    size: SizeEffect | None
    """None if all prompts have as many exemplars."""
    order: OrderEffect | None
    """None if hardly any prompt has two exemplars."""
    next: NextPrompt | None
    """None if the store holds no study of the search."""

    def of_group(self, group: Group) -> list[PartEffect]:
        """The effects of one group."""
        return [part for part in self.parts if part.group is group]

    def as_json(self) -> dict[str, object]:
        """As `inspect --effects --json` prints it."""
        return {
            "name": self.search,
            "prompts": self.prompts,
            "trials": self.trials,
            "answers": self.answers,
            "explained": {
                target: {"variance": round(each.variance, 4), "noise": round(each.noise, 4)}
                for target, each in self.explained.items()
            },
            "groups": [
                {"group": group.value, "against": group.against, "parts": [part.as_json() for part in parts]}
                for group in Group
                if (parts := self.of_group(group))
            ],
            "more_exemplars": self.size
            and {
                "many": self.size.many,
                "few": self.size.few,
                "effects": {target: estimate_json(each) for target, each in self.size.effects.items()},
            },
            "order": self.order
            and {
                "deviations": {target: estimate_json(each) for target, each in self.order.deviations.items()},
                "shares": {target: round(share, 4) for target, share in self.order.shares.items()},
                "pairs": self.order.pairs,
            },
            "next": self.next and self.next.as_json(),
        }


def excludes_zero(estimate: Estimate) -> bool:
    """Whether an interval lies above or below zero."""
    return estimate.low > 0 or estimate.high < 0


def learnt_of(store: Store, search: SearchRecord) -> Learnt:
    """What a search has learnt. InputError if the store does not hold its space, or if too few prompts have a score."""
    trials = read_trials(store, search)
    if trials is None:
        raise InputError(
            f"the search {search.name!r} was begun by a version that did not store its space, which effects need; "
            "the command that it was begun with stores it now: urial-opt search"
        )
    average = trials.comparisons.get(AVERAGE)
    if average is None or not average.values.size or len(trials.tried) < LEAST_PROMPTS:
        raise InputError(
            f"the search {search.name!r} has {counted(len(trials.tried), 'prompt')} with a score, and effects need at "
            f"least {LEAST_PROMPTS}; continue it with `budget={max(2 * trials.recorded, FEW_PROMPTS)}`"
        )
    design = PromptDesign(trials.features, trials.tried)
    contrasts = Contrasts(design)
    models = {
        target: EffectModel(design, trials.which, each)
        for target, each in trials.comparisons.items()
        if each.values.size
    }
    return Learnt(
        search=search.name,
        prompts=len(trials.tried),
        trials=len(trials.records),
        answers=int(trials.comparisons[AVERAGE].answers.sum()),
        explained={target: found for target, model in models.items() if (found := model.explained)},
        parts=_parts(contrasts.all(), models, trials),
        size=_size(contrasts, design, models),
        order=_order(contrasts, trials, models),
        next=what_next(store, search, trials, design, models),
    )


def _parts(contrasts: Sequence[Contrast], models: Mapping[str, EffectModel], trials: StoredTrials) -> list[PartEffect]:
    if not contrasts:
        return []
    rows = np.array([contrast.row for contrast in contrasts])
    estimates = {target: model.effects(rows) for target, model in models.items()}
    answers = trials.comparisons[AVERAGE].answers
    return [
        PartEffect(
            group=contrast.group,
            name=contrast.name,
            effects={target: each[place] for target, each in estimates.items()},
            trials=int(contrast.having[trials.which].sum()),
            answers=int(answers[contrast.having[trials.which]].sum()),
        )
        for place, contrast in enumerate(contrasts)
    ]


def _size(contrasts: Contrasts, design: PromptDesign, models: Mapping[str, EffectModel]) -> SizeEffect | None:
    sizes, counts = np.unique(design.sizes(design.tried), return_counts=True)
    often = sizes[(counts >= _OFTEN) & (sizes > 0)]
    if often.size < 2:
        return None
    few, many = int(often[0]), int(often[-1])
    row = contrasts.more_exemplars(many, few)[None]
    return SizeEffect(many=many, few=few, effects={target: model.effects(row)[0] for target, model in models.items()})


def _order(contrasts: Contrasts, trials: StoredTrials, models: Mapping[str, EffectModel]) -> OrderEffect | None:
    rows = contrasts.orders()
    if len(rows) == 0:
        return None
    deviations = {target: model.spread_of(rows, PLACES) for target, model in models.items()}
    return OrderEffect(
        deviations=deviations,
        shares={
            target: min(1.0, deviations[target].mean ** 2 / model.variance)
            for target, model in models.items()
            if model.variance > 0
        },
        pairs=_pairs_of_orders(trials),
    )


def _pairs_of_orders(trials: StoredTrials) -> int:
    """How many pairs of prompts tried differ in the order of their exemplars alone."""
    unordered = trials.tried.copy()
    unordered[:, trials.features.slots :].sort(axis=1)
    _, counts = np.unique(unordered, axis=0, return_counts=True)
    return int((counts * (counts - 1) // 2).sum())
