"""Signatures: the small DSPy programs that diagnose a search and write for it.

Each says only what its one task needs, so that a small model can follow it. What helps another attempt (the last text,
and what was wrong with it) is added by `again`.
"""

from __future__ import annotations

from typing import Any, Literal

import dspy  # type: ignore[import-untyped]
from pydantic import BaseModel, Field, field_validator, model_validator

_FRAME = (
    "A base language model, which has had no training in conversation, continues a document: a system text, then "
    "solved examples (a query and its answer), then a new query. It believes what the system text says about the "
    "answers, and it imitates the examples."
)
_VOICE = (
    "Write in the voice of a document: a few plain sentences that describe the queries and answers below as if they "
    "were there already, so that a reader would believe them. Say what the answers do, not what you want. You may "
    "begin with the line '# Instruction'. No other heading, no code fence, no chat markup, no placeholder, no name of "
    "a model or company."
)
_KEEP = (
    "Keep every fact: each number, name and code block, and the language. Add no fact that you are not sure of. "
    "No heading such as '# Query'."
)
_HELPFUL = (
    "What makes a good example: an opening that takes up the question, then a body in clear parts (what it is, the "
    "points or steps in order, a conclusion), enough detail to act on, the tone of a friendly person, a short closing. "
    "Take of these what the style asks for. The query is harmless: answer it, and do not refuse."
)
_LAWFUL = (
    "The query is harmful. The answer declines politely, says which law or whose safety stands against it, and offers "
    "something better. It gives no help with the harm."
)


class ShownExemplar(BaseModel):
    """A solved example of the prompt."""

    key: str
    style: str
    query: str
    answer: str


class ShownAnswer(BaseModel):
    """An answer of the base model, and what the judge says of it."""

    query_id: str
    query: str
    answer: str
    verdicts: dict[str, str]


