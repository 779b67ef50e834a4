"""Several processes that work on one store at once: each gets what it asked for, or is told who else is at work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
            study.drop(study.ask().number)

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
