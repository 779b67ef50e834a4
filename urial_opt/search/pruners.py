"""Pruners: opens by name the rule that decides when a prompt has been asked enough."""

from __future__ import annotations

from collections.abc import Mapping

from urial_opt.errors import UnknownNameError
from urial_opt.search.racing import Race
from urial_opt.statistics.strata import Strata

LEAST_CHANCE = 0.3
"""A challenger is stopped if its chance of ending ahead is lower: most nearly tie, and there are many others."""
_RULES: Mapping[str, tuple[float, float]] = {"race": (0.10, LEAST_CHANCE), "wilcoxon": (0.10, 0.0), "none": (0.0, 0.0)}
"""Significance and least chance of each."""
PRUNERS = tuple(_RULES)
DEFAULT_PRUNER = "race"


def make_race(name: str, strata: Strata) -> Race:
    """The race by the pruner of that name, without an incumbent. UnknownNameError if there is none.

    `race` stops a prompt that is significantly behind the best one, or unlikely to end ahead of it; `wilcoxon` only one
    that is significantly behind, as Optuna's WilcoxonPruner does; `none` stops nothing.
    """
    if name not in _RULES:
        raise UnknownNameError.of("pruner", name, PRUNERS)
    significance, least_chance = _RULES[name]
    return Race(strata=strata, significance=significance, least_chance=least_chance)
