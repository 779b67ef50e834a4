"""Found prompts as DSPy programs, and DSPy programs as prompts to start from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import dspy  # type: ignore[import-untyped]
import pytest
from hypothesis import given

from tests.command_line import Run
from tests.dspy_programs import SYSTEM, asked, demo, thought
from tests.strategies import prompts
from urial_opt.dspy import UrialAdapter
from urial_opt.errors import InputError, PromptError
from urial_opt.exporters.dspy_format import DspyFormat, open_exporter
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.prompt_file import read_prompt_file, read_sampling
from urial_opt.protocols import Exporter
from urial_opt.records import Sampling
from urial_opt.testing.contracts import ExporterContract

PROMPT = UrialPrompt(
    system=SYSTEM,
    exemplars=(Exemplar(query="Où?", answer="Là.", style="warm"), Exemplar(query="How?", answer="```py\nprint()\n```")),
)


class TestDspy(ExporterContract):
    @pytest.fixture
    def exporter(self) -> Exporter:
        return DspyFormat()


def written(text: str, folder: Path, name: str = "program.json") -> Path:
    file = folder / name
    file.write_bytes(text.encode())
    return file


def saved(program: Any, folder: Path) -> Path:
    program.save(folder / "saved.json")
    return folder / "saved.json"


@given(prompts)
def test_any_prompt_is_carried(tmp_path_factory: pytest.TempPathFactory, prompt: UrialPrompt) -> None:
    file = written(DspyFormat().export(prompt, Sampling()), tmp_path_factory.getbasetemp(), "any.json")
    assert read_prompt_file(file) == prompt


def test_an_exported_prompt_is_rendered_as_it_was_found(tmp_path: Path) -> None:
    file = written(DspyFormat().export(PROMPT, Sampling()), tmp_path)
    predictor = dspy.Predict("query -> answer")
    predictor.load(file)
    adapter = UrialAdapter.load(file)
    (message,) = adapter.format(predictor.signature, predictor.demos, {"query": asked("Peru")})
    assert message["content"] == PROMPT.render(asked("Peru"))
    assert [exemplar.style for exemplar in read_prompt_file(file).exemplars] == ["warm", ""]


def test_dspy_loads_it_without_this_package(tmp_path: Path) -> None:
    file = written(DspyFormat().export(PROMPT, Sampling()), tmp_path)
    code = f"""
import sys, dspy
predictor = dspy.Predict("query -> answer")
predictor.load({str(file)!r})
lm = dspy.utils.DummyLM([{{"answer": "yes"}}])
with dspy.context(lm=lm):
    assert predictor(query="q").answer == "yes"
said = lm.history[-1]["messages"]
assert [m["content"] for m in said if "Là." in m["content"]], said
assert "Below are conversations." in said[0]["content"]
assert not [name for name in sys.modules if name.startswith("urial_opt")]
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_the_decoding_comes_with_it(tmp_path: Path) -> None:
    sampling = Sampling(temperature=0.5, repetition_penalty=1.1, stop=("# Query", "END"))
    assert read_sampling(written(DspyFormat().export(PROMPT, sampling), tmp_path)) == sampling


def test_an_argument_is_refused() -> None:
    with pytest.raises(InputError, match="takes no argument"):
        open_exporter("x")


def test_a_saved_predictor_is_a_prompt(tmp_path: Path) -> None:
    program = dspy.Predict(dspy.Signature("query -> answer", "Be kind."))
    program.demos = [demo("Italy"), demo("Spain")]
    prompt = read_prompt_file(saved(program, tmp_path))
    assert prompt == UrialAdapter().prompt(program.signature, program.demos)
    assert prompt.system == "Be kind.\n"
    assert read_sampling(saved(program, tmp_path)) is None


