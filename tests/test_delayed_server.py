"""The server with random delays: a search on it races, and its replies come in another order under another seed."""

from __future__ import annotations

from pathlib import Path

from tests.delayed_server import DelayedModels, delayed_models, racing_space
from urial_opt.records import TrialRecord
from urial_opt.search.opening import SearchOptions
from urial_opt.search.run import search_space
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store


def searched(folder: Path, *, seed: int) -> tuple[list[TrialRecord], DelayedModels]:
    space = load_space(racing_space(folder))
    with delayed_models(seed=seed, most=0.01) as server, Store.open(str(folder / f"{seed}.db")) as store:
        search_space(space, server.models(), store, options=SearchOptions(budget=4, name="it"))
        return store.trials("it"), server


def test_other_delays_change_the_order_of_replies_and_nothing_else(tmp_path: Path) -> None:
    (trials, server), (others, other) = (searched(tmp_path, seed=seed) for seed in (1, 2))
    assert server.ended != other.ended
    assert sorted(server.ended) == sorted(other.ended)
    assert server.most_under_way > 1
    assert [trial.query_scores for trial in trials] == [trial.query_scores for trial in others]
    assert {trial.state.value for trial in trials} == {"complete", "pruned"}
    assert len({score for trial in trials for score in trial.query_scores.values()}) > 10