class NamedWeakness(BaseModel):
    """One weakness with its evidence."""

    sentence: str = Field(description="what the answers do badly, in one sentence")
    aspects: list[str] = Field(default_factory=list, description="aspects that it lowers")
    query_ids: list[str] = Field(default_factory=list, description="ids of the answers that show it")
    exemplar_keys: list[str] = Field(default_factory=list, description="keys of the examples that teach it")
    style: str = Field(default="", description="style that would repair it: one that exists, or a new one in two words")

    @classmethod
    def __get_pydantic_json_schema__(cls, _: Any, __: Any) -> dict[str, Any]:  # noqa: ANN401
        """An example and the meaning of its fields: small models copy a schema instead of filling it in."""
        example = {"sentence": "…", "aspects": ["depth"], "query_ids": ["q1"], "exemplar_keys": [], "style": "…"}
        meanings = {name: each.description for name, each in cls.model_fields.items()}
        return {"type": "object", "example": example, "meanings": meanings}

    @model_validator(mode="before")
    @classmethod
    def _sentence_alone(cls, value: Any) -> Any:  # noqa: ANN401
        return {"sentence": value} if isinstance(value, str) else value

    @field_validator("aspects", "query_ids", "exemplar_keys", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:  # noqa: ANN401
        listed = value.split(",") if isinstance(value, str) else value
        return [str(each).strip() for each in listed] if isinstance(listed, list) else []

    @field_validator("style", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:  # noqa: ANN401
        return value if isinstance(value, str) else ""


class Diagnose(dspy.Signature):  # type: ignore[misc]
    __doc__ = f"""{_FRAME}

    Name at most three weaknesses of its answers, the gravest first. Each is one thing that a better system text or
    better examples would repair, with evidence among what is shown. Leave out what was tried and did not help."""

    system_text: str = dspy.InputField()
    examples: list[ShownExemplar] = dspy.InputField()
    mean_scores: dict[str, float] = dspy.InputField(desc="by aspect, from 1 to 5")
    weakest_answers: list[ShownAnswer] = dspy.InputField(desc="with a judge's scores and reasons")
    still_lacking: list[str] = dspy.InputField(desc="what a well trained model does and this one does not")
    tried: list[str] = dspy.InputField(desc="earlier changes and what became of them")
    styles: list[str] = dspy.InputField(desc="styles of examples that exist")
    weaknesses: list[NamedWeakness] = dspy.OutputField()


class WriteSystem(dspy.Signature):  # type: ignore[misc]
    __doc__ = f"""{_FRAME}

    Write a new system text that repairs the weakness and keeps what is good about the present one. {_VOICE}"""

    present_text: str = dspy.InputField()
    weakness: str = dspy.InputField()
    failing_answers: list[ShownAnswer] = dspy.InputField()
    most_characters: int = dspy.InputField()
    reason: str = dspy.OutputField(desc="what you change and why, in one sentence", default="")
    system_text: str = dspy.OutputField()


class MergeSystems(dspy.Signature):  # type: ignore[misc]
    __doc__ = f"""{_FRAME}

    Two system texts are each best on other queries. Find out what makes each of them good there, and write one text
    that has both. {_VOICE}"""

    first_text: str = dspy.InputField()
    first_good_at: list[str] = dspy.InputField(desc="queries")
    second_text: str = dspy.InputField()
    second_good_at: list[str] = dspy.InputField(desc="queries")
    most_characters: int = dspy.InputField()
    reason: str = dspy.OutputField(desc="what you take from each and why, in one sentence", default="")
    system_text: str = dspy.OutputField()


class RestyleAnswer(dspy.Signature):  # type: ignore[misc]
    __doc__ = f"""{_FRAME}

    Rewrite the answer of an example in another style, so that answers like it lose the weakness. {_KEEP} {_HELPFUL}"""

    query: str = dspy.InputField()
    answer: str = dspy.InputField()
    style: str = dspy.InputField()
    weakness: str = dspy.InputField()
    most_characters: int = dspy.InputField()
    reason: str = dspy.OutputField(desc="what you change and why, in one sentence", default="")
    new_answer: str = dspy.OutputField()


class RestyleRefusal(RestyleAnswer):
    __doc__ = f"""{_FRAME}

    Rewrite the answer of an example in another style, so that answers like it lose the weakness. {_KEEP} {_LAWFUL}"""


class CreateExample(dspy.Signature):  # type: ignore[misc]
    __doc__ = f"""{_FRAME}

    Write an example for a kind of query that the examples lack: a query of your own, about something else than those
    shown, and a true answer to it in the style. No heading such as '# Query'. {_HELPFUL}"""

    examples: list[ShownExemplar] = dspy.InputField(desc="the form to keep")
    failing_answers: list[ShownAnswer] = dspy.InputField(desc="the kind of query; use none of these queries")
    kind: Literal["regular", "safety"] = dspy.InputField(desc="of the query; safety: it asks for something harmful")
    style: str = dspy.InputField()
    weakness: str = dspy.InputField()
    most_characters: int = dspy.InputField(desc="of the answer")
    reason: str = dspy.OutputField(desc="why this example helps, in one sentence", default="")
    new_query: str = dspy.OutputField()
    new_answer: str = dspy.OutputField()


class CreateRefusal(CreateExample):
    __doc__ = f"""{_FRAME}

    Write an example for a kind of query that the examples lack: a query of your own that asks for something harmful,
    about something else than those shown, and an answer to it in the style. No heading such as '# Query'. {_LAWFUL}"""


ALL = (Diagnose, WriteSystem, MergeSystems, RestyleAnswer, RestyleRefusal, CreateExample, CreateRefusal)
"""Their layout is part of a proposer's identity."""


def again(signature: type[dspy.Signature]) -> type[dspy.Signature]:
    """The signature for another attempt at a task that failed."""
    last = dspy.InputField(desc="what you wrote before")
    remarks = dspy.InputField(desc="what was wrong with it; heed each of them")
    more: type[dspy.Signature] = signature.append("your_last_text", last, type_=str)
    more = more.append("remarks", remarks, type_=list[str])
    more.__name__ = signature.__name__  # dspy forgets it
    return more
