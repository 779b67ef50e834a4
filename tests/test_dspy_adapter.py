"""`UrialAdapter`: signatures, demos and inputs in the URIAL layout, byte for byte, and outputs read back."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any, Literal

import dspy  # type: ignore[import-untyped]
import pytest
from dspy.utils.exceptions import AdapterParseError, LMUnsupportedFeatureError  # type: ignore[import-untyped]
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.dspy_programs import SYSTEM, Colour, Place, asked, demo, signature, thought
from tests.strategies import texts
from urial_opt.dspy import UrialAdapter
from urial_opt.errors import InputError, PromptError, UrialOptWarning
from urial_opt.prompt import Exemplar, UrialPrompt, read_answer
from urial_opt.prompt_file.fields import read_fields, write_fields

QUERY = signature(answer=str)
THOUGHT = signature(reasoning=str, answer=str)


def rendered(adapter: UrialAdapter, shape: Any, demos: Any, **inputs: Any) -> str:
    (message,) = adapter.format(shape, demos, inputs)
    assert message["role"] == "user"
    return message["content"]


@pytest.mark.parametrize("demos", [[], [demo("Italy")], [demo("Italy").toDict(), demo("Spain")]])
def test_a_predictor_renders_as_the_prompt_of_its_demos(demos: list[Any]) -> None:
    exemplars = tuple(Exemplar(query=each["query"], answer=each["answer"]) for each in demos)
    shape = QUERY.with_instructions(SYSTEM)
    text = rendered(UrialAdapter(systems=[SYSTEM]), shape, demos, query=asked("Greece"))
    assert text == UrialPrompt(system=SYSTEM, exemplars=exemplars).render(asked("Greece"))


@pytest.mark.parametrize(
    "shape", [QUERY, QUERY.with_instructions(SYSTEM), dspy.ChainOfThought(QUERY).predict.signature]
)
def test_one_system_text_serves_signatures_without_instructions_and_its_own(shape: Any) -> None:
    assert UrialAdapter(SYSTEM).prompt(shape).system == SYSTEM


def test_instructions_without_an_exact_text_end_with_one_newline() -> None:
    assert UrialAdapter(SYSTEM).prompt(QUERY.with_instructions("Be kind.\n\n")).system == "Be kind.\n"
    assert UrialAdapter().prompt(QUERY).system == ""


@given(texts)
def test_any_system_text_is_found_again_however_often_dspy_saved_it(text: str) -> None:
    shape = QUERY.with_instructions(text)
    if not shape.instructions:
        return
    adapter = UrialAdapter(systems=[text])
    for _ in range(3):
        assert adapter.prompt(shape).system == text
        shape = shape.load_state(shape.dump_state())


def test_texts_that_dspy_cannot_tell_apart_are_refused() -> None:
    with pytest.raises(InputError, match="differ in blanks only"):
        UrialAdapter("Be kind.\n", systems=["Be kind.\n\n"])


def test_several_inputs_are_lines() -> None:
    shape = signature(inputs=("context", "query"), answer=str)
    context = ["Rome is old.", "Rome\nis big."]
    assert UrialAdapter().query(shape, {"context": "Two\nlines", "query": "q"}) == "context: Two\nlines\nquery: q"
    assert UrialAdapter().query(shape, {"context": context, "query": "q"}).startswith("context: [1] «Rome is old.»\n")
    assert UrialAdapter().query(shape, {"query": "q"}) == "query: q"


def test_earlier_turns_stand_before_the_query() -> None:
    shape = dspy.Signature("history: dspy.History, query -> answer")
    history = dspy.History(messages=[demo("Italy").toDict()])
    text = rendered(UrialAdapter(), shape, [demo("Spain")], query="And then?", history=history)
    said = [Exemplar(query=each.query, answer=each.answer) for each in (demo("Spain"), demo("Italy"))]
    assert text == UrialPrompt(exemplars=tuple(said)).render("And then?")


def test_demos_without_reasoning_are_left_out_and_said_once() -> None:
    adapter = UrialAdapter()
    with pytest.warns(UrialOptWarning, match="demos without 'reasoning' are left out") as said:
        prompt = adapter.prompt(THOUGHT, [demo("Italy"), thought("Spain"), {**demo("Italy"), "reasoning": None}])
    adapter.prompt(THOUGHT, [demo("Italy")])
    assert len(said) == 1
    assert [exemplar.query for exemplar in prompt.exemplars] == [asked("Spain")]
    assert prompt.exemplars[0].answer == (
        "reasoning: The question is about Spain.\nIts capital: Madrid.\nanswer: Madrid"
    )


def test_pictures_are_refused() -> None:
    with pytest.raises(LMUnsupportedFeatureError, match="the field 'query' holds a Image"):
        rendered(UrialAdapter(), QUERY, [], query=dspy.Image("data:image/png;base64,AAAA"))


VALUES: list[tuple[Any, Any]] = [
    (bool, False), (int, 5), (float, float("inf")), (int | None, None), (int | None, 3), (str | None, None),
    (str | None, "so"), (list[str], ["a", "b: c\n```x"]), (list[str], []), (dict[str, int], {"ä": 1}),
    (Place, Place(name="Ulm", rivers=["Donau"])), (list[Place], [Place(name="answer: x", rivers=[])]),
    (Colour, Colour.RED), (Colour, Colour.BLUE), (list[Colour], [Colour.RED]), (Literal["a", "b c"], "b c"),
    (Literal[1, 2], 2), (datetime.date, datetime.date(2026, 1, 2)), (tuple[int, str], (1, "a")), (str, "5"),
    (str, '{"a": 1}'), (str, "None"), (dspy.Reasoning, dspy.Reasoning(content="So it is.")), (str, ""),
    (dspy.Code, dspy.Code(code="print(1)")), (str, "```py\nprint()\n```"),
]  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"note": str}])
@pytest.mark.parametrize(("kind", "value"), VALUES)
def test_values_of_every_type_survive_the_way_into_a_demo_and_back(kind: Any, value: Any, more: dict[str, Any]) -> None:
    shape = signature(answer=kind, **more)
    shown = dspy.Example(query="q", answer=value, **dict.fromkeys(more, "n"))
    (exemplar,) = UrialAdapter().prompt(shape, [shown]).exemplars
    found = UrialAdapter().parse(shape, f"{exemplar.answer}\n```\n\n# Query:\n```\nMore?")
    assert found == {"answer": value, **dict.fromkeys(more, "n")}
    assert type(found["answer"]) is type(value)


@given(
    st.fixed_dictionaries(
        {
            name: st.one_of(texts, st.lists(st.sampled_from(["a: ", " b:", "b: x", "c:", "\n", " "])).map("".join))
            for name in "abc"
        }
    )
)
def test_text_of_several_fields_is_read_back_but_for_blanks_at_its_ends(values: dict[str, str]) -> None:
    text = write_fields(values, list(values))
    assert read_fields(text, list(values)) == {name: value.strip() for name, value in values.items()}
    assume(read_answer(f"{text}\n```\n") == text.strip())  # the layout itself can hold it
    shape = signature(a=str, b=str, c=str)
    (exemplar,) = UrialAdapter().prompt(shape, [{"query": "q", **values}]).exemplars
    assert UrialAdapter().parse(shape, f"{exemplar.answer}\n```\n") == {n: v.strip() for n, v in values.items()}


@pytest.mark.parametrize(
    ("shape", "reply", "said"),
    [
        (THOUGHT, "Rome.", r"fields in the LM response: \[reasoning, answer\]"),
        (THOUGHT, "answer: Rome", r"parsed from the LM response: \[answer\]"),
        (signature(answer=int), "many", "The field 'answer' cannot be read from 'many'"),
        (signature(answer=Colour), "green", "green is not a valid name or value"),
        (signature(answer=Place), "{", "The field 'answer' cannot be read"),
        (signature(answer=Literal["yes", "no"]), "perhaps", "Input should be 'yes' or 'no'"),
        (signature(answer=list[int]), "[1, 'x']", "The field 'answer'"),
    ],
)
def test_what_cannot_be_read_is_a_parse_error(shape: Any, reply: str, said: str) -> None:
    with pytest.raises(AdapterParseError, match=said):
        UrialAdapter().parse(shape, f"{reply}\n```\n")


def test_fields_with_a_default_may_be_left_out() -> None:
    shape = dspy.Signature(
        {
            "query": (str, dspy.InputField()),
            "answer": (str, dspy.OutputField()),
            "note": (str | None, dspy.OutputField()),
            "sure": (bool, dspy.OutputField(default=True)),
        }
    )
    assert UrialAdapter().prompt(shape, [demo("Italy")]).exemplars[0].answer.startswith("answer: The capital")
    assert UrialAdapter().parse(shape, "answer: Rome") == {"answer": "Rome", "note": None, "sure": True}


def test_the_exact_texts_have_a_file_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "texts.json"
    UrialAdapter(SYSTEM, systems=["  Other\n\n"]).save(file)
    loaded = UrialAdapter.load(file)
    assert (loaded.system, loaded.systems) == (SYSTEM, ("  Other\n\n",))
    file.write_text(json.dumps({"format": "of somebody else"}))
    for path in (file, tmp_path / "missing.json"):
        with pytest.raises(PromptError, match=r"UrialAdapter\.save"):
            UrialAdapter.load(path)
