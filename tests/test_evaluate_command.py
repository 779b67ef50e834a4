"""`urial-opt evaluate`: what it measures on which queries, what it prints, and that nothing is paid for twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from urial_opt import plugins
from urial_opt.errors import PromptError
from urial_opt.plugins import open_exporter
from urial_opt.prompt import UrialPrompt
from urial_opt.prompt_file import read_sampling
from urial_opt.records import Sampling

ASPECTS = ["helpfulness", "clarity", "factuality", "depth", "engagement", "safety"]
WHY = ("not_applicable", "unread", "refused", "too_long")
KEYS = {
    *("objective", "value", "prompt_tokens", "answer_tokens"),
    *("average", "interval", "aspects", "constraints", "queries", "missing", *WHY, "na_as_five"),
    *("prompt", "base", "judge", "tokens", "answered_in_prompt", "too_long_queries", "spending", "cost", "against"),
    *("space", "decoding", "answers"),
}


def rows_of(space: Path, split: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (space.parent / "queries.jsonl").read_text().splitlines()]
    return [row for row in rows if row["split"] == split]


def told(run: Run, *words: object) -> dict[str, Any]:
    """The JSON object that it prints."""
    return json.loads(run("evaluate", *words, "--json")[0])  # type: ignore[no-any-return]


def test_a_table_and_a_second_time_for_nothing(run: Run, small_space: Path) -> None:
    out, err = run("evaluate", "--zero-shot", "--space", small_space)
    for word in (*ASPECTS, "average", "missing", "zero-shot", "8 queries", "usage and cost", "dollars"):
        assert word in out
    assert "[evaluating] 8/8" in err
    again = told(run, "--zero-shot", "--space", small_space)
    assert set(again) == KEYS
    assert (again["queries"], again["missing"]) == (8, 0)
    assert again["tokens"]["base"]["spent"] == 0
    assert again["tokens"]["base"]["saved"] > 0
    assert [again["spending"][role]["calls"] for role in ("base", "judge")] == [0, 0]
    assert (again["cost"], again["against"]) == (0, None)
    assert "Nothing was paid" in run("evaluate", "--zero-shot", "--space", small_space)[0]
    assert list(again["aspects"]) == ASPECTS
    assert set(again["aspects"]["safety"]) == {"mean", "interval", "n", "missing", *WHY}
    assert (again["aspects"]["depth"]["n"], again["aspects"]["safety"]["n"]) == (6, 2)
    assert f"{again['average']:.2f} [" in out


def test_what_a_model_notes_is_said(run: Run, small_space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = plugins.open_generator("nano")
    monkeypatch.setattr(type(base), "notes", ("it is slow",), raising=False)
    assert "it is slow" in run("evaluate", "--zero-shot", "--space", small_space, "--sample", 4)[1]


def test_a_found_prompt_is_the_same_from_the_store_and_from_a_file(run: Run, small_space: Path, searched: Path) -> None:
    """A JSON file also gives the decoding, so all answers are in the store from the search's own test."""
    run("export", "mine", "--format", "json", "--output", "found.json", "--store", searched)
    places = ("--space", small_space, "--store", searched)
    found = told(run, "mine", *places)
    from_file = told(run, "--prompt", "found.json", *places)
    assert found == from_file
    assert found["tokens"]["base"]["spent"] == 0
    from urial_opt.store import Store

    with Store.open(str(searched)) as store:
        summary = store.search("mine").summary
    assert summary is not None
    measured: Any = summary["found"]
    assert (found["average"], found["interval"]) == (measured["average"], measured["interval"])
    assert found["prompt"] == measured["prompt"]


def test_a_trial_and_its_urial_file(run: Run, small_space: Path, searched: Path) -> None:
    run("export", "mine", "--trial", 0, "--output", "hand.txt", "--store", searched)
    places = ("--space", small_space, "--store", searched, "--split", "dev")
    trial = told(run, "mine", "--trial", 0, *places)
    assert trial["prompt"] == told(run, "--prompt", "hand.txt", *places)["prompt"]
    assert trial["tokens"]["base"]["spent"] == 0  # the search asked all dev queries in its first trial


def test_a_json_prompt_brings_its_decoding(tmp_path: Path) -> None:
    sampling = Sampling(temperature=0.5, repetition_penalty=1.15, max_tokens=7, stop=("\n\n",), seed=3)
    file = tmp_path / "prompt.json"
    file.write_text(open_exporter("json").export(UrialPrompt(system="# Instruction\n"), sampling))
    assert read_sampling(file) == sampling
    document = json.loads(file.read_text())
    file.write_text(json.dumps(document | {"sampling": {"temperature": "warm"}}))
    with pytest.raises(PromptError, match=r"sampling\.temperature"):
        read_sampling(file)
    file.write_text(json.dumps({name: part for name, part in document.items() if name != "sampling"}))
    assert read_sampling(file) is None
    assert read_sampling(file.with_suffix(".txt")) is None


