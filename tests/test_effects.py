"""Effects: on made-up worlds whose effects are known, they and their intervals are right, pruned trials or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tests.stand_in import StandIn, synthetic
from urial_opt.search.effects.contrasts import Contrast, Contrasts, Group
from urial_opt.search.effects.effect_model import EffectModel, _left_out
from urial_opt.search.effects.next_prompt import _way
from urial_opt.search.effects.prompt_design import PLACES, PromptDesign
from urial_opt.search.linear_model import LinearModel
from urial_opt.search.local_search import random_row
from urial_opt.search.prompt_features import Features
from urial_opt.search.racing import Race, RaceVerdict
from urial_opt.statistics.comparisons import Comparisons, compare
from urial_opt.statistics.strata import FloatArray, IntArray, Strata

QUERIES = 32
SCALES = {"system": 0.2, "clause": 0.1, "decoding": 0.1, "k": 0.08, "style": 0.1, "kind": 0.05, "exemplar": 0.06}
SCALES |= {"last": 0.08, "pair": 0.05}


@dataclass(frozen=True)
class MadeUp:
    """A world in which each column of the model has a known weight."""

    design: PromptDesign
    which: IntArray
    weights: FloatArray
    scores: FloatArray
    """Trials x queries; NaN where a trial was pruned before."""
    contrasts: list[Contrast]

    @property
    def rows(self) -> FloatArray:
        return np.array([each.row for each in self.contrasts])

    @property
    def model(self) -> EffectModel:
        return EffectModel(self.design, self.which, compare(self.scores, ["regular"] * QUERIES))


def made_up(seed: int, *, trials: int = 60, habits: float = 0.0, late: float = 0.0) -> MadeUp:
    """`habits`: how far an exemplar helps with some queries more; `late`: how much easier the later queries are."""
    pool = synthetic._pool(5, 2)
    space = StandIn(
        seed=0, exemplars=pool, systems=("none", "a", "b", "composed"), clauses={"x": "X.", "y": "Y."}, k_max=3
    )
    features = Features(space)
    rng = np.random.default_rng(seed)
    tried, which = np.unique(np.array([random_row(features, rng) for _ in range(trials)]), axis=0, return_inverse=True)
    design = PromptDesign(features, tried)
    weights = rng.normal(0, [SCALES.get(group, 0.0) for group in design.groups])
    worth = design(tried) @ weights + rng.normal(0, 0.05, len(tried))
    shown = features.design(tried)[:, features.columns_of("exemplar")]
    habit = shown @ rng.normal(0, habits, (shown.shape[1], QUERIES))
    difficulty = rng.normal(0, 0.5, QUERIES) + late * (np.arange(QUERIES) >= 8)
    scores = 3 + difficulty + (worth[:, None] + habit)[which] + rng.normal(0, 0.6, (trials, QUERIES))
    raced(scores)
    return MadeUp(design, which, weights, scores, Contrasts(design).all())


def raced(scores: FloatArray) -> None:
    """Prune the trials that a race would stop."""
    strata = Strata(kinds={str(query): "regular" for query in range(QUERIES)}, weights={"regular": 1.0, "safety": 0.0})
    race = Race(strata=strata, least_chance=0.2)
    for row in scores:
        for end in range(8, QUERIES + 1, 8):
            seen = {str(query): float(row[query]) for query in range(end)}
            if race.judge(seen) is RaceVerdict.STOP:
                row[end:] = np.nan
                break
        else:
            race = race.after(seen)


def test_comparisons_are_those_of_a_regression_on_trials_and_queries() -> None:
    rng = np.random.default_rng(0)
    trials, queries = 6, 9
    scores = rng.normal(3, 1, (trials, queries))
    scores[2, 4:], scores[4, 6:], scores[:, 8] = np.nan, np.nan, np.nan
    found = compare(scores, ["regular"] * queries)
    where = np.argwhere(~np.isnan(scores))
    dummies = np.hstack([np.eye(trials)[where[:, 0]], np.eye(queries)[where[:, 1]][:, :8]])
    fitted = np.linalg.lstsq(dummies, scores[~np.isnan(scores)], rcond=None)[0]
    left = scores[~np.isnan(scores)] - dummies @ fitted
    assert found.trials == pytest.approx(fitted[:trials] - fitted[:trials].mean())
    assert found.variance == pytest.approx(left @ left / (len(where) - trials - 8 + 1))
    gap = np.zeros(trials)
    gap[[2, 3]] = 1, -1
    theirs = gap @ np.linalg.pinv(dummies.T @ dummies)[:trials, :trials] @ gap
    assert (found.directions @ gap) ** 2 @ found.noise == pytest.approx(theirs * found.variance)


def test_kinds_are_no_noise_and_trials_that_share_no_query_are_not_compared() -> None:
    rng = np.random.default_rng(1)
    kinds = ["regular"] * 20 + ["safety"] * 20
    by_kind = np.repeat(rng.normal(0, 1, (30, 2)), 20, axis=1)
    found = compare(by_kind + rng.normal(0, 0.3, (30, 40)), kinds)
    assert found.variance == pytest.approx(0.09, rel=0.15)
    apart = compare(np.array([[3.0, np.nan], [np.nan, 4.0]]), ["regular"] * 2)
    assert apart.values.size == 0


def test_sums_of_weights_have_the_posterior_of_the_closed_form() -> None:
    rng = np.random.default_rng(2)
    prior, noise = np.array([1.0, 0.5, 0.2]), rng.uniform(0.1, 0.5, 5)
    design, target = rng.normal(size=(5, 3)), rng.normal(size=5)
    model = LinearModel(design=design, target=target, noise=noise, prior=prior)
    covariance = np.linalg.inv(design.T @ np.diag(1 / noise) @ design + np.diag(1 / prior))
    rows = rng.normal(size=(2, 3))
    known = model.sums(rows)
    np.testing.assert_allclose(known.mean, rows @ covariance @ design.T @ (target / noise))
    np.testing.assert_allclose(known.covariance, rows @ covariance @ rows.T)
    np.testing.assert_allclose(known.influence @ target, known.mean)


@pytest.fixture(scope="module")
def worlds() -> list[MadeUp]:
    return [made_up(seed) for seed in range(4)]


def test_intervals_hold_the_true_effects_and_are_no_wider_than_they_need_be(worlds: list[MadeUp]) -> None:
    held, found, truth, width = [], [], [], []
    for world in worlds:
        assert np.isnan(world.scores).any(axis=1).mean() > 0.7
        true = world.rows @ world.weights
        effects = world.model.effects(world.rows)
        held += [each.low <= one <= each.high for each, one in zip(effects, true, strict=True)]
        main = [each.group in (Group.SYSTEM, Group.STYLE, Group.EXEMPLAR, Group.DECODING) for each in world.contrasts]
        found += [each.mean for each, there in zip(effects, main, strict=True) if there]
        width += [each.high - each.low for each, there in zip(effects, main, strict=True) if there]
        truth += true[main].tolist()
    assert len(held) > 250
    assert np.mean(held) >= 0.92
    assert np.mean(width) < 3 * np.std(truth)
    assert np.corrcoef(found, truth)[0, 1] > 0.7
    assert 0.8 < np.polyfit(found, truth, 1)[0] < 1.25  # effects are neither blown up nor shrunken to nothing


def test_exemplars_that_suit_some_queries_widen_the_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    def share() -> float:
        held = [
            effect.low <= one <= effect.high
            for world in habitual
            for each, effect, one in zip(
                world.contrasts, world.model.effects(world.rows), world.rows @ world.weights, strict=True
            )
            if each.group in (Group.STYLE, Group.EXEMPLAR)
        ]
        return float(np.mean(held))

    habitual = [made_up(seed, habits=1.0) for seed in range(10, 14)]
    widened = share()
    monkeypatch.setattr(Comparisons, "spread_over_queries", lambda self, influence: np.zeros(len(influence)))
    assert share() + 0.03 < widened
    assert widened >= 0.93


def test_pruned_trials_that_saw_the_hard_queries_alone_are_not_taken_for_worse() -> None:
    world = made_up(20, late=1.5, trials=80)
    pruned = np.isnan(world.scores).any(axis=1)
    worth = (world.design(world.design.tried) @ world.weights)[world.which]
    true = worth[~pruned].mean() - worth[pruned].mean()
    raw = np.nanmean(world.scores, axis=1)
    assert raw[~pruned].mean() - raw[pruned].mean() - true > 0.6
    rows = world.design(world.design.tried)[world.which]
    gap = rows[~pruned].mean(axis=0) - rows[pruned].mean(axis=0)
    assert world.model.effects(gap[None])[0].mean == pytest.approx(true, abs=0.1)
    assert world.model.explained is not None
    assert 0.2 < world.model.explained.variance < 0.95


def test_a_prompt_is_left_out_with_all_its_trials() -> None:
    world = made_up(3, trials=20)
    known = world.model._model
    own = known.design[:, -len(world.design.tried) :]
    errors = _left_out(known.target, known.covariance(), own)
    for prompt in (0, 7, 12):
        others = world.which != prompt
        alone = compare(world.scores[others], ["regular"] * QUERIES)
        # with the scales and the noise of all trials, the model of the others predicts its level to the same error
        rotated = (
            alone.directions @ np.hstack([world.design(world.design.tried), np.eye(len(own.T))])[world.which][others]
        )
        noise = alone.noise / alone.variance * compare(world.scores, ["regular"] * QUERIES).variance
        left = LinearModel(design=rotated, target=alone.values, noise=noise, prior=known.prior)
        every = np.hstack([world.design(world.design.tried), np.eye(len(own.T))])[world.which]
        worth = every @ left.mean()
        queries = ~np.isnan(world.scores[~others]) & ~np.isnan(world.scores[others]).all(axis=0)
        difficulty = np.nanmean(world.scores[others] - worth[others][:, None], axis=0)
        seen = (world.scores[~others] - worth[~others][:, None] - difficulty)[queries]
        assert errors[prompt] == pytest.approx(seen.mean(), abs=0.08)


def test_what_is_pure_noise_is_not_explained_and_not_clear(worlds: list[MadeUp]) -> None:
    explained, clear = [], []
    for seed, world in enumerate(worlds):
        noise = np.where(np.isnan(world.scores), np.nan, np.random.default_rng(seed).normal(3, 0.6, world.scores.shape))
        model = EffectModel(world.design, world.which, compare(noise, ["regular"] * QUERIES))
        assert model.explained is not None
        assert model.explained.noise > 0.7
        explained.append(model.explained.variance)
        clear += [each.low > 0 or each.high < 0 for each in model.effects(world.rows)]
        assert model.spread_of(Contrasts(world.design).orders(), PLACES).low < 0.01
    assert np.mean(explained) < 0.05
    assert np.mean(clear) < 0.05


def test_each_contrast_changes_one_part_alone(worlds: list[MadeUp]) -> None:
    world = worlds[0]
    features = world.design.features
    exemplar, system, k = (features.columns_of(group) for group in ("exemplar", "system", "k"))
    by_group = {group: [each for each in world.contrasts if each.group is group] for group in Group}
    assert all(by_group.values())
    for each in world.contrasts:
        assert each.having.any()
    for each in by_group[Group.POSITION]:
        assert each.row[[group not in PLACES for group in world.design.groups]] == pytest.approx(0)
    for group in (Group.SYSTEM, Group.CLAUSE, Group.DECODING):
        for each in by_group[group]:
            assert each.row[exemplar] == pytest.approx(0)
    for each in by_group[Group.K]:
        assert each.row[exemplar].sum() == pytest.approx(1)
        assert each.row[system] == pytest.approx(0)
        assert each.row[k].sum() == pytest.approx(1)
    for group in (Group.STYLE, Group.SAFETY, Group.EXEMPLAR, Group.PAIR):
        for each in by_group[group]:
            assert each.row[exemplar].sum() == pytest.approx(0)
            assert each.row[k] == pytest.approx(0)
    assert np.sum([each.row for each in by_group[Group.SYSTEM]], axis=0) == pytest.approx(0)
    for each in by_group[Group.PAIR]:
        assert each.row[exemplar] == pytest.approx(0)
        assert each.row[[group == "pair" for group in world.design.groups]].max() == pytest.approx(1, abs=0.2)


def test_the_spread_over_orders_is_that_of_the_world(worlds: list[MadeUp]) -> None:
    for world in worlds:
        orders = Contrasts(world.design).orders()
        assert not orders[:, world.design.features.columns_of("exemplar")].any()
        true = float(np.sqrt(((orders @ world.weights) ** 2).mean()))
        found = world.model.spread_of(orders, PLACES)
        assert found.low <= true <= found.high
        assert found.high < 4 * true


def test_more_exemplars_are_compared_with_some_of_the_same(worlds: list[MadeUp]) -> None:
    world = worlds[0]
    row = Contrasts(world.design).more_exemplars(3, 1)
    assert row[world.design.features.columns_of("exemplar")].sum() == pytest.approx(2)


def test_the_way_to_another_prompt_changes_part_by_part() -> None:
    features = Features(StandIn(seed=0, k_max=4))
    number = features.keys.index

    def row(system: str, *keys: str) -> IntArray:
        slots = {f"exemplar_{place}": key for place, key in enumerate(keys)}
        return features.row({"system": system, "k": len(keys), "repetition_penalty": 1.0, **slots})

    start = row("none", "q9/warm", "q10/warm", "q11/plain")
    end = row("system1", "q12/plain", "q9/warm", "q10/warm", "q13/warm")
    way = list(_way(features, start, end))
    assert [name for name, _ in way] == [
        "system prompt 'system1' in place of 'none'",
        "'q12/plain' as exemplar 1 in place of 'q11/plain' as 3",
        "'q13/warm' added as exemplar 4",
    ]
    assert (way[-1][1] == end).all()
    assert way[1][1][features.slots :].tolist() == [*map(number, ("q12/plain", "q9/warm", "q10/warm")), -1]
    back = list(_way(features, end, row("none", "q10/warm", "q9/warm")))
    assert [name for name, _ in back[1:]] == ["without 'q12/plain'", "without 'q13/warm'", "another order"]
    rng = np.random.default_rng(0)
    for _ in range(50):
        one, other = random_row(features, rng), random_row(features, rng)
        assert ([one, *(each for _, each in _way(features, one, other))][-1] == other).all()
