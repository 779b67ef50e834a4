"""Evaluator: gets answers from a model and verdicts from a judge, and reuses stored ones instead of paying twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from urial_opt.content import content_id, mended
from urial_opt.datasets.fitting import Fitting
from urial_opt.datasets.queries import refuse_later_turns
from urial_opt.evaluation.one_by_one import stored_one_by_one
from urial_opt.evaluation.single_flight import Stored, asked_once
from urial_opt.memory import Memory, PairMemory, improved
from urial_opt.prompt import Exemplar, has_ended, read_answer, read_answer_publicly
from urial_opt.protocols import ChatGenerator, Ending, Generator, Judge, PairwiseJudge
from urial_opt.records import Candidate, Completion, Evaluation, Judgment, Preference, Query, Sampling, Usage

_T = TypeVar("_T")
_PaidT = TypeVar("_PaidT", Completion, Judgment, Preference)
_VerdictT = TypeVar("_VerdictT", Judgment, Preference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """Answers. Every completion is remembered as soon as it is complete."""

    generator: Generator
    memory: Memory
    as_public: bool = False
    """Read answers as the public code does, and let them go on to its stop strings; the sampling has those."""

    def answer(self, candidate: Candidate, queries: Sequence[Query]) -> list[Completion]:
        """The base model's answers under a prompt, without judging them. InputError if a query has earlier turns."""
        refuse_later_turns(queries, "an answer by itself needs a single query")
        return self._answers(candidate, [candidate.prompt.suffix(query.text) for query in queries])

    def _earlier_turns(self, candidate: Candidate, queries: Sequence[Query]) -> list[_Said]:
        """The conversation before each query: its earlier turns, answered one after another under the same prompt."""
        said = [_Said() for _ in queries]
        for turn in range(max((len(query.earlier) for query in queries), default=0)):
            asked = {
                row: candidate.prompt.suffix(query.earlier[turn], history=said[row].turns)
                for row, query in enumerate(queries)
                if len(query.earlier) > turn
            }
            distinct = list(dict.fromkeys(asked.values()))
            answers = dict(zip(distinct, self._answers(candidate, distinct), strict=True))
            for row, suffix in asked.items():
                answer = answers[suffix]
                exemplar = Exemplar(query=queries[row].earlier[turn], answer=answer.text)
                said[row] = _Said(turns=(*said[row].turns, exemplar), usage=said[row].usage + answer.usage)
                answers[suffix] = _from_memory(answer)  # paid for once, however many queries follow it
        return said

    def _answers(self, candidate: Candidate, suffixes: Sequence[str]) -> list[Completion]:
        prefix, layout = candidate.prompt.prefix, candidate.prompt.layout
        ending = self.generator if isinstance(self.generator, Ending) and layout == "urial" else None

        def generate(missing: Sequence[int]) -> list[Completion]:
            if ending is not None and not self.as_public:
                ending.end_when(has_ended)
            try:
                return self.generator.generate(prefix, [suffixes[row] for row in missing], candidate.sampling)
            finally:
                if ending is not None:
                    ending.end_when(None)

        def read(written: Completion) -> str:
            if self.as_public:
                return read_answer_publicly(written.text)
            return read_answer(written.text, layout=layout, cut=written.finish_reason == "length")

        texts = [prefix + suffix for suffix in suffixes]
        found = self._complete(self.generator, candidate.sampling, texts, generate)
        return [replace(each, text=read(each)) for each in found]

    def _complete(
        self,
        generator: Generator | ChatGenerator,
        sampling: Sampling,
        texts: Sequence[str],
        generate: Callable[[Sequence[int]], list[Completion]],
    ) -> list[Completion]:
        """Stored completions, or new ones where missing; stored ones count as saved tokens."""

        identity = generator.identity

        def ask(missing: list[int], stored: Stored) -> list[Completion]:
            def store(places: Sequence[int], written: Sequence[Completion]) -> None:
                rows = _at(places, missing)
                self.memory.add_completions(identity, sampling, _at(rows, texts), written)
                stored(rows)

            written = stored_one_by_one(generator, lambda: generate(missing), store)
            self.memory.settle()
            return written

        found = asked_once(
            len(texts),
            self.memory.asking,
            key=lambda row: content_id([identity, sampling.id, texts[row]]),
            find=lambda rows: self.memory.find_completions(identity, sampling, _at(rows, texts)),
            ask=ask,
            remembered=_from_memory,
        )
        return [replace(each, text=mended(each.text)) for each in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluator(Answerer):
    """Answers and judges. Every completion and every judgment is remembered as soon as it is complete."""

    judge: Judge

    def evaluate(self, candidate: Candidate, queries: Sequence[Query]) -> Evaluation:
        """The base model's answers under a prompt, and the verdicts on them, in the order of the queries.

        The last turn of a conversation is held as it was judged: its text shows the whole conversation so far.
        """
        said = self._earlier_turns(candidate, queries)
        suffixes = [
            candidate.prompt.suffix(query.text, history=before.turns)
            for query, before in zip(queries, said, strict=True)
        ]
        answers = [
            replace(answer, usage=answer.usage + before.usage)
            for answer, before in zip(self._answers(candidate, suffixes), said, strict=True)
        ]
        shown = [_shown(query, before.turns) for query, before in zip(queries, said, strict=True)]
        return judge_answers(self.judge, self.memory, shown, answers)

    def evaluate_aligned(self, aligned: ChatGenerator, sampling: Sampling, queries: Sequence[Query]) -> Evaluation:
        """The aligned model's answers in its own chat layout, and the verdicts on them.

        InputError for the later turns of conversations.
        """
        refuse_later_turns(queries, "the aligned model answers single queries only")
        texts = [query.text for query in queries]

        def answer(missing: Sequence[int]) -> list[Completion]:
            return aligned.answer([texts[row] for row in missing], sampling)

        found = self._complete(aligned, sampling, texts, answer)
        answers = [replace(each, text=each.text.strip()) for each in found]
        return judge_answers(self.judge, self.memory, queries, answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """The turns of a conversation before its last one, and the tokens that their answers used."""

    turns: tuple[Exemplar, ...] = ()
    usage: Usage = field(default_factory=Usage)


def _shown(query: Query, turns: Sequence[Exemplar]) -> Query:
    """The query as the judge sees it."""
    if not turns:
        return query
    said = "".join(f"User: {turn.query}\n\nAssistant: {turn.answer}\n\n" for turn in turns)
    return replace(query, text=f"{said}User: {query.text}", earlier=())


def evaluated(fitting: Fitting[Evaluation], some: Sequence[Query]) -> Evaluation:
    """The evaluation of the queries that fit; the others are its `too_long`."""
    whole = Evaluation(queries=(), completions=(), judgments=())
    for part, found in fitting.parts(some):
        whole += found or Evaluation(queries=(), completions=(), judgments=(), too_long=part)
    return whole


def judge_answers(
    judge: Judge,
    memory: Memory,
    queries: Sequence[Query],
    completions: Sequence[Completion],
    *,
    stored_is_final: bool = False,
) -> Evaluation:
    """The verdicts on given answers, in their order: stored ones, which count as saved tokens, or new ones.

    Stored verdicts that were refused or could not be read are asked for again as far as `memory.again` says, unless
    `stored_is_final`.
    """

    def judged(rows: Sequence[int]) -> list[Judgment]:
        return judge.judge(_at(rows, queries), _at(rows, completions))

    def add(rows: Sequence[int], verdicts: Sequence[Judgment]) -> None:
        memory.add_judgments(verdicts, _at(rows, queries), _at(rows, completions))

    def key(row: int) -> str:
        query = queries[row]
        return content_id([identity, query.id, query.text, query.kind, query.tags, completions[row].text])

    identity = judge.identity
    judgments = _verdicts(
        [(query.text, completion.text) for query, completion in zip(queries, completions, strict=True)],
        judge,
        memory,
        key=key,
        find=lambda rows: memory.find_judgments(identity, _at(rows, queries), _at(rows, completions)),
        ask=judged,
        add=add,
        stored_is_final=stored_is_final,
    )
    return Evaluation(queries=tuple(queries), completions=tuple(completions), judgments=tuple(judgments))


def compare_answers(
    judge: PairwiseJudge,
    memory: PairMemory,
    queries: Sequence[Query],
    firsts: Sequence[Completion],
    seconds: Sequence[Completion],
) -> list[Preference]:
    """The judge's preference in each pair of answers, in order; stored preferences count as saved tokens.

    Those that were refused or could not be read are asked for again, as in `judge_answers`.
    """

    def compared(rows: Sequence[int]) -> list[Preference]:
        return judge.compare(_at(rows, queries), _at(rows, firsts), _at(rows, seconds))

    def add(rows: Sequence[int], verdicts: Sequence[Preference]) -> None:
        memory.add_preferences(verdicts, _at(rows, queries), _at(rows, firsts), _at(rows, seconds))

    def find(rows: Sequence[int]) -> list[Preference | None]:
        return memory.find_preferences(identity, _at(rows, queries), _at(rows, firsts), _at(rows, seconds))

    def key(row: int) -> str:
        query = queries[row]
        return content_id([identity, query.id, query.text, query.kind, firsts[row].text, seconds[row].text])

    identity = judge.pairwise_identity
    return _verdicts(
        [(query.text, first.text, second.text) for query, first, second in zip(queries, firsts, seconds, strict=True)],
        judge,
        memory,
        key=key,
        find=find,
        ask=compared,
        add=add,
    )


def _verdicts(
    about: Sequence[tuple[str, ...]],
    judge: Judge | PairwiseJudge,
    memory: Memory,
    *,
    key: Callable[[int], str],
    find: Callable[[Sequence[int]], list[_VerdictT | None]],
    ask: Callable[[Sequence[int]], list[_VerdictT]],
    add: Callable[[Sequence[int], Sequence[_VerdictT]], None],
    stored_is_final: bool = False,
) -> list[_VerdictT]:
    """The stored verdicts, with those that are missing, or due to be asked for again, asked for and added.

    `about` are the texts that each verdict is about; `key`, `find`, `ask` and `add` take the rows concerned.
    """
    known: dict[int, _VerdictT | None] = {}

    def settled(rows: Sequence[int]) -> list[_VerdictT | None]:
        known.update(zip(rows, find(rows), strict=True))
        return [
            each if each and (stored_is_final or not memory.again.is_due(each, *about[row])) else None
            for row, each in zip(rows, _at(rows, known), strict=True)
        ]

    def missing_ones(missing: list[int], stored: Stored) -> list[_VerdictT]:
        def store(places: Sequence[int], fresh: Sequence[_VerdictT]) -> None:
            rows = _at(places, missing)
            better = [improved(known[row], each) for row, each in zip(rows, fresh, strict=True)]
            add(rows, better)
            for row, verdict in zip(rows, better, strict=True):
                memory.again.note(verdict, *about[row])
            stored(rows)

        fresh = stored_one_by_one(judge, lambda: ask(missing), store)
        memory.settle()
        return [improved(known[row], verdict) for row, verdict in zip(missing, fresh, strict=True)]

    return asked_once(len(about), memory.asking, key=key, find=settled, ask=missing_ones, remembered=_from_memory)


def _at(rows: Sequence[int], items: Sequence[_T] | Mapping[int, _T]) -> list[_T]:
    return [items[row] for row in rows]


def _from_memory(paid: _PaidT) -> _PaidT:
    usage = paid.usage
    saved = usage.prompt_tokens + usage.completion_tokens + usage.saved_tokens
    return replace(paid, usage=Usage(saved_tokens=saved))
