"""What happens to one prompt: the base model answers under it, the judge scores, and nothing is paid for twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from urial_opt.aspects import Aspect
from urial_opt.objective import Objective
from urial_opt.prompt import read_answer
from urial_opt.protocols import ChatGenerator, Generator, Judge
from urial_opt.records import Candidate, Completion, Estimate, Evaluation, Judgment, Query, Sampling, Usage
from urial_opt.statistics import Strata, bootstrap_average, bootstrap_mean


class Memory(Protocol):
    """What remembers completions and judgments; `store.Store` is one."""

    def find_completions(self, generator: str, sampling: Sampling, texts: Sequence[str]) -> list[Completion | None]: ...
    def add_completions(
        self, generator: str, sampling: Sampling, texts: Sequence[str], completions: Sequence[Completion]
    ) -> None: ...
    def find_judgments(
        self, judge: str, queries: Sequence[Query], completions: Sequence[Completion]
    ) -> list[Judgment | None]: ...
    def add_judgments(
        self, judgments: Sequence[Judgment], queries: Sequence[Query], completions: Sequence[Completion]
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluator:
    """Answers and judges. Every completion is remembered before it is judged, every judgment before it is returned."""

    generator: Generator
    judge: Judge
    memory: Memory

    def evaluate(self, candidate: Candidate, queries: Sequence[Query]) -> Evaluation:
        """The base model's answers under a prompt, and the verdicts on them, in the order of the queries."""
        prefix = candidate.prompt.prefix
        suffixes = [candidate.prompt.suffix(query.text) for query in queries]

        def generate(missing: Sequence[int]) -> list[Completion]:
            return self.generator.generate(prefix, [suffixes[row] for row in missing], candidate.sampling)

        texts = [prefix + suffix for suffix in suffixes]
        found = self._complete(self.generator.identity, candidate.sampling, texts, generate)
        return self._judged(queries, [replace(each, text=read_answer(each.text)) for each in found])

    def evaluate_aligned(self, aligned: ChatGenerator, sampling: Sampling, queries: Sequence[Query]) -> Evaluation:
        """The aligned model's answers in its own chat layout, and the verdicts on them."""
        texts = [query.text for query in queries]

        def answer(missing: Sequence[int]) -> list[Completion]:
            return aligned.answer([texts[row] for row in missing], sampling)

        found = self._complete(aligned.identity, sampling, texts, answer)
        return self._judged(queries, [replace(each, text=each.text.strip()) for each in found])

    def _complete(
        self,
        generator: str,
        sampling: Sampling,
        texts: Sequence[str],
        generate: Callable[[Sequence[int]], list[Completion]],
    ) -> list[Completion]:
        """Completions from memory, the missing ones generated; what memory had counts as saved tokens."""
        known = self.memory.find_completions(generator, sampling, texts)
        missing = [row for row, completion in enumerate(known) if completion is None]
        fresh: dict[int, Completion] = {}
        if missing:
            written = generate(missing)
            self.memory.add_completions(generator, sampling, [texts[row] for row in missing], written)
            fresh = dict(zip(missing, written, strict=True))
        return [_from_memory(known_one) if known_one else fresh[row] for row, known_one in enumerate(known)]

    def _judged(self, queries: Sequence[Query], completions: Sequence[Completion]) -> Evaluation:
        known = self.memory.find_judgments(self.judge.identity, queries, completions)
        missing = [row for row, judgment in enumerate(known) if judgment is None]
        fresh: dict[int, Judgment] = {}
        if missing:
            asked = [queries[row] for row in missing]
            answers = [completions[row] for row in missing]
            verdicts = self.judge.judge(asked, answers)
            self.memory.add_judgments(verdicts, asked, answers)
            fresh = dict(zip(missing, verdicts, strict=True))
        return Evaluation(
            queries=tuple(queries),
            completions=tuple(completions),
            judgments=tuple(known_one or fresh[row] for row, known_one in enumerate(known)),
        )


def _from_memory(completion: Completion) -> Completion:
    usage = completion.usage
    saved = usage.prompt_tokens + usage.completion_tokens + usage.saved_tokens
    return replace(completion, usage=Usage(saved_tokens=saved))


def usage_of(evaluation: Evaluation) -> Usage:
    """Tokens spent and saved for the answers of an evaluation."""
    return sum((completion.usage for completion in evaluation.completions), Usage())


def query_scores(evaluation: Evaluation, objective: Objective) -> dict[str, float | None]:
    """Score of each query, by id, in the order asked."""
    return {
        query.id: objective.query_score(judgment, query.kind)
        for query, judgment in zip(evaluation.queries, evaluation.judgments, strict=True)
    }


def strata_of(queries: Sequence[Query], objective: Objective) -> Strata:
    """The kinds of the queries and their weights, as the statistics need them."""
    return Strata(kinds={query.id: query.kind for query in queries}, weights=objective.kind_weights())


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """An evaluation summed up, with bootstrap 95 % intervals over its queries."""

    average: Estimate
    aspects: Mapping[Aspect, Estimate]
    """Mean over the queries in which the aspect could be read; without those that never could."""
    missing: int
    """Verdicts that could not be read."""
    queries: int


def scorecard(evaluation: Evaluation, objective: Objective) -> Scorecard:
    """Sum up an evaluation."""
    by_aspect: dict[Aspect, list[float]] = {}
    missing = 0
    for judgment in evaluation.judgments:
        for aspect, score in judgment.scores.items():
            if score is None:
                missing += 1
            else:
                by_aspect.setdefault(aspect, []).append(score)
    return Scorecard(
        average=bootstrap_average(query_scores(evaluation, objective), strata_of(evaluation.queries, objective)),
        aspects={aspect: bootstrap_mean(by_aspect[aspect]) for aspect in Aspect if aspect in by_aspect},
        missing=missing,
        queries=len(evaluation.queries),
    )
