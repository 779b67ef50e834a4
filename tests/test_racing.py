"""Racing: verdicts block by block, and what they save and lose in a simulated search."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from urial_opt.objective import Objective
from urial_opt.search.racing import Race, RaceVerdict, chance_to_end_ahead, finalists
from urial_opt.statistics.shrinkage import TrialEstimate
from urial_opt.statistics.strata import FloatArray, Strata

QUERIES = [f"q{i}" for i in range(64)]
STRATA = Strata(
    kinds={query: "safety" if i % 16 >= 12 else "regular" for i, query in enumerate(QUERIES)},
    weights=Objective().kind_weights(),
)


def scores_of(values: FloatArray) -> dict[str, float]:
    return dict(zip(QUERIES, map(float, values), strict=False))


STEADY = scores_of(np.tile([3.0, 4.0, 2.0, 5.0], 16))


def shifted(scores: Mapping[str, float], by: float, *, seen: int) -> dict[str, float]:
    return {query: score + by for query, score in list(scores.items())[:seen]}


def test_without_an_incumbent_everything_is_asked() -> None:
    race = Race(strata=STRATA)
    assert race.judge(shifted(STEADY, -1, seen=16)) is RaceVerdict.GO_ON
    assert race.judge(STEADY) is RaceVerdict.COMPLETED


def test_a_challenger_behind_on_most_pairs_stops_at_the_first_look_and_an_equal_one_goes_on() -> None:
    race = Race(strata=STRATA, incumbent=STEADY)
    assert race.judge(shifted(STEADY, -0.5, seen=16)) is RaceVerdict.STOP
    assert race.judge(shifted(STEADY, 0, seen=48)) is RaceVerdict.GO_ON
    assert race.judge(shifted(STEADY, 0.5, seen=16)) is RaceVerdict.GO_ON


def test_easy_first_queries_do_not_help_because_pairs_are_compared() -> None:
    easy_first = scores_of(np.linspace(5, 1, 64))
    race = Race(strata=STRATA, incumbent=easy_first)
    challenger = shifted(easy_first, -0.3, seen=16)
    assert np.mean(list(challenger.values())) > np.mean(list(easy_first.values()))
    assert race.judge(challenger) is RaceVerdict.STOP


def test_unread_scores_are_no_pairs_but_count_as_asked() -> None:
    race = Race(strata=STRATA, incumbent=STEADY)
    assert race.judge(dict.fromkeys(QUERIES[:16])) is RaceVerdict.GO_ON
    assert race.judge(dict.fromkeys(QUERIES)) is RaceVerdict.COMPLETED
    few = {**dict.fromkeys(QUERIES[:16]), **shifted(STEADY, -1, seen=3)}
    assert race.judge(few) is RaceVerdict.GO_ON  # three pairs cannot reach p <= 0.10


def test_only_a_better_challenger_asked_everything_becomes_the_incumbent() -> None:
    race = Race(strata=STRATA).after(shifted(STEADY, 1, seen=48))
    assert race.incumbent is None
    race = race.after(STEADY)
    assert race.incumbent == STEADY
    assert race.after(shifted(STEADY, -0.1, seen=64)) is race
    assert race.after(dict(STEADY)) is race
    assert race.after(dict.fromkeys(QUERIES)) is race
    better = shifted(STEADY, 0.1, seen=64)
    assert race.after(better).incumbent == better


def test_the_predicted_chance_is_right_on_average() -> None:
    rng = np.random.default_rng(0)
    # the prediction assumes a flat prior on the mean difference
    differences = rng.uniform(-3, 3, 6000)[:, None] + rng.normal(0, 1, (6000, 64))
    ahead = differences.mean(axis=1) > 0
    seen = np.where(np.arange(64) < 32, differences, np.nan)
    chances = np.array([chance_to_end_ahead(each) for each in seen])
    for low, high in ((0.02, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.98)):
        part = (chances > low) & (chances < high)
        assert ahead[part].mean() == pytest.approx(chances[part].mean(), abs=0.13)
    assert chance_to_end_ahead(np.full(8, np.nan)) == 1.0
    assert chance_to_end_ahead(np.array([-1.0, -1.0, np.nan])) == 0.0
    assert chance_to_end_ahead(np.array([0.0, 0.0, np.nan])) == 1.0


def test_futility_stops_earlier_only_when_asked_to() -> None:
    rng = np.random.default_rng(1)
    # a few large losses: a rank test does not detect them, the mean does
    challenger = scores_of(
        (np.array(list(STEADY.values())) + np.where(np.arange(64) % 4, 0.01, -2) + rng.normal(0, 0.01, 64))[:48]
    )
    assert Race(strata=STRATA, incumbent=STEADY).judge(challenger) is RaceVerdict.GO_ON
    assert Race(strata=STRATA, incumbent=STEADY, least_chance=0.05).judge(challenger) is RaceVerdict.STOP


def searched(seed: int, *, significance: float) -> FloatArray:
    """Race 80 challengers in sequence: share of the calls, regret, better challengers lost, better challengers."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(0, 0.35, 80)
    scores = np.round(4 * (3 + effect[:, None] + rng.normal(0, 0.6, 64) + rng.normal(0, 0.85, (80, 64)))) / 4
    race = Race(strata=Strata(kinds=STRATA.kinds, weights={"regular": 0.75, "safety": 0.25}), significance=significance)
    incumbent, calls, lost, better = -1, 0, 0, 0
    for trial in range(80):
        ahead = incumbent >= 0 and effect[trial] > effect[incumbent]
        for seen in (16, 32, 48, 64):
            asked = scores_of(scores[trial, :seen])
            if (verdict := race.judge(asked)) is not RaceVerdict.GO_ON:
                break
        after = race.after(asked)
        incumbent = trial if after is not race else incumbent
        race, calls = after, calls + seen
        better, lost = better + ahead, lost + (ahead and verdict is RaceVerdict.STOP)
    return np.array([calls / scores.size, effect.max() - effect[incumbent], lost, better])


def test_racing_saves_half_of_the_calls_at_the_same_regret_and_loses_few_better_challengers() -> None:
    raced = np.mean([searched(seed, significance=0.1) for seed in range(10)], axis=0)
    full = np.mean([searched(seed, significance=0.0) for seed in range(10)], axis=0)
    assert full[0] == 1.0
    assert raced[0] < 0.5
    assert raced[1] < full[1] + 0.03
    assert raced[2] / raced[3] < 0.25


def test_finalists_are_the_best_by_estimate_the_earlier_of_equals_first() -> None:
    means = {7: 3.0, 2: 4.0, 5: 3.5, 1: 3.5}
    estimates = {n: TrialEstimate(mean=m, standard_error=0.1, queries=64) for n, m in means.items()}
    assert finalists(estimates, 3) == [2, 1, 5]
    assert finalists(estimates, 9) == [2, 1, 5, 7]
