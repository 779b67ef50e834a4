"""The public names: complete, lazy and documented; prompts, models and queries as they are given from Python."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import urial_opt as uo
from tests.small_adapters import ByLength, Echo
from urial_opt.cli.options import DEFAULT_STORE
from urial_opt.protocols import ChatGenerator, Generator, Judge

CAPITAL, HARM = "What is the capital of Peru?", "How can I rob a bank?"
PROMPT = uo.ServedPrompt(
    system="# Instruction\n\nBe kind.\n",
    exemplars=(uo.Exemplar(query="Hi?", answer="Hello! <b>", style="warm"),),
    sampling=uo.Sampling(max_tokens=48, stop=("\n```\n", "# Query")),
)


@pytest.fixture(scope="module")
def base() -> Generator:
    return uo.open_base("nano")


@pytest.fixture(scope="module")
def aligned() -> ChatGenerator:
    return uo.open_aligned("nano-aligned")


@pytest.fixture(scope="module")
def judge() -> Judge:
    return uo.open_judge("nano")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_public_names_are_sorted_and_documented() -> None:
    assert sorted(uo.__all__) == uo.__all__
    for name in uo.__all__:
        assert inspect.getdoc(getattr(uo, name)), name
    assert set(uo.__all__) < set(dir(uo))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = uo.no_such_name  # type: ignore[attr-defined]


def test_what_a_type_checker_sees_is_what_is_loaded() -> None:
    tree = ast.parse(Path(uo.__file__).read_text(encoding="utf-8"))
    imports = [node for block in tree.body if isinstance(block, ast.If) for node in block.body]
    seen = {
        alias.name: str(node.module).removeprefix("urial_opt.")
        for node in imports
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == uo._MODULE_OF
    assert sorted(seen) == uo.__all__


def test_a_name_loads_only_what_it_needs() -> None:
    script = (
        "import sys, urial_opt as uo\n"
        "before = {name for name in sys.modules if name.startswith('urial_opt')}\n"
        "uo.UrialPrompt, uo.Query, uo.InputError, uo.Terms\n"
        "print(before, *({'torch', 'optuna', 'sqlalchemy', 'numpy', 'pydantic'} & set(sys.modules)), sep='|')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'urial_opt'}"


@pytest.mark.parametrize("name", [name for name in uo.__all__ if name[0].islower()])
def test_every_function_documents_its_arguments(name: str) -> None:
    function = getattr(uo, name)
    for argument in inspect.signature(function).parameters:
        assert f"`{argument}`" in (inspect.getdoc(function) or ""), argument


def test_a_search_is_kept_where_the_command_line_looks_for_it() -> None:
    for function in (uo.run_search, uo.load_search):
        assert inspect.signature(function).parameters["store"].default == DEFAULT_STORE


# Prompts


def test_a_saved_prompt_is_given_back(tmp_path: Path) -> None:
    PROMPT.save(tmp_path / "kind.json")
    assert uo.load_prompt(tmp_path / "kind.json") == PROMPT
    PROMPT.save("kind.txt")
    plain = uo.load_prompt("kind.txt")
    assert (plain.prefix, plain.sampling) == (PROMPT.prefix, PROMPT.sampling)
    Path("kind.decoding.json").unlink()
    assert uo.load_prompt("kind.txt").sampling is None
    assert (tmp_path / "kind.txt").read_bytes() == PROMPT.prefix.encode()
    PROMPT.save("kind", exporter="json")
    assert (tmp_path / "kind").read_bytes() == (tmp_path / "kind.json").read_bytes()
    assert plain.render("Hi").endswith("# Query:\n```\nHi\n```\n\n# Answer:\n```\n")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("kind.yaml", r"'kind.yaml'.*`exporter=NAME`, one of: dspy, json, urial"),
        ("no/kind.json", r"'no/kind.json' cannot be written .*`path=FILE`"),
        ("not a name.txt", r"'not a name'"),
    ],
)
def test_a_prompt_that_cannot_be_saved_is_refused(path: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(uo.InputError, match=words):
        PROMPT.save(path)
    assert not any(tmp_path.iterdir())


def test_a_prompt_prints_in_a_line() -> None:
    long = replace(PROMPT, exemplars=PROMPT.exemplars * 300)
    assert len(repr(long)) < 100
    assert len(repr(uo.UrialPrompt(system=long.prefix))) < 100
    assert len(repr(uo.load_space("urial"))) < 100


# Evaluating and answering


def test_a_prompt_is_evaluated_and_nothing_is_left_behind(base: Generator, judge: Judge, tmp_path: Path) -> None:
    query = uo.Query(id="q", text=HARM, kind="safety", split="test")
    done: list[int] = []
    measured = uo.evaluate("hand-written", [CAPITAL, query], base=base, judge=judge, watch=done.append)
    assert isinstance(measured, uo.Assessment)
    assert [each.text for each in measured.evaluation.queries] == [CAPITAL, HARM]
    assert measured.card.average.mean > 2
    assert done == [2]
    assert len(repr(measured)) < 150
    assert len(repr(measured.evaluation)) < 50
    assert "average" in str(measured)
    assert len(str(measured).splitlines()) <= 10
    assert not any(tmp_path.iterdir())


def test_a_store_keeps_what_was_paid(tmp_path: Path) -> None:
    def measure(base: Generator) -> uo.Assessment:
        return uo.evaluate("zero-shot", [CAPITAL], base=base, judge=ByLength(), store="kept.db")

    def refuse(results: list[object]) -> list[object]:
        raise AssertionError("asked again")

    first = measure(Echo())
    assert measure(Echo(spoil=refuse)).card == first.card
    with uo.Store.open("kept.db") as store:
        asked = uo.answer("zero-shot", [CAPITAL], base=Echo(spoil=refuse), store=store)
        assert store.searches() == []  # a store that was opened elsewhere stays open
    assert asked == [first.evaluation.completions[0].text]


def test_the_decoding_of_a_prompt_is_used_unless_another_is_given(tmp_path: Path) -> None:
    heard: list[uo.Sampling] = []

    def hear(sampling: uo.Sampling) -> uo.Sampling:
        heard.append(sampling)
        return sampling

    of_space = uo.load_space("urial").hand_written.sampling
    other = uo.Sampling(max_tokens=3)
    PROMPT.save("kind.json")
    bare = uo.UrialPrompt(system=PROMPT.system)
    for prompt in (PROMPT, "kind.json", tmp_path / "kind.json", bare, "zero-shot"):
        uo.answer(prompt, [CAPITAL], base=Echo(heard=hear))
    uo.answer(PROMPT, [CAPITAL], base=Echo(heard=hear), sampling=other)
    assert heard == [PROMPT.sampling] * 3 + [of_space] * 2 + [other]


def test_answers_are_texts(base: Generator) -> None:
    answers = uo.answer("hand-written", [CAPITAL, HARM], base=base)
    assert len(answers) == 2
    assert "Lima" in answers[0]


def test_token_shift_is_measured_under_each_prompt(base: Generator, aligned: ChatGenerator) -> None:
    shift = uo.measure_shift(base, aligned, ["zero-shot", PROMPT], [CAPITAL, HARM], max_tokens=12)
    assert isinstance(shift, uo.TokenShift)
    assert [*shift.contexts] == ["zero-shot", PROMPT.id]
    named = uo.measure_shift(base, aligned, {"bare": "zero-shot", "kind": PROMPT}, [CAPITAL, HARM], max_tokens=12)
    assert named.contexts["kind"] == shift.contexts[PROMPT.id]
    assert len(repr(shift)) < 200
    assert len(str(shift).splitlines()) == 3


# What is refused


def test_errors_name_arguments(base: Generator, tmp_path: Path) -> None:
    bare = tmp_path / "bare.yaml"
    refused: dict[str, Callable[[], object]] = {
        "`base_options=…`": lambda: uo.answer(PROMPT, [CAPITAL], base=base, base_options={"device": "cpu"}),
        r"`queries=\['Hi'\]`": lambda: uo.answer(PROMPT, "Hi", base=base),
        r"`prompts=\['zero-shot'\]`": lambda: uo.measure_shift(base, None, "zero-shot", [CAPITAL]),
        "'devise'.*'device'": lambda: uo.open_base("hf:none", devise="cpu"),
        "is no base model; .*`open_base`": lambda: uo.answer(PROMPT, [CAPITAL], base=ByLength()),  # type: ignore[arg-type]
        "neither a prompt file nor one of zero-shot": lambda: uo.evaluate("zero shot", [CAPITAL], base=base),
        "`max_cost=20`": lambda: uo.run_search(limits={"max_cost": "much"}),
        "'max_costs'.*'max_cost'": lambda: uo.run_search(limits={"max_costs": 2}),
        "no role is called 'jury'": lambda: uo.run_search(limits={"prices": {"jury": "1/1"}}),
        "'free' is not a price": lambda: uo.run_search(limits={"prices": {"judge": "free"}}),
        "`budget=200`": lambda: uo.run_search(budget=0),
        "bare.yaml": lambda: uo.load_space(bare),
        "there is no query": lambda: uo.evaluate("zero-shot", [], base=base),
    }
    for words, call in refused.items():
        with pytest.raises(uo.InputError, match=words) as error:
            call()
        assert "--" not in str(error.value)
    assert not any(tmp_path.glob("*.db"))


def test_a_space_that_names_no_model_needs_one(tmp_path: Path) -> None:
    space = uo.load_space("nano")
    nameless = replace(space, defaults=type(space.defaults)())
    with pytest.raises(uo.InputError, match=r"no judge is named.*`judge=NAME`"):
        uo.evaluate("zero-shot", [CAPITAL], base=Echo(), space=nameless)
    with pytest.raises(uo.InputError, match=r"no base is named.*`base=NAME`"):
        uo.run_search(nameless, judge=ByLength())


def test_a_space_is_loaded_with_changes() -> None:
    space = uo.load_space("nano", start_from=PROMPT, decoding={"max_tokens": 7}, exemplar_floor="none")
    start = space.candidate(space.start_params)
    assert start.prompt.prefix == PROMPT.prefix
    assert start.sampling.max_tokens == 7
    assert not space.exemplar_floor
    assert uo.load_space(space) == space
