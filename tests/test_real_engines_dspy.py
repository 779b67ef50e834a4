"""DSPy programs on a real base model, which learns the form of reasoning from three demos."""

from __future__ import annotations

from typing import Any

import dspy  # type: ignore[import-untyped]

from tests.dspy_programs import running
from tests.real_models import ON_SMOLLM2
from urial_opt.dspy import UrialAdapter, UrialEngine
from urial_opt.protocols import Generator
from urial_opt.records import Sampling

pytest_plugins = ["tests.real_model_fixtures"]
pytestmark = ON_SMOLLM2
SYSTEM = "# Instruction\n\nBelow are queries and well-considered answers.\n"
DEMOS = [
    dspy.Example(
        query="Tom has 3 apples and buys 2 more. How many apples has he?",
        reasoning="He has 3 apples at first.\nThen he buys 2 more, so 3 + 2 = 5.",
        answer=5,
    ),
    dspy.Example(
        query="A box holds 4 pens. How many pens are in 3 boxes?",
        reasoning="Each box holds 4 pens, and there are 3 boxes: 4 * 3 = 12.",
        answer=12,
    ),
    dspy.Example(
        query="Ann had 9 cards and gave away 4. How many are left?",
        reasoning="She had 9 cards and gave 4 away, so 9 - 4 = 5.",
        answer=5,
    ),
]


def asked(program: Any, base: Generator) -> Any:
    engine = UrialEngine(base, sampling=Sampling(max_tokens=80))
    with running(engine, UrialAdapter(SYSTEM)):
        return program(query="Lea had 8 sweets and ate 3. How many are left?")


def test_reasoning_comes_with_demos_that_have_it(base: Generator) -> None:
    program = dspy.ChainOfThought("query -> answer: int")
    program.predict.demos = DEMOS
    found = asked(program, base)
    assert isinstance(found.answer, int)
    assert "8" in found.reasoning
