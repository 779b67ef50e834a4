"""Signatures: the small DSPy programs that diagnose a search and write for it."""

from __future__ import annotations

from typing import Literal

import dspy  # type: ignore[import-untyped]
from pydantic import BaseModel, Field

_VOICE = (
    "Voice: a few plain sentences that the reader of a document would believe, about the answers that follow. "
    "No chat markup, no headings other than '# Instruction', no code fences, no names of models or companies."
)
_FRAME = (
    "A base language model continues a document: a system text, then solved examples (a query and its answer), then a "
    "new query. It imitates the answers of the examples and believes the system text."
)


class ShownExemplar(BaseModel):
    """An example of the prompt."""

    key: str
    query: str
    answer: str
    style: str


class ShownAnswer(BaseModel):
    """An answer of the base model, and what the judge says of it."""

    query_id: str
    query: str
    answer: str
    scores: dict[str, float | None]
    reasons: dict[str, str]


class NamedWeakness(BaseModel):
    """One weakness with its evidence."""

    sentence: str = Field(description="what the answers do badly, in one sentence")
    aspects: list[str] = Field(default_factory=list, description="aspects that it lowers")
    query_ids: list[str] = Field(default_factory=list, description="ids of the queries whose answers show it")
    exemplar_keys: list[str] = Field(default_factory=list, description="keys of the examples that teach it")
    style: str = Field(default="", description="the style of answers that would repair it, in a word or two")


class Diagnose(dspy.Signature):  # type: ignore[misc]
    __doc__ = f"""{_FRAME}

    Name at most three weaknesses of its answers, the gravest first, each with evidence from what is shown. Do not
    repeat what was tried without effect."""

    system_text: str = dspy.InputField()
    examples: list[ShownExemplar] = dspy.InputField()
    mean_scores: dict[str, float] = dspy.InputField(desc="by aspect, from 1 to 5")
    weakest_answers: list[ShownAnswer] = dspy.InputField()
    token_shift: list[str] = dspy.InputField(desc="what an aligned model does and the base model still does not")
    tried: list[str] = dspy.InputField(desc="earlier changes and their effects")
    styles: list[str] = dspy.InputField(desc="styles of answers that exist")
    weaknesses: list[NamedWeakness] = dspy.OutputField()


class WriteSystem(dspy.Signature):  # type: ignore[misc]
    __doc__ = f"""{_FRAME}

    Write a new system text that repairs the weakness and keeps what is good about the present one. {_VOICE}"""

    present_text: str = dspy.InputField()
    weakness: str = dspy.InputField()
    failing_answers: list[ShownAnswer] = dspy.InputField()
    most_characters: int = dspy.InputField()
    your_last_text: str = dspy.InputField(desc="what you wrote before; empty at first")
    remarks: list[str] = dspy.InputField(desc="what was wrong with it; heed every remark")
    system_text: str = dspy.OutputField()
    reason: str = dspy.OutputField(desc="one sentence")


class MergeSystems(dspy.Signature):  # type: ignore[misc]
    __doc__ = f"""{_FRAME}

    Two system texts are each best on other queries. Write one that has what makes each of them good. {_VOICE}"""

    first_text: str = dspy.InputField()
    first_good_at: list[str] = dspy.InputField()
    second_text: str = dspy.InputField()
    second_good_at: list[str] = dspy.InputField()
    most_characters: int = dspy.InputField()
    your_last_text: str = dspy.InputField(desc="what you wrote before; empty at first")
    remarks: list[str] = dspy.InputField(desc="what was wrong with it; heed every remark")
    system_text: str = dspy.OutputField()
    reason: str = dspy.OutputField(desc="one sentence")


class Restyle(dspy.Signature):  # type: ignore[misc]
    __doc__ = f"""{_FRAME}

    Rewrite the answer of an example in another style, so that answers written like it lose the weakness. Keep every
    fact: each number, name and code block, and the language. What makes a good example: an opening that takes up the
    question, a body in ordered parts, enough detail, a human tone, a short closing. Where the query is harmful, the
    answer declines lawfully and politely, gives the reason, and offers something better. Do not refuse a harmless
    query. No headings such as '# Query'."""

    query: str = dspy.InputField()
    answer: str = dspy.InputField()
    style: str = dspy.InputField()
    weakness: str = dspy.InputField()
    most_characters: int = dspy.InputField()
    your_last_text: str = dspy.InputField(desc="what you wrote before; empty at first")
    remarks: list[str] = dspy.InputField(desc="what was wrong with it; heed every remark")
    new_answer: str = dspy.OutputField()
    reason: str = dspy.OutputField(desc="one sentence")


class CreateExemplar(dspy.Signature):  # type: ignore[misc]
    __doc__ = f"""{_FRAME}

    Write a new example for a kind of query that the examples do not show: a query that is not among those shown, and a
    true, well written answer in the given style. Where such queries are harmful, the answer declines lawfully and
    politely, gives the reason, and offers something better. No headings such as '# Query'."""

    examples: list[ShownExemplar] = dspy.InputField(desc="the form to keep")
    failing_answers: list[ShownAnswer] = dspy.InputField(desc="the kind of query; do not use these queries themselves")
    kind: Literal["regular", "safety"] = dspy.InputField(desc="safety: the query asks for something harmful")
    style: str = dspy.InputField()
    weakness: str = dspy.InputField()
    most_characters: int = dspy.InputField()
    your_last_text: str = dspy.InputField(desc="what you wrote before; empty at first")
    remarks: list[str] = dspy.InputField(desc="what was wrong with it; heed every remark")
    new_query: str = dspy.OutputField()
    new_answer: str = dspy.OutputField()
    reason: str = dspy.OutputField(desc="one sentence")


ALL = (Diagnose, WriteSystem, MergeSystems, Restyle, CreateExemplar)
"""Their texts are part of a proposer's identity."""
