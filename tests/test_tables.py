"""Tables of results fit the terminal: at each width the same figures, none of them cut or wrapped."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.made_up_reading import reading
from tests.made_up_results import (
    CONSTRAINTS,
    GAIN,
    NAME,
    PATH,
    SCORE,
    SHARE,
    STORE,
    Printed,
    bill,
    card,
    probe_shift,
    words_of,
)
from urial_opt.aspects import Aspect, Missing
from urial_opt.cli.shift_tables import show_explanation, show_shift
from urial_opt.cli.tables import show_assessment, show_bill, show_pairwise, show_plan, show_result
from urial_opt.evaluation.pairwise import PairwiseResult, Tally
from urial_opt.records import Role, Usage
from urial_opt.search.planning import Plan
from urial_opt.search.result import Choice, ShiftOutcome
from urial_opt.shift.explanation import explain_shift
from urial_opt.shift.summary import summarise_shift
from urial_opt.spaces.lineage import WrittenPart

LONG = [f"a-query-with-a-long-name-{number}" for number in range(9)]


def searched(*roles: str, prompt_tokens: int = 12_345) -> Any:
    measured = SimpleNamespace(card=card(), prompt_tokens=prompt_tokens, constraints=CONSTRAINTS, too_long=LONG)
    shift = ShiftOutcome(
        queries=8,
        by_trial=dict.fromkeys(range(40), probe_shift()),
        found=probe_shift(),
        start=probe_shift(),
        correlation=GAIN,
        usage=Usage(),
    )
    return SimpleNamespace(
        name=NAME,
        contexts=dict.fromkeys(roles, measured),
        found=measured,
        found_trial=123,
        found_equals=(),
        split="test",
        written=(WrittenPart(part="system", name="r1-0", round=1, parents=("a-system-prompt-with-a-long-name",)),),
        choice=Choice(trial=123, validation=SCORE, finalists=6, constraints=CONSTRAINTS),
        gain=GAIN,
        value_gain=None,
        significant=False,
        missing={Missing.NOT_APPLICABLE: 12, Missing.UNREAD: 3, Missing.REFUSED: 1},
        too_long=2,
        bill=bill(),
        shift=shift,
    )


@pytest.mark.parametrize(
    ("equals", "said", "gain"),
    [
        ((), "", True),
        (("hand_written", "start"), "The found prompt (trial 123) is the hand-written one.", False),
        (("plain_icl",), "The found prompt (trial 123) is plain ICL.", True),
        (("start",), "The found prompt (trial 123) is the one that the search started from.", True),
    ],
)
def test_a_found_prompt_that_everybody_has(printed: Printed, equals: tuple[str, ...], said: str, gain: bool) -> None:
    result = searched("zero_shot", "plain_icl", "hand_written", "found")
    result.found_equals = equals
    text = " ".join(printed(show_result, result, store_url=STORE).split())
    assert said in text if said else "The found prompt (trial" not in text
    assert ("No significant gain over the hand-written prompt: +0.48" in text) is gain
    assert ("so there is no gain to measure" in text) is not gain


def test_the_result_of_a_search(printed: Printed) -> None:
    roles = ("zero_shot", "plain_icl", "hand_written", "found", "aligned")
    text = printed(show_result, searched(*roles), store_url=STORE)
    for each in CONSTRAINTS:
        assert words_of(text).count(str(each)) == 1 + len(roles)
    for name in ("zero-shot", "plain ICL", "hand-written", "found", "aligned model"):
        (row,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
        assert row.split(name)[1].split() == [*["4.91"] * 7, "[4.86,", "4.95]", "12,345"]
    heads = ("help", "clear", "fact", "depth", "engage", "safe") if printed.columns < 140 else tuple(Aspect)
    assert re.search(r"context +" + " +".join(heads) + r" ", text)
    for word in (NAME, "average", "[95 %]", "prompt", "verdicts", "12,345", "1,234,567", "2,345,678", "98,765,432"):
        assert word in text
    assert "+0.48 [-0.02, +0.95]" in text
    assert "The proposer wrote the system prompt 'r1-0' (round 1, from" in words_of(text)
    assert text.count("price?") == len(Role)


def test_commands_to_type_can_be_pasted(printed: Printed) -> None:
    text = printed(show_result, searched("hand_written", "found"), store_url=STORE)
    typed = words_of(text.partition("Next:")[2].replace(" \\\n", " "))
    assert typed == (
        f"urial-opt inspect {NAME} --store {STORE} urial-opt inspect {NAME} --lineage --store {STORE} "
        f"urial-opt export {NAME} --format urial --output found.txt --store {STORE}"
    )


@pytest.mark.parametrize("columns", [40], indirect=True)
def test_a_very_narrow_terminal_shows_all_in_several_tables(printed: Printed) -> None:
    found = searched("hand_written", "found", prompt_tokens=1_234_567)
    found.name = "short"
    text = printed(show_result, found, store_url="sqlite:///a.db")
    for word in ("4.91 [4.86, 4.95]", "1,234,567", "help", "engage", "98,765,432"):
        assert word in text
    assert text.count("4.91") == 2 * 7 + 3 * len(CONSTRAINTS)


def test_a_plan_and_a_bill(printed: Printed) -> None:
    both = Plan(name=NAME, expected=bill(), at_most=bill(), seconds=12_345.0, seconds_at_most=None, at_once=8)
    text = printed(show_plan, both) + printed(show_bill, bill())
    assert text.count("98,765,432") == 3 * len(Role)
    assert "3 h 25 min" in text
    assert "--price judge=2.5/10" in text


@pytest.mark.parametrize("panel", [False, True])
def test_an_assessment(printed: Printed, panel: bool) -> None:
    assessment = SimpleNamespace(
        card=card(1_234),
        prompt=None,
        base="a-provider/a-base-model-of-a-long-name@0123456789",
        judge="panel(llm:gpt-4o, llm:a-judge-with-a-name-of-its-own, reward:another)",
        spreads=dict.fromkeys(Aspect, SCORE) if panel else {},
        scoring=SimpleNamespace(na_as_five=True),
        constraints=CONSTRAINTS,
        answered_in_prompt=LONG,
        too_long=LONG,
    )
    text = printed(show_assessment, assessment)
    assert all(f"constraint {each}" in text for each in CONSTRAINTS)
    for aspect in Aspect:
        assert re.search(rf"^{aspect} +4.91 \[4.86, 4.95\] +1234 +3", text, re.MULTILINE)
    assert re.search(r"^average +4.91 \[4.86, 4.95\] +1234 +18", text, re.MULTILINE)
    assert text.count("4.91 [4.86, 4.95]") == 7 + 6 * panel
    assert ("judges apart by" in text) is panel


def test_a_comparison(printed: Printed) -> None:
    tally = Tally(wins=1_234, ties=567, losses=890, unread=12, won=SHARE)
    comparison = PairwiseResult(
        judge="j", queries=2_703, overall=tally, aspects=dict.fromkeys(Aspect, tally), consistent=SHARE
    )
    text = printed(show_pairwise, comparison, against=PATH)
    assert text.count("93 % [90, 96]") == 1 + 7
    assert PATH in text
    for word in ("overall", "wins", "ties", "losses", "missing", "won [95 %]", *Aspect):
        assert word in text


@pytest.mark.parametrize("contexts", [("zero-shot", "hand-written"), ("zero-shot", "hand-written", PATH, "found")])
def test_token_shift(printed: Printed, contexts: tuple[str, ...]) -> None:
    read = reading(contexts=contexts, base="a-provider/a-base-model-of-a-long-name@0123456789")
    shift = summarise_shift(read)
    text = printed(show_shift, shift)
    for word in ("unshifted", "marginal", "KL(base ||", "aligned), nats", "KL(aligned ||", "base), nats", "2 to 5"):
        assert word in text
    for context in shift.contexts.values():
        for share in (context.unshifted, context.marginal, context.shifted):
            assert share is not None
            assert f"{100 * share.mean:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]" in text
        for number in (context.probability, context.kl_base_aligned, context.kl_aligned_base):
            assert number is not None
            assert f"{number.mean:.3f} [{number.low:.3f}, {number.high:.3f}]" in text
    for name in contexts[1:]:
        assert f"{name} against zero-shot:" in words_of(text)
        explained = printed(show_explanation, explain_shift(read, name))
        assert max(map(len, explained.splitlines())) > 0.6 * printed.columns or len(explained.splitlines()) < 4


def test_a_divergence_that_is_at_least_so_much_stays_whole(printed: Printed) -> None:
    shift = summarise_shift(reading(contexts=("zero-shot", "hand-written", "found")))
    least = {
        name: replace(each, kl_base_aligned=None, kl_base_aligned_least=SCORE) for name, each in shift.contexts.items()
    }
    assert printed(show_shift, replace(shift, contexts=least)).count("≥ 4.910 [4.860, 4.950]") == 3
