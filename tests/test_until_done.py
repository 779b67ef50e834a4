"""--until-done: a search ends before its budget once a clearly better prompt is unlikely to be left, and not sooner."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import urial_opt as uo
from experiments.tabular.replay import replay
from experiments.tabular.table import Table
from tests.command_line import Run
from tests.test_old_stores import SPACE, told
from urial_opt.search.opening import Interrupted, SearchOptions
from urial_opt.search.run import search_space
from urial_opt.search.stopping import BETTER, EVERY
from urial_opt.spending import Terms
from urial_opt.store import Store

TABLE = Table.synthetic(3, exemplars=4, systems=2, queries=96, longest=2)


def test_a_replay_ends_where_nothing_better_is_left_and_the_search_where_the_replay_does(tmp_path: Path) -> None:
    world = TABLE.world(1)
    standing, path = replay(world, evaluations=100, until_done=True)
    assert EVERY <= len(path) < len(TABLE.prompts)
    best = path[-1].recommended
    assert best is not None
    tried = [world.index_of(record.candidate.params) for record in standing.records.values()]
    untried = np.setdiff1d(np.arange(len(TABLE.prompts)), tried)
    assert world.searched[untried].max() <= world.searched[best] + BETTER
    with Store.open(f"{tmp_path}/s.db") as store, suppress(Interrupted, uo.UrialOptError):
        options = SearchOptions(budget=500, seed=1, name="s", until_done=True, terms=Terms(max_tokens=10**7))
        search_space(world.space, world.models, store, options=options)
    with Store.open(f"{tmp_path}/s.db") as store:
        assert [trial.candidate for trial in store.trials("s")] == [
            each.candidate for each in standing.records.values()
        ]


def test_a_search_says_that_it_is_done_and_goes_on_without(run: Run, tmp_path: Path) -> None:
    at = ("--store", tmp_path / "s.db")
    begin = ("search", *SPACE, "--aligned", "none", "--proposer", "none", "--name", "short", "--budget", 400)
    err = run(*begin, "--until-done", *at)[1]
    assert "Done after" in err
    stopped = told(run, "resume", "short", *at)
    assert stopped["trials"]["total"] % EVERY == 0
    more = stopped["trials"]["total"] + 3
    assert told(run, "resume", "short", "--no-until-done", "--budget", more, *at)["trials"]["total"] == more


def test_other_samplers_cannot_tell(run: Run, tmp_path: Path) -> None:
    words = ("search", *SPACE, "--until-done", "--sampler", "random", "--store", tmp_path / "s.db")
    assert "cannot tell when it is done" in run(*words, code=2)[1]


@pytest.mark.parametrize("rounds", [0, 2])
def test_not_before_the_rounds_of_the_proposer(run: Run, tmp_path: Path, rounds: int) -> None:
    at = ("--store", tmp_path / "s.db")
    begin = ("search", *SPACE, "--aligned", "none", "--proposer", "clauses", "--rounds", rounds, "--budget", 400)
    err = run(*begin, "--until-done", *at)[1]
    assert ("Round 2 brought" in err) is (rounds == 2)
    assert "Done after" in err