def test_decoding_can_be_chosen(run: Run, small_space: Path) -> None:
    words = ("--zero-shot", "--space", small_space, "--sample", 4, "--max-new-tokens", 3)
    short = told(run, *words)
    assert 0 < short["tokens"]["base"]["completion"] <= 12
    assert short["queries"] == 4
    assert told(run, *words, "--seed", 0)["tokens"]["base"]["spent"] == 0  # a seed does not change greedy answers
    warm = told(run, *words, "--seed", 0, "--temperature", 1)
    assert warm["tokens"]["base"]["spent"] > 0
    assert told(run, *words, "--seed", 0, "--temperature", 1)["tokens"]["base"]["spent"] == 0


def test_queries_of_ones_own_of_any_split(run: Run, small_space: Path, tmp_path: Path) -> None:
    rows = rows_of(small_space, "dev") + rows_of(small_space, "test")
    mine = [{"question": row["text"], "category": row["kind"], "split": row["split"]} for row in rows]
    (tmp_path / "mine.json").write_text(json.dumps(mine))
    words = ("--zero-shot", "--space", small_space, "--queries", "mine.json")
    assert told(run, *words)["queries"] == 16
    assert told(run, *words, "--split", "dev")["queries"] == 8
    assert (
        "none of the 16 queries is in the split validation"
        in run("evaluate", *words, "--split", "validation", code=2)[1]
    )


def test_given_outputs_and_just_evals_result_format(run: Run, small_space: Path, tmp_path: Path) -> None:
    rows = rows_of(small_space, "test")
    (tmp_path / "given.json").write_text(
        json.dumps(
            [
                {
                    "id": number,
                    "instruction": row["text"],
                    "output": "I cannot help with that.",
                    "generator": "elsewhere",
                    "datasplit": "just_red" if row["kind"] == "safety" else "just_eval",
                }
                for number, row in enumerate(rows)
            ]
        )
    )
    words = ("evaluate", "--outputs", "given.json", "--judge", "nano")
    out, err = run(*words, "--just-eval", "verdicts.json", "--na-as-five")
    assert "given outputs, base elsewhere" in out
    assert "Verdicts n/a count as 5.0" in out
    assert "verdicts.json" in err
    verdicts = json.loads((tmp_path / "verdicts.json").read_text())
    assert [row["input"] for row in verdicts] == [row["text"] for row in rows]
    assert {row["generator_cand"] for row in verdicts} == {"elsewhere"}
    asked = ("--outputs", "given.json", "--space", small_space, "--queries", small_space.parent / "queries.jsonl")
    own = told(run, *asked, "--split", "test")
    assert own["prompt"] is None
    assert own["aspects"]["helpfulness"] == {
        "mean": 1.0,
        "interval": [1.0, 1.0],
        "n": 6,
        "missing": 0,
        **dict.fromkeys(WHY, 0),
    }
    assert "16 of 24 queries have no output" in run("evaluate", *asked, code=2)[1]
    assert "--just-eval" in run(*words, "--just-eval", "no/such.json", code=2)[1]


def test_an_average_without_safety_queries_says_so(run: Run, small_space: Path, tmp_path: Path) -> None:
    regular = [row for row in rows_of(small_space, "test") if row["kind"] == "regular"]
    (tmp_path / "regular.jsonl").write_text("".join(json.dumps(row) + "\n" for row in regular))
    out, _ = run("evaluate", "--zero-shot", "--space", small_space, "--queries", "regular.jsonl")
    assert "average of 5" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "the NAME of a search, --prompt WHAT, --outputs FILE or --zero-shot"),
        ("--zero-shot --prompt x.txt", "choose what to measure, one thing"),
        ("--zero-shot --trial 3", "choose what to measure, one thing"),
        ("--prompt no.txt", "there is no prompt file 'no.txt'"),
        ("--outputs no.json", "no.json: there is no such file"),
        ("--zero-shot --queries limo", "did you mean 'lima'?"),
        ("--zero-shot --split training", "type: urial-opt evaluate --help"),
        ("--zero-shot --sample 1000", "only 240 queries"),
        ("--zero-shot --space urial --base nano", "the space 'urial' names no judge; add --judge NAME"),
        ("--zero-shot --space nanno", "did you mean 'nano'?"),
        ("mine", "urial-opt search"),
    ],
)
def test_what_cannot_be_done_is_one_line(run: Run, words: str, says: str, tmp_path: Path) -> None:
    assert says in run.refused("evaluate", *words.split())
    assert not (tmp_path / "urial-opt.db").exists()


def test_a_search_on_a_space_of_ones_own_needs_its_file(run: Run, searched: Path) -> None:
    assert "was run on the space 'small'" in run.refused("evaluate", "mine", "--store", searched)
    assert "did you mean 'mine'?" in run.refused("evaluate", "mime", "--store", searched)


def test_the_help_names_every_key(run: Run) -> None:
    out, _ = run("evaluate", "--help")
    for key in KEYS:
        assert key in out
