"""Wrong results without a word: decoding that a file loses, a space that does not fit the model, exemplars unread."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import urial_opt as uo
from tests.command_line import Run
from urial_opt.prompt import Exemplar
from urial_opt.prompt_file import read_decoding, read_prompt_file
from urial_opt.records import Candidate, Sampling
from urial_opt.spaces.space_file import load_space, space_for
from urial_opt.spaces.variants import starting_from

SAMPLING = Sampling(repetition_penalty=1.1, max_tokens=40, stop=("\n```\n",))
PROMPT = uo.ServedPrompt(
    system="# Instruction\n\nAnswer kindly.\n",
    exemplars=(Exemplar(query="Why is the sky blue?", answer="Because of how air scatters light."),),
    sampling=SAMPLING,
)


def told(run: Run, *words: object) -> dict[str, Any]:
    return json.loads(run("evaluate", *words, "--json")[0])  # type: ignore[no-any-return]


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """A prompt file with its decoding beside it."""
    PROMPT.save(tmp_path / "found.txt")
    return tmp_path / "found.txt"


def test_export_says_what_the_file_cannot_hold_and_evaluate_reads_it_beside_the_file(
    run: Run, searched: Path, small_space: Path, tmp_path: Path
) -> None:
    _, err = run("export", "mine", "--store", searched, "--output", "found.txt")
    assert "The file cannot hold the decoding: greedy" in err
    assert "found.decoding.json" in err
    _, err = run("export", "mine", "--store", searched)
    assert "--output FILE.txt" in err
    document = json.loads((tmp_path / "found.decoding.json").read_text())
    document["sampling"] |= {"max_tokens": 7}
    (tmp_path / "found.decoding.json").write_text(json.dumps(document))
    words = ("--prompt", "found.txt", "--space", small_space, "--sample", 1)
    _, err = run("evaluate", *words)
    assert "at most 7 new tokens" in err
    assert "(from 'found.decoding.json')" in err
    measured = told(run, *words)
    assert measured["decoding"]["max_tokens"] == 7
    assert (measured["tokens"]["base"]["saved"] > 0, measured["space"]) == (True, load_space(str(small_space)).name)
    assert told(run, *words, "--repetition-penalty", 1.3)["decoding"]["repetition_penalty"] == 1.3
    (tmp_path / "found.decoding.json").unlink()
    _, err = run("evaluate", *words)
    assert "(the space's, since 'found.txt' comes with none)" in err


def test_from_python_a_saved_prompt_keeps_its_decoding(found: Path) -> None:
    assert uo.load_prompt(found) == PROMPT
    decoding = read_decoding(found)
    assert decoding is not None
    assert decoding.file.name == "found.decoding.json"
    space = uo.load_space("nano", start_from=uo.load_prompt(found))
    for start in (space, uo.load_space("nano", start_from=found)):
        assert start.candidate(start.start_params).sampling.max_tokens == 40
        assert start.candidate(start.start_params).sampling.repetition_penalty == 1.1
        assert start.hand_written == uo.load_space("nano").hand_written.__class__(
            prompt=start.hand_written.prompt,
            sampling=uo.load_space("nano").hand_written.sampling,
            params=start.hand_written.params,
        )
    assert uo.load_space("nano", start_from=found, decoding={"max_tokens": 9}).hand_written.sampling.max_tokens == 9


def test_a_prompt_with_the_decoding_of_the_space_changes_none_of_its_choices() -> None:
    space = load_space("nano")
    assert starting_from(space, PROMPT).decoding == space.decoding
    again = starting_from(space, PROMPT, space.hand_written.sampling)
    assert again.fingerprint == starting_from(space, PROMPT).fingerprint
    candidate = Candidate(prompt=PROMPT, sampling=SAMPLING, params={})
    assert uo.load_space(space, start_from=candidate).decoding["max_tokens"] == (96, 40)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not the decoding of a prompt, as an export writes it: the whole file"),
        ('{"format": "urial-opt decoding 2"}', "format: "),
        ('{"format": "urial-opt decoding 1", "sampling": {"temprature": 1}}', "sampling.temprature: "),
        ('{"format": "urial-opt decoding 1", "sampling": {"max_tokens": 0}}', "sampling.max_tokens: "),
        ('{"format": "urial-opt decoding 1", "prompt": "another", "sampling": {}}', "belongs to another text"),
        ("[1, 2]", "is not the decoding of a prompt"),
    ],
)
def test_a_damaged_or_foreign_decoding_is_one_line(run: Run, found: Path, content: str, says: str) -> None:
    found.with_name("found.decoding.json").write_text(content)
    for words in (("evaluate", "--prompt"), ("search", "--start-from"), ("shift", "--prompt")):
        error = run.refused(*words, "found.txt")  # one line
        assert "found.decoding.json" in error
        assert says in error


def test_the_decoding_file_is_no_prompt(run: Run, found: Path) -> None:
    assert "give the prompt file beside it" in run.refused("evaluate", "--prompt", "found.decoding.json")


def test_a_search_takes_the_decoding_of_its_start(run: Run, found: Path, small_space: Path) -> None:
    out, err = run(
        *("search", "--space", small_space, "--budget", 1, "--aligned", "none", "--json", "--start-from", "found.txt")
    )
    assert "start 'found.txt', decoding greedy, repetition penalty 1.1, at most 40 new tokens" in err
    assert json.loads(out)["space"] == load_space(str(small_space)).name
    _, err = run(
        *("search", "--space", small_space, "--plan", "--aligned", "none", "--start-from", "found.txt"),
        *("--decoding", "max_tokens=9"),
    )
    assert "at most 9 new tokens" in err
    assert "from 'found.decoding.json', except max tokens" in err


def test_shift_says_which_decoding_a_prompt_comes_with(run: Run, found: Path, small_space: Path) -> None:
    words = ("shift", "--prompt", "found.txt", "--space", small_space, "--sample", 1, "--json")
    out, err = run(*words)
    assert "answers greedy, without repetition penalty, at most 40 new tokens" in err
    assert "found.txt: decoding greedy, repetition penalty 1.1" in err
    assert json.loads(out)["max_tokens"] == 40


def test_the_space_follows_the_base_model(run: Run) -> None:
    assert [space_for(name) for name in (None, "nano", "nano:folder", "nano@1a")] == ["nano"] * 4
    assert [space_for(name) for name in ("hf:nano", "openai:x", "mine")] == ["urial"] * 3
    assert "the space 'urial' names no judge" in run.refused("evaluate", "--zero-shot", "--base", "openai:m")
    assert "no judge is named, and the space names none" in run.refused("search", "--base", "openai:m")
    assert "the space 'urial' names no aligned" in run.refused("shift", "--base", "openai:m")


def test_a_query_without_an_answer_is_named_and_the_other_exemplars_count(
    run: Run, small_space: Path, tmp_path: Path
) -> None:
    alone = "\n# Query:\n```\nA query alone\n```\n"
    asked = [query for query in load_space(str(small_space)).queries.split("test") if query.kind == "regular"][:2]
    whole = [Exemplar(query=query.text, answer="A plant.").render() for query in asked]
    (tmp_path / "p.txt").write_text("# Instruction\n\nBe kind.\n" + alone.join(whole))
    (tmp_path / "q.jsonl").write_text("\n".join(json.dumps({"id": each.id, "text": each.text}) for each in asked))
    words = ("--prompt", "p.txt", "--queries", "q.jsonl", "--space", small_space, "--max-new-tokens", 3)
    out, err = run("evaluate", *words, "--json")
    assert json.loads(out)["answered_in_prompt"] == [each.id for each in asked]
    assert "('A query alone') has no answer" in err
    assert len(read_prompt_file(tmp_path / "p.txt").exemplars) == 2
