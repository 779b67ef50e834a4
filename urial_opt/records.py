"""The values that pass between rooms: queries, completions, judgments, evaluations, trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias, TypeVar

from urial_opt.aspects import Aspect, AspectScores, QueryKind
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
    """How tokens are chosen. The default is the paper's: greedy (section 4.1)."""

    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    max_tokens: int = 256
    stop: tuple[str, ...] = ("# Query", "# User")
    """Generation of a row ends where the first of these strings is complete; it is not part of the text."""
    seed: int = 0
    repetition_penalty: float = 1.0
    """As in transformers: over the tokens of prompt and answer; 1 is none."""

    @property
    def id(self) -> str:
        return content_id(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens counted for some work. Addition sums them."""

    prompt_tokens: int = 0
    """Prompt tokens that a model had to read."""
    completion_tokens: int = 0
    """Tokens that a model generated."""
    saved_tokens: int = 0
    """Tokens that a shared prefix or a stored completion made it unnecessary to process."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            saved_tokens=self.saved_tokens + other.saved_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a generator wrote after one rendered prompt, without the stop string."""

    text: str
    finish_reason: FinishReason
    """`length`: cut off at `Sampling.max_tokens`."""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """A judge's verdict on one answer."""

    query_id: str
    judge: str
    """Identity of the judge, its template included: scores of two judges are never mixed."""
    scores: AspectScores
    reasons: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""
    """The judge's own words."""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A judge's verdict on two answers to one query, asked in both orders."""

    query_id: str
    judge: str
    """Identity of the judge, its templates included."""
    overall: Verdict | None
    """Tie also where the two orders disagree; None: one of them gave no readable verdict."""
    aspects: Mapping[Aspect, Verdict | None]
    """As `overall`, for each aspect due."""
    consistent: bool | None
    """Whether both orders gave the same overall verdict; None where that cannot be told."""
    raw: str = ""
    """The judge's own words."""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTags:
    """What a judge says a query is about; None: no readable verdict."""

    query_id: str
    judge: str
    """Identity of the judge, its template included."""
    task: str | None
    topic: str | None
    difficulty: str | None
    raw: str = ""
    """The judge's own words."""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a server wants to be asked."""

    at_once: int
    """Requests under way, at most."""
    not_before: float
    """Seconds since 1970: when it may be asked again, or when it was last overloaded."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Evaluation:
    """One prompt on some queries; the three sequences run in parallel."""

    queries: Sequence[Query]
    completions: Sequence[Completion]
    judgments: Sequence[Judgment]

    def __repr__(self) -> str:
        return f"Evaluation({len(self.queries)} queries)"

    def __add__(self, other: Evaluation) -> Evaluation:
        return Evaluation(
            queries=(*self.queries, *other.queries),
            completions=(*self.completions, *other.completions),
            judgments=(*self.judgments, *other.judgments),
        )


class TrialState(StrEnum):
    """How a trial ended."""

    COMPLETE = "complete"
    """Every dev query was judged."""
    PRUNED = "pruned"
    """The race stopped it: significantly behind the incumbent."""
    FAILED = "failed"
    """No aspect could be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeKey:
    """Which models a shift is between, and over the answers to which queries."""

    base: str
    """Identity of the base model."""
    aligned: str
    """Identity of the aligned model."""
    queries: tuple[str, ...]
    """Their texts."""
    max_tokens: int
    """Longest answer."""

    @property
    def id(self) -> str:
        """Hash of queries and length."""
        return content_id([self.queries, self.max_tokens])


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeShift:
    """How far the base model under one prompt is from the aligned model, over the aligned answers to some queries.

    Shares and means are over all positions of the answers but the end of the turn (Lin et al. 2024, section 2).
    """

    positions: int
    unshifted: float
    """Share of the positions where the aligned model's token is the base model's most probable one."""
    marginal: float
    """Share of those where it is its second or third."""
    shifted: float
    """Share of those where it comes later."""
    surprise: float
    """Mean of -log p of the aligned model's token in the base model, in nats."""
    kl_base_aligned: float | None
    """Mean of KL(base || aligned), in nats; None from servers that do not tell whole distributions."""
    kl_aligned_base: float | None
    """Mean of KL(aligned || base), likewise."""
    by_query: tuple[float, ...]
    """`surprise` of each answer, in the order of the queries."""
    usage: Usage
    """Tokens that both models read for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a search space proposes: a prompt and how to decode under it."""

    prompt: UrialPrompt
    sampling: Sampling
    params: Params
    """The choices that led here, as Optuna stores them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean and how sure we are of it."""

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
    """One trial as the store remembers it."""

    number: int
    """0, 1, 2 … in the order of recording; not Optuna's number, which also counts interrupted trials."""
    optuna_number: int
    candidate: Candidate
    query_scores: Mapping[str, float | None]
    """Score of each query seen, by query id, in the order seen; see `objective.query_score`."""
    state: TrialState
    seconds: float
    usage: Usage

    def __repr__(self) -> str:
        asked = f"{len(self.query_scores)} queries"
        return f"TrialRecord({self.number}: {self.state}, {asked}, {self.candidate.prompt!r})"


def in_blocks(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """The items in their order, `size` at a time; the last block may be shorter."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def estimate_json(estimate: Estimate, *, mean: str = "mean") -> dict[str, object]:
    """A mean under the name `mean`, and its 95 % `interval` [low, high], in points."""
    return {mean: round(estimate.mean, 4), "interval": [round(estimate.low, 4), round(estimate.high, 4)]}


def shift_json(shift: ProbeShift) -> dict[str, object]:
    """Keys: `positions`, `unshifted`, `marginal`, `shifted` (shares), `surprise`, `kl_base_aligned`, `kl_aligned_base`.

    The last three in nats, null where a server does not tell.
    """
    names = ("positions", "unshifted", "marginal", "shifted", "surprise", "kl_base_aligned", "kl_aligned_base")
    values = {name: getattr(shift, name) for name in names}
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}


class Role(StrEnum):
    """What a model does in a search."""

    BASE = "base"
    ALIGNED = "aligned"
    JUDGE = "judge"
    PROPOSER = "proposer"


def usage_json(usage: Usage) -> dict[str, int]:
    """Keys: `spent` (read and written), `prompt`, `completion`, `saved`; tokens each."""
    return {
        "spent": usage.prompt_tokens + usage.completion_tokens,
        "prompt": usage.prompt_tokens,
        "completion": usage.completion_tokens,
        "saved": usage.saved_tokens,
    }