@pytest.mark.parametrize("instructions", [None, "Think.\n\nThen say."])
def test_a_saved_program_with_reasoning_is_a_prompt(instructions: str | None, tmp_path: Path) -> None:
    program = dspy.ChainOfThought(dspy.Signature("query -> answer", instructions))
    program.predict.demos = [thought("Italy"), {**thought("Spain"), "augmented": True}]
    prompt = read_prompt_file(saved(program, tmp_path))
    assert prompt == UrialAdapter().prompt(program.predict.signature, program.predict.demos)
    program.predict.demos = [demo("Italy"), thought("Spain")]
    with_gap = read_prompt_file(saved(program, tmp_path))
    assert [exemplar.query for exemplar in with_gap.exemplars] == [asked("Spain")]
    assert with_gap.notes[0].startswith("Demo 1 of ")
    assert with_gap.notes[0].endswith(" is left out: it has no 'reasoning'.")


def test_fields_are_named_as_their_demos_name_them(tmp_path: Path) -> None:
    class Asked(dspy.Signature):  # type: ignore[misc]
        userQuestion: str = dspy.InputField(desc="what people ask")  # noqa: N815
        long_context: list[str] = dspy.InputField(desc="what is known")
        short_answer: str = dspy.OutputField(desc="one word")

    program = dspy.Predict(Asked)
    program.demos = [dspy.Example(userQuestion="q", long_context=["a", "b"], short_answer="x: y")]
    program.signature = program.signature.with_instructions(
        "Given the fields `userQuestion`, `long_context`, produce the fields `short_answer`."
    )
    prompt = read_prompt_file(saved(program, tmp_path))
    assert prompt == UrialAdapter().prompt(program.signature, program.demos)
    assert prompt.exemplars[0].query == 'userQuestion: q\nlong_context: ["a", "b"]'


class Two(dspy.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = dspy.Predict("query -> draft"), dspy.Predict("query, draft -> answer")


STATE: dict[str, Any] = dspy.Predict("query -> answer").dump_state()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps(Two().dump_state()), r"2 predictors \('first', 'second'\).*program\.first\.save\('one\.json'\)"),
        (json.dumps({**STATE, "demos": "none"}), r"is not the state of a DSPy program, as DSPy saves it: demos"),
        (json.dumps({**STATE, "signature": {}}), "signature.instructions: Field required; save it again"),
        (
            json.dumps(dspy.Predict(dspy.Signature("a, b -> c", "Do it.")).dump_state()),
            "does not say which of its fields 'a', 'b', 'c' are inputs",
        ),
        ('{"signature": 1', "is not a prompt that the exporter 'json' wrote"),
        ("[" * 100_000, "is not a prompt that the exporter 'json' wrote"),
        ('{"some": "thing"}', "is not a prompt that the exporter 'json' wrote"),
    ],
)
def test_files_that_hold_no_prompt_are_named(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=said) as caught:
        read_prompt_file(written(text, tmp_path))
    assert "program.json" in str(caught.value)


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"is a pickle; .*program\.save\('program\.json'\)"):
        read_prompt_file(written("x", tmp_path, "program.pkl"))


def test_a_search_starts_from_a_saved_program(run: Run, small_space: Path, tmp_path: Path) -> None:
    program = dspy.Predict("query -> answer")
    program.demos = [dspy.Example(query="What is the capital of Togo?", answer="The capital of Togo is Lome.")]
    file = saved(program, tmp_path)
    words = ("search", "--space", small_space, "--aligned", "none", "--budget", 1, "--name", "mine", "--json")
    run(*words, "--start-from", file)
    best = json.loads(run("inspect", "mine", "--trial", 0, "--json")[0])
    assert "The capital of Togo is Lome." in json.dumps(best)


def test_the_command_exports_a_program_and_says_what_it_loses(run: Run, searched: Path, tmp_path: Path) -> None:
    out, err = run("export", "mine", "--format", "dspy", "--output", "p.json", "--store", searched)
    assert not out
    assert "UrialAdapter.load(FILE)" in err
    assert "metadata.urial_opt" in err
    found = json.loads(run("export", "mine", "--format", "json", "--store", searched)[0])
    assert read_prompt_file(tmp_path / "p.json").prefix == found["prefix"]
