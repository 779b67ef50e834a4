"""Adapters that break one promise each, by the test that must fail; and for each contract some that keep it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.able_adapters import (
    Able,
    AsksLeaveOnce,
    AsksNoLeave,
    CannotStop,
    HandsOnElsewhere,
    HandsOnForEver,
    HandsOnTheFirst,
    HandsOnTwice,
    KeepsForEver,
    MindsNoError,
    MindsNoRefusal,
    NamesRequestsAnew,
    StopsForEver,
    StoresNothing,
)
from tests.small_adapters import (
    NUMBERS,
    ByLength,
    Echo,
    Exports,
    FirstAlways,
    FirstOfEquals,
    RefusesVaguely,
    Spoil,
    UnixLines,
    each,
)
from tests.small_proposers import Stubborn, Writes
from urial_opt.aspects import Aspect
from urial_opt.records import Completion, Judgment, Preference, Usage
from urial_opt.spaces.proposals import Draft, Weakness


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


def jitter(results: list[Judgment]) -> list[Judgment]:
    """Takes a tenth of a point off every second time."""
    return [
        replace(
            each,
            scores={aspect: max(1.0, (score or 1) - next(NUMBERS) % 2 / 10) for aspect, score in each.scores.items()},
        )
        for each in results
    ]


def unread_first(results: list[Judgment]) -> list[Judgment]:
    """Reads no verdict on the first aspect due, as where a reply is broken."""
    return [replace(each, scores={**each.scores, **dict.fromkeys([*each.scores][:1])}) for each in results]


def unread_on_harm(results: list[Preference]) -> list[Preference]:
    """Reads no overall verdict on safety queries."""
    return [replace(each, overall=None, consistent=None) if Aspect.SAFETY in each.aspects else each for each in results]


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
        Echo(heard=lambda sampling: replace(sampling, max_tokens=99), spoil=each(lambda _: {"usage": Usage()})),
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
PROPOSALS: Mapping[str, Sequence[Writes]] = {
    "test_identity_is_one_line_and_stays": [Writes(identities=names) for names in IDENTITIES],
    "test_it_names_at_most_three_weaknesses_or_says_why_none": [
        Writes(diagnosed=each(lambda done: {"weaknesses": done.weaknesses * 4})),
        Writes(diagnosed=each(lambda _: {"weaknesses": ()})),
    ],
    "test_evidence_is_among_what_it_was_shown": [
        Writes(diagnosed=each(lambda _: {"weaknesses": (Weakness(sentence="Dull.", queries=("mars",)),)})),
        Writes(diagnosed=each(lambda _: {"weaknesses": (Weakness(sentence="Dull.", exemplars=("mars",)),)})),
    ],
    "test_each_task_has_one_draft_in_order": [
        Writes(spoil=lambda done: done[:1]),
        Writes(spoil=lambda done: done[::-1]),
    ],
    "test_an_empty_batch_gives_an_empty_list": [Writes(spoil=lambda done: done or [Draft(text="Anything.")])],
    "test_a_draft_has_a_text_or_says_why_not": [
        Writes(spoil=each(lambda _: {"text": " "})),
        Writes(spoil=each(lambda _: {"trouble": "it is late"})),
    ],
    "test_a_task_with_remarks_is_no_error": [Stubborn()],
    "test_no_count_of_tokens_is_negative": [Writes(spoil=MINUS), Writes(diagnosed=MINUS)],
}
ABILITIES: Mapping[str, Sequence[Able]] = {
    "test_a_result_is_handed_on_once_as_it_is_in_the_batch": [HandsOnTwice(), HandsOnTheFirst(), HandsOnElsewhere()],
    "test_what_hears_a_result_may_end_the_batch": [MindsNoError()],
    "test_nothing_is_handed_on_any_longer_than_asked_for": [HandsOnForEver()],
    "test_leave_is_asked_before_each_request": [AsksNoLeave(), AsksLeaveOnce(), StoresNothing()],
    "test_without_leave_the_batch_ends": [AsksNoLeave(), MindsNoRefusal()],
    "test_a_reply_that_is_kept_is_not_asked_for_again": [NamesRequestsAnew(), StoresNothing()],
    "test_no_reply_is_kept_any_longer_than_asked_for": [KeepsForEver()],
    "test_a_check_may_end_the_batch": [CannotStop()],
    "test_nothing_is_checked_any_longer_than_asked_for": [StopsForEver()],
}
BROKEN: Mapping[str, Mapping[str, Sequence[object]]] = {
    "GeneratorContract": {
        **COMPLETIONS,
        **ABILITIES,
        "test_the_prefix_may_be_moved_into_the_suffixes": [Echo(parted=" ")],
    },
    "ChatGeneratorContract": {**COMPLETIONS, **ABILITIES},
    "JudgeContract": {**JUDGMENTS, **ABILITIES},
    "PairwiseJudgeContract": {**PREFERENCES, **ABILITIES},
    "ExporterContract": EXPORTS,
    "ProposerContract": {**PROPOSALS, **ABILITIES},
}
UNCOUNTED = Echo(spoil=each(lambda _: {"usage": Usage()}))
"""As a server that counts no tokens."""
HONEST: Mapping[str, Sequence[object]] = {
    "GeneratorContract": [Echo(), UNCOUNTED, Able()],
    "ChatGeneratorContract": [Echo(), UNCOUNTED, Able()],
    "JudgeContract": [ByLength(), ByLength(spoil=unread_first), Able()],
    "PairwiseJudgeContract": [ByLength(), ByLength(spoil=unread_on_harm), Able()],
    "ExporterContract": [Exports()],
    "ProposerContract": [Writes(), Writes(spoil=each(lambda _: {"text": "", "trouble": "nothing to say"})), Able()],
}
ROUNDING: Mapping[str, object] = {
    "GeneratorContract": Echo(spoil=each(lambda done: {"text": f"{done.text} {next(NUMBERS)}"})),
    "JudgeContract": ByLength(spoil=jitter),
}
"""Their results vary a little each time."""
