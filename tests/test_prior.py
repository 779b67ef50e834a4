"""The prior: another search tries the best prompts of a finished one early."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest

import urial_opt as uo
from experiments.tabular.replay import replay
from experiments.tabular.table import Table
from tests.command_line import Run
from tests.stand_in import StandIn
from tests.test_old_stores import SPACE, told
from urial_opt.prompt import Exemplar
from urial_opt.search.effects.earlier import learn_prior, prior_of
from urial_opt.search.local_search import random_row
from urial_opt.search.opening import Interrupted, SearchOptions
from urial_opt.search.prior import Prior
from urial_opt.search.prompt_features import Features
from urial_opt.search.run import search_space
from urial_opt.search.sampler import TOO_LONG, ExemplarSampler
from urial_opt.search.thompson import START, Thompson
from urial_opt.spending import Terms
from urial_opt.store import Store

STAND_IN = StandIn(seed=0)
FEATURES = Features(STAND_IN)


def taught() -> Prior:
    """Some prompts of the stand-in."""
    rng = np.random.default_rng(3)
    drawn = [FEATURES.params(random_row(FEATURES, rng)) for _ in range(12)]
    return Prior(search="earlier", best=[params for params in drawn if params["k"]])


def test_every_second_of_the_first_prompts_is_one_of_its_best() -> None:
    prior = taught()
    thompson, rng = Thompson(FEATURES, prior=prior), np.random.default_rng(0)
    tried: set[bytes] = set()
    first = []
    for number in range(1, START):
        first.append(thompson.first(number, tried=tried, rng=rng))
        tried.add(first[-1].tobytes())
    best = [row.tobytes() for row in prior.rows(FEATURES)]
    assert [row.tobytes() for row in first[::2]] == best[:4]
    assert not {row.tobytes() for row in first[1::2]} & {*best}


def test_searches_with_many_prompts_at_once_try_each_of_its_best_once() -> None:
    prior = taught()
    study = optuna.create_study(sampler=ExemplarSampler(STAND_IN, seed=0, prior=prior))
    best = [row.tobytes() for row in prior.rows(FEATURES)]
    asked = [FEATURES.row(STAND_IN.suggest(study.ask())).tobytes() for _ in range(2 * len(best) + 4)]
    assert asked[1 : 2 * len(best) : 2] == best
    assert len({*asked}) == len(asked)


def test_one_of_its_best_that_is_too_long_gives_its_place_to_the_next() -> None:
    prior = taught()
    study = optuna.create_study(sampler=ExemplarSampler(STAND_IN, seed=0, prior=prior))
    STAND_IN.suggest(study.ask())
    too_long = study.ask()
    asked = [STAND_IN.suggest(too_long)]
    too_long.set_user_attr(TOO_LONG, True)
    asked.append(STAND_IN.suggest(study.ask()))
    rows = [FEATURES.row(params).tobytes() for params in asked]
    assert rows == [row.tobytes() for row in prior.rows(FEATURES)[:2]]


def test_it_is_kept_as_json_and_lacks_what_another_space_lacks() -> None:
    prior = taught()
    read = Prior.read(json.loads(json.dumps(prior.as_json())))
    assert read == prior
    assert read.identity == prior.identity != replace(prior, best=prior.best[1:]).identity
    small = Features(StandIn(seed=1, exemplars={"other": Exemplar(query="Who?", answer="She.")}))
    assert not prior.rows(small)
    prior.check(FEATURES)
    with pytest.raises(uo.InputError, match="belongs to this space"):
        prior.check(small)


def test_prompts_with_parts_that_a_space_lacks_are_left_out() -> None:
    space = uo.load_space("nano")
    good = dict(space.hand_written_params)
    lacking = [{**good, "exemplar_0": "lithium/written"}, {**good, "system": "written"}]
    features = Features(space)
    assert len(Prior(search="earlier", best=[good]).rows(features)) == 1
    assert len(Prior(search="earlier", best=[*lacking, good]).rows(features)) == 1
    with pytest.raises(uo.InputError, match="belongs to this space"):
        Prior(search="earlier", best=lacking).check(features)


def test_a_replay_with_it_walks_the_path_of_the_search(tmp_path: Path) -> None:
    table = Table.synthetic(1, exemplars=8, systems=3, queries=96, longest=3)
    with Store.open(f"{tmp_path}/s.db") as store:
        limits = Terms(max_tokens=60_000)
        for name, seed, earlier in (("first", 5, ""), ("second", 2, "first")):
            world = table.world(seed)
            options = SearchOptions(budget=10**6, seed=seed, name=name, prior=earlier, terms=limits)
            with suppress(Interrupted):
                search_space(world.space, world.models, store, options=options)
            store.finish(name, {"found_trial": 0})
        trials, prior = store.trials("second"), learn_prior(store, "first")
        assert prior_of(store.search("second")) == prior
    records = [*replay(world, evaluations=15, prior=prior)[0].records.values()]
    assert len(trials) > 20
    assert [each.candidate for each in trials] == [each.candidate for each in records[: len(trials)]]
    alone = [*replay(world, evaluations=2)[0].records.values()]
    assert [each.candidate for each in trials[: len(alone)]] != [each.candidate for each in alone]


def test_a_search_keeps_its_prior(run: Run, tmp_path: Path) -> None:
    at = ("--store", tmp_path / "s.db")
    begin = ("search", *SPACE, "--aligned", "none", *at)
    run(*begin, "--name", "first", "--budget", 12)
    err = run(*begin, "--name", "second", "--prior", "first", "--budget", 4)[1]
    assert "best prompts of 'first'" in err
    with Store.open(str(tmp_path / "s.db")) as store:
        assert str(store.search("second").settings["prior"]).startswith("first ")
    assert "prior" in run(*begin, "--name", "second", "--budget", 4, code=2)[1]
    run("rm", "first", "--yes", *at)
    resumed = told(run, "resume", "second", "--budget", 9, *at)  # what was learnt is kept with the search
    assert resumed["trials"]["total"] == 9


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--prior", "firts"), "'first'"),
        (("--prior", "first", "--sampler", "tpe"), "takes no prior"),
        (("--prior", "begun"), "no result yet"),
    ],
)
def test_what_cannot_be_a_prior_is_told(run: Run, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    at = ("--store", tmp_path / "s.db")
    begin = ("search", *SPACE, "--aligned", "none", *at)
    run(*begin, "--name", "first", "--budget", 3)
    run(*begin, "--name", "begun", "--seed", 3, "--budget", 3, "--max-tokens", 1, code=3)
    assert says in run(*begin, *words, "--name", "other", code=2)[1]
    assert "other" not in run("list", *at)[0]
