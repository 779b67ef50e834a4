"""Objective: the score that a search maximises, the bounds that it obeys, and the text in which people write both.

The average of a prompt is the mean of its six aspect means (Lin et al. 2024, section 4.1): five are judged on regular
queries, safety on safety queries. To compare prompts query by query, `query_score` gives each query the weighted mean
of its own aspects, and `kind_weights` gives the share of the average that each kind of query determines. A price takes
points from each query's score for the tokens of the prompt or of the answer; what is left is the *value* of a prompt.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from urial_opt.aspects import ASPECTS_OF, Aspect, QueryKind
from urial_opt.errors import InputError, UnknownNameError
from urial_opt.records import Estimate, Judgment


class TokenCount(StrEnum):
    """What may be bounded or priced beside the scores."""

    PROMPT = "prompt_tokens"
    """Tokens of the whole prompt before the query."""
    ANSWER = "answer_tokens"
    """Tokens that the base model writes for an answer; of a prompt, their mean over the queries."""


Measure: TypeAlias = Aspect | TokenCount
AVERAGE, VALUE, COST = "average", "value", "cost"
AXES = (AVERAGE, VALUE, *map(str, Aspect), *map(str, TokenCount), COST)
"""What a Pareto front may compare prompts by; of the last three, less is better."""
COST_NEEDS_PRICE = (
    "comparing prompts by cost needs the price of the base model, which is not known; "
    "give dollars per million tokens: `price=base=2.5/10`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What a search maximises; the default is just-eval's average."""

    weights: Mapping[Aspect, float] = field(default_factory=lambda: dict.fromkeys(Aspect, 1.0))
    prices: Mapping[TokenCount, float] = field(default_factory=dict)
    """Points that each token takes from the score of a query."""
    pareto: tuple[str, ...] = ()
    """The names in `AXES` by which prompts are compared where no single number decides; empty for none."""

    def __str__(self) -> str:
        """Such as `average`, or `safety=2, prompt_tokens=-0.1/100`."""
        weights = {each: weight for each, weight in self.weights.items() if weight != 1}
        if weights and {*self.weights.values()} == {0, 1} and len(weights) == len(Aspect) - 1:
            [only] = self.weights.keys() - weights.keys()
            parts = [only.value]
        else:
            parts = [f"{each}={weight:g}" for each, weight in weights.items()]
        parts += [price_in_words(each, points) for each, points in self.prices.items()]
        return ", ".join(parts) or AVERAGE

    @property
    def is_average(self) -> bool:
        """Whether the value of a prompt is just-eval's average."""
        return not self.prices and len({*self.weights.values()}) == 1

    def query_score(self, judgment: Judgment, kind: QueryKind) -> float | None:
        """Weighted mean, 1 to 5, of the readable aspects of one judgment; None if no aspect could be read."""
        read = [(self.weights[a], s) for a in ASPECTS_OF[kind] if (s := judgment.scores.get(a)) is not None]
        total = sum(weight for weight, _ in read)
        return sum(weight * score for weight, score in read) / total if total else None

    def charge(self, *, prompt: float | None, answer: float | None) -> float:
        """The points that the tokens of a prompt and of one answer cost; ValueError if a count is not known."""
        counts = {TokenCount.PROMPT: prompt, TokenCount.ANSWER: answer}
        points = 0.0
        for each, price in self.prices.items():
            if (count := counts[each]) is None:
                raise ValueError(f"{each} have a price, but are not counted")
            points += price * count
        return points

    def kind_weights(self) -> dict[QueryKind, float]:
        """The share of the average that queries of each kind determine; the shares sum to 1."""
        total = sum(self.weights.values())
        return {kind: sum(self.weights[a] for a in aspects) / total for kind, aspects in ASPECTS_OF.items()}


def price_in_words(of: TokenCount, points: float) -> str:
    """A price as it is written: `prompt_tokens=-0.1/100`."""
    return f"{of}={-100 * points:g}/100"


