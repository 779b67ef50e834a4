"""The sampler: an exact posterior, valid proposals, resuming, a growing pool, and a comparison with random search."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from tests.stand_in import StandIn, Truth, synthetic
from urial_opt.errors import UnknownNameError
from urial_opt.prompt import Exemplar
from urial_opt.search.linear_model import LinearModel, fit_scales
from urial_opt.search.local_search import maximise, random_row
from urial_opt.search.prompt_features import Features
from urial_opt.search.sampler import ExemplarSampler
from urial_opt.search.samplers import SAMPLERS, make_sampler
from urial_opt.search.thompson import START

SPACE = StandIn(seed=0)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def study_of(sampler: BaseSampler, storage: str | BaseStorage | None = None) -> optuna.Study:
    return optuna.create_study(
        direction="maximize", sampler=sampler, storage=storage, study_name="s", load_if_exists=True
    )


def told(study: optuna.Study, space: Any, number: int, *, state: TrialState = TrialState.COMPLETE) -> dict[str, Any]:
    """Ask for one trial and report its synthetic score, whose noise depends only on `number`."""
    trial = study.ask()
    params: dict[str, Any] = space.suggest(trial)
    score = Truth(space).score(params) + np.random.default_rng([9, number]).normal(0, 0.1)
    trial.set_user_attr("standard_error", 0.1)
    if state == TrialState.FAIL:
        trial.set_user_attr("queries", 64)
    study.tell(trial, score if state == TrialState.COMPLETE else None, state=state)
    return params


def test_the_posterior_is_the_closed_form_in_either_dimension() -> None:
    rng = np.random.default_rng(0)
    prior = np.array([1.0, 0.5, 0.2])
    for trials in (2, 7):
        design = rng.normal(size=(trials, 3))
        noise = rng.uniform(0.1, 0.5, trials)
        target = rng.normal(size=trials)
        model = LinearModel(design=design, target=target, noise=noise, prior=prior)
        covariance = np.linalg.inv(design.T @ np.diag(1 / noise) @ design + np.diag(1 / prior))
        np.testing.assert_allclose(model.mean(), covariance @ design.T @ (target / noise))
        np.testing.assert_allclose(model.deviation(), np.sqrt(np.diag(covariance)))
        draws = np.array([model.draw(rng) for _ in range(4000)])
        np.testing.assert_allclose(draws.mean(axis=0), model.mean(), atol=0.06)
        np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.06)
        tempered = np.array([model.draw(rng, temper=0.5) for _ in range(4000)])
        np.testing.assert_allclose(tempered.mean(axis=0), model.mean(), atol=0.06)
        np.testing.assert_allclose(np.cov(tempered.T), covariance / 4, atol=0.03)


def test_scales_of_groups_follow_the_evidence() -> None:
    rng = np.random.default_rng(1)
    design = np.hstack([np.ones((300, 1)), rng.normal(size=(300, 20))])
    groups = ["intercept", *["k"] * 10, *["style"] * 10]
    weights = np.concatenate([[0.0], rng.normal(0, 0.3, 10), np.zeros(10)])
    scales = fit_scales(design, groups, design @ weights + rng.normal(0, 0.1, 300), np.full(300, 0.01))
    assert scales["k"] > 0.15
    assert scales["style"] < 0.06
    assert scales["misfit"] < 0.06


def test_what_no_column_explains_is_a_surprise() -> None:
    rng = np.random.default_rng(2)
    design, noise, prior = rng.normal(size=(400, 5)), np.full(400, 0.01), np.ones(5)
    explained = design @ rng.normal(size=5) + rng.normal(0, 0.1, 400)
    target = explained + rng.normal(0, 0.3, 400)
    right, wrong, aware = (
        LinearModel(design=design, target=each, noise=variance, prior=prior)
        for each, variance in ((explained, noise), (target, noise), (target, noise + 0.09))
    )
    assert right.surprise() == pytest.approx(1, abs=0.15)
    assert wrong.surprise() == pytest.approx(10**0.5, abs=0.4)
    assert aware.surprise() == pytest.approx(1, abs=0.15)
    assert aware.surprise(unexplained=0.09) == pytest.approx(wrong.surprise())
    fewest = LinearModel(design=design[:3], target=target[:3], noise=noise[:3] + 0.09, prior=prior)
    inverse = np.linalg.inv(fewest.covariance() - 0.09 * np.eye(3))
    pressed = np.sqrt(np.mean((inverse @ fewest.target) ** 2 / np.diag(inverse)))
    assert fewest.surprise(unexplained=0.09) == pytest.approx(pressed)  # more columns than trials
    few = LinearModel(design=design[:12], target=explained[:12], noise=noise[:12], prior=prior)
    without = [np.delete(each, 3, axis=0) for each in (few.design, few.target, few.noise)]
    others = LinearModel(design=without[0], target=without[1], noise=without[2], prior=prior)
    predicted = design[3] @ others.mean()
    spread = (design[3] @ others.sums(np.eye(5)).covariance @ design[3] + 0.01) ** 0.5
    inverse = np.linalg.inv(few.covariance())
    pressed = np.sqrt(np.mean((inverse @ few.target) ** 2 / np.diag(inverse)))
    assert few.surprise() == pytest.approx(pressed)  # more trials than columns
    assert (explained[3] - predicted) / spread == pytest.approx((inverse @ few.target)[3] / inverse[3, 3] ** 0.5)


def test_the_local_search_finds_the_best_prompt_of_a_small_space_and_skips_the_tried() -> None:
    space = StandIn(seed=0, exemplars=synthetic._pool(3, 1), systems=("none", "a"), clauses={}, k_max=2)
    features = Features(space)
    keys = list(range(len(features.keys)))
    sets = [(), *((i,) for i in keys), *((i, j) for i in keys for j in keys if features.query[i] != features.query[j])]
    rows = np.array(
        [[s, c, *chosen, *[-1] * (2 - len(chosen))] for s in range(2) for c in range(3) for chosen in sets],
        dtype=np.intp,
    )
    exact = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        weights = np.append(rng.normal(size=len(features.names)), 0.0)
        values = weights[features.columns(rows)].sum(axis=1)
        order = np.argsort(-values)
        for skipped in (0, 1):
            tried = {row.tobytes() for row in rows[order[:skipped]]}
            starts = [rows[0], random_row(features, rng), random_row(features, rng)]
            found = maximise(features, weights, starts, tried=tried)
            assert found is not None
            assert found.tobytes() not in tried
            gap = values[order[skipped]] - weights[features.columns(found[None])].sum()
            exact.append(gap < 1e-9)
            assert gap < 1.0
    assert np.mean(exact) > 0.8  # a local search may end in a local optimum


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_resumed_search_proposes_what_the_undisturbed_one_does(name: str, tmp_path: Path) -> None:
    space = StandIn(seed=0, clauses={}, systems=("none", "a"), k_max=2)
    one = study_of(make_sampler(name, space, seed=4))
    undisturbed = [told(one, space, i) for i in range(START + 4)]
    storage: str | BaseStorage = optuna.storages.InMemoryStorage()
    if name == "thompson":
        storage = f"sqlite:///{tmp_path}/s.db"
    resumed = []
    for start, stop in ((0, 3), (3, START + 2), (START + 2, START + 4)):
        study = study_of(make_sampler(name, space, seed=4), storage)
        resumed += [told(study, space, i) for i in range(start, stop)]
        interrupted = study.ask()  # killed here; the next start reports it as FAIL
        space.suggest(interrupted)
        study.tell(interrupted, state=TrialState.FAIL)
    assert resumed == undisturbed
    other = study_of(make_sampler(name, space, seed=5))
    assert [told(other, space, i) for i in range(3)] != undisturbed[:3]


def test_pruned_failed_and_running_trials_are_taken_for_what_they_are() -> None:
    sampler = ExemplarSampler(SPACE, seed=1)
    study = study_of(sampler)
    proposed = [told(study, SPACE, i) for i in range(START)]
    proposed += [told(study, SPACE, START + i, state=TrialState.PRUNED) for i in range(20)]
    proposed += [told(study, SPACE, START + i, state=TrialState.FAIL) for i in range(3)]  # unreadable, but recorded
    running = [SPACE.suggest(study.ask()) for _ in range(3)]  # on other machines
    texts = [str(sorted(params.items())) for params in [*proposed, *running]]
    assert len(set(texts)) == len(texts)
    assert max(effect.trials for effect in sampler.explain(study)) <= START + 20


def test_many_at_once_are_all_different_from_the_start() -> None:
    sampler = ExemplarSampler(SPACE, seed=1)
    study = study_of(sampler)
    asked = [study.ask() for _ in range(3 * START)]
    proposed = [SPACE.suggest(trial) for trial in asked]
    for trial in asked[START:]:
        trial.set_user_attr("standard_error", 0.1)
        study.tell(trial, 4.0)
    proposed += [SPACE.suggest(study.ask()) for _ in range(3)]  # by the model
    assert len({str(sorted(params.items())) for params in proposed}) == len(proposed)


def test_a_running_trial_that_was_written_in_part_is_passed_over() -> None:
    study = study_of(ExemplarSampler(SPACE, seed=1))
    for i in range(START):
        told(study, SPACE, i)
    cut = study.ask()  # on another machine, which is killed before it has written more
    cut.suggest_categorical("system", SPACE.systems)
    cut.suggest_int("k", 1, SPACE.k_max)
    assert "k" in told(study, SPACE, START)


def test_pruned_trials_teach() -> None:
    space = StandIn(seed=0, systems=("none", "good", "bad"), clauses={})
    sampler = ExemplarSampler(space, seed=0)
    study = study_of(sampler)
    for _ in range(40):
        trial = study.ask()
        params = space.suggest(trial)
        trial.report(2.0 + 2 * (params["system"] == "good"), step=16)
        trial.set_user_attr("standard_error", 0.1)
        study.tell(trial, state=TrialState.PRUNED)
    effects = {effect.feature: effect for effect in sampler.explain(study)}
    good, bad = effects["system good"], effects["system bad"]
    assert good.mean - bad.mean > 1
    assert good.mean - bad.mean > 2 * (good.standard_deviation**2 + bad.standard_deviation**2) ** 0.5
    assert [t.params["system"] for t in study.trials[-15:]].count("good") > 12


def test_a_pool_that_has_grown_is_proposed_from() -> None:
    space = replace(SPACE, k_min=2)
    sampler = ExemplarSampler(space, seed=2)
    study = study_of(sampler)
    for i in range(START + 5):
        told(study, space, i)
    new = {f"new{i}/warm": Exemplar(query=f"New {i}?", answer="!", style="warm", tags=("regular",)) for i in range(4)}
    grown = replace(space, exemplars={**space.exemplars, **new}, generation=1)
    sampler.space = grown
    proposed = [told(study, grown, i) for i in range(40)]
    assert all(f"exemplar_{slot}@1" in params for params in proposed for slot in range(params["k"]))
    assert {value for params in proposed for value in params.values()} & set(new)


def test_every_proposal_keeps_the_bounds_and_no_query_comes_twice() -> None:
    # a difficult space: hardly more queries than slots
    space = StandIn(seed=0, exemplars=synthetic._pool(4, 1), k_min=1, k_max=4)
    study = study_of(make_sampler("thompson", space, seed=0))
    for i in range(40):
        params = told(study, space, i)
        assert 1 <= params["k"] <= 4
        assert len(space.exemplar_keys(params)) == params["k"]


@pytest.mark.parametrize("k_max", [0, 5])
def test_k_is_cut_to_what_the_pool_holds(k_max: int) -> None:
    space = StandIn(seed=0, exemplars=synthetic._pool(2, 0), k_max=k_max)
    study = study_of(make_sampler("thompson", space, seed=0))
    sizes = [len(space.exemplar_keys(told(study, space, i))) for i in range(START + 5)]
    assert max(sizes) == min(2, k_max)


def test_first_proposals_mix_sizes_systems_and_styles() -> None:
    rows = [random_row(Features(SPACE), np.random.default_rng([0, i])) for i in range(START)]
    params = [Features(SPACE).params(row) for row in rows]
    assert len({p["k"] for p in params}) >= 4
    assert len({p["system"] for p in params}) >= 4


def test_it_beats_chance_on_the_stand_in() -> None:
    ours, chance = (
        [synthetic.run(name, StandIn(seed=seed), trials=40)[0][-1] for seed in range(8)]
        for name in ("thompson", "random")
    )
    gains = np.array(ours) - chance
    assert gains.mean() - 2.36 * gains.std(ddof=1) / 8**0.5 > 0  # 95 % interval, t with 7 degrees of freedom


def test_an_unknown_sampler_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"'thomson'.*'thompson'"):
        make_sampler("thomson", SPACE, seed=0)
    assert isinstance(make_sampler("thompson", SPACE, seed=0), ExemplarSampler)
