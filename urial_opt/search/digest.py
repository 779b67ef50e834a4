"""Digests: the outcome of a search in ten lines of text, for a terminal, or in a small table, for a notebook."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from urial_opt.objective import AVERAGE
from urial_opt.records import Estimate, TrialState, read_estimate
from urial_opt.spaces.lineage import WrittenPart

CONTEXT_NAMES = {
    "zero_shot": "zero-shot",
    "plain_icl": "plain ICL",
    "hand_written": "hand-written",
    "found": "found",
    "aligned": "aligned model",
}
"""What people read for each context of a result, in the order shown."""
_KNOWN_PROMPTS = {
    "hand_written": "the hand-written one",
    "plain_icl": "plain ICL",
    "zero_shot": "no prompt at all (zero-shot)",
    "start": "the one that the search started from",
}
"""What a found prompt may turn out to be; the first that applies is said."""
_HEAD = ("context", "average [95 %]", "prompt tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextDigest:
    """One context on the test queries."""

    average: Estimate
    prompt_tokens: int | None
    """None where the generator cannot count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """The outcome of a search, as far as ten lines hold it."""

    name: str
    queries: int
    """How many it was measured on."""
    contexts: Mapping[str, ContextDigest]
    """By role: the keys of `CONTEXT_NAMES`."""
    gain: Estimate
    """Found minus hand-written, in points."""
    found_trial: int
    found_equals: tuple[str, ...]
    """As in `SearchResult`."""
    written: tuple[WrittenPart, ...]
    """As in `SearchResult`."""
    states: Mapping[TrialState, int]
    seconds: float
    tokens: int
    """Read and written by all models, over all runs."""
    cost: float | None
    """US dollars; None if a price is not known, or the version that ran the search did not store it."""
    split: str = "test"
    """The split of the queries."""
    objective: str = AVERAGE
    """What was maximised."""
    values: tuple[Estimate, Estimate, Estimate] | None = None
    """The values of the found and the hand-written prompt, and the gain in value; None where that is the average."""

    @classmethod
    def read(cls, name: str, summary: Mapping[str, Any]) -> Digest:
        """The digest of the object that `SearchResult.as_json` gives, or gave in an earlier version."""
        contexts = {
            role: ContextDigest(
                average=read_estimate(summary[role], mean="average"), prompt_tokens=summary[role].get("prompt_tokens")
            )
            for role in CONTEXT_NAMES
            if summary.get(role)
        }
        return cls(
            name=name,
            queries=int(summary["found"]["queries"]),
            contexts=contexts,
            gain=read_estimate(summary["gain"]),
            found_trial=int(summary["found_trial"]),
            found_equals=tuple(summary.get("found_equals", _equals(summary))),
            written=tuple(map(WrittenPart.read, summary.get("written", ()))),
            states={state: int(summary["trials"].get(state.value, 0)) for state in TrialState},
            seconds=float(summary["seconds"]),
            tokens=_tokens(summary),
            cost=summary.get("cost"),
            split=summary.get("split", "test"),
            objective=summary.get("objective", AVERAGE),
            values=_values(summary),
        )

    def as_line(self) -> str:
        """Name and gain."""
        return f"{self.name!r}: {self._gain()}, trial {self.found_trial}"

    def as_text(self) -> str:
        """A table in plain text, then the gain and what the search took."""
        rows = [_HEAD, *self._rows()]
        first, second, third = (max(len(row[column]) for row in rows) for column in range(3))
        table = [f"{name:<{first}}  {average:>{second}}  {tokens:>{third}}" for name, average, tokens in rows]
        return "\n".join([self._title(), *table, *self._sentences()])

    def as_html(self) -> str:
        """The same as a small HTML table, escaped."""
        head = "".join(f"<th>{escape(each)}</th>" for each in _HEAD)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells in self._rows()
        )
        below = "".join(f"<p>{escape(each)}</p>" for each in self._sentences())
        return (
            f"<table><caption>{escape(self._title())}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table>{below}"
        )

    def _title(self) -> str:
        return f"{self.name}: {self.queries} {self.split} queries, scores 1 to 5"

    def _rows(self) -> list[tuple[str, str, str]]:
        return [
            (
                CONTEXT_NAMES.get(role, role),
                str(each.average),
                "–" if each.prompt_tokens is None else f"{each.prompt_tokens:,}",
            )
            for role, each in self.contexts.items()
        ]

    def _gain(self) -> str:
        if "hand_written" in self.found_equals:
            return "no gain, the hand-written prompt itself"
        return f"gain {self.gain:+.2f}, {'' if self.gain.low > 0 else 'not '}significant"

    def _sentences(self) -> list[str]:
        ended = ", ".join(f"{number} {state.value}" for state, number in self.states.items() if number)
        cost = "cost not known" if self.cost is None else f"{self.cost:.2f} dollars"
        took = f"{self.seconds:,.0f} s, {self.tokens:,} tokens, {cost}"
        against = f"found prompt (trial {self.found_trial}) against the hand-written one: {self._gain()}"
        known = None if "hand_written" in self.found_equals else known_prompt(self.found_equals)
        return [
            against,
            *([value_in_words(self.objective, *self.values)] if self.values else []),
            *([f"the found prompt is {known}"] if known else []),
            *([f"the proposer wrote {written_in_words(self.written)}"] if self.written else []),
            f"{sum(self.states.values())} trials ({ended}), {took}",
        ]


def written_in_words(written: Sequence[WrittenPart]) -> str:
    """`the exemplar 'tea/lively' (round 1, from 'tea/bare') and the system prompt …`"""
    *some, last = map(str, written)
    return f"{', '.join(some)} and {last}" if some else last


def value_in_words(objective: str, found: Estimate, hand_written: Estimate, gain: Estimate) -> str:
    """What was maximised, where it is not the average."""
    return f"maximised: {objective}; found {found}, hand-written {hand_written}, gain {gain:+.2f}"


def _values(summary: Mapping[str, Any]) -> tuple[Estimate, Estimate, Estimate] | None:
    stored = [summary["found"].get("value"), summary["hand_written"].get("value"), summary.get("value_gain")]
    if not all(stored):
        return None
    found, hand_written, gain = map(read_estimate, stored)
    return found, hand_written, gain


def _equals(summary: Mapping[str, Any]) -> list[str]:
    """What the found prompt is, where the version that ran the search did not say so: trial 0 is where it began."""
    if summary["found_trial"] != 0:
        return []
    return ["hand_written", "start"] if summary["found"]["prompt"] == summary["hand_written"]["prompt"] else ["start"]


def _tokens(summary: Mapping[str, Any]) -> int:
    if spending := summary.get("spending"):
        return sum(int(role["prompt"]) + int(role["completion"]) for role in spending.values())
    return int(summary["tokens"]["spent"])  # a version that did not count by role


def known_prompt(found_equals: Sequence[str]) -> str | None:
    """What the found prompt is, if it is one that everybody has without a search."""
    return next((said for name, said in _KNOWN_PROMPTS.items() if name in found_equals), None)


class Digested:
    """Something that prints as its digest."""

    __slots__ = ()

    @property
    @abstractmethod
    def digest(self) -> Digest:
        """The figures that are shown."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.digest.as_line()})"

    def __str__(self) -> str:
        return self.digest.as_text()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return self.digest.as_html()
