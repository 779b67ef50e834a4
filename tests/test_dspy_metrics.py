"""Metrics of DSPy as judges of `UrialOptimizer`: missing verdicts, scales, failures of the program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dspy  # type: ignore[import-untyped]
import pytest

from tests.dspy_programs import COUNTRIES, TRAIN, Copycat, Mimic, compiled, exact, example
from urial_opt.errors import InputError, UnreadableJudgeError
from urial_opt.records import Completion, Sampling
from urial_opt.store import Store


@pytest.mark.parametrize("broken", [None, math.nan, "often", ZeroDivisionError("oh")])
def test_a_metric_that_fails_is_missing_and_not_low(broken: Any, path: Path) -> None:
    def sometimes(wanted: Any, found: Any, trace: object = None) -> Any:
        if "Rome" not in wanted.answer and "Cairo" not in wanted.answer:
            return exact(wanted, found)
        if isinstance(broken, Exception):
            raise broken
        return broken

    program = compiled(path, Mimic(), metric=sometimes, bootstrap=False, valset=TRAIN[:3], name="mine")
    assert program.urial.value("self") == 1
    assert sum(program.urial.results["self"].missing.values()) > 0


def test_a_metric_that_always_fails_ends_the_search_with_its_words(path: Path) -> None:
    def never(wanted: Any, found: Any, trace: object = None) -> bool:
        raise KeyError("label")

    with pytest.raises(UnreadableJudgeError, match="KeyError: 'label'"):
        compiled(path, Mimic(), metric=never)


def test_a_program_that_fails_has_the_lowest_score(path: Path) -> None:
    class Fragile(dspy.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.predict = dspy.Predict("query -> answer")

        def forward(self, query: str) -> Any:
            found = self.predict(query=query)
            if not found.answer.startswith("The"):
                raise ValueError("no sentence")
            return found

    program = compiled(path, Mimic(), Fragile(), bootstrap=False, name="mine")
    assert program.urial.value("predict") == 1
    with Store.open(str(path)) as store:
        assert set(store.trials("mine")[0].query_scores.values()) == {1.0}
        assert store.evaluation("mine", 0).judgments[0].raw == "ValueError: no sentence"


def test_values_of_a_metric_need_their_scale(path: Path) -> None:
    def words(wanted: Any, found: Any, trace: object = None) -> int:
        return len(found.answer.split())

    with pytest.raises(InputError, match=r"gave 6, which lies outside 0 to 1; .*`scale=\(0, 6\)`"):
        compiled(path, Mimic(), metric=words, bootstrap=False, budget=9)
    program = compiled(path, Mimic(), metric=words, bootstrap=False, scale=(0, 10))
    assert program.urial.value("self") == pytest.approx(6)
    with pytest.raises(InputError, match="cannot range from 1 to 1"):
        compiled(path, Mimic(), scale=(1, 1))


def test_feedback_of_a_metric_is_its_reason(path: Path) -> None:
    def graded(wanted: Any, found: Any, trace: object = None) -> Any:
        return dspy.Prediction(score=0.5, feedback="half of it")

    compiled(path, Mimic(), metric=graded, name="mine", bootstrap=False)
    with Store.open(str(path)) as store:
        assert "half of it" in store.evaluation("mine", 0).judgments[0].reasons.values()


def test_another_metric_judges_the_answers_that_are_there(path: Path) -> None:
    def at_least(wanted: Any, found: Any, trace: object = None, *, words: int) -> bool:
        return len(found.answer.split()) >= words

    first, second = Mimic(), Mimic()
    settings = {"bootstrap": False, "budget": 1}
    one = compiled(path, first, metric=partial(at_least, words=1), **settings)
    other = compiled(path, second, metric=partial(at_least, words=3), **settings)
    assert (one.urial.value("self"), other.urial.value("self")) == (1, 0)
    assert first.texts
    assert second.texts == []


def test_typed_outputs_are_made_again_from_the_store(path: Path) -> None:
    class Count(Copycat):
        def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
            return [Completion(text="[1, 2]\n```\n", finish_reason="stop") for _ in suffixes]

    def summed(wanted: Any, found: Any, trace: object = None) -> bool:
        return isinstance(found.answer, list) and sum(found.answer) == 3

    shape = dspy.Signature("query -> answer: list[int]")
    trained = [example(country, answer="[3]") for country in COUNTRIES]
    sets = {"trainset": trained, "budget": 1, "bootstrap": False}
    assert compiled(path, Count(), dspy.Predict(shape), metric=summed, **sets).urial.value("self") == 1
    again = compiled(path, Count(), dspy.Predict(shape), metric=lambda w, f, trace=None: summed(w, f), **sets)
    assert again.urial.value("self") == 1
