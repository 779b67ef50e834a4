"""Rated answers: the same rows in every format, and mistakes that are reported by line and field."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.datasets.rated_answers import RatedAnswer, read_rated_answers
from urial_opt.errors import SpaceError

GOOD = {"query": "Q", "answer": "A", "scores": {"clarity": 3}}


def rated(tmp_path: Path, rows: Sequence[object]) -> list[RatedAnswer]:
    file = tmp_path / "rated.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return read_rated_answers(file)


def test_the_same_rows_in_every_format(tmp_path: Path) -> None:
    answers = [
        ("Who are you?", "A bot,\n\nsays who?", {"clarity": "4", "depth": "N/A"}),
        ("Who are you?", "Guess.", {"clarity": "2.5", "depth": "1"}),
        ("Rob a bank?", "No.", {"safety": "5"}),
    ]
    expected = rated(tmp_path, [{"query": q, "answer": a, "scores": scores} for q, a, scores in answers])
    assert [row.query.kind for row in expected] == ["regular", "regular", "safety"]
    assert expected[0].query == expected[1].query
    assert expected[0].query.id != expected[2].query.id
    assert [row.scores for row in expected] == [
        {Aspect.CLARITY: 4, Aspect.DEPTH: None},
        {Aspect.CLARITY: 2.5, Aspect.DEPTH: 1},
        {Aspect.SAFETY: 5},
    ]

    listed = [{"instruction": q, "output": a, "scores": scores} for q, a, scores in answers]
    (tmp_path / "list.json").write_text(json.dumps(listed, indent=2))
    assert read_rated_answers(tmp_path / "list.json") == expected

    with (tmp_path / "table.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["Query", "candidate", "kind", *Aspect, "annotator"])
        table.writerows([q, a, "", *(scores.get(aspect, "") for aspect in Aspect), "ann"] for q, a, scores in answers)
    assert read_rated_answers(tmp_path / "table.csv") == expected

    results = [
        {
            "input": q,
            "output_cand": a,
            "generator_cand": "some-model",
            "eval_config": {"mode": "score_safety" if "safety" in scores else "score_multi", "gpt": "some-judge"},
            "parsed_result": {aspect: {"reason": "so", "score": score} for aspect, score in scores.items()},
        }
        for q, a, scores in answers
    ]
    (tmp_path / "results.json").write_text(json.dumps(results))
    assert read_rated_answers(tmp_path / "results.json") == expected


def test_a_verdict_that_just_eval_could_not_read_is_missing_on_each_aspect_due(tmp_path: Path) -> None:
    regular, safety = rated(
        tmp_path,
        [
            {"id": 7, "input": "Q", "output_cand": "A", "parsed_result": None},
            {"id": 8, "input": "Q", "output_cand": "A", "eval_config": {"mode": "score_safety"}, "parsed_result": None},
        ],
    )
    assert regular.scores == dict.fromkeys(ASPECTS_OF["regular"])
    assert regular.query.id == "7"
    assert safety.scores == {Aspect.SAFETY: None}


def test_scores_on_aspects_that_are_not_judged_on_that_kind_are_left_out(tmp_path: Path) -> None:
    (row,) = rated(tmp_path, [{"query": "Q", "answer": "A", "scores": {"clarity": 3, "depth": 2.5, "safety": 5}}])
    assert row.query.kind == "regular"
    assert row.scores == {Aspect.CLARITY: 3, Aspect.DEPTH: 2.5}
    assert row.left_out == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (json.dumps(GOOD | {"scores": {"clarity": 6}}), "f:1: scores.clarity: should be a number from 1 to 5, or N/A"),
        (json.dumps(GOOD | {"scores": {"clarity": "5/5"}}), "scores.clarity: should be a number from 1 to 5, or N/A"),
        (json.dumps(GOOD | {"scores": {"clarity": True}}), "scores.clarity: should be a number from 1 to 5, or N/A"),
        (json.dumps(GOOD | {"scores": {"clarety": 5}}), "f:1: scores.clarety: is no aspect; did you mean 'clarity'?"),
        (json.dumps(GOOD | {"scores": {"style": 5}}), "f:1: scores.style: is no aspect; the aspects are helpfulness,"),
        (json.dumps(GOOD | {"scores": 5}), "f:1: scores: "),
        (json.dumps(GOOD | {"kind": "safety"}), "f:1: scores: hold none that is judged on a safety query"),
        (json.dumps(GOOD | {"kind": "other"}), "f:1: kind: "),
        (json.dumps(GOOD | {"instruction": "R"}), "f:1: instruction: stands beside 'query', and the two differ"),
        (json.dumps({"answer": "A", "scores": {}}), "f:1: query: is missing"),
        (json.dumps({"query": "Q", "scores": {}}), "f:1: answer: is missing"),
        (json.dumps({"query": "Q", "answer": "A"}), "f:1: scores: is missing"),
        (json.dumps(GOOD) + '\n{"query"', "f:2: this line is no JSON object"),
        (json.dumps([GOOD, GOOD | {"query": ""}], indent=0), "f:9: query: is empty"),
        ("[]", "f:1: the file holds no answer"),
        ("[3]", "f:1: should hold named fields, not 3"),
    ],
)
def test_what_is_wrong_in_json_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "f").write_text(text)
    with pytest.raises(SpaceError) as error:
        read_rated_answers(tmp_path / "f")
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("query,answer\nQ,A", "f.csv:1: the header names no aspect"),
        ("query,answer,clarty\nQ,A,3", "f.csv:1: clarty: is no aspect; did you mean 'clarity'?"),
        ('query,answer,clarity\n"Q\n\nR",A,3\n\nQ,A,6', "f.csv:6: scores.clarity: should be a number"),
        ("query,answer,clarity\nQ,A, and B,3", "f.csv:2: the row has more cells than the header"),
        ("query,answer,clarity\nQ,A", "f.csv:2: the row has fewer cells than the header"),
        ("query,answer,clarity\nQ,A,", "f.csv:2: scores: hold none"),
        ('query,answer,clarity\n"Q" or,A,3', "f.csv:2: this is not CSV"),
        ("query,answer,clarity\n", "f.csv:1: the file holds no answer"),
    ],
)
def test_what_is_wrong_in_csv_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(SpaceError) as error:
        read_rated_answers(tmp_path / "f.csv")
    assert says in str(error.value)


def test_an_empty_answer_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("query,answer,clarity\nQ,,1\n")
    assert read_rated_answers(tmp_path / "f.csv")[0].answer == ""
