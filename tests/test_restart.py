"""A search that is killed while a server asks for a pause keeps to that pause when it is resumed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from urial_opt.nano.json_server import Refused, listening
from urial_opt.store import Store

SECONDS = 9
"""Longer than a search needs to start."""


class Overloaded:
    """A server that refuses its first request as overloaded, and records when it was asked."""

    def __init__(self) -> None:
        self.asked_at: list[float] = []

    def __call__(self, path: str, _: Mapping[str, Any]) -> Mapping[str, Any]:
        assert path == "/v1/completions"
        self.asked_at.append(time.monotonic())
        if len(self.asked_at) == 1:
            raise Refused(429, "slow down", headers={"Retry-After": str(SECONDS)})
        return {"choices": [{"text": "Let me see.", "finish_reason": "stop"}]}


def start(space: Path, url: str, store: Path) -> subprocess.Popen[str]:
    words = ("search", "--space", space, "--budget", 1, "--aligned", "none", "--base", "openai:m", "--base-url", url)
    return subprocess.Popen(
        [sys.executable, "-m", "urial_opt", *map(str, words), "--store", str(store)],
        env={**os.environ, "OPENAI_API_KEY": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_search_leaves_the_server_alone_as_long_as_it_wanted(small_space: Path, tmp_path: Path) -> None:
    server, store = Overloaded(), tmp_path / "store.db"
    with listening(server) as url:
        killed = start(small_space, url, store)
        while not server.asked_at:
            assert killed.poll() is None
            time.sleep(0.01)
        with Store.open(str(store)) as opened:
            while opened.find_pace(f"m at {url}") is None:
                assert time.monotonic() - server.asked_at[0] < SECONDS
                time.sleep(0.01)
        killed.kill()
        killed.communicate()
        resumed = start(small_space, url, store)
        _, errors = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, errors
    assert len(server.asked_at) > 10
    assert server.asked_at[1] - server.asked_at[0] >= SECONDS
