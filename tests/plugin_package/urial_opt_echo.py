"""Adapters without a model: one repeats the query, one counts words, one writes JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Sequence

from urial_opt.aspects import ASPECTS_OF
from urial_opt.errors import InputError
from urial_opt.prompt import UrialPrompt, before_stop
from urial_opt.records import Completion, Judgment, Query, Sampling, Usage


class Echo:
    """Repeats what it was asked, one token for each word, `times` times."""

    def __init__(self, times: int) -> None:
        self._times = times

    @property
    def identity(self) -> str:
        return f"echo/1 {self._times} times"

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        """Repeats the last query of each prompt."""
        return self.answer([(prefix + suffix).rpartition("# Query:")[2] for suffix in suffixes], sampling)

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        """Repeats each query."""
        return [self._repeat(query, sampling) for query in queries]

    def _repeat(self, query: str, sampling: Sampling) -> Completion:
        words = query.split() * self._times
        kept = words[: sampling.max_tokens]
        text = " ".join(kept)
        before = before_stop(text, sampling.stop)
        return Completion(
            text=text if before is None else before,
            finish_reason="length" if before is None and len(kept) < len(words) else "stop",
            usage=Usage(prompt_tokens=len(query.split()), completion_tokens=len(kept)),
        )


class WordCount:
    """Gives a point for each word, up to 5, on every aspect due."""

    identity = "word-count/1"

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        """As `urial_opt.protocols.Judge`."""
        return [
            Judgment(
                query_id=query.id,
                judge=self.identity,
                scores=dict.fromkeys(ASPECTS_OF[query.kind], float(max(1, min(5, len(answer.text.split()))))),
            )
            for query, answer in zip(queries, completions, strict=True)
        ]


class JsonLines:
    """System text and prefix on the first line, then one exemplar on each."""

    suffix = ".jsonl"

    def export(self, prompt: UrialPrompt, sampling: Sampling) -> str:
        """As `urial_opt.protocols.Exporter`; carries every prompt."""
        head = {"system": prompt.system, "raw": prompt.raw, "temperature": sampling.temperature}
        rows = [{"query": exemplar.query, "answer": exemplar.answer} for exemplar in prompt.exemplars]
        return "".join(f"{json.dumps(row)}\n" for row in (head, *rows))


def open_generator(argument: str, *, times: str = "2") -> Echo:
    """The generator; it repeats a query `times` times."""
    if argument:
        raise InputError(f"echo takes no argument, not {argument!r}; type echo alone")
    if not times.isdecimal() or int(times) == 0:
        raise InputError(f"times is a whole number above 0, not {times!r}; type for example times=2")
    return Echo(int(times))


def open_judge(argument: str) -> WordCount:
    """The judge; it has no variants."""
    if argument:
        raise InputError(f"word-count takes no argument, not {argument!r}; type word-count alone")
    return WordCount()


def open_exporter(argument: str) -> JsonLines:
    """The exporter; it has no variants."""
    if argument:
        raise InputError(f"lines takes no argument, not {argument!r}; type lines alone")
    return JsonLines()
