"""For the tests of store faults: trials to record, and ways to disturb a database."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from urial_opt.errors import StoreError
from urial_opt.prompt import UrialPrompt
from urial_opt.records import (
    Candidate,
    Completion,
    Evaluation,
    Judgment,
    Query,
    Sampling,
    TrialRecord,
    TrialState,
    Usage,
)
from urial_opt.store import Store

GREEDY = Sampling()


def evaluation_of(number: int, *, length: int = 200) -> Evaluation:
    queries = [Query(id=f"q{i}", text=f"Why {i}?", kind="regular", split="dev") for i in range(12)]
    return Evaluation(
        queries=queries,
        completions=[Completion(text=f"{number}/{i} " * length, finish_reason="stop") for i in range(12)],
        judgments=[Judgment(query_id=query.id, judge="j", scores={}, raw="because " * 50) for query in queries],
    )


def trial_of(number: int) -> TrialRecord:
    return TrialRecord(
        number=number,
        optuna_number=number,
        candidate=Candidate(prompt=UrialPrompt(system=f"Number {number}.\n"), sampling=GREEDY, params={"n": number}),
        query_scores={f"q{i}": float(i) for i in range(12)},
        state=TrialState.COMPLETE,
        seconds=0.1,
        usage=Usage(prompt_tokens=number),
    )


@contextmanager
def refused(reason: str) -> Iterator[None]:
    """Checks that the block raises a StoreError of one line that matches `reason` and says what to do."""
    with pytest.raises(StoreError) as caught:
        yield
    message = str(caught.value)
    assert "\n" not in message
    assert re.search(reason, message), message
    assert re.search(r"; .*(type|give|restore) ", message), message


@contextmanager
def every_connection(*statements: str) -> Iterator[None]:
    """Run `statements` on each SQLite connection that is opened inside."""

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        for statement in statements:
            connection.execute(statement)

    sa.event.listen(sa.Engine, "connect", prepare)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "connect", prepare)


def store_of_three(folder: Path) -> Path:
    """A store with three trials, closed."""
    file = folder / "store.db"
    with Store.open(str(file)) as store:
        store.open_search("s", {})
        for number in range(3):
            store.add_trial("s", trial_of(number), evaluation_of(number))
    return file


def assert_holds(file: Path, count: int) -> None:
    with Store.open(str(file)) as store:
        assert store.trials("s") == [trial_of(number) for number in range(count)]
