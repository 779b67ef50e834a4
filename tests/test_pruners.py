"""Pruners: each gives up what it says, and a search keeps the one that it began with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import Run
from tests.test_old_stores import SPACE, told
from urial_opt.errors import UnknownNameError
from urial_opt.search.pruners import PRUNERS, make_race
from urial_opt.search.racing import RaceVerdict
from urial_opt.statistics.strata import Strata

STRATA = Strata(kinds={f"q{i}": "regular" for i in range(48)}, weights={"regular": 1.0})
BEST = {query: 3.0 + number % 3 for number, query in enumerate(STRATA.kinds)}


def verdict(pruner: str, differences: list[float]) -> RaceVerdict:
    """On the first queries, of a prompt with these differences to the best one."""
    scores = {query: BEST[query] + by for query, by in zip(STRATA.kinds, differences, strict=False)}
    return make_race(pruner, STRATA).after(BEST).judge(scores)


def test_each_gives_up_what_it_says() -> None:
    behind, unlikely, ahead = [-1.0] * 8, [-0.5, 0.5, -0.5, -0.5], [0.5] * 4
    assert [verdict(each, behind) for each in PRUNERS] == [RaceVerdict.STOP, RaceVerdict.STOP, RaceVerdict.GO_ON]
    assert [verdict(each, unlikely) for each in PRUNERS] == [RaceVerdict.STOP, RaceVerdict.GO_ON, RaceVerdict.GO_ON]
    assert {verdict(each, ahead) for each in PRUNERS} == {RaceVerdict.GO_ON}


def test_an_unknown_pruner_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"'wilcox'.*'wilcoxon'"):
        make_race("wilcox", STRATA)


def test_a_search_keeps_its_pruner(run: Run, tmp_path: Path) -> None:
    options = (*SPACE, "--aligned", "none", "--store", tmp_path / "s.db", "--name", "all")
    assert "'raze'" in run("search", *options, "--pruner", "raze", code=2)[1]
    assert run("list", "--store", tmp_path / "s.db")[0].startswith("No search yet.")
    whole = told(run, "search", *options, "--budget", 4, "--pruner", "none")
    assert whole["trials"] == {"total": 4, "complete": 4, "pruned": 0, "failed": 0, "too_long": 0}
    assert "pruner" in run("search", *options, "--budget", 4, code=2)[1]
    resumed = told(run, "resume", "all", "--store", tmp_path / "s.db", "--budget", 7)
    assert resumed["trials"]["complete"] == 7
