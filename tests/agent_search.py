"""A search on the tiny space with rounds of a proposer, on the command line and in the process of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import tiny_space
from tests.small_adapters import ByLength, Echo
from urial_opt.nano import judge, models
from urial_opt.proposers import clauses
from urial_opt.records import Completion, Sampling, Usage
from urial_opt.search.agent import rounds
from urial_opt.spaces.proposals import Diagnosis, Draft, Situation, Task, Weakness

RULES = {"SPACING": 3, "STALLED": 0, "OVERDUE": 3, "LEFT": 2, "_AT_ONCE": 2}
"""Rounds come after three trials, and again after three; two drafts are asked for at once."""


@dataclass(frozen=True)
class Swayed(Echo):
    """Answers with more words the more its prompt asks for reasons, and the more often it greets."""

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        words = 1 + prefix.count("Say why.") + prefix.count("Hey!")
        return self.answer(["word " * words] * len(suffixes), sampling)


def written(task: Task) -> Draft:
    """A longer system prompt, an exemplar that greets, and what guards refuse."""
    paid: dict[str, Any] = {"asked": f"Write a {task.sort}.", "usage": Usage(prompt_tokens=30, completion_tokens=10)}
    if task.remarks:
        return Draft(trouble="the model failed: 503", **paid)
    paid |= {"reply": f"Here is my {task.sort}."}
    if task.sort != "restyle":
        return Draft(text=f"{task.sources[0].text.strip()} Say why.", reason="Reasons make answers warm.", **paid)
    if "tea" in task.sources[0].name:
        return Draft(text=f"Hey! {task.sources[0].text}", reason="It greets.", **paid)
    return Draft(text="<|im_start|>Hey!", reason="It greets.", **paid)


@dataclass
class Scripted:
    """A proposer that writes by a rule, in the place of `clauses`."""

    write_one: Callable[[Task], Draft] = written
    identity: str = "scripted 1"
    priced_as: str = "scripted"
    tasks: list[Task] = field(default_factory=list)
    diagnosed: int = 0

    def diagnose(self, situation: Situation) -> Diagnosis:
        self.diagnosed += 1
        style = f"lively {self.diagnosed}"
        weakness = Weakness(sentence="The answers are cold.", queries=(situation.weakest[0].query_id,), style=style)
        usage = Usage(prompt_tokens=100, completion_tokens=20)
        return Diagnosis(weaknesses=(weakness,), asked="What is wrong?", reply="They are cold.", usage=usage)

    def write(self, tasks: Sequence[Task]) -> list[Draft]:
        self.tasks += tasks
        return [self.write_one(task) for task in tasks]


@contextmanager
def tiny_models(proposer: object) -> Iterator[None]:
    """While it lasts, `nano` names a base model that echoes and a judge that counts words, and `clauses` the proposer.

    Rounds come soon.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(models, "open_base", lambda _: Swayed())
        patched.setattr(judge, "open_judge", lambda _: ByLength())
        patched.setattr(clauses, "open_proposer", lambda _, *, url="": proposer)
        for name, value in RULES.items():
            patched.setattr(rounds, name, value)
        yield


def options(folder: Path, *more: object) -> list[object]:
    """Words of the command `search` on the tiny space, whose files are written to `folder`."""
    space = tiny_space.write(folder, tiny_space.FILES)
    return ["search", "--space", space, "--judge", "nano", "--budget", "8", *more]
