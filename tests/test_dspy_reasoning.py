"""DSPy programs with several outputs, on base models that know the form of them, and on such that do not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import dspy  # type: ignore[import-untyped]
import pytest

from tests.dspy_programs import CAPITALS, Copycat, asked, demo, running, thought
from urial_opt.dspy import UrialEngine
from urial_opt.nano.json_server import listening
from urial_opt.nano.server import EmbeddedModels
from urial_opt.records import Completion, Sampling
from urial_opt.roles import open_base


class TwoSteps(dspy.Module):  # type: ignore[misc]
    """Thinks first, then says it in a sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.think = dspy.ChainOfThought("query -> answer")
        self.say = dspy.Predict("query, draft -> answer")
        self.think.predict.demos = [thought("Italy"), thought("Spain")]
        self.say.demos = [{**each, "draft": CAPITALS["Italy"]} for each in [demo("Italy")]]

    def forward(self, query: str) -> Any:
        draft = self.think(query=query).answer
        return self.say(query=query, draft=draft)


def test_chain_of_thought_gives_reasoning_and_answer() -> None:
    program, model = dspy.ChainOfThought("query -> answer"), Copycat()
    program.predict.demos = [thought("Italy")]
    with running(UrialEngine(model)):
        found = program(query=asked("France"))
    assert (found.reasoning, found.answer) == ("The question is about France.", "Paris")
    assert model.batches == [1]


class Unlabelled(Copycat):
    """Writes the reasoning without its name, and the answer only where `answer:` stands already."""

    says = ("Well: France.\nIts capital?", " Paris", " 7")

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        super().generate(prefix, suffixes, sampling)
        endings = ("```\n", "\nanswer:", "\nsure:")
        return [
            Completion(text=f"{text}\n```\n\n# Query:", finish_reason="stop")
            for suffix in suffixes
            for text in (self.says[next(i for i, end in enumerate(endings) if suffix.endswith(end))],)
        ]


@pytest.mark.parametrize("way", ["called", "awaited"])
def test_names_that_a_base_model_does_not_write_are_written_for_it(way: str) -> None:
    program, model = dspy.ChainOfThought("query -> answer, sure: int"), Unlabelled()
    with running(UrialEngine(model)):
        call = {"query": asked("France"), "config": {"n": 2, "temperature": 0.5}}
        found = program(**call) if way == "called" else asyncio.run(program.acall(**call))
    assert found.completions.reasoning == ["Well: France.\nIts capital?"] * 2
    assert (found.completions.answer, found.completions.sure) == (["Paris"] * 2, [7] * 2)
    thoughts = "reasoning: Well: France.\nIts capital?\nanswer:"
    begun = Counter(text.rpartition("# Answer:\n```\n")[2] for text in model.texts)
    assert begun == {"": 2, thoughts: 2, f"{thoughts} Paris\nsure:": 2}


def test_a_module_of_two_steps() -> None:
    model = Copycat()
    with running(UrialEngine(model)):
        assert TwoSteps()(query=asked("Poland")).answer == "Warsaw"
    assert model.texts[1].endswith(
        "\n# Query:\n```\nquery: What is the capital of Poland?\ndraft: Warsaw\n```\n\n# Answer:\n```\n"
    )


def test_over_http_programs_of_all_kinds_give_what_they_give_locally() -> None:
    """A server with a model that knows the form of reasoning."""
    with listening(EmbeddedModels(base=Copycat())) as url, running(UrialEngine("openai:nano", url=url)):
        program = dspy.ChainOfThought("query -> answer")
        program.predict.demos = [thought("Italy")]
        assert program(query=asked("France")).answer == "Paris"
        assert TwoSteps()(query=asked("Greece")).answer == "Athens"


@pytest.mark.parametrize("way", ["locally", "over HTTP"])
def test_the_embedded_model_thinks_though_it_has_read_no_text_of_that_form(way: str) -> None:
    """It writes neither name, and repeats in its answer what it thought."""
    with listening(EmbeddedModels(base=open_base("nano"))) as url:
        engine = UrialEngine("nano") if way == "locally" else UrialEngine("openai:nano", url=url)
        with running(engine, max_tokens=48):
            program = dspy.ChainOfThought("query -> answer")
            program.predict.demos = [thought("Italy"), thought("Spain")]
            found = program(query=asked("Finland"))
            steps = TwoSteps()(query=asked("Finland"))
    assert "Helsinki" in found.reasoning
    assert "Helsinki" in found.answer
    assert steps.answer
