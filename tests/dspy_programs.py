"""DSPy signatures, demos and a base model of a few lines, for the tests of `urial_opt.dspy`."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dspy  # type: ignore[import-untyped]
import pydantic

from urial_opt.dspy import UrialAdapter, UrialEngine
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
