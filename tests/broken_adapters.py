"""Small honest adapters, and for each test of a contract some that break the promise it checks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from urial_opt.aspects import ASPECTS_OF, Aspect
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


def rotated(results: list[Any], *fields: str) -> list[Any]:
    """These fields of each result come from the one after it."""
    return [
        replace(one, **{name: getattr(other, name) for name in fields})
        for one, other in zip(results, results[1:] + results[:1], strict=True)
    ]


def without_repeats(results: list[Any]) -> list[Any]:
    return list({str(result): result for result in results}.values())


def scored(score: float | None) -> Spoil:
    """Gives this score on each aspect."""
    return each(lambda done: {"scores": dict.fromkeys(done.scores, score)})


MINUS = each(lambda _: {"usage": Usage(prompt_tokens=-1)})
IDENTITIES: tuple[Sequence[str], ...] = (("",), ("two\nlines",), ("first", "then"))

COMPLETIONS: Mapping[str, Sequence[Echo]] = {
    "test_identity_is_one_line_and_stays": [Echo(identities=names) for names in IDENTITIES],
    "test_each_query_has_one_completion_in_order": [
        Echo(spoil=lambda done: done[::-1]),
        Echo(spoil=without_repeats),
    ],
    "test_an_empty_batch_gives_an_empty_list": [
        Echo(spoil=lambda done: done or [Completion(text="", finish_reason="stop")])
    ],
    "test_greedy_decoding_gives_the_same_each_time": [
        Echo(spoil=each(lambda done: {"text": f"{done.text} {next(NUMBERS)}"}))
    ],
    "test_at_most_max_tokens_are_generated": [
        Echo(heard=lambda sampling: replace(sampling, max_tokens=99)),
        Echo(spoil=each(lambda _: {"usage": Usage(completion_tokens=25)})),
    ],
    "test_a_text_that_the_limit_cut_off_says_so": [Echo(spoil=each(lambda _: {"finish_reason": "stop"}))],
    "test_text_ends_before_the_stop_string_that_is_complete_first": [
        Echo(heard=lambda sampling: replace(sampling, stop=())),
        Echo(heard=lambda sampling: replace(sampling, stop=sampling.stop[:4])),
        Echo(heard=lambda sampling: replace(sampling, stop=sampling.stop[:-1])),
        Echo(spoil=each(lambda _: {"finish_reason": "length"})),
    ],
    "test_finish_reason_is_stop_or_length": [Echo(spoil=each(lambda _: {"finish_reason": "eos"}))],
    "test_no_count_of_tokens_is_negative": [Echo(spoil=MINUS)],
}
JUDGMENTS: Mapping[str, Sequence[ByLength]] = {
    "test_identity_is_one_line_and_stays": [ByLength(identities=names) for names in IDENTITIES],
    "test_each_pair_has_one_judgment_in_order": [
        ByLength(spoil=lambda done: done[::-1]),
        ByLength(spoil=lambda done: list({each.query_id: each for each in done}.values())),
    ],
    "test_the_rest_of_the_batch_does_not_matter": [
        ByLength(spoil=lambda done: [*rotated(done[:2], "scores"), *done[2:]])
    ],
    "test_an_empty_batch_gives_an_empty_list": [
        ByLength(spoil=lambda done: done or [Judgment(query_id="", judge="honest/1", scores={})])
    ],
    "test_judging_again_gives_the_same": [
        ByLength(spoil=each(lambda done: {"scores": dict.fromkeys(done.scores, 1 + next(NUMBERS) % 4)}))
    ],
    "test_exactly_the_aspects_due_are_scored": [
        ByLength(spoil=each(lambda done: {"scores": {**done.scores, Aspect.SAFETY: 5.0}})),
        ByLength(spoil=each(lambda done: {"scores": dict([*done.scores.items()][:1])})),
    ],
    "test_a_score_is_from_1_to_5_or_missing": [ByLength(spoil=scored(score)) for score in (0.0, 10.0, math.nan, None)],
    "test_each_judgment_carries_the_identity": [ByLength(spoil=each(lambda _: {"judge": "another"}))],
    "test_reasons_are_for_aspects_scored": [ByLength(spoil=each(lambda _: {"reasons": {"tone": "Rude."}}))],
    "test_no_count_of_tokens_is_negative": [ByLength(spoil=MINUS)],
}
PREFERENCES: Mapping[str, Sequence[ByLength]] = {
    "test_identity_is_one_line_and_stays": [ByLength(identities=names) for names in IDENTITIES],
    "test_each_query_has_one_preference_in_order": [
        ByLength(spoil=lambda done: done[::-1]),
        ByLength(spoil=lambda done: done[:1]),
    ],
    "test_the_rest_of_the_batch_does_not_matter": [
        ByLength(spoil=lambda done: rotated(done, "overall")),
        ByLength(spoil=lambda done: [*rotated(done[:2], "aspects"), *done[2:]]),
    ],
    "test_an_empty_batch_gives_an_empty_list": [ByLength(spoil=lambda done: done or [None])],
    "test_swapping_the_answers_turns_every_verdict": [
        FirstAlways(),
        ByLength(spoil=each(lambda _: {"overall": None, "consistent": None})),
    ],
    "test_equal_answers_tie": [FirstOfEquals()],
    "test_verdicts_are_on_exactly_the_aspects_due": [
        ByLength(spoil=each(lambda done: {"aspects": {**done.aspects, Aspect.SAFETY: "tie"}})),
        ByLength(spoil=each(lambda _: {"aspects": {}})),
    ],
    "test_a_verdict_is_first_second_tie_or_missing": [ByLength(spoil=each(lambda _: {"overall": "A"}))],
    "test_consistent_says_whether_both_orders_agree": [
        ByLength(spoil=each(lambda _: {"consistent": False})),
        ByLength(spoil=each(lambda _: {"consistent": None})),
        ByLength(spoil=each(lambda _: {"overall": None})),
    ],
    "test_each_preference_carries_the_identity": [ByLength(spoil=each(lambda _: {"judge": "another"}))],
    "test_no_count_of_tokens_is_negative": [ByLength(spoil=MINUS)],
}
EXPORTS: Mapping[str, Sequence[Exports]] = {
    "test_suffix_is_a_file_name_ending": [Exports(suffix=suffix) for suffix in ("json", ".prompt.json", "", ".")],
    "test_what_was_exported_is_read_back": [
        Exports(before=lambda prompt: replace(prompt, exemplars=prompt.exemplars[:2])),
        Exports(before=lambda prompt: replace(prompt, system=prompt.system.rstrip() + "\n")),
    ],
    "test_what_it_cannot_carry_is_refused_by_number": [
        RefusesVaguely(),
        Exports(after=lambda text: text.replace("print()", "print")),
    ],
    "test_an_imported_text_stays_as_it_was": [UnixLines()],
    "test_exporting_twice_gives_the_same": [Exports(after=lambda text: text + "\n" * next(NUMBERS))],
}
BROKEN: Mapping[str, Mapping[str, Sequence[object]]] = {
    "GeneratorContract": {
        **COMPLETIONS,
        "test_the_prefix_may_be_moved_into_the_suffixes": [Echo(parted=" ")],
    },
    "ChatGeneratorContract": COMPLETIONS,
    "JudgeContract": JUDGMENTS,
    "PairwiseJudgeContract": PREFERENCES,
    "ExporterContract": EXPORTS,
}
HONEST: Mapping[str, object] = {
    "GeneratorContract": Echo(),
    "ChatGeneratorContract": Echo(),
    "JudgeContract": ByLength(),
    "PairwiseJudgeContract": ByLength(),
    "ExporterContract": Exports(),
}
