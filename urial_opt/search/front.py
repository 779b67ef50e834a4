"""Front: keeps a prompt in the race that is behind in score alone, in a search that has several aims.

The race stops a prompt that falls behind the best. Where prompts are compared by more than the score, one that is
behind the best may still be the best of its length. So it goes on as long as it is ahead on one other axis of every
prompt that it is behind.
"""

from __future__ import annotations

from dataclasses import replace

from urial_opt.evaluation.axes import Axis, Sampled
from urial_opt.objective import AVERAGE, VALUE
from urial_opt.records import Evaluation, Role
from urial_opt.search.racing import RaceVerdict
from urial_opt.search.running import RunningSearch
from urial_opt.statistics.strata import Scores


def may_be_on_front(search: RunningSearch, scores: Scores, evaluation: Evaluation) -> bool:
    """Whether a prompt that the race would stop is not yet beaten on all axes by one that was asked every query."""
    if not (axes := _other_axes(search)):
        return False
    ours = Sampled.of(evaluation, axes)
    return not any(
        _is_behind(search, scores, number) and not ours.leads(_sampled(search, number, axes))
        for number in search.standing.complete
    )


def _other_axes(search: RunningSearch) -> list[Axis]:
    """The axes beside what is maximised."""
    objective, price = search.space.objective, search.options.terms.prices.get(Role.BASE)
    raced = (VALUE, AVERAGE) if objective.is_average else (VALUE,)
    return [Axis(name=name, objective=objective, price=price) for name in objective.pareto if name not in raced]


def _is_behind(search: RunningSearch, scores: Scores, number: int) -> bool:
    incumbent = search.standing.records[number].query_scores
    return replace(search.standing.race, incumbent=incumbent).judge(scores) is RaceVerdict.STOP


def _sampled(search: RunningSearch, number: int, axes: list[Axis]) -> Sampled:
    """A trial on these axes; what it was asked does not change, so it is read once."""
    if number not in search.sampled:
        candidate = search.standing.records[number].candidate
        evaluation = search.counted(candidate, search.store.evaluation(search.name, number))
        search.sampled[number] = Sampled.of(evaluation, axes)
    return search.sampled[number]
