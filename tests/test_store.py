"""The store: trials, searches and results come back as they were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.store_content import candidate, evaluated, queries, trial
from urial_opt.errors import StoreError, UnknownNameError
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Estimate, TrialState
from urial_opt.store import SearchStatus, Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a folder? 100%25 @home" / "store.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    file.parent.mkdir()
    with Store.open(str(file)) as store:
        store.open_search("first", {"budget": 3, "seed": 0})
        yield store


def test_trials_come_back_as_they_were(store: Store) -> None:
    evaluations = [evaluated(list(reversed(queries(6))), word=f"trial {n}") for n in range(3)]
    records = [trial(n, evaluations[n]) for n in range(3)]
    records[1] = replace(records[1], state=TrialState.PRUNED, candidate=candidate(0, style="terse"))
    records[2] = replace(records[2], state=TrialState.FAILED, candidate=replace(candidate(0), prompt=UrialPrompt()))
    for record, evaluation in zip(records, evaluations, strict=True):
        store.add_trial("first", record, evaluation)
    store.close()
    with Store.open(store.url) as again:
        found = again.trials("first")
        assert found == records
        assert [list(record.query_scores) for record in found] == [["q5", "q4", "q3", "q2", "q1", "q0"]] * 3
        assert [again.evaluation("first", n) for n in range(3)] == evaluations
        with pytest.raises(UnknownNameError, match=r"no trial 3; choose one of 0 to 2"):
            again.evaluation("first", 3)


def test_a_trial_is_recorded_once(store: Store) -> None:
    evaluation = evaluated(queries(4), word="base")
    record = trial(0, evaluation)
    store.add_trial("first", record, evaluation)
    store.add_trial("first", replace(record, seconds=9.0), evaluation)
    assert store.trials("first") == [record]
    with pytest.raises(StoreError, match=r"trial 0 of the search 'first' is recorded with another outcome; .* type"):
        store.add_trial("first", trial(0, evaluation, score=1.0), evaluation)
    with pytest.raises(ValueError, match="same queries"):
        store.add_trial("first", replace(record, number=1, query_scores={}), evaluation)
    assert store.trials("first") == [record]


def test_a_prompt_tried_often_is_one_row(store: Store) -> None:
    evaluation = evaluated(queries(4), word="base")
    for number in range(5):
        store.add_trial("first", replace(trial(number, evaluation), candidate=candidate(0)), evaluation)
    counts = {"prompts": 1, "prompt_exemplars": 3, "exemplars": 3, "answers": 4, "judgments": 4, "queries": 4}
    with sa.create_engine(store.url).connect() as connection:
        for table, count in counts.items():
            assert connection.scalar(sa.text(f"SELECT COUNT(*) FROM urial_{table}")) == count, table
        connection.engine.dispose()


def test_best_is_by_estimate(store: Store) -> None:
    evaluation = evaluated(queries(4), word="base")
    for number in range(4):
        store.add_trial("first", trial(number, evaluation), evaluation)
    assert store.best("first", 2) == []
    assert store.searches()[0].best is None
    estimates = {n: Estimate(mean=mean, low=mean - 1, high=mean + 1) for n, mean in [(0, 3.0), (1, 4.5), (2, 4.0)]}
    store.set_estimates("first", dict.fromkeys(range(4), Estimate(mean=9.0, low=9.0, high=9.0)))
    store.set_estimates("first", {**estimates, 3: Estimate(mean=1.0, low=0.0, high=2.0)})
    store.set_estimates("first", {})
    best = store.best("first", 2)
    assert [(one.trial.number, one.estimate) for one in best] == [(1, estimates[1]), (2, estimates[2])]
    assert best[0].trial == trial(1, evaluation)
    assert len(store.best("first", 100)) == 4
    assert store.searches()[0].best == estimates[1]


def test_a_search_is_resumed_with_the_same_settings_only(store: Store) -> None:
    settings = {"budget": 200, "space": "nano", "weights": {"depth": 1.0}, "stop": ("a", "b")}
    begun = store.open_search("second", settings)
    assert begun.status is SearchStatus.PLANNED
    assert begun.summary is None
    assert store.open_search("second", dict(reversed(settings.items()))) == begun
    assert store.search("second") == begun
    with pytest.raises(StoreError) as refused:
        store.open_search("second", {**settings, "budget": 100, "weights": None, "seed": None})
    assert str(refused.value) == (
        "the search 'second' was begun with other settings (budget: 200 then, 100 now; seed: not given then, null now; "
        'weights: {"depth": 1.0} then, null now); give the settings it was begun with, or another `name=NEW`'
    )
    store.finish("second", {"found": {"average": 4.0}})
    assert store.open_search("second", settings).summary == {"found": {"average": 4.0}}
    listed = store.searches()
    assert [(one.name, one.status, one.trials) for one in listed] == [
        ("first", SearchStatus.PLANNED, 0),
        ("second", SearchStatus.FINISHED, 0),
    ]


def test_an_unknown_search_names_the_known_ones(store: Store) -> None:
    with pytest.raises(UnknownNameError, match="no search is called 'fisrt'; did you mean 'first'"):
        store.search("fisrt")
    for use in (store.trials, store.results, lambda name: store.best(name, 1), lambda name: store.finish(name, {})):
        with pytest.raises(UnknownNameError, match="choose one of: first"):
            use("zzz")


def test_results_keep_role_split_and_candidate(store: Store) -> None:
    asked = queries(6, split="test")
    store.add_result("first", "aligned", "test", None, evaluated(asked, word="twin"))
    for number in range(2):
        store.add_result("first", "finalist", "validation", candidate(number), evaluated(asked, word=f"f{number}"))
    store.add_result("first", "finalist", "validation", candidate(1), evaluated(asked, word="again"))
    store.add_result("first", "aligned", "test", None, evaluated(asked, word="again"))
    store.add_result("first", "found", "test", candidate(1), evaluated(asked, word="f1"))
    found = store.results("first")
    assert [(one.role, one.split, one.candidate) for one in found] == [
        ("aligned", "test", None),
        ("finalist", "validation", candidate(0)),
        ("finalist", "validation", candidate(1)),
        ("found", "test", candidate(1)),
    ]
    assert found[0].evaluation == evaluated(asked, word="twin")
    assert found[2].evaluation == found[3].evaluation == evaluated(asked, word="f1")
