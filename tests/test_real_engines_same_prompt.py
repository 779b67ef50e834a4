"""A search whose best prompt is one that everybody has says so, and claims no gain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import urial_opt as uo
from tests.command_line import Run
from urial_opt.spaces.space_file import load_space


def _search(run: Run, space: Path, *more: object) -> tuple[dict[str, Any], str]:
    words = ("search", "--space", space, "--aligned", "none", "--budget", 1, "--store", "store.db", *more)
    return json.loads(run(*words, "--json")[0]), " ".join(run(*words)[0].split())


def test_the_hand_written_prompt_and_plain_icl(small_space: Path, run: Run) -> None:
    found, said = _search(run, small_space, "--name", "mine")
    assert found["found_equals"] == ["hand_written", "start"]
    assert found["gain"] == {"mean": 0.0, "interval": [0.0, 0.0], "significant": False}
    assert "The found prompt (trial 0) is the hand-written one. No prompt of this search was better" in said
    assert "+0.00" not in said
    loaded = uo.load_search("mine", store="store.db").result
    assert loaded is not None
    assert loaded.found_equals == ("hand_written", "start")
    assert "no gain, the hand-written prompt itself" in str(loaded)

    plain = load_space(str(small_space)).plain_icl
    uo.ServedPrompt.of(plain).save("plain.json")
    found, said = _search(run, small_space, "--name", "plain", "--start-from", "plain.json")
    assert found["found_equals"] == ["plain_icl", "start"]
    assert found["gain"]["mean"] == round(found["plain_icl"]["average"] - found["hand_written"]["average"], 4) != 0
    assert "The found prompt (trial 0) is plain ICL. No significant gain over the hand-written prompt: -" in said
    loaded = uo.load_search("plain", store="store.db").result
    assert loaded is not None
    assert "the found prompt is plain ICL" in str(loaded).splitlines()