_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_CONSTRAINT = re.compile(rf"\s*(\w+)\s*(>=|<=)\s*({_NUMBER})\s*")
_SCORE_BOUND = "bounds a score that ranges from 1 to 5; write a number between them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A bound on a prompt's mean score of one aspect, such as `safety>=4.5`, or on tokens: `prompt_tokens<=400`."""

    aspect: Measure
    """The aspect, or what is counted."""
    at_least: bool
    """Whether the bound is a lower bound; False means an upper bound."""
    bound: float

    def __str__(self) -> str:
        return f"{self.aspect}{'>=' if self.at_least else '<='}{self.bound:.10g}"

    def holds(self, mean: float) -> bool:
        """Whether a mean satisfies the bound."""
        return self.excess(mean) <= 0

    def excess(self, mean: float) -> float:
        """How far a mean lies on the wrong side of the bound; zero or negative if it satisfies the bound.

        In points for an aspect, and for tokens as a share of the bound.
        """
        beyond = self.bound - mean if self.at_least else mean - self.bound
        return beyond / self.bound if isinstance(self.aspect, TokenCount) else beyond

    def is_broken(self, estimate: Estimate) -> bool:
        """Whether the whole 95 % interval lies on the wrong side of the bound."""
        return not self.holds(estimate.high if self.at_least else estimate.low)

    @classmethod
    def read(cls, text: str) -> Constraint:
        """Parse a constraint such as `safety>=4.5` or `prompt_tokens<=400`. InputError if `text` is none."""
        if not (found := _CONSTRAINT.fullmatch(text)):
            raise InputError(f"{text!r} is not a constraint; write one such as 'safety>=4.5' or 'prompt_tokens<=400'")
        name, relation, bound = found.groups()
        constraint = cls(aspect=_measure(name), at_least=relation == ">=", bound=float(bound))
        if isinstance(constraint.aspect, Aspect):
            if not 1 <= constraint.bound <= 5:
                raise InputError(f"{text!r} {_SCORE_BOUND}")
        elif constraint.bound < 1:
            raise InputError(f"{text!r} leaves no token; write a bound of at least 1, such as '{name}<=400'")
        elif constraint.aspect is TokenCount.PROMPT and constraint.at_least:
            raise InputError(f"{text!r} asks for long prompts, which only cost; write 'prompt_tokens<={bound}'")
        return constraint


def _measure(name: str) -> Measure:
    if name in [*TokenCount]:
        return TokenCount(name)
    if name not in [*Aspect]:
        raise UnknownNameError.of("aspect", name, [*map(str, Aspect), *map(str, TokenCount)])
    return Aspect(name)


def read_price(of: str, text: str) -> tuple[TokenCount, float]:
    """What is priced, and its points a token; `text` is such as `-0.1/100`: minus .1 points for each 100 tokens.

    InputError if it is none.
    """
    if of not in [*TokenCount]:
        raise UnknownNameError.of("count of tokens", of, map(str, TokenCount))
    found = re.fullmatch(rf"\s*({_NUMBER})\s*(?:/\s*(\d+)\s*)?", text)
    points = float(found[1]) / max(int(found[2] or 1), 1) if found else 0.0
    if points >= 0:
        what = "would be paid for, not priced" if points > 0 else "is no price"
        raise InputError(f"'{of}={text}' {what}; write the points that tokens cost: '{of}=-0.1/100'")
    return TokenCount(of), -points


@dataclass(frozen=True, slots=True, kw_only=True)
class Aims:
    """What `read_objective` reads: what a search maximises, and the bounds that it obeys."""

    objective: Objective
    constraints: tuple[Constraint, ...] = ()

    def __str__(self) -> str:
        """Such as `average; prompt_tokens<=400; Pareto front of average, cost`."""
        front = [f"Pareto front of {', '.join(self.objective.pareto)}"] if self.objective.pareto else []
        return "; ".join([str(self.objective), *map(str, self.constraints), *front])


_TERM = re.compile(r"(\w+)\s*(>=|<=|=)\s*(\S.*)")
_HOW = (
    "write a weight such as safety=2, a bound such as safety>=4.5 or prompt_tokens<=400, a price such as "
    "prompt_tokens=-0.1/100, or names to compare prompts by, such as average,prompt_tokens"
)


