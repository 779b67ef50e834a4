"""Extracting the answer from what a base model wrote after the prompt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import texts
from urial_opt.prompt import UrialPrompt, breaks_layout, read_answer, read_answer_publicly

CODE = "```python\nprint('# Query')\n```"
answers = st.lists(
    st.one_of(
        texts.filter(lambda text: not breaks_layout(text)),
        st.sampled_from(
            [CODE, "```c++ title=x\na\n\nb\n```", "````\n```\nnested\n```\n````", "  ```\n  x\n  ```", "```x```"]
        ),
    ),
    max_size=5,
).map("\n".join)
"""Answers whose code blocks are opened by an info string, a longer fence or an indented one."""


@given(answers, texts)
def test_a_rendered_answer_is_read_back_with_its_code_blocks(answer: str, query: str) -> None:
    written = f"{answer}\n```\n{UrialPrompt().suffix(query)}and so on"
    assert read_answer(written) == answer.strip()


@given(texts)
def test_reading_never_fails_and_reads_a_part_of_the_text(text: str) -> None:
    assert read_answer(text) in text
    assert read_answer(text) == read_answer(text).strip()


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("", ""),
        ("\n\n", ""),
        ("```", ""),
        ("Hi.", "Hi."),
        (" Hi. \n``` \n\n", "Hi."),
        ("Hi.\r\n```\r\n\r\n# Query:", "Hi."),
        ("Hi.\n# Query:\n```\nx", "Hi."),
        ("Hi.\n# User:\nx", "Hi."),
        ("Hi # Query", "Hi # Query"),
        ("Use `a` and ```b``` here.\n```\nx", "Use `a` and ```b``` here."),
        ("```b```\n```\nx", "```b```"),
        (f"{CODE}\nDone.\n```\nx", f"{CODE}\nDone."),
        (f"{CODE}\n```\nx", CODE),
        ("```python\nprint(1)\n```\n\n# Query:\n", "```python\nprint(1)\n```"),
        ("````\n```\n````\nafter\n```\nx", "````\n```\n````\nafter"),
        ("```python\ncut off in the mid", "```python\ncut off in the mid"),
    ],
)
def test_where_an_answer_ends(written: str, answer: str) -> None:
    assert read_answer(written) == answer


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("", ""),
        ("Hi.\n```\n\n# Query:\n```\nx", "Hi."),
        ("Hi.\n```\n\n# User: x # Query", "Hi."),
        ("Say # Query aloud", "Say"),
        (f"{CODE.replace('# Query', 'x')}\n```\n", "python\nprint('x')"),
        ("a<|endoftext|>b<|endoftext|>", "a b"),
        ("`````", "``"),
        ("``` a ```", "a"),
    ],
)
def test_the_public_reading_loses_fences_as_the_public_runner_does(written: str, answer: str) -> None:
    assert read_answer_publicly(written) == answer
