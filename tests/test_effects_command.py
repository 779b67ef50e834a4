"""`inspect --effects`: what a stored search has learnt, and what it would try next, from the store alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest

import urial_opt as uo
from experiments.tabular.table import Table
from tests import tiny_space
from tests.agent_search import Scripted, tiny_models
from tests.command_line import Run
from tests.made_up_results import Printed
from urial_opt.aspects import Aspect
from urial_opt.cli.effect_tables import show_learnt
from urial_opt.search.effects.contrasts import Contrasts, Group
from urial_opt.search.effects.learnt import Learnt
from urial_opt.search.effects.prompt_design import PromptDesign
from urial_opt.search.effects.stored_trials import read_trials
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.statistics.strata import FloatArray, IntArray
from urial_opt.store import Store

STORES = Path(__file__).parent / "stores"
SPACE_OF_STORES = ("--space", STORES / "tiny.yaml")
BUDGET = 26
WORLD = Table.synthetic(1, exemplars=6, systems=3, queries=16, longest=3).world(0)
SPACE = replace(WORLD.space, block=4)
AVERAGE_AND_ASPECTS = {"average", *(aspect.value for aspect in Aspect)}


def search(store: Store, *, budget: int = BUDGET, sampler: str = "thompson") -> None:
    options = SearchOptions(budget=budget, sampler=sampler, name="mine")
    search_space(SPACE, WORLD.models, store, options=options)


@pytest.fixture(scope="module")
def searched_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("effects") / "s.db"
    with Store.open(str(path)) as store:
        search(store)
    return path


@pytest.fixture(scope="module")
def learnt(searched_path: Path) -> Learnt:
    return uo.load_effects("mine", store=searched_path)


def optuna_trials(path: Path) -> int:
    return len(optuna.load_study(study_name="mine", storage=f"sqlite:///{path}").get_trials())


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    before = optuna_trials(path)
    yield
    assert optuna_trials(path) == before


def test_json_has_every_part_on_each_aspect(run: Run, searched_path: Path) -> None:
    with unchanged(searched_path):
        found = json.loads(run("inspect", "mine", "--effects", "--store", searched_path, "--json")[0])
    with Store.open(str(searched_path)) as store:
        records = store.trials("mine")
    assert found["name"] == "mine"
    assert found["trials"] == BUDGET
    assert found["answers"] == sum(len(record.query_scores) for record in records)
    groups = {each["group"]: each["parts"] for each in found["groups"]}
    assert {"system prompts", "number of exemplars", "styles", "safety exemplars", "exemplars"} <= groups.keys()
    assert all(each["effects"].keys() == AVERAGE_AND_ASPECTS for parts in groups.values() for each in parts)
    by_name = {part["name"]: part for part in groups["exemplars"]}
    for key, part in by_name.items():
        using = [record for record in records if key in SPACE.exemplar_keys(record.candidate.params)]
        assert part["trials"] == len(using) > 0
        assert part["answers"] == sum(len(record.query_scores) for record in using)
        low, high = part["effects"]["average"]["interval"]
        assert low < part["effects"]["average"]["mean"] < high
    assert found["explained"].keys() == found["order"]["deviations"].keys() == AVERAGE_AND_ASPECTS
    assert found["more_exemplars"]["many"] > found["more_exemplars"]["few"] > 0


class Truth(PromptDesign):
    """In place of the columns of the model, what the table says that each prompt is worth on the dev queries."""

    def __call__(self, rows: IntArray) -> FloatArray:
        table = WORLD.table
        worth = table.means(table.averages, WORLD.dev)
        return np.array([[worth[table.index_of(self.features.params(row))]] for row in rows]).reshape(len(rows), 1)


def test_intervals_hold_what_the_table_says_of_the_same_prompts(learnt: Learnt, searched_path: Path) -> None:
    """The table is no world of the model: it has pairs, places that weigh more and rounded verdicts."""
    with Store.open(str(searched_path)) as store:
        trials = read_trials(store, store.search("mine"))
    assert trials is not None
    true = [float(each.row[0]) for each in Contrasts(Truth(trials.features, trials.tried)).all()]
    effects = [part.effects["average"] for part in learnt.parts]
    held = [each.low <= one <= each.high for each, one in zip(effects, true, strict=True)]
    assert len(held) > 40
    assert np.mean(held) > 0.85
    assert np.corrcoef([each.mean for each in effects], true)[0, 1] > 0.5


@pytest.mark.parametrize(("sampler", "budget"), [("thompson", 22), ("tpe", 12)])
def test_what_it_would_try_next_is_what_it_tries_next(sampler: str, budget: int, store: Store, path: Path) -> None:
    search(store, budget=budget, sampler=sampler)
    with unchanged(path):
        following = uo.load_effects("mine", store=store).next
    assert following is not None
    search(store, budget=budget + 1, sampler=sampler)
    record = store.trials("mine")[budget]
    assert record.candidate == following.candidate
    assert following.score.low < following.score.mean < following.score.high
    total = sum(reason.effect.mean for reason in following.reasons)
    assert total == pytest.approx(following.differences["average"].mean)
    assert 0 <= following.chance <= 1


def test_people_read_it_at_any_width(printed: Printed, learnt: Learnt) -> None:
    for target in ("average", "safety"):
        text = " ".join(printed(show_learnt, learnt, target, top=2).split())
        assert "of the variance of " in text
        assert "More exemplars: K = 3 against K = " in text
        assert "Order: the same exemplars in another order differ by " in text
        assert "Next the sampler 'thompson' would try: system=" in text
        assert "against trial" in text
        assert "urial-opt inspect mine --effects --json" in text
        assert "2 between the 2 best and the 2 worst are left out" in text
        assert ("most on" in text) == (target == "average")


def test_an_aspect_is_chosen_and_views_are_not_mixed(run: Run, searched_path: Path) -> None:
    words = ("inspect", "mine", "--store", searched_path)
    out, _ = run(*words, "--effects", "--aspect", "SAFETY")
    assert "of the variance of safety between" in out
    assert "add --effects" in run.refused(*words, "--aspect", "safety")
    assert "leave out" in run.refused(*words, "--effects", "--trial", 2)
    assert "leave out" in run.refused(*words, "--effects", "--rounds")
    assert "leave out" in run.refused(*words, "--effects", "--lineage")
    assert "'wit' is not one of" in run(*words, "--effects", "--aspect", "wit", code=2)[1]


def test_too_few_prompts_say_nothing_of_their_parts(run: Run, store: Store, path: Path) -> None:
    search(store, budget=2)
    said = run.refused("inspect", "mine", "--effects", "--store", path)
    assert "has 2 prompts with a score, and effects need at least 3" in said
    assert "--budget 20" in said
    search(store, budget=3)
    assert run("inspect", "mine", "--effects", "--store", path)[0]


def test_a_search_of_an_earlier_version_has_effects_once_its_space_is_stored(run: Run, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((STORES / "m002.sql").read_text(encoding="utf-8"))
    said = run.refused("inspect", "finished", "--effects", "--store", path)
    assert "did not store its space" in said
    words = ("--store", path, "--seed", 2, "--name", "finished", "--budget", 10, "--continue-anyway")
    run("search", *SPACE_OF_STORES, *words)
    out, _ = run("inspect", "finished", "--effects", "--store", path)
    assert "say of the parts of a prompt" in out


def test_parts_that_a_proposer_wrote_have_effects_and_their_first_looks_come_next(tmp_path: Path, store: Store) -> None:
    space = tiny_space.write(tmp_path, tiny_space.FILES)
    with tiny_models(Scripted()):

        def searched(stop: Callable[[], bool]) -> None:
            uo.run_search(
                space,
                base="nano",
                judge="nano",
                proposer="clauses",
                rounds=2,
                budget=12,
                name="a",
                store=store,
                stop=stop,
            )

        with pytest.raises(uo.Interrupted):
            searched(lambda: any(each.closed for each in store.rounds("a")))
        following = uo.load_effects("a", store=store).next
        assert following is not None
        assert following.shows
        number = store.count_trials("a")
        searched(lambda: False)
        assert store.trials("a")[number].candidate == following.candidate
    shown = uo.load_effects("a", store=store)
    assert {part.name for part in shown.of_group(Group.EXEMPLAR)} >= {"tea/lively 1", "tea/warm"}


def test_effects_without_a_study_lack_only_what_comes_next(run: Run, store: Store, path: Path) -> None:
    search(store, budget=12)
    optuna.delete_study(study_name="mine", storage=f"sqlite:///{path}")
    out, _ = run("inspect", "mine", "--effects", "--store", path)
    assert "With so few prompts" in out
    assert "Exemplars, against" in out
    assert "would try" not in out
    assert json.loads(run("inspect", "mine", "--effects", "--store", path, "--json")[0])["next"] is None
