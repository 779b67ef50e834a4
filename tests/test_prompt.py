"""The layout of a URIAL prompt, byte for byte, and texts that would break it."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.strategies import exemplars, prompts, texts
from urial_opt.prompt import Exemplar, UrialPrompt, breaks_layout, fence_for

ONE = UrialPrompt(
    system="# Instruction\n\nBe kind.\n", exemplars=(Exemplar(query="What is tea?", answer="A drink.\n\nEnjoy!"),)
)


def test_the_bytes_of_a_prompt_with_one_exemplar() -> None:
    assert ONE.render("Why?").encode() == (
        b"# Instruction\n\nBe kind.\n"
        b"\n# Query:\n```\nWhat is tea?\n```\n\n# Answer:\n```\nA drink.\n\nEnjoy!\n```\n"
        b"\n# Query:\n```\nWhy?\n```\n\n# Answer:\n```\n"
    )


def test_zero_shot_is_the_query_alone() -> None:
    assert UrialPrompt().prefix == ""
    assert UrialPrompt().render("Why?") == "\n# Query:\n```\nWhy?\n```\n\n# Answer:\n```\n"


def test_an_earlier_turn_is_one_more_exemplar() -> None:
    turn = Exemplar(query="Why?", answer="Because.")
    longer = UrialPrompt(system=ONE.system, exemplars=(*ONE.exemplars, turn))
    assert ONE.render("And?", history=[turn]) == longer.render("And?")


def test_imported_text_is_rendered_as_it_was() -> None:
    imported = UrialPrompt(system=ONE.system, exemplars=ONE.exemplars, raw="# Query: ```q```\r\n")
    assert imported.render("Why?").startswith("# Query: ```q```\r\n\n# Query:\n```\nWhy?\n")
    assert imported.id != ONE.id


def test_identity_rests_on_what_a_model_sees() -> None:
    shown = Exemplar(query="q", answer="a", style="warm", tags=("x",), parent="p")
    assert shown.id == Exemplar(query="q", answer="a").id
    assert shown.id != Exemplar(query="q", answer="b").id
    assert Exemplar(query="ab", answer="c").id != Exemplar(query="a", answer="bc").id


@pytest.mark.parametrize(
    ("text", "fence"),
    [
        ("", "```"),
        ("`code` and ``more``", "```"),
        ("see # Query: below", "```"),
        ("## Query", "```"),
        ("```", "````"),
        ("a\n```py\nx\n```\nb", "````"),
        ("a ````` b", "``````"),
        ("a\n# Query: b", "````"),
        ("# Answer", "````"),
        ("# Users", "````"),
    ],
)
def test_the_fence_grows_with_the_text(text: str, fence: str) -> None:
    assert fence_for(text) == fence
    assert breaks_layout(text) is (fence != "```")
    assert UrialPrompt(exemplars=(Exemplar(query="q", answer=text),)).plain is (fence == "```")


@given(texts)
def test_no_line_of_a_text_is_its_fence(text: str) -> None:
    assert fence_for(text) not in text


@given(prompts, texts, exemplars)
def test_a_rendered_prompt_is_prefix_and_suffix(prompt: UrialPrompt, query: str, turn: Exemplar) -> None:
    assert prompt.render(query, history=[turn]) == prompt.prefix + prompt.suffix(query, history=[turn])
    assert prompt.prefix == prompt.system + "".join(exemplar.render() for exemplar in prompt.exemplars)
    assert all(exemplar.render() in prompt.prefix for exemplar in prompt.exemplars)
