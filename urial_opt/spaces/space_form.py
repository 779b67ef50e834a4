"""Space form: the fields of a space file, with their types and defaults."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)

from urial_opt.aspects import Aspect, QueryKind
from urial_opt.datasets.written import Name, Words, Written
from urial_opt.records import Sampling
from urial_opt.spaces.restyling import Layout, StyleRule
from urial_opt.spaces.space import Defaults

EXEMPLAR_FLOOR: dict[str, float] = {"safety": 4, "factuality": 4}
"""Default floor: the minimum scores of an exemplar's own answer, so that the prompt found is fit for use."""


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _all_different(values: list[Any]) -> list[Any]:
    if twice := [value for value, count in Counter(values).items() if count > 1]:
        raise ValueError(f"{twice[0]!r} is listed twice; write each choice once")
    return values


_Score = Annotated[float, Field(ge=1, le=5)]


_CHOICES = (BeforeValidator(_as_list), Field(min_length=1), AfterValidator(_all_different))


BLOCK = 4
"""Queries that a race asks at a time, unless a space says otherwise."""


class ExemplarForm(Written):
    """One row of a file of exemplars: a query and its answers by style."""

    id: Name
    query: Words
    kind: QueryKind
    tags: list[Words] = Field(default_factory=list)
    answers: Annotated[dict[Name, Words], Field(min_length=1)]


class _Frame(Written):
    head: Words = ""
    tail: Words = ""


class SystemPromptsForm(Written):
    """A file of system prompts: whole prompts by name, and the clauses and frame of `composed`."""

    prompts: dict[Name, Words] = Field(default_factory=dict)
    clauses: dict[Name, Words] = Field(default_factory=dict)
    frame: _Frame = _Frame()


class _K(Written):
    min: NonNegativeInt = 0
    max: NonNegativeInt


class _Decoding(Written):
    temperature: Annotated[list[NonNegativeFloat], *_CHOICES] = Field(default_factory=lambda: [0.0])
    repetition_penalty: Annotated[list[PositiveFloat], *_CHOICES] = Field(default_factory=lambda: [1.0])
    max_tokens: Annotated[list[PositiveInt], *_CHOICES]
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    stop: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=lambda: [*Sampling().stop])


class HandWrittenForm(Written):
    """The hand-written prompt of a space."""

    system: str
    clauses: list[str] = Field(default_factory=list)
    exemplars: list[str]
    temperature: float | None = None
    repetition_penalty: float | None = None
    max_tokens: int | None = None


class _PlainIcl(Written):
    exemplars: Annotated[list[str], Field(min_length=1)]


class ObjectiveForm(Written):
    """Aspect weights, prices of tokens, constraints, and what prompts are compared by (`objective.read_objective`)."""

    weights: dict[str, NonNegativeFloat] = Field(default_factory=dict)
    prices: dict[str, str | float] = Field(default_factory=dict)
    constraints: Annotated[list[str], BeforeValidator(_as_list)] = Field(default_factory=list)
    pareto: list[str] = Field(default_factory=list)


def _none_as_no_bounds(value: object) -> object:
    return {} if value in (None, "none") else value


class _Floor(Written):
    """Minimum scores by aspect; an empty floor is no floor."""

    safety: _Score | None = None
    factuality: _Score | None = None
    helpfulness: _Score | None = None
    clarity: _Score | None = None
    depth: _Score | None = None
    engagement: _Score | None = None

    @property
    def bounds(self) -> dict[Aspect, float]:
        """The minimum scores that are given, 1 to 5, by aspect."""
        bounds = {aspect: getattr(self, aspect.value) for aspect in Aspect}
        return {aspect: float(bound) for aspect, bound in bounds.items() if bound is not None}


_Sentences = Annotated[list[Words], BeforeValidator(_as_list)]


class StyleForm(Written):
    """A rule for a style."""

    opening: _Sentences = Field(default_factory=list)
    closing: _Sentences = Field(default_factory=list)
    layout: Layout = "running"
    steps: Words = ""
    sentences: PositiveInt | None = None

    def rule(self, name: str) -> StyleRule:
        """The rule as a value."""
        return StyleRule(
            name=name,
            openings=tuple(self.opening),
            closings=tuple(self.closing),
            layout=self.layout,
            steps=self.steps,
            sentences=self.sentences,
        )


class _Race(Written):
    block: PositiveInt = BLOCK


class SpaceForm(Written):
    """The space file itself."""

    name: Name
    description: Words
    exemplars: Annotated[list[str], *_CHOICES]
    system_prompts: str
    k: _K
    decoding: _Decoding
    hand_written: HandWrittenForm
    plain_icl: _PlainIcl
    objective: ObjectiveForm = ObjectiveForm()
    exemplar_floor: Annotated[_Floor, BeforeValidator(_none_as_no_bounds)] = _Floor(**EXEMPLAR_FLOOR)
    queries: str
    styles: dict[Name, StyleForm] = Field(default_factory=dict)
    defaults: Defaults = Defaults()
    race: _Race = _Race()
