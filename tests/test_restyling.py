"""Restyling: answers move between styles by rule, keep what they say, and come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urial_opt.search.agent.facts import missing_code, missing_numbers
from urial_opt.spaces.restyling import StyleRule, restyled
from urial_opt.spaces.space_file import load_space

WARM = StyleRule(
    name="warm", openings=("What a good question!", "Thanks for asking!"), closings=("I hope that helps.",)
)
LIST = StyleRule(name="list", layout="numbered", steps="Do this:")
DOTS = StyleRule(name="dots", openings=("Here you are.",), layout="bulleted")
BRIEF = StyleRule(name="brief", sentences=2)
KNOWN = (WARM, LIST, DOTS, BRIEF)
TOWN = "Bergen lies by the sea. It has 290,000 people. Rain falls on 240 days a year."


@pytest.mark.parametrize(
    ("answer", "rule", "expected"),
    [
        (TOWN, WARM, f"What a good question! {TOWN} I hope that helps."),
        (f"Thanks for asking! {TOWN} I hope that helps.", BRIEF, "Bergen lies by the sea. It has 290,000 people."),
        (TOWN, LIST, "Bergen lies by the sea.\n1. It has 290,000 people.\n2. Rain falls on 240 days a year."),
        (
            "Bergen lies by the sea.\n1. It has 290,000 people.\n2. Rain falls on 240 days a year.",
            DOTS,
            "Here you are.\nBergen lies by the sea.\n- It has 290,000 people.\n- Rain falls on 240 days a year.",
        ),
        (
            "First, boil water. Then add the rice. Finally, wait. Tip: use a lid.",
            LIST,
            "Do this:\n1. Boil water.\n2. Add the rice.\n3. Wait.\n4. Tip: use a lid.",
        ),
        (
            "Steps:\n- Boil water.\n- Add the rice.\n- Tip: use a lid.",
            WARM,
            "What a good question! First, boil water. Then add the rice. Tip: use a lid. I hope that helps.",
        ),
        ("Rain.", LIST, "Rain."),
        (
            "Type this:\n\n```\nls -l\n```",
            WARM,
            "What a good question!\nType this:\n\n```\nls -l\n```\nI hope that helps.",
        ),
    ],
)
def test_an_answer_takes_a_style(answer: str, rule: StyleRule, expected: str) -> None:
    assert restyled(answer, rule, KNOWN) == expected


def test_a_refusal_becomes_no_list() -> None:
    refusal = "I cannot help with that. It would hurt people. Talk to somebody you trust."
    assert restyled(refusal, DOTS, KNOWN, refusal=True) == f"Here you are. {refusal}"


@given(st.text(), st.sampled_from([WARM, LIST, DOTS]))
def test_numbers_and_code_survive(answer: str, rule: StyleRule) -> None:
    styled = restyled(answer, rule, KNOWN)
    assert missing_numbers(answer, styled) == missing_code(answer, styled) == []


def test_the_rules_of_nano_write_what_its_corpus_holds() -> None:
    space = load_space("nano")
    rules = list(space.styles.values())
    for key, exemplar in space.exemplars.items():
        row, style = key.split("/")
        if style == "manual" and "regular" in exemplar.tags:
            lively = space.exemplars[f"{row}/lively"].answer
            ours = restyled(exemplar.answer, space.styles["lively"], rules)
            assert ours.splitlines()[1:-1] == lively.splitlines()[1:-1]
