"""Extracting the answer from what a base model wrote after the prompt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import texts
from urial_opt.prompt import Layout, UrialPrompt, breaks_layout, has_ended, read_answer, read_answer_publicly

CODE = "```python\nprint('# Query')\n```"
BARE = "Here it is:\n```\nprint(1)\n```\nI hope it helps!"
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
        (f"{BARE}\n```\n\n# Query:\n", BARE),
        (f"{BARE}\n```\n", BARE),
        (f"{BARE}\n```\n\nAnd more\n```\nx\n", BARE),
        (f"{BARE}\n{BARE}\n```\n\n# Question:\n```\nx", f"{BARE}\n{BARE}"),
        ("Look:\n```\nls\n```\n```\n\n# Query:\n", "Look:\n```\nls\n```"),
        ("Look:\n```\nls\n```\n\n# Query:\n```\nx", "Look:\n```\nls\n```"),
        ("Look:\n```\n# Query the table\nls\n```\nSo.\n```\n\n#", "Look:\n```\n# Query the table\nls\n```\nSo."),
        ("Hi.\n```\n# Query:\n```\nx", "Hi."),
        ("Hi.\n```\n\n# Answer:\n```\nHo.\n```\n", "Hi."),
        ("Hi.\n\n# Answer:\n```\nHo.\n```\n", "Hi."),
        ("```python\nx = 1\n\n# Query:\n```\nNext?\n```\n", "```python\nx = 1"),
        ("# Instructions\n\n# User guide\nPress.\n```\n\n", "# Instructions\n\n# User guide\nPress."),
    ],
)
def test_where_an_answer_ends(written: str, answer: str) -> None:
    assert read_answer(written) == answer


def test_an_answer_that_was_cut_off_keeps_its_open_code_block() -> None:
    written = "Here it is:\n```\nprint(1)"
    assert read_answer(written, cut=True) == written
    assert read_answer(written) == "Here it is:"
    assert read_answer("Hi.\n```\n", cut=True) == "Hi."


@pytest.mark.parametrize("layout", ["v5", "v6"])
def test_in_a_layout_without_fences_a_heading_ends_the_answer(layout: Layout) -> None:
    prompt = UrialPrompt(layout=layout)
    assert read_answer(f"{BARE}\n\n{prompt.suffix('Next?')}", layout=layout) == BARE
    assert read_answer("```\nls\n```\n\n# User:\n", layout=layout) == "```\nls\n```"


@given(answers, texts)
def test_an_answer_ends_while_it_is_written_where_it_is_read_to_end(answer: str, query: str) -> None:
    written = f"{answer}\n```\n{UrialPrompt().suffix(query)}and so on"
    ends = [length for length in range(len(written) + 1) if has_ended(written[:length])]
    assert ends
    assert ends[0] <= len(answer) + len("\n```\n\n")
    assert read_answer(written[: ends[0]]) == read_answer(written) == answer.strip()


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
