"""Records: the values that modules exchange, such as queries, completions, judgments, evaluations and trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeAlias, TypeVar

from urial_opt.aspects import Aspect, AspectScores, Missing, QueryKind, why_missing
from urial_opt.content import content_id
from urial_opt.prompt import UrialPrompt

Split: TypeAlias = Literal["dev", "validation", "test"]
FinishReason: TypeAlias = Literal["stop", "length"]
Verdict: TypeAlias = Literal["first", "second", "tie"]
_T = TypeVar("_T")
Params: TypeAlias = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One instruction to answer."""

    id: str
    text: str
    kind: QueryKind
    split: Split
    tags: tuple[str, ...] = ()
    """The task first, the topic second, where they are known."""
    earlier: tuple[str, ...] = ()
    """The user's earlier turns, if `text` is the last turn of a conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are chosen. The default is greedy decoding, as in Lin et al. 2024, section 4.1."""

    temperature: float = 0.0
    """0 means greedy decoding."""
    top_p: float = 1.0
    max_tokens: int = 256
    stop: tuple[str, ...] = ("# Query", "# User")
    """An answer ends as soon as one of these strings is complete; the string is not part of the text."""
    seed: int = 0
    repetition_penalty: float = 1.0
    """Applied to the tokens of prompt and answer, as in transformers; 1 means no penalty."""

    @property
    def id(self) -> str:
        return content_id(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Token counts. Adding two values adds each count."""

    prompt_tokens: int = 0
    """Prompt tokens that a model processed."""
    completion_tokens: int = 0
    """Tokens that a model generated."""
    saved_tokens: int = 0
    """Tokens that needed no processing because of a shared prefix or a stored result."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            saved_tokens=self.saved_tokens + other.saved_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The text that a generator wrote after one rendered prompt, without the stop string."""

    text: str
    finish_reason: FinishReason
    """`length`: cut off at `Sampling.max_tokens`."""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """A judge's verdict on one answer."""

    query_id: str
    judge: str
    """Identity of the judge, including its template; scores of different identities are never mixed."""
    scores: AspectScores
    reasons: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""
    """The judge's own words."""
    usage: Usage = field(default_factory=Usage)
    missing: Mapping[str, Missing] = field(default_factory=dict)
    """Why an aspect has no score; unread unless said otherwise."""
    asked: int = 1
    """How many times it was asked for: again after each run that left a part of it unread or refused."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "missing", why_missing(self.scores, self.missing))


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A judge's verdict on two answers to one query, asked in both orders."""

    query_id: str
    judge: str
    """Identity of the judge, including its templates."""
    overall: Verdict | None
    """A tie if the two orders disagree; None if the verdict in one of the orders cannot be read."""
    aspects: Mapping[Aspect, Verdict | None]
    """As `overall`, for each aspect due."""
    consistent: bool | None
    """Whether both orders gave the same overall verdict; None if one of the verdicts cannot be read."""
    raw: str = ""
    """The judge's own words."""
    usage: Usage = field(default_factory=Usage)
    missing: Mapping[str, Missing] = field(default_factory=dict)
    """As `Judgment.missing`, for `overall` and each aspect."""
    asked: int = 1

    def __post_init__(self) -> None:
        found = {"overall": self.overall} | {aspect.value: each for aspect, each in self.aspects.items()}
        object.__setattr__(self, "missing", why_missing(found, self.missing))


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTags:
    """A judge's description of a query; a field is None if it could not be read."""

    query_id: str
    judge: str
    """Identity of the judge, its template included."""
    task: str | None
    topic: str | None
    difficulty: str | None
    raw: str = ""
    """The judge's own words."""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Evaluation:
    """The answers of one prompt to some queries and their judgments; the three sequences have the same order."""

    queries: Sequence[Query]
    completions: Sequence[Completion]
    judgments: Sequence[Judgment]
    too_long: Sequence[Query] = ()
    """Further queries, which do not fit the model's context window: they have no answer."""
    prompt_tokens: float | None = None
    """Tokens of the prompt before a query; None where nobody counted (see `evaluation.token_counts`)."""
    answer_tokens: Sequence[int | None] = ()
    """Tokens of each answer, as it was written; empty where nobody counted."""

    def __repr__(self) -> str:
        return f"Evaluation({len(self.queries)} queries)"

    def __add__(self, other: Evaluation) -> Evaluation:
        return Evaluation(
            queries=(*self.queries, *other.queries),
            completions=(*self.completions, *other.completions),
            judgments=(*self.judgments, *other.judgments),
            too_long=(*self.too_long, *other.too_long),
            prompt_tokens=other.prompt_tokens if self.prompt_tokens is None else self.prompt_tokens,
            answer_tokens=(*self.answer_tokens, *other.answer_tokens),
        )


class TrialState(StrEnum):
    """How a trial ended."""

    COMPLETE = "complete"
    """Every dev query was judged."""
    PRUNED = "pruned"
    """Stopped early: behind the incumbent, unlikely to overtake it, or in breach of a constraint."""
    FAILED = "failed"
    """No verdict on any aspect could be read; or the prompt did not fit the base model, so nothing was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeKey:
    """The two models and the queries for which token shift is measured."""

    base: str
    """Identity of the base model."""
    aligned: str
    """Identity of the aligned model."""
    queries: tuple[str, ...]
    """The texts of the queries."""
    max_tokens: int
    """Maximum length of an answer, in tokens."""

    @property
    def id(self) -> str:
        """Hash of `queries` and `max_tokens`."""
        return content_id([self.queries, self.max_tokens])


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeShift:
    """Token shift between the base model under one prompt and the aligned model, on the aligned model's answers.

    Shares and means are over all positions of the answers except the end of the turn (Lin et al. 2024, section 2).
    """

    positions: int
    unshifted: float
    """Share of the positions where the aligned model's token is the most probable one in the base model."""
    marginal: float
    """Share of the positions where it is the second or third most probable one."""
    shifted: float
    """Share of the positions where it ranks lower."""
    surprise: float
    """Mean of -log p of the aligned model's token in the base model, in nats."""
    kl_base_aligned: float | None
    """Mean of KL(base || aligned), in nats; None if a server does not report full distributions."""
    kl_aligned_base: float | None
    """Mean of KL(aligned || base), likewise."""
    by_query: tuple[float, ...]
    """`surprise` of each answer, in the order of the queries."""
    usage: Usage
    """Tokens that both models read for the measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A proposal of a search space: a prompt and how to decode under it."""

    prompt: UrialPrompt
    sampling: Sampling
    params: Params
    """The values of the search space's parameters, as Optuna stores them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end of the 95 % interval."""

    def __str__(self) -> str:
        return format(self)

    def __format__(self, spec: str) -> str:
        """`4.31 [4.20, 4.42]`; `spec` formats each of the three numbers, `.2f` by default."""
        mean, low, high = (format(number, spec or ".2f") for number in (self.mean, self.low, self.high))
        return f"{mean} [{low}, {high}]"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TrialRecord:
    """One trial, as stored."""

    number: int
    """0, 1, 2 … in the order in which trials were recorded; Optuna's number also counts interrupted trials."""
    optuna_number: int
    candidate: Candidate
    query_scores: Mapping[str, float | None]
    """Score of each query asked, by query id, in the order asked; see `Objective.query_score`."""
    state: TrialState
    seconds: float
    usage: Usage

    def __repr__(self) -> str:
        asked = f"{len(self.query_scores)} queries"
        return f"TrialRecord({self.number}: {self.state}, {asked}, {self.candidate.prompt!r})"


def in_blocks(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Yield the items in order, in blocks of `size`; the last block may be shorter."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def estimate_json(estimate: Estimate, *, mean: str = "mean") -> dict[str, object]:
    """The mean under the key `mean`, and the 95 % `interval` as [low, high], both rounded to 4 decimals."""
    return {mean: round(estimate.mean, 4), "interval": [round(estimate.low, 4), round(estimate.high, 4)]}


def read_estimate(stored: Mapping[str, Any], *, mean: str = "mean") -> Estimate:
    """The estimate that `estimate_json` wrote."""
    low, high = stored["interval"]
    return Estimate(mean=stored[mean], low=low, high=high)


class Role(StrEnum):
    """The role of a model in a search."""

    BASE = "base"
    ALIGNED = "aligned"
    JUDGE = "judge"
    PROPOSER = "proposer"
