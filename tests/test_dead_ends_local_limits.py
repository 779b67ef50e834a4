"""`--max-time` stops local models in the middle of a batch, too; what they have finished is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.command_line import Run
from tests.tiny_models import GREEDY, PREFIX, SUFFIXES, tiny_llama, tiny_tokenizer
from urial_opt.models.local.generator import TransformersGenerator
from urial_opt.models.local.shared_prefix import Rows
from urial_opt.records import Completion
from urial_opt.spending import StoppedAtLimit


class Clock:
    """Goes on by a second each time that a local model writes a token for all rows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        write = Rows.write

        def written(rows: Rows, *given: Any) -> Any:
            self.now += 1
            return write(rows, *given)

        monkeypatch.setattr(Rows, "write", written)
        monkeypatch.setattr("urial_opt.spending.time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def stopping_after(steps: int) -> Callable[[], None]:
    left = iter(range(steps))

    def check() -> None:
        if next(left, None) is None:
            raise StoppedAtLimit("it is enough")

    return check


@pytest.mark.parametrize(("whole", "steps"), [(False, 8), (True, 20)], ids=["shared prefix", "whole prompts"])
def test_rows_that_ended_before_the_stop_are_handed_on(
    whole: bool, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = TransformersGenerator(tiny_llama(), tiny_tokenizer(), identity="llama", drafts=False)
    if whole:
        monkeypatch.setattr(generator, "prefix_cache", lambda _: None)
    text = generator.generate(PREFIX, SUFFIXES, GREEDY)[0].text
    sampling = replace(GREEDY, stop=(text[1:4],))
    expected = generator.generate(PREFIX, SUFFIXES, sampling)
    early = [row for row, each in enumerate(expected) if each.usage.completion_tokens < 8]
    assert 0 < len(early) < len(SUFFIXES)
    heard: dict[int, Completion] = {}
    generator.hand_on(heard.update)
    generator.stop_when(stopping_after(steps))
    with pytest.raises(StoppedAtLimit):
        generator.generate(PREFIX, SUFFIXES, sampling)
    assert 0 < len(heard) < len(SUFFIXES)
    assert whole or sorted(heard) == early
    assert {row: each.text for row, each in heard.items()} == {row: expected[row].text for row in heard}
    generator.stop_when(None)
    assert [each.text for each in generator.generate(PREFIX, SUFFIXES, sampling)] == [each.text for each in expected]


def test_evaluate_stops_in_a_batch_and_goes_on(run: Run, small_space: Any, clock: Clock) -> None:
    words = ("evaluate", "--zero-shot", "--space", small_space)
    err = run(*words, "--max-time", "20s", code=3)[1]
    assert "Stopped: --max-time 20 is over" in err
    assert clock.now <= 22
    clock.now = 0.0
    told = json.loads(run(*words, "--max-time", "1h", "--json")[0])
    assert told["queries"] == 8
    assert 0 < told["spending"]["base"]["calls"] < 8


def test_shift_stops_in_a_batch(run: Run, small_space: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("shift", "--space", small_space, "--split", "all")
    err = run(*words, "--max-time", "3s", code=3)[1]
    assert "Stopped: --max-time 3 is over" in err
    assert "the next run begins again" in err
    assert clock.now <= 8
    monkeypatch.setattr("urial_opt.shift.reading._AT_ONCE", 4)
    whole = json.loads(run(*words, "--json")[0])
    steps, clock.now = clock.now, 0.0
    out, err = run(*words, "--json", "--max-time", f"{int(steps / 2)}s", code=3)
    told = json.loads(out)
    assert 0 < told["answers"] < whole["answers"]
    assert f"These are the figures of {told['answers']} of {whole['answers']} queries." in err
