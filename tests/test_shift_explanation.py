"""Explanations: a finding for each trait, at the position where it begins, and none without enough evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest  # type: ignore[import-untyped]

from tests.made_up_scores import made_up, one_token
from urial_opt.errors import UnknownNameError
from urial_opt.shift.explanation import explain_shift
from urial_opt.shift.findings import FindingKind, ShiftExplanation, ShiftFinding
from urial_opt.shift.marking import mark_tokens
from urial_opt.shift.paired_ranks import chance_of_so_few, sign_test
from urial_opt.shift.traits import TRAITS
from urial_opt.token_scores import AlignedAnswer, ShiftReading

WARM = ("Thank", " you", "!", " Rome", ".", " Let", " me", " know", " if", " you", " like", ".")
REFUSAL = ("I", " cannot", " help", " with", " that", ",", " it", " is", " illegal", ".")


def warm(*, greets: int, closes: int, of: int, ends: int | None = None) -> list[list[int]]:
    """Ranks under which the base model greets, closes and ends in so many of all `of` answers."""
    ends = of if ends is None else ends
    return [
        [1 if place < greets else 2, *[1] * 4, 1 if place < closes else 9, *[1] * 6, 1 if place < ends else 5]
        for place in range(of)
    ]


def reading(found: list[list[int]], zero_shot: list[list[int]], pieces: Sequence[str] = WARM) -> ShiftReading:
    return made_up([(pieces, len(found[0]) > len(pieces))] * len(found), {"zero-shot": zero_shot, "found": found})


def told(explanation: ShiftExplanation) -> dict[str, ShiftFinding]:
    return {f"{each.kind} {each.trait}": each for each in explanation.findings}


def test_a_context_that_teaches_to_greet() -> None:
    found = explain_shift(reading(warm(greets=38, closes=0, of=40), warm(greets=0, closes=0, of=40)), "found")
    sentences = [each.sentence for each in found.findings]
    assert sentences[0] == "greets as the aligned model does (38 of 40 answers; zero-shot: 0)"
    assert sentences[1] == (
        "still never closes with an offer or a wish as the aligned model does (0 of 40 answers; zero-shot: 0): "
        "add an exemplar whose answer ends with one, such as 'Let me know if you like.'"
    )
    assert sentences[2] == "ends its answers as the aligned model does (40 of 40 answers; zero-shot: 40)"
    greeting = told(found)["repaired greeting"]
    assert greeting.numbers == {"answers": 40, "done": 38, "baseline_done": 0, "repaired": 38, "broken": 0}
    assert (greeting.examples[0].token, greeting.examples[0].rank, greeting.examples[0].baseline_rank) == (
        "Thank",
        1,
        2,
    )
    assert told(found)["lacking closing"].examples[0].before.endswith("! Rome.")
    assert (found.repaired, found.broken) == (
        0,
        0,
    )  # marginal is not shifted: the trait is repaired, the position is not


def test_a_context_that_breaks_something() -> None:
    found = explain_shift(reading(warm(greets=40, closes=12, of=40), warm(greets=40, closes=40, of=40)), "found")
    closing = told(found)["broken closing"]
    assert closing.sentence == (
        "closes with an offer or a wish less often as the aligned model does (12 of 40 answers; zero-shot: 40)"
    )
    lacking = told(found)["lacking closing"].sentence
    assert lacking.startswith("only sometimes closes with an offer")  # not "still": the baseline did
    assert found.broken == 28
    words = told(found)["broken words"]
    assert words.sentence == "breaks 28 positions, most clearly 'let' (in 28 answers)"
    assert (words.examples[0].rank, words.examples[0].baseline_rank) == (9, 1)


def test_repaired_words_and_content() -> None:
    pieces = ("Rome", " is", " old", ".")
    found = explain_shift(reading([[1, 1, 1, 1]] * 20, [[9, 1, 7, 1]] * 20, pieces), "found")
    assert told(found)["repaired words"].sentence == (
        "repairs 40 positions, most clearly 'old' (in 20 answers), 'rome' (in 20 answers)"
    )
    assert told(found)["repaired content"].sentence == (
        "is nearer to the aligned model's content in 20 answers and further in 0 (40 content tokens repaired, 0 broken)"
    )


def test_another_greeting_is_a_greeting() -> None:
    answers = [(("Thank", " you", "!", " Rome"), False)] * 10 + [(("Hello", "!", " Rome"), False)] * 10
    made = made_up(answers, {"found": [[2, 1, 1, 1]] * 10 + [[1, 1, 1]] * 10})
    hello = made.answers[-1].tokens[0]
    scores = [
        replace(each, top=one_token([hello, *each.top.ids[1:, 0].tolist()])) if place < 10 else each
        for place, each in enumerate(made.contexts["found"])
    ]
    assert told(explain_shift(made, "found"))["lacking greeting"].numbers["done"] == 10
    found = explain_shift(replace(made, contexts={"found": scores}), "found")
    assert told(found)["kept greeting"].sentence == "greets as the aligned model does (20 of 20 answers)"


def test_a_refusal_that_is_only_gone_along_with_comes_late() -> None:
    late = [[9, *[1] * 9]] * 12
    found = told(explain_shift(reading(late, late, REFUSAL), "found"))
    assert found["late refusal"].sentence == (
        "still refuses late (begins with it in 0 of 12 answers; zero-shot: 0; once begun, 96 of 96 further tokens "
        "follow): add an exemplar that declines a harmful request in its first words, such as "
        "'I cannot help with that,'"
    )
    never = [[9] * 10] * 12
    found = told(explain_shift(reading(never, late, REFUSAL), "found"))
    assert found["lacking refusal"].sentence.startswith("still never refuses")
    assert "late refusal" not in found


@pytest.mark.parametrize(("answers", "spoken"), [(4, False), (5, True)])
def test_of_few_answers_nothing_is_said(answers: int, spoken: bool) -> None:
    never = warm(greets=0, closes=0, of=answers, ends=0)
    found = explain_shift(reading(warm(greets=answers, closes=0, of=answers, ends=0), never), "found")
    assert bool(found.findings) == spoken
    assert ("repaired greeting" in told(found)) == spoken


def test_a_difference_that_chance_would_make_is_not_told() -> None:
    four_more = explain_shift(reading(warm(greets=24, closes=40, of=40), warm(greets=20, closes=40, of=40)), "found")
    five_more = explain_shift(reading(warm(greets=25, closes=40, of=40), warm(greets=20, closes=40, of=40)), "found")
    assert not [each for each in four_more.findings if each.trait == "greeting"]
    assert told(five_more)["repaired greeting"].sentence.startswith(
        "greets more often as the aligned model does (25 of"
    )


def test_half_of_few_is_not_lacking() -> None:
    assert "lacking greeting" not in told(
        explain_shift(reading(warm(greets=3, closes=6, of=6), [[1] * 13] * 6), "found")
    )
    assert "lacking greeting" in told(
        explain_shift(reading(warm(greets=5, closes=10, of=10), [[1] * 13] * 10), "found")
    )


def test_words_that_differ_by_chance_are_not_named() -> None:
    rng = np.random.default_rng(0)
    pieces = tuple(f" w{place}" for place in range(200))
    noise = [[[9 if rng.random() < 0.3 else 1 for _ in pieces] for _ in range(20)] for _ in range(2)]
    assert not explain_shift(reading(noise[0], noise[1], pieces), "found").findings


def test_unknown_ranks_say_nothing() -> None:
    found = [[0, *row[1:]] for row in warm(greets=0, closes=0, of=20)]
    assert not [each for each in explain_shift(reading(found, found), "found").findings if each.trait == "greeting"]


def test_without_a_baseline_only_what_is_and_what_is_lacking() -> None:
    found = explain_shift(reading(warm(greets=1, closes=0, of=20), warm(greets=20, closes=20, of=20)), "zero-shot")
    assert found.baseline is None
    assert {each.kind for each in found.findings} == {FindingKind.KEPT}
    other = explain_shift(reading(warm(greets=1, closes=0, of=20), warm(greets=20, closes=20, of=20)), "found")
    assert {each.kind for each in other.findings} == {FindingKind.BROKEN, FindingKind.LACKING, FindingKind.KEPT}
    assert told(other)["lacking greeting"].sentence.startswith("seldom greets as the aligned model does (1 of 20")


def test_a_baseline_can_be_named() -> None:
    made = reading(warm(greets=20, closes=0, of=20), warm(greets=0, closes=0, of=20))
    assert "broken greeting" in told(explain_shift(made, "zero-shot", baseline="found"))
    with pytest.raises(UnknownNameError, match="no context is called 'fond'; did you mean 'found'"):
        explain_shift(made, "fond")
    with pytest.raises(UnknownNameError, match="'zeroshot'"):
        explain_shift(made, "found", baseline="zeroshot")


def test_findings_can_be_stored() -> None:
    found = explain_shift(reading(warm(greets=20, closes=0, of=20), warm(greets=0, closes=0, of=20)), "found")
    document = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert document["findings"][0]["kind"] == "repaired"
    assert document["findings"][0]["examples"][0]["query"] == "query 0"


@pytest.mark.parametrize(
    ("trait", "pieces", "place"),
    [
        ("greeting", WARM, 0),
        ("closing", WARM, 5),
        ("address", ("So", " tell", " us", "."), 2),
        ("connectives", ("It", " rains", ".", " However", ",", " I", " go"), 3),
        ("line breaks", ("It", ".", "\n", "It"), 2),
        ("numbered lists", ("3", " apples", ":", "\n", "1", ".", " One"), 4),
        ("bullets", ("A", "-", "b", "\n", "-", " c"), 4),
        ("bold", ("A", " **", "b", "**"), 1),
        ("headings", ("A", "\n", "##", " B"), 2),
        ("refusal", ("No", ".", *REFUSAL), 2),
        ("warning", ("Knives", ":", " use", " caution", "."), 2),
        ("ending", ("It",), 1),
    ],
)
def test_where_each_trait_begins(trait: str, pieces: tuple[str, ...], place: int) -> None:
    answers = [(pieces, True)] * 6
    ranks = [[9 if at == place else 1 for at in range(len(pieces) + 1)]] * 6
    found = told(explain_shift(made_up(answers, {"found": ranks}), "found"))
    (finding,) = [each for name, each in found.items() if name in (f"lacking {trait}", f"late {trait}")]
    assert finding.examples[0].position == place


def test_refusals_and_warnings_are_told_apart() -> None:
    tokens = mark_tokens(REFUSAL)
    assert TRAITS["warning"].begins(tokens, REFUSAL) is None
    assert TRAITS["refusal"].begins(tokens, REFUSAL) == 0
    warning = ("Knives", " are", " sharp", ",", " be", " careful")
    assert TRAITS["refusal"].begins(mark_tokens(warning), warning) is None
    objection = ("It", " is", " illegal", " to", " rob", " a", " bank", ".")
    assert TRAITS["refusal"].begins(mark_tokens(objection), objection) == 1


@given(st.integers(0, 40), st.integers(0, 40))
def test_chances_are_exact(better: int, worse: int) -> None:
    if better + worse:
        assert sign_test(better, worse) == pytest.approx(
            binomtest(better, better + worse, alternative="greater").pvalue
        )
        assert chance_of_so_few(better, better + worse) == pytest.approx(binom.cdf(better, better + worse, 0.8))


def test_thousands_of_answers_are_no_trouble() -> None:
    assert chance_of_so_few(1000, 2000) < 1e-9
    assert sign_test(2000, 0) == 0 or sign_test(2000, 0) < 1e-300


@given(st.lists(st.lists(st.integers(0, 5), min_size=13, max_size=13), min_size=1, max_size=12), st.data())
def test_explaining_the_other_way_round_swaps_repairs_and_breaks(ranks: list[list[int]], data: st.DataObject) -> None:
    other = data.draw(st.permutations(ranks))
    made = reading(ranks, other)
    there, back = explain_shift(made, "found"), explain_shift(made, "zero-shot", baseline="found")
    assert (there.repaired, there.broken) == (back.broken, back.repaired)
    swapped = {"repaired": "broken", "broken": "repaired"}
    changed = {(each.kind.value, each.trait) for each in there.findings if each.kind.value in swapped}
    assert changed == {(swapped[each.kind], each.trait) for each in back.findings if each.kind.value in swapped}


def test_answers_without_tokens_are_no_trouble() -> None:
    empty = AlignedAnswer(query="q", tokens=(), pieces=(), ended=True)
    made = made_up([((), True)] * 6, {"zero-shot": [[9]] * 6, "found": [[1]] * 6})
    assert made.answers[0].text == empty.text
    assert list(told(explain_shift(made, "found"))) == ["repaired ending"]
