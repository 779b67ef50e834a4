"""DSPy signatures, demos and a base model of a few lines, for the tests of `urial_opt.dspy`."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dspy  # type: ignore[import-untyped]
import pydantic

from urial_opt.dspy import UrialAdapter, UrialEngine, UrialOptimizer
from urial_opt.records import Completion, Sampling, Usage

SYSTEM = "# Instruction\n\n  Below are conversations.  \n\n\tThey end well.\n\n"
"""A system text that DSPy's instructions cannot hold: blank lines at its end, a tab, two blanks at a line's end."""
CAPITALS = {"Italy": "Rome", "Spain": "Madrid", "Greece": "Athens", "Poland": "Warsaw", "France": "Paris"}


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


class Place(pydantic.BaseModel):
    name: str
    rivers: list[str]


def signature(*, instructions: str = "", inputs: Any = ("query",), **outputs: Any) -> Any:
    """A signature with text inputs and these outputs: name and type."""
    fields: dict[str, Any] = {name: (str, dspy.InputField()) for name in inputs}
    fields |= {name: (kind, dspy.OutputField()) for name, kind in outputs.items()}
    return dspy.Signature(fields, instructions or None)


def asked(country: str) -> str:
    return f"What is the capital of {country}?"


def demo(country: str, **more: str) -> Any:
    """An example whose answer is the embedded model's own sentence."""
    answer = f"The capital of {country} is {CAPITALS[country]}."
    return dspy.Example(query=asked(country), **{"answer": answer, **more}).with_inputs("query")


def thought(country: str) -> Any:
    """An example with reasoning, and a bare answer."""
    reasoning = f"The question is about {country}.\nIts capital: {CAPITALS[country]}."
    return demo(country, reasoning=reasoning, answer=CAPITALS[country])


class Copycat:
    """A base model that copies the form of the last exemplar, and knows capitals; it ends as base models do."""

    identity = "copycat"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.batches: list[int] = []
        self.samplings: list[Sampling] = []

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        self.batches.append(len(suffixes))
        self.samplings.append(sampling)
        self.texts += [prefix + suffix for suffix in suffixes]
        return [self._continue(prefix + suffix) for suffix in suffixes]

    def _continue(self, text: str) -> Completion:
        before, _, query = text.rpartition("\n# Query:\n")
        country = next((country for country in CAPITALS if country in query), "nowhere")
        answer = CAPITALS.get(country, country)
        if "reasoning:" in before:
            answer = f"reasoning: The question is about {country}.\nanswer: {answer}"
        text = f"{answer}\n```\n\n# Query:\n```\nAnd then?"
        usage = Usage(prompt_tokens=len(query), completion_tokens=len(answer), saved_tokens=len(before))
        return Completion(text=text, finish_reason="stop", usage=usage)


@contextmanager
def running(engine: UrialEngine, adapter: UrialAdapter | None = None, **settings: Any) -> Iterator[None]:
    """DSPy asks this engine, in the URIAL layout."""
    with dspy.context(lm=engine.lm(**settings), adapter=adapter or UrialAdapter(), callbacks=[]):
        yield


COUNTRIES = {**CAPITALS, "Japan": "Tokyo", "Egypt": "Cairo", "Peru": "Lima", "Norway": "Oslo", "Chile": "Santiago"}
KIND = "Be kind.\n\n\tAlways.\n\n"


def example(country: str, **more: str) -> Any:
    fields = {"answer": f"The capital of {country} is {COUNTRIES[country]}.", **more}
    return dspy.Example(query=asked(country), **fields).with_inputs("query")


TRAIN = [example(country) for country in COUNTRIES]
BARE = [example(country, answer=COUNTRIES[country]) for country in COUNTRIES]


class Mimic(Copycat):
    """Answers in a sentence if it is shown one, in a word if not; greets if it was told to be kind."""

    identity = "mimic"

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        super().generate(prefix, suffixes, sampling)
        return [self._answer(prefix, suffix) for suffix in suffixes]

    def _answer(self, prefix: str, suffix: str) -> Completion:
        country = next((country for country in COUNTRIES if country in suffix), "nowhere")
        word = COUNTRIES.get(country, "nowhere")
        text = f"The capital of {country} is {word}." if "The capital of" in prefix else word
        if "reasoning:" in prefix:
            text = f"reasoning: I know {country}.\nanswer: {text}"
        elif "kind" in prefix:
            text = f"Hi! {text}"
        return Completion(text=f"{text}\n```\n\n# Query:", finish_reason="stop")


def exact(wanted: Any, found: Any, trace: object = None) -> bool:
    return bool(wanted.answer == found.answer)


def compiled(
    path: Path, model: Copycat, program: Any = None, *, metric: Callable[..., Any] = exact, **settings: Any
) -> Any:
    """A program that was searched with few prompts."""
    sets = {each: settings.pop(each) for each in ("trainset", "valset", "teacher") if each in settings}
    adapter = settings.pop("adapter", None) or UrialAdapter(SYSTEM)
    optimizer = UrialOptimizer(metric, **{"budget": 4, "max_demos": 2, "store": path, "num_threads": 1, **settings})
    with running(UrialEngine(model), adapter):
        return optimizer.compile(program or dspy.Predict("query -> answer"), **{"trainset": TRAIN, **sets})
