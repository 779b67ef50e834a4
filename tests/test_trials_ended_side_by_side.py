"""Trials side by side that end early, by a limit, a model or a judge; and a model that threads may not share."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.command_line import Run
from tests.delayed_server import delayed_models, racing_space
from tests.searched_side_by_side import leases_held, search
from tests.small_adapters import ByLength, Echo
from urial_opt.errors import AdapterError, UnreadableJudgeError
from urial_opt.records import Completion, Sampling
from urial_opt.roles import Models

DELAY = 0.01
pytestmark = pytest.mark.usefixtures("pauses")


@pytest.mark.parametrize("limit", [25_000, 120_000])
def test_a_limit_is_exceeded_by_no_more_than_is_in_the_air(run: Run, tmp_path: Path, limit: int) -> None:
    given = ("search", "--space", racing_space(tmp_path), "--budget", 8, "--parallel", 8, "--name", "it")
    with delayed_models(seed=1, most=DELAY) as server:
        in_the_air = ("--base-option", "concurrency=4", "--judge-option", "concurrency=4")
        words = (*given, *server.options, *in_the_air, "--store", "it.db", "--json")
        _, err = run(*words, "--max-tokens", limit, code=3)
        spent, dearest = sum(server.tokens), max(server.tokens)
        assert f"Stopped: --max-tokens {limit}" in err
        assert leases_held(tmp_path) == 0
        out, _ = run(*words)
    assert json.loads(out)["trials"]["total"] == 8
    assert limit / 2 < spent <= limit + 8 * dearest


@pytest.mark.parametrize("order", [True, False])
@pytest.mark.parametrize(("fault", "error"), [("refuses_after", AdapterError), ("mumbles_after", UnreadableJudgeError)])
def test_what_fails_for_good_ends_it_at_once(
    tmp_path: Path, fault: str, error: type[AdapterError], *, order: bool
) -> None:
    with delayed_models(seed=1, most=DELAY) as server:
        setattr(server, fault, 60)
        with pytest.raises(error) as failed:
            search(tmp_path, server, parallel=4, deterministic=order)
        asked = len(server.asked)
        assert leases_held(tmp_path) == 0
        setattr(server, fault, float("inf"))
        found = search(tmp_path, server, parallel=4, deterministic=order)
    assert "does not accept the key (403)" in str(failed.value) or "it said 'It is raining.'" in str(failed.value)
    assert asked < 60 + 4 * 24  # what four blocks of four queries take, with verdicts that are asked for again
    assert [trial["ended"] for trial in found.trials] == list(range(6))


class OneAtATime(Echo):
    """A base model of somebody who thought of no threads."""

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        assert INSIDE.acquire(blocking=False)
        try:
            return super().generate(prefix, suffixes, sampling)
        finally:
            INSIDE.release()


INSIDE = threading.Lock()


@pytest.mark.parametrize("order", [True, False])
def test_a_model_that_is_no_good_for_threads_is_used_by_one_at_a_time(tmp_path: Path, *, order: bool) -> None:
    def models() -> Models:
        return Models(base=OneAtATime(), judge=ByLength())

    with delayed_models(seed=1) as server:
        found = search(tmp_path, server, models=models, parallel=4, deterministic=order)
        assert not server.asked
    assert len(found.trials) == 6
