"""Adapters of a few lines, honest as they are, whose results a test may spoil."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from urial_opt.aspects import ASPECTS_OF
from urial_opt.errors import PromptError
from urial_opt.exporters.json_format import JsonFormat
from urial_opt.prompt import UrialPrompt, before_stop
from urial_opt.records import Completion, Judgment, Preference, Query, Sampling, Usage, Verdict

Spoil: TypeAlias = Callable[[list[Any]], list[Any]]
NUMBERS = itertools.count()


def as_it_is(whatever: Any) -> Any:
    return whatever


def each(change: Callable[[Any], dict[str, Any]]) -> Spoil:
    """Changes these fields of each result."""
    return lambda results: [replace(result, **change(result)) for result in results]


class Named:
    """Has an identity; if several are given, another one each time it is read."""

    identities: Sequence[str] = ("honest/1",)

    @property
    def identity(self) -> str:
        return self.identities[next(NUMBERS) % len(self.identities)]

    pairwise_identity = identity


@dataclass(frozen=True)
class Echo(Named):
    """Writes the words after the last heading, one token each; a Generator and a ChatGenerator."""

    heard: Callable[[Sampling], Sampling] = as_it_is
    spoil: Spoil = as_it_is
    parted: str = ""
    """What it reads between prefix and suffix."""
    identities: Sequence[str] = Named.identities

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        texts = [f"{prefix}{self.parted if prefix else ''}{suffix}" for suffix in suffixes]
        return self.answer([f"{len(text)} {text.rpartition('# Query:')[2]}" for text in texts], sampling)

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        return self.spoil([self._write(query.split(), self.heard(sampling)) for query in queries])

    def _write(self, words: list[str], sampling: Sampling) -> Completion:
        kept = words[: sampling.max_tokens]
        text = " ".join(kept)
        before = before_stop(text, sampling.stop)
        return Completion(
            text=text if before is None else before,
            finish_reason="length" if before is None and len(kept) < len(words) else "stop",
            usage=Usage(completion_tokens=min(len(kept), sampling.max_tokens)),
        )


@dataclass(frozen=True)
class ByLength(Named):
    """Scores an answer by its words, and prefers the longer of two."""

    spoil: Spoil = as_it_is
    identities: Sequence[str] = Named.identities

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        return self.spoil(
            [
                Judgment(
                    query_id=query.id,
                    judge=self.identities[0],
                    scores=dict.fromkeys(ASPECTS_OF[query.kind], float(min(5, 1 + len(completion.text.split())))),
                    reasons=dict.fromkeys(ASPECTS_OF[query.kind], "So it is."),
                )
                for query, completion in zip(queries, completions, strict=True)
            ]
        )

    def compare(
        self, queries: Sequence[Query], firsts: Sequence[Completion], seconds: Sequence[Completion]
    ) -> list[Preference]:
        return self.spoil(
            [
                preference(query, self.verdict(first.text, second.text), self.identities[0])
                for query, first, second in zip(queries, firsts, seconds, strict=True)
            ]
        )

    def verdict(self, first: str, second: str) -> Verdict:
        return "tie" if len(first) == len(second) else "first" if len(first) > len(second) else "second"


class FirstOfEquals(ByLength):
    """Asks in one order only: of equal answers it prefers the one shown first."""

    def verdict(self, first: str, second: str) -> Verdict:
        return "second" if len(first) < len(second) else "first"


class FirstAlways(ByLength):
    """Asks in one order only, and prefers the one shown first unless both are the same."""

    def verdict(self, first: str, second: str) -> Verdict:
        return "tie" if first == second else "first"


def preference(query: Query, verdict: Verdict, judge: str) -> Preference:
    aspects = dict.fromkeys(ASPECTS_OF[query.kind], verdict)
    return Preference(query_id=query.id, judge=judge, overall=verdict, aspects=aspects, consistent=True)


@dataclass(frozen=True)
class Exports:
    """The format json, changed before or after."""

    before: Callable[[UrialPrompt], UrialPrompt] = as_it_is
    after: Callable[[str], str] = as_it_is
    suffix: str = ".json"

    def export(self, prompt: UrialPrompt, sampling: Sampling) -> str:
        return self.after(JsonFormat().export(self.before(prompt), sampling))


class RefusesVaguely(Exports):
    """Refuses code without saying where it is."""

    def export(self, prompt: UrialPrompt, sampling: Sampling) -> str:
        if any("```" in exemplar.answer for exemplar in prompt.exemplars):
            raise PromptError("there is code somewhere; leave it out")
        return super().export(prompt, sampling)


class UnixLines(Exports):
    """Writes what was imported with the line ends of Unix."""

    def export(self, prompt: UrialPrompt, sampling: Sampling) -> str:
        return super().export(replace(prompt, raw=prompt.raw and prompt.raw.replace("\r\n", "\n")), sampling)