def read_objective(texts: str | Iterable[str]) -> Aims:
    """Parse an objective, as one text or several: terms separated by commas, of which each is one of these.

    - `safety=2`: the weight of an aspect; those not named keep 1;
    - `safety>=4.5`, `prompt_tokens<=400`, `answer_tokens<=150`: a constraint;
    - `prompt_tokens=-0.1/100`: a price, here .1 points for every 100 tokens of the prompt;
    - `average`, `safety`, `prompt_tokens`, `cost`: names alone. Two or more are the axes of the Pareto front that is
      shown. An aspect among them is what the search maximises if no weight is given and `average` is not named.

    InputError or UnknownNameError for the first mistake.
    """
    terms = [term.strip() for text in ([texts] if isinstance(texts, str) else texts) for term in text.split(",")]
    weights: dict[Aspect, float] = {}
    prices: dict[TokenCount, float] = {}
    constraints: list[Constraint] = []
    names: list[str] = []
    for term in terms:
        found = _TERM.fullmatch(term)
        if found is None:
            names.append(_axis(term))
        elif found[2] != "=":
            constraints.append(Constraint.read(term))
        elif isinstance(measure := _measure(found[1]), Aspect):
            _once(measure, weights, term)
            weights[measure] = _weight(found[3], term)
        else:
            _once(measure, prices, term)
            prices |= [read_price(found[1], found[3])]
    _refuse_twice(names)
    _refuse_twice([f"{each.aspect}{'>=' if each.at_least else '<='}" for each in constraints])
    if names:
        weights = _maximised(names, weights, priced=bool(prices))
    return Aims(
        objective=Objective(
            weights=checked_weights({aspect: weights.get(aspect, 1.0) for aspect in Aspect}),
            prices=prices,
            pareto=tuple(names) if len(names) > 1 else (),
        ),
        constraints=tuple(constraints),
    )


def checked_weights(weights: Mapping[Aspect, float]) -> Mapping[Aspect, float]:
    """The weights; InputError if all are 0."""
    if not any(weights.values()):
        raise InputError("all weights are 0; give at least one aspect a positive weight, such as safety=1")
    return weights


def axis_names(texts: str | Iterable[str]) -> tuple[str, ...]:
    """The names of axes in `average,prompt_tokens`. InputError if there are not two or more different ones."""
    names = [_axis(each.strip()) for text in ([texts] if isinstance(texts, str) else texts) for each in text.split(",")]
    _refuse_twice(names)
    if len(names) < 2:
        raise InputError(f"a front needs two things to compare prompts by; write for example {names[0]},cost")
    return tuple(names)


def _axis(term: str) -> str:
    if not re.fullmatch(r"\w+", term):
        raise InputError(f"{term!r} is no part of an objective; {_HOW}" if term else f"an objective is empty; {_HOW}")
    if term not in AXES:
        raise UnknownNameError.of("objective", term, AXES)
    return term


def _maximised(names: list[str], weights: dict[Aspect, float], *, priced: bool) -> dict[Aspect, float]:
    """The weights, which are those of the first aspect alone if only names say what to maximise."""
    aspects = [Aspect(name) for name in names if name in [*Aspect]]
    if weights or AVERAGE in names or VALUE in names:
        if weights and len(names) == 1 and aspects:
            raise InputError(f"{names[0]!r} stands alone beside weights; give it one, such as {names[0]}=1")
        return weights
    if aspects:
        return {aspect: float(aspect is aspects[0]) for aspect in Aspect}
    if priced:
        return weights
    raise InputError(f"a search maximises a score, and {names[0]!r} is none; name one too: average,{names[0]}")


def _weight(text: str, term: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise InputError(f"{term!r} is not the weight of an aspect; write a number of 0 or more, such as safety=2")
    return weight


def _once(name: Measure, among: Collection[Measure], term: str) -> None:
    if name in among:
        raise InputError(f"{name.value!r} has two numbers, the second in {term!r}; leave one out")


def _refuse_twice(names: list[str]) -> None:
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise InputError(f"{twice[0]!r} stands there twice; leave one out")
