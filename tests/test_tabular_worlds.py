"""Tabular worlds: a search on a table asks no model, sees what the table holds, and is measured by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.tabular.measure import Step, answers_needed, curve, over_seeds, regrets
from experiments.tabular.noise import Noise
from experiments.tabular.ours import path_of, searched
from experiments.tabular.recipes import all_prompts, bounded_nano
from experiments.tabular.table import PromptKey, Table, noisy
from urial_opt.aspects import Aspect
from urial_opt.errors import AdapterError, InputError, UnknownNameError
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.evaluation.scorecard import query_scores, strata_of
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Judgment
from urial_opt.statistics.strata import stratified_mean
from urial_opt.store import Store


@pytest.fixture(scope="module")
def table() -> Table:
    return Table.synthetic(1)


def test_a_saved_table_is_loaded_as_it_was(table: Table, tmp_path: Path) -> None:
    table.save(tmp_path / "some.npz")
    loaded = Table.load(tmp_path / "some.npz")
    assert (loaded.name, loaded.space, loaded.prompts) == (table.name, table.space, table.prompts)
    for one, other in ((loaded.verdicts, table.verdicts), (loaded.answer_tokens, table.answer_tokens)):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert np.array_equal(loaded.truth, table.truth)


def test_a_table_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownNameError, match="nowhere"):
        Table.load("nowhere")


def test_a_table_holds_every_prompt_once(table: Table) -> None:
    assert len(table.prompts) == len(set(table.prompts)) == 2 * (1 + 5 + 5 * 4)
    assert all(table.index_of(table.params_of(number)) == number for number in range(len(table.prompts)))


def test_the_bounded_part_of_nano_has_5860_prompts_and_its_hand_written_one() -> None:
    space = bounded_nano()
    prompts = list(all_prompts(space))
    assert len(prompts) == 5860
    hand = space.hand_written_params
    assert PromptKey(str(hand["system"]), space.exemplar_keys(hand)) in prompts
    assert len(space.queries.queries) == 96


def test_scores_are_those_of_the_objective_and_the_truth_that_of_the_strata(table: Table) -> None:
    strata = strata_of(table.queries, table.space.objective)
    for number in (0, 7, 40):
        scores = {}
        for query, row in zip(table.queries, table.scores[number].tolist(), strict=True):
            read = {aspect: score for aspect, score in zip(Aspect, row, strict=True) if score == score}
            judgment = Judgment(query_id=query.id, judge="?", scores=read)
            scores[query.id] = table.space.objective.query_score(judgment, query.kind)
        assert table.averages[number] == pytest.approx([*scores.values()])
        assert table.truth[number] == pytest.approx(stratified_mean(scores, strata).mean)


def test_each_seed_splits_the_queries_anew_with_the_same_share_of_each_kind(table: Table) -> None:
    one, other = table.world(0), table.world(1)
    assert {*one.dev} != {*other.dev}
    for world in (one, other):
        assert sorted([*world.dev, *world.validation]) == list(range(16))
        assert [query.kind for query in world.space.queries.split("dev")].count("safety") == 2


def test_a_world_answers_a_real_evaluator_and_a_replay_alike(table: Table, tmp_path: Path) -> None:
    for each in (table, noisy(table, 5)):
        world = each.world(3)
        with Store.open(str(tmp_path / f"{each.name}.db")) as store:
            store.open_search("x", {})
            account = store.account("x")
            evaluator = Evaluator(generator=world.generator, judge=world.judge(), memory=account)
            asked = evaluator.evaluate(each.candidate(9), world.space.queries.split("dev"))
        seen = [np.nan if score is None else score for score in query_scores(asked, world.space.objective).values()]
        assert world.scores_of(9) == pytest.approx(seen, nan_ok=True)
        assert world.scores_of(each.params_of(9)) == pytest.approx(seen, nan_ok=True)
        assert world.scores_of_all()[9] == pytest.approx(seen, nan_ok=True)
        tokens = sum(completion.usage.completion_tokens for completion in asked.completions)
        assert tokens == each.answer_tokens[9, world.dev].sum()
        assert world.generator.answered == 8


def test_what_a_table_lacks_is_an_error(table: Table) -> None:
    world = table.world(0)
    sampling = table.candidate(0).sampling
    with pytest.raises(AdapterError, match="no prompt"):
        world.generator.generate("another", [], sampling)
    with pytest.raises(AdapterError, match="no query"):
        world.generator.generate("", [UrialPrompt().suffix("Who?")], sampling)
    with pytest.raises(InputError, match="no prompt"):
        replace(table, prompts=table.prompts[:3]).index_of(table.params_of(20))


def test_noise_is_repeatable_differs_between_repeats_and_has_the_expected_mean(table: Table) -> None:
    loud = noisy(table, 2)
    world = loud.world(4)
    assert np.array_equal(world.scores_of(5), world.scores_of(5), equal_nan=True)
    assert not np.array_equal(world.scores_of(5), world.scores_of(5, repeat=1), equal_nan=True)
    assert not np.array_equal(loud.said(slice(None), world=4), loud.said(slice(None), world=5), equal_nan=True)
    draws = np.array([world.scores_of_all(repeat=repeat) for repeat in range(200)])
    assert 0.015 < np.isnan(draws).mean() < 0.025
    error = np.nanmean(draws, axis=0) - loud.averages[:, world.dev]
    assert abs(error.mean()) < 0.002
    assert abs(error).max() < 0.2
    assert np.array_equal(loud.quiet_truth, table.truth)
    assert set(np.unique(loud.said(slice(None))[~np.isnan(loud.said(slice(None)))])) <= {1.0, 2.0, 3.0, 4.0, 5.0}


def test_noise_is_the_same_on_every_machine() -> None:
    noise, fours = Noise(seed=2), np.full((1, 3, 6), 4.0)
    said = noise.verdicts(fours, np.zeros((1, 3)), np.arange(3)[None], world=4, repeat=1)
    assert said[0].tolist() == [[4, 3, 4, 4, 4, 4], [4, 4, 4, 4, 3, 4], [5, 4, 4, 4, 4, 4]]


def test_a_search_on_a_world_is_measured_by_its_truth(table: Table) -> None:
    world = table.world(2)
    trials = searched(world, evaluations=20)
    path = path_of(world, trials)
    assert path[-1].answers >= 20 * world.full
    at = regrets(world, path, evaluations=(1, 20, 1000))
    assert at[0] == 1.0  # the hand-written prompt comes first
    assert 0.0 <= at[1] < 1.0
    assert np.isnan(at[2])


def test_a_search_under_noise_goes_on_where_verdicts_are_missing(table: Table) -> None:
    loud = noisy(table, 1, missing=0.2)
    world = loud.world(2)
    trials = searched(world, evaluations=6)
    scores = [score for trial in trials for score in trial.query_scores.values()]
    assert 0.05 < scores.count(None) / len(scores) < 0.4
    for trial in trials:
        seen = dict(zip(world.strata.kinds, world.scores_of(trial.candidate.params).tolist(), strict=True))
        read = [np.nan if score is None else score for score in trial.query_scores.values()]
        assert read == pytest.approx([seen[query] for query in trial.query_scores], nan_ok=True)


def test_measures_follow_their_definitions(table: Table) -> None:
    world = table.world(0)
    path = [Step(answers=8, recommended=None), Step(answers=12, recommended=table.best)]
    assert regrets(world, path, evaluations=(0.5, 1, 1.5)).tolist() == [1.0, 1.0, 0.0]
    curves = np.array([curve(world, path, upto=1), np.zeros(9)])
    assert answers_needed(curves, 0.5, full=8) == 0
    assert answers_needed(curves, 0.4, full=8) == np.inf
    assert over_seeds(np.array([[1.0], [3.0]])) == [(2.0, 1.0)]
