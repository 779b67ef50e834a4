"""just-eval's files: outputs are matched to queries by their words, and results have the format of its report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from urial_opt.aspects import Aspect, Missing
from urial_opt.datasets.just_eval import Output, outputs_for, read_outputs, results_json
from urial_opt.errors import InputError, SpaceError
from urial_opt.records import Completion, Evaluation, Judgment, Query

ROW = {
    "id": 3,
    "instruction": "Name a river.",
    "source_id": "alpaca_eval-3",
    "dataset": "helpful_base",
    "output": "The Nile.\n",
    "generator": "some-model",
    "datasplit": "just_eval",
}
SAFETY = {"id": 801, "instruction": "Rob a bank.", "output": "", "generator": None, "datasplit": "just_red"}


def outputs(folder: Path, *rows: dict[str, Any]) -> list[Output]:
    path = folder / "outputs.json"
    path.write_text(json.dumps(rows, indent=1))
    return read_outputs(path)


def query(name: str, text: str, **more: Any) -> Query:
    return Query(id=name, text=text, kind="regular", split="test", **more)


def test_a_list_and_json_lines_are_read_alike(tmp_path: Path) -> None:
    river, bank = outputs(tmp_path, ROW, SAFETY)
    assert (river.query.id, river.query.text, river.query.kind) == ("3", "Name a river.", "regular")
    assert (river.text, river.generator) == ("The Nile.\n", "some-model")
    assert (bank.query.id, bank.query.kind, bank.text, bank.generator) == ("801", "safety", "", "unnamed")
    lines = tmp_path / "outputs.jsonl"
    lines.write_text(f"{json.dumps(ROW)}\n\n{json.dumps(SAFETY)}\n")
    assert read_outputs(lines) == [river, bank]


def test_the_kind_of_an_output_is_told_by_its_category(tmp_path: Path) -> None:
    (output,) = outputs(tmp_path, {**ROW, "id": 850, "dataset": "a set", "category": "safety"})
    assert output.query.kind == "safety"


def test_an_id_is_made_of_the_words_where_there_is_none(tmp_path: Path) -> None:
    first, second = outputs(tmp_path, {**ROW, "id": None}, {"instruction": "Why?", "output": "So."})
    assert [each.query.id for each in outputs(tmp_path, {"instruction": "Why?", "output": ""})] == [second.query.id]
    assert first.query.id != second.query.id


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"instruction": "Why?"}, r"outputs\.json:\d+: output: is missing"),
        ({"instruction": "Why?", "output": None}, r"outputs\.json:\d+: output: is missing"),
        ({"instruction": " ", "output": "a"}, r"outputs\.json:\d+: instruction: is empty"),
        ({**ROW, "id": 5, "category": "safety"}, r"outputs\.json:\d+: \w+: says \w+, and '\w+' says \w+; correct"),
        (ROW, r"outputs\.json:\d+: id: '3' is taken by line \d+"),
    ],
)
def test_mistakes_name_the_place(tmp_path: Path, row: dict[str, Any], says: str) -> None:
    with pytest.raises(SpaceError, match=says):
        outputs(tmp_path, ROW, row)


def test_outputs_belong_to_queries_by_their_words_never_by_position(tmp_path: Path) -> None:
    given = outputs(tmp_path, ROW, {**ROW, "id": 0, "instruction": "name a lake", "output": "Geneva."}, SAFETY)
    asked = [query("0", "Rob a bank."), query("x", "Name a lake."), query("801", "Name a  river.")]
    assert [output.query.id for output in outputs_for(asked, given)] == ["801", "0", "3"]


def test_the_id_tells_the_outputs_of_equal_words_apart(tmp_path: Path) -> None:
    given = outputs(tmp_path, ROW, {**ROW, "id": 4, "output": "The Rhine."})
    found = outputs_for([query("4", "Name a river."), query("3", "Name a river.")], given)
    assert [output.text for output in found] == ["The Rhine.", "The Nile.\n"]
    with pytest.raises(InputError, match=r"the query 'x' has several outputs \('3', '4'\)"):
        outputs_for([query("x", "Name a river.")], given)


def test_queries_without_an_output_are_named(tmp_path: Path) -> None:
    asked = [query("3", "Name a river."), query("x", "Why?"), query("y", "How?")]
    with pytest.raises(InputError, match="2 of 3 queries have no output, 'x' is the first"):
        outputs_for(asked, outputs(tmp_path, ROW))
    with pytest.raises(InputError, match="'3-2' is a later turn"):
        outputs_for([query("3-2", "Name a river.", earlier=("Hi.",))], outputs(tmp_path, ROW))


def evaluation() -> Evaluation:
    regular = query("3", "Name a river.", tags=("info-seek",))
    safety = Query(id="bank", text="Rob a bank.", kind="safety", split="test")
    return Evaluation(
        queries=[regular, safety],
        completions=[
            Completion(text="The Nile – long.", finish_reason="stop"),
            Completion(text="", finish_reason="stop"),
        ],
        judgments=[
            Judgment(
                query_id="3",
                judge="a judge",
                scores={Aspect.HELPFULNESS: 4.0, Aspect.CLARITY: None, Aspect.DEPTH: 2.5},
                reasons={"helpfulness": "on the point"},
                raw="its own words",
            ),
            Judgment(
                query_id="bank",
                judge="a judge",
                scores={Aspect.SAFETY: None},
                missing={"safety": Missing.NOT_APPLICABLE},
            ),
        ],
    )


def reported(results: list[dict[str, Any]]) -> dict[str, float]:
    """Aspect means as just-eval's report computes them by its documentation: "N/A" is 5.0."""
    scores: dict[str, list[float]] = {}
    for row in results:
        for aspect, verdict in row["parsed_result"].items():
            scores.setdefault(aspect, []).append(5.0 if verdict["score"] == "N/A" else float(verdict["score"]))
    return {aspect: sum(values) / len(values) for aspect, values in scores.items()}


def test_results_are_as_just_eval_keeps_them() -> None:
    river, bank = json.loads(results_json(evaluation(), generator="some-model"))
    assert river == {
        "id": 3,
        "input": "Name a river.",
        "output_cand": "The Nile – long.",
        "generator_cand": "some-model",
        "eval_config": {"mode": "score_multi", "gpt": "a judge", "max_words": -1},
        "prompt": "N/A",
        "result": "its own words",
        "parsed_result": {
            "helpfulness": {"reason": "on the point", "score": "4"},
            "depth": {"reason": "", "score": "2.5"},
        },
    }
    assert (bank["id"], bank["eval_config"]["mode"], bank["parsed_result"]) == ("bank", "score_safety", {})


def test_its_report_has_our_means_and_its_own_habit_on_request() -> None:
    assert reported(json.loads(results_json(evaluation(), generator="m"))) == {"helpfulness": 4.0, "depth": 2.5}
    fives = json.loads(results_json(evaluation(), generator="m", na_as_five=True))
    assert reported(fives) == {"helpfulness": 4.0, "depth": 2.5, "safety": 5.0}
