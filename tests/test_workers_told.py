"""`list` and `show` tell which processes work on a search, what they have in flight, and which were killed."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.command_line import Run
from tests.tiny_search import search_tiny
from urial_opt.search.opening import Interrupted
from urial_opt.search.versions import deciding
from urial_opt.store import Store
from urial_opt.store.processes import lay_down


def test_the_workers_of_a_search_are_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "it.db"
    one = f"process {os.getpid()} on "

    def told(*words: str) -> str:
        return " ".join(run(*words, "--store", path)[0].split())

    with Store.open(str(path)) as store, ExitStack() as stack:
        with pytest.raises(Interrupted):
            search_tiny(store, tmp_path, looks=0)
        versions = deciding(store.search("tiny"))
        first, second = (stack.enter_context(store.worker("tiny", versions=versions, join=True)) for _ in range(2))
        for number in (0, 1):
            first.leases.grant(number, {})
        second.leases.grant(2, {})
        shown = told("list")
        assert "tiny is run by 2 processes:" in shown
        assert shown.count(one) == 2
        assert "; trials 0, 1 in flight" in shown
        assert "; trial 2 in flight" in shown
        assert "by 2 processes, which this lists: urial-opt list --store" in run.refused(
            "show", "tiny", "--store", path
        )

        lay_down(first._process)  # as if it had been killed
        shown = told("list")
        assert f"tiny is run by {one}" in shown
        assert shown.count("; trial 2 in flight.") == 1
        assert "is gone; others take over what it had in flight" in shown
        refused = run.refused("show", "tiny", "--store", path)
        assert f"'tiny' has no result yet: it is run by {one}" in refused
        assert "; trial 2 in flight; see how far it is with: urial-opt inspect tiny" in refused
        (entry,) = json.loads(run("list", "--json", "--store", path)[0])
        before, *workers = sorted(entry["workers"], key=lambda each: (each["left"] is None, each["trials"]))
        assert before["reason"] == "it was asked to stop"
        assert [each["at_work"] for each in workers] == [False, True]
        assert [each["trials"] for each in workers] == [[], [2]]
