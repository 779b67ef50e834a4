"""Trials side by side over real HTTP: what comes of a search does not hang on which replies come first."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import urial_opt as uo
from tests.delayed_server import DelayedModels, delayed_models, racing_space
from tests.searched_side_by_side import Ended, search
from urial_opt import plugins
from urial_opt.errors import InputError
from urial_opt.roles import Models
from urial_opt.search.agent import rounds
from urial_opt.search.progress import Phase, Progress
from urial_opt.store import Store

DELAY = 0.01
IN_ORDER: dict[str, Any] = {"parallel": 4, "deterministic": True}
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, DelayedModels]:
    """A search whose decisions have a fixed order."""
    with delayed_models(seed=1, most=5 * DELAY) as server:
        return search(tmp_path_factory.mktemp("undisturbed"), server, budget=8, **IN_ORDER), server


def check(ended: Ended, budget: int = 6) -> None:
    """Every trial ended and was stored with what was known then, and the search came to its result."""
    assert sorted(trial["number"] for trial in ended.trials) == list(range(budget))
    assert [trial["ended"] for trial in ended.trials] == list(range(budget))
    assert ended.trials[0]["number"] == 0
    assert all(trial["observed"] is not None for trial in ended.trials)
    assert all(trial["knew"] <= trial["ended"] < budget for trial in ended.trials)
    assert all(ended.result[role]["queries"] == 4 for role in ("zero_shot", "hand_written", "found"))
    assert ended.leases == 0


def test_other_delays_change_nothing_where_the_order_is_fixed(
    tmp_path: Path, undisturbed: tuple[Ended, DelayedModels]
) -> None:
    wanted, first = undisturbed
    with delayed_models(seed=2, most=DELAY) as server:
        found = search(tmp_path, server, budget=8, **IN_ORDER)
    check(found, budget=8)
    assert server.ended != first.ended
    assert server.about == first.about
    assert found.trials == wanted.trials
    assert found.result == wanted.result
    assert [trial["number"] for trial in found.trials] != sorted(trial["number"] for trial in found.trials)


def test_a_search_that_was_stopped_many_times_equals_one_that_was_not(
    tmp_path: Path, undisturbed: tuple[Ended, DelayedModels]
) -> None:
    wanted, first = undisturbed
    stops = (0, 1, 12, 60, wanted.looks // 2, wanted.looks // 3, 30)
    with delayed_models(seed=3, most=DELAY) as server:
        found = search(tmp_path, server, stops=stops, budget=8, **IN_ORDER)
    assert found.trials == wanted.trials
    assert found.result == wanted.result
    assert server.about == first.about


def test_what_is_measured_at_the_end_is_not_asked_again(
    tmp_path: Path, undisturbed: tuple[Ended, DelayedModels]
) -> None:
    wanted, first = undisturbed
    with delayed_models(seed=4, most=DELAY) as server:
        found = search(tmp_path, server, stops=(wanted.looks - 30, wanted.looks - 60), budget=8, **IN_ORDER)
    assert (found.trials, found.result, server.about) == (wanted.trials, wanted.result, first.about)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_was_ended_pays_nothing_twice(
    tmp_path: Path, undisturbed: tuple[Ended, DelayedModels], how: signal.Signals
) -> None:
    wanted, first = undisturbed
    with delayed_models(seed=5, most=DELAY) as server:
        store = ("--store", str(tmp_path / "it.db"), "--parallel", "4", "--deterministic")
        space = ("--space", racing_space(tmp_path), "--budget", "8", "--name", "it", "--rounds", "0")
        words = [sys.executable, "-m", "urial_opt", "search", *space, *server.options, *store]
        with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
            while len(server.asked) < sum(first.about.values()) // 2 and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(how)
            _, said = process.communicate()
            found = search(tmp_path, server, budget=8, **IN_ORDER)
    assert process.returncode == (130 if how is signal.SIGINT else -how), said
    assert (found.trials, found.result) == (wanted.trials, wanted.result)
    twice = sum((server.about - first.about).values())
    assert twice <= (0 if how is signal.SIGINT else server.most_under_way)


def test_one_trial_at_a_time_asks_one_block_at_a_time(tmp_path: Path, undisturbed: tuple[Ended, DelayedModels]) -> None:
    with delayed_models(seed=1, most=DELAY) as server:
        found = search(tmp_path, server, parallel=1)
    check(found)
    assert [(trial["number"], trial["knew"]) for trial in found.trials] == [(n, n) for n in range(6)]
    # A block has four queries, and what is asked about safety is judged twice.
    assert server.most_under_way <= 5 < undisturbed[1].most_under_way


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "constraints": {"objective": ("safety>=4.5",)},
    "short": {"objective": ("prompt_tokens<=60",)},
    "front": {"objective": ("average,prompt_tokens",)},
    "until done": {"until_done": True},
    "wilcoxon": {"pruner": "wilcoxon"},
}


@pytest.mark.parametrize("case", CASES)
def test_it_comes_to_an_end_whatever_comes_first(tmp_path: Path, case: str) -> None:
    with delayed_models(seed=6, most=DELAY) as server:
        check(search(tmp_path, server, parallel=4, **CASES[case]))


def test_a_prior_is_taken_from_a_search_in_the_same_store(tmp_path: Path) -> None:
    with delayed_models(seed=7, most=DELAY) as server:
        search(tmp_path, server, parallel=4, budget=3, name="before")
        with Store.open(str(tmp_path / "it.db")) as store:
            tried = {trial.candidate.prompt.id for trial in store.trials("before")}
        search(tmp_path, server, parallel=4, name="it", prior="before")
        with Store.open(str(tmp_path / "it.db")) as store:
            trials = store.trials("it")
    assert len(trials) == 6
    assert tried & {trial.candidate.prompt.id for trial in trials[1:]}


def test_rounds_of_a_proposer_come_at_the_same_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, number in {"SPACING": 3, "STALLED": 1, "OVERDUE": 3, "LEFT": 2}.items():
        monkeypatch.setattr(rounds, name, number)
    found = []
    for seed, stops in ((8, ()), (9, (90, 60))):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with delayed_models(seed=seed, most=DELAY) as server:

            def models(server: DelayedModels = server) -> Models:
                return replace(server.models(), proposer=plugins.open_proposer("clauses", {}))

            found.append(search(folder, server, models=models, stops=stops, rounds=1, budget=8, **IN_ORDER))
    check(found[0], budget=8)
    assert (found[0].trials, found[0].result) == (found[1].trials, found[1].result)


def test_a_program_takes_the_same_options(tmp_path: Path, undisturbed: tuple[Ended, DelayedModels]) -> None:
    with delayed_models(seed=10, most=DELAY) as server:
        models, seen = server.models(), list[Progress]()
        found = uo.run_search(
            racing_space(tmp_path),
            base=models.base,
            judge=models.judge,
            aligned="none",
            proposer="none",
            budget=8,
            store=str(tmp_path / "it.db"),
            watch=seen.append,
            **IN_ORDER,
        )
    bar = [each.done + each.fraction for each in seen if each.phase is Phase.TRIALS]
    assert bar == sorted(bar)  # it never goes back
    assert bar[-1] == 8
    assert found.found_trial == undisturbed[0].result["found_trial"]
    with pytest.raises(InputError, match="leave out `join` or `deterministic`"):
        uo.run_search(racing_space(tmp_path), base=models.base, judge=models.judge, join=True, **IN_ORDER)
