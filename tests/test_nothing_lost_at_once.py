"""Several processes that work on one store at once: each gets what it asked for, or is told who else is at work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_search import search_tiny
from urial_opt.errors import StoreError
from urial_opt.store import Store

ROOT = Path(__file__).parent.parent
BEGINNERS = """
import multiprocessing, sys
import alembic.command
from optuna.samplers import RandomSampler
from urial_opt.search.study import SearchStudy
from urial_opt.store import Store

def begin(path, name, together):
    together.wait()
    with Store.open(path) as store:
        store.open_search(name, {})
        with SearchStudy(store, name, RandomSampler(seed=0)) as study:
            study.drop(study._study.ask().number)

fork = multiprocessing.get_context("fork")
for each in range(2):
    together = fork.Barrier(4)
    path = f"{sys.argv[1]}/{each}.db"
    begun = [fork.Process(target=begin, args=(path, f"search {number}", together)) for number in range(4)]
    for process in begun:
        process.start()
    for process in begun:
        process.join()
    assert [process.exitcode for process in begun] == [0] * 4, path
    with Store.open(path) as store:
        assert len(store.searches()) == 4
"""
"""Four processes begin a search each in a store that is not there yet, twice."""


def test_four_searches_begin_in_a_new_store_at_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEGINNERS, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


WORKER = """
import sys, time
from pathlib import Path
from tests.small_adapters import Echo
from tests.tiny_search import search_tiny
from urial_opt.store import Store

class Slow(Echo):
    def generate(self, prefix, suffixes, sampling):
        print("at work", flush=True)
        time.sleep(600)

with Store.open(sys.argv[1]) as store:
    search_tiny(store, Path(sys.argv[1]).parent, base=Slow())
"""
"""A process that works on the search `tiny`, and waits long for its model."""


def test_a_search_runs_in_one_process_until_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    command = [sys.executable, "-c", WORKER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "at work\n"
        with Store.open(str(path)) as store:
            with pytest.raises(StoreError) as refused:
                search_tiny(store, tmp_path)
            assert f"'tiny' is running already: process {worker.pid} on " in str(refused.value)
            assert f"`kill {worker.pid}`" in str(refused.value)
            [found] = store.searches()
            assert found.status == "running"
            worker.kill()
            worker.wait()
            [found] = store.searches()
            assert (found.status, found.reason) == ("stopped", f"{found.process} is gone")
            assert sum(search_tiny(store, tmp_path).states.values()) == 3
