"""The search on the embedded world, end to end with its real models."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import optuna
import pytest

from urial_opt import plugins
from urial_opt.errors import InputError, StoreError, UnknownNameError
from urial_opt.records import TrialState
from urial_opt.report.inspection import inspect_search
from urial_opt.roles import Models
from urial_opt.search.opening import Interrupted, SearchOptions
from urial_opt.search.progress import Progress
from urial_opt.search.result import SearchResult
from urial_opt.search.run import search_space
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space
from urial_opt.store import SearchStatus, Store

BUDGET = 6


@pytest.fixture(scope="session")
def space(small_space: Path) -> SearchSpace:
    return load_space(str(small_space))


def models(*, aligned: bool = False) -> Models:
    twin = plugins.open_chat_generator("nano-aligned") if aligned else None
    return Models(base=plugins.open_generator("nano"), judge=plugins.open_judge("nano"), aligned=twin)


def run(space: SearchSpace, store: Store, **options: object) -> SearchResult:
    return search_space(space, models(), store, options=SearchOptions(**{"budget": BUDGET, **options}))  # type: ignore[arg-type]


def told(result: SearchResult) -> dict[str, object]:
    """The part of a result that must be equal in two runs of the same search."""
    differ = ("seconds", "tokens", "spending", "cost", "database")
    return {key: value for key, value in result.as_json().items() if key not in differ}


def test_a_search_ends_with_what_was_promised(space: SearchSpace, store: Store) -> None:
    seen: list[Progress] = []
    options = SearchOptions(budget=BUDGET)
    result = search_space(space, models(aligned=True), store, options=options, watch=seen.append)
    summary: dict[str, Any] = result.as_json()
    for role in ("zero_shot", "plain_icl", "hand_written", "found", "aligned"):
        assert {"average", "interval", "aspects", "prompt_tokens"} <= set(summary[role])
        assert len(summary[role]["aspects"]) == 6
    assert summary["trials"]["total"] == BUDGET
    assert summary["tokens"]["spent"] > 0
    assert result.gain.low <= result.gain.mean <= result.gain.high
    assert result.contexts["zero_shot"].card.average.mean < result.hand_written.card.average.mean
    record = store.search(result.name)
    assert record.status is SearchStatus.FINISHED
    assert record.summary == summary
    assert seen[-1].done == seen[-1].total == 5
    assert [progress.done for progress in seen if progress.phase == "search"][-1] == BUDGET
    # the store and Optuna's study agree with the result
    trials = store.trials(result.name)
    assert [trial.number for trial in trials] == list(range(BUDGET))
    assert trials[0].candidate.prompt == space.hand_written.prompt
    roles = {each.role for each in store.results(result.name)}
    assert roles == {"finalist", "zero_shot", "plain_icl", "hand_written", "found", "aligned"}
    study = optuna.load_study(study_name=result.name, storage=store.url)
    states = {TrialState.COMPLETE: "COMPLETE", TrialState.PRUNED: "PRUNED", TrialState.FAILED: "FAIL"}
    assert [trial.state.name for trial in study.trials] == [states[trial.state] for trial in trials]
    estimates = {ranked.trial.number: ranked.estimate.mean for ranked in store.best(result.name, BUDGET)}
    assert study.trials[-1].value == pytest.approx(estimates[BUDGET - 1])  # reported last, with the final estimates
    assert all("standard_error" in trial.user_attrs for trial in study.trials)
    best = inspect_search(store, record, top=2)
    assert [each.found for each in best] == [True, False]
    assert best[0].record.number == result.found_trial
    assert best[0].best[0].score >= best[0].worst[0].score


def test_the_same_seed_gives_the_same_trials_and_scores(space: SearchSpace, tmp_path: Path) -> None:
    results, trials = [], []
    for number in range(2):
        with Store.open(str(tmp_path / f"{number}.db")) as store:
            results.append(run(space, store, seed=3))
            trials.append([(t.candidate, t.query_scores, t.state) for t in store.trials(results[-1].name)])
    assert told(results[0]) == told(results[1])
    assert trials[0] == trials[1]
    assert results[0].name == results[1].name


def test_an_interrupted_search_goes_on_as_if_it_had_not_been(space: SearchSpace, store: Store, tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "undisturbed.db")) as other:
        undisturbed = told(run(space, other))
    for patience in (1, 4, 7):
        looks = iter(range(1000))
        with pytest.raises(Interrupted):
            search_space(
                space,
                models(),
                store,
                options=SearchOptions(budget=BUDGET),
                stop=partial(_impatient, looks, patience),
            )
    assert told(run(space, store)) == undisturbed


def test_asking_again_changes_nothing_and_a_larger_budget_goes_on(space: SearchSpace, store: Store) -> None:
    first = run(space, store, budget=3)
    assert told(run(space, store, budget=3)) == told(first)
    more = run(space, store, budget=5)
    assert more.name == first.name
    assert sum(more.states.values()) == 5


def test_options_that_cannot_be_are_refused(space: SearchSpace, store: Store) -> None:
    with pytest.raises(InputError, match="`budget=200`"):
        run(space, store, budget=0)
    with pytest.raises(UnknownNameError, match="thompson"):
        run(space, store, sampler="thomson")
    run(space, store, budget=1, name="mine")
    with pytest.raises(StoreError, match="seed"):
        run(space, store, budget=1, name="mine", seed=1)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_stock_samplers_work_on_the_same_space(sampler: str, space: SearchSpace, store: Store) -> None:
    assert sum(run(space, store, budget=4, sampler=sampler).states.values()) == 4


def test_kill_and_resume_equals_the_undisturbed_run(small_space: Path, space: SearchSpace, tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "undisturbed.db")) as store:
        undisturbed = told(run(space, store))
    database = tmp_path / "killed.db"
    command = [sys.executable, "-m", "urial_opt", "search", "--space", str(small_space), "--store", str(database)]
    command += ["--budget", str(BUDGET), "--aligned", "none", "--proposer", "none", "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for recorded in (1, 3):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        deadline = time.monotonic() + 120
        while process.poll() is None and _trials(database) < recorded and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    with Store.open(str(database)) as store:
        assert told(run(space, store)) == undisturbed
        (search_made,) = store.searches()
        assert [trial.number for trial in store.trials(search_made.name)] == list(range(BUDGET))


def _impatient(looks: Iterator[int], patience: int) -> bool:
    return next(looks) >= patience


def _trials(database: Path) -> int:
    """How many trials the database contains, read through a connection of its own."""
    import sqlite3

    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            return int(connection.execute("select count(*) from urial_trials").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
