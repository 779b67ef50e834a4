"""Pareto: which prompts of a search no other one beats on all of several axes, such as score and length."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from urial_opt.errors import InputError
from urial_opt.evaluation.axes import Axis, Sampled
from urial_opt.evaluation.constraints import Keeping, keeping
from urial_opt.objective import COST, COST_NEEDS_PRICE
from urial_opt.records import Estimate, Evaluation, TrialState, estimate_json
from urial_opt.report.inspection import found_trial
from urial_opt.report.stored_counts import StoredCounts
from urial_opt.spending import Price
from urial_opt.store import SearchRecord, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A prompt that was asked every dev query, among all those of its search."""

    trial: int
    found: bool
    """Whether the search found this prompt."""
    values: Mapping[str, Estimate]
    """By axis, on the dev queries."""
    beaten_by: int | None = None
    """A trial that is better on one axis and worse on none; None for the prompts of the front."""
    surely: bool = False
    """Whether it is so by the 95 % intervals of the paired differences, on each axis."""

    def as_json(self) -> dict[str, object]:
        """Keys: `trial`, `found`, `front`, `values` (by axis: mean, interval), `beaten_by` and `surely`."""
        return {
            "trial": self.trial,
            "found": self.found,
            "front": self.beaten_by is None,
            "values": {name: estimate_json(each) for name, each in self.values.items()},
            "beaten_by": self.beaten_by,
            "surely": self.surely,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """All prompts of a search that may be compared, those of the front first."""

    axes: tuple[str, ...]
    prompts: Sequence[Compared]
    """The best on the first axis first, among those of the front and among the others."""
    breaking: int
    """How many were left out because they break a constraint beyond doubt."""

    def as_json(self) -> dict[str, object]:
        """Keys: `axes`, `prompts` (as `Compared.as_json`) and `breaking_constraints`."""
        return {
            "axes": list(self.axes),
            "prompts": [each.as_json() for each in self.prompts],
            "breaking_constraints": self.breaking,
        }


def pareto_front(store: Store, search: SearchRecord, names: Sequence[str], *, price: Price | None = None) -> Front:
    """Compare the prompts that were asked every dev query, and keep the constraints, by the axes of these names.

    `price` is that of the base model. InputError if the search has none to compare, or something is not known.
    """
    records = {each.number: each for each in store.trials(search.name)}
    stored = (search.models or {}).get("base_price")
    price = price or (Price.read(stored) if stored else None)
    axes = [Axis(name=name, objective=search.objective, price=price) for name in names]
    if COST in names and price is None:
        raise InputError(COST_NEEDS_PRICE)
    counts = StoredCounts(store, search, records)
    evaluations: dict[int, Evaluation] = {}
    known: dict[tuple[str, str], int] = {}
    for number, record in records.items():
        key = (record.candidate.prompt.id, record.candidate.sampling.id)
        if record.state is TrialState.COMPLETE and known.setdefault(key, number) == number:
            evaluations[number] = counts.counted(record.candidate, store.evaluation(search.name, number))
    if not evaluations:
        raise InputError(f"no prompt of {search.name!r} was asked all dev queries yet, so there is nothing to compare")
    kept = {n: each for n, each in evaluations.items() if keeping(each, search.constraints) is not Keeping.BROKEN}
    prompts = compared(kept, axes, found=found_trial(search))
    return Front(axes=tuple(names), prompts=prompts, breaking=len(evaluations) - len(kept))


def compared(
    evaluations: Mapping[int, Evaluation], axes: Sequence[Axis], *, found: int | None = None
) -> list[Compared]:
    """Each prompt with its values and, if others beat it, the one that does so most surely."""
    values = {n: {axis.name: axis.estimate(each) for axis in axes} for n, each in evaluations.items()}
    for name, of_name in ((axis.name, [each[axis.name].mean for each in values.values()]) for axis in axes):
        if any(map(math.isnan, of_name)):
            raise InputError(f"{name} is not known of all prompts; compare them by something else")
    sampled = {n: Sampled.of(each, axes) for n, each in evaluations.items()}
    better = {n: [other for other in sampled if sampled[other].beats(each)] for n, each in sampled.items()}
    front = [n for n, others in better.items() if not others]
    prompts = []
    for n, others in better.items():
        first = [each for each in others if each in front]
        sure = next((each for each in first if sampled[each].beats(sampled[n], surely=True)), None)
        by = sure if sure is not None else next(iter(first), None)
        prompts.append(Compared(trial=n, found=n == found, values=values[n], beaten_by=by, surely=sure is not None))
    sign = 1 if axes[0].less_is_better else -1
    return sorted(prompts, key=lambda p: (p.beaten_by is not None, sign * p.values[axes[0].name].mean, p.trial))
