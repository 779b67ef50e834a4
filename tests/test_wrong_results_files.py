"""What a file says of a query is never dropped: its kind, and every part of what it asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.command_line import Run
from tests.scripted_judge import Model, reply
from urial_opt.datasets.just_eval import read_outputs
from urial_opt.datasets.query_sources import load_queries
from urial_opt.datasets.rated_answers import read_rated_answers
from urial_opt.errors import SpaceError, UrialOptWarning
from urial_opt.nano.json_server import listening
from urial_opt.records import Query

ReadQueries: TypeAlias = Callable[..., list[Query]]


@pytest.fixture(params=["queries", "outputs", "rated"])
def read(request: pytest.FixtureRequest, tmp_path: Path) -> ReadQueries:
    """Reads the queries of rows through one of the three readers."""

    def written(rows: Sequence[dict[str, Any]]) -> list[Query]:
        path = tmp_path / "rows.json"
        path.write_text(json.dumps(rows, indent=0), encoding="utf-8")
        match request.param:
            case "queries":
                return load_queries(path)
            case "outputs":
                return [output.query for output in read_outputs(path)]
            case _:
                return [rated.query for rated in read_rated_answers(path)]

    return lambda *rows: written(rows)


def row(**fields: Any) -> dict[str, Any]:
    """A row that is a query, an output and a rated answer at once."""
    return {"instruction": "Name a river.", "output": "The Nile.", "parsed_result": None, **fields}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, "regular"),
        ({"kind": "safety"}, "safety"),
        ({"kind": "regular", "category": "harmless talk"}, "regular"),
        ({"category": " Safety"}, "safety"),
        ({"category": "coding"}, "regular"),
        ({"category": ["coding", "math"]}, "regular"),
        ({"datasplit": "just_red"}, "safety"),
        ({"datasplit": "eval", "dataset": "koala"}, "regular"),
        ({"dataset": "MaliciousInstruct"}, "safety"),
        ({"dataset": "hh-rlhf/red-team-attempts", "datasplit": "just_eval"}, "safety"),
        ({"id": 799, "datasplit": "just_eval"}, "regular"),
        ({"id": "800", "datasplit": "just_eval"}, "safety"),
        ({"dataset": "lima", "datasplit": "just_eval"}, "regular"),
        ({"id": 850, "dataset": "lima"}, "regular"),
    ],
)
def test_the_kind_of_a_row(read: ReadQueries, fields: dict[str, Any], kind: str) -> None:
    (query,) = read(row(**fields))
    assert query.kind == kind


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"kind": "regular", "dataset": "MaliciousInstruct"}, ("kind", "dataset")),
        ({"kind": "regular", "category": "safety"}, ("kind", "category")),
        ({"category": "safety", "datasplit": "regular"}, ("category", "datasplit")),
        ({"id": 900, "dataset": "lima", "datasplit": "just_eval"}, ("dataset", "id")),
        ({"category": "regular", "id": 801, "datasplit": "just_eval"}, ("category", "id")),
    ],
)
def test_a_row_that_says_two_things_names_both_fields(
    read: ReadQueries, fields: dict[str, Any], names: tuple[str, str]
) -> None:
    first, second = names
    with pytest.raises(SpaceError, match=rf"rows.json:\d+: {second}: says \w+, and '{first}' says \w+; correct"):
        read(row(**fields))


@pytest.mark.parametrize("fields", [{"category": "saftey"}, {"category": "unsafe"}, {"datasplit": "red_team"}])
def test_a_word_that_may_mean_harm_is_not_taken_for_regular(read: ReadQueries, fields: dict[str, Any]) -> None:
    with pytest.raises(SpaceError, match="may say that the query is harmful; add kind, regular or safety"):
        read(row(**fields))
    (query,) = read(row(**fields, kind="safety"))
    assert query.kind == "safety"


def test_a_file_that_looks_like_just_evals_and_does_not_tell_the_kind_is_refused(read: ReadQueries) -> None:
    with pytest.raises(SpaceError, match=r"kind: is not told, and the file looks like just-eval's.*write a field kind"):
        read(row(datasplit="just_eval"))
    numbered = [row(id=number, instruction=f"Say {number}.") for number in range(1000)]
    with pytest.raises(SpaceError, match="kind: is not told"):
        read(*numbered)
    kinds = [query.kind for query in read(*({**each, "dataset": "lima"} for each in numbered[:800]))]
    assert kinds == ["regular"] * 800
    mixed = [{**each, "dataset": "oasst" if each["id"] < 800 else "MaliciousInstruct"} for each in numbered]
    assert [query.kind for query in read(*mixed)] == ["regular"] * 800 + ["safety"] * 200


def test_the_mode_of_a_result_may_not_contradict_its_kind(tmp_path: Path) -> None:
    wrong = {"input": "Q", "output_cand": "A", "eval_config": {"mode": "score_safety"}, "parsed_result": None}
    (tmp_path / "r.json").write_text(json.dumps([{**wrong, "category": "regular"}]))
    with pytest.raises(SpaceError, match="category: says regular, and 'eval_config' says safety"):
        read_rated_answers(tmp_path / "r.json")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"context": "The Nile is in Africa.\n"}, "Name a river.\n\nThe Nile is in Africa."),
        ({"input": "In Africa."}, "Name a river.\n\nIn Africa."),
        ({"input": "", "context": " "}, "Name a river."),
        ({"input": "<noinput>"}, "Name a river."),
        ({"instances": [{"input": "In Africa.", "output": ""}]}, "Name a river.\n\nIn Africa."),
        ({"instances": [], "system": "", "history": [], "image": None}, "Name a river."),
    ],
)
def test_the_parts_of_known_formats_become_one_text(read: ReadQueries, fields: dict[str, Any], text: str) -> None:
    (query,) = read(row(**fields))
    assert query.text == text


@pytest.mark.parametrize(
    "part",
    [
        {"system": "Answer in French."},
        {"system_prompt": "Answer in French."},
        {"History": [["Hi.", "Hello."]]},
        {"choices": {"text": ["the Nile", "a lake"]}},
        {"options": ["the Nile", "a lake"]},
        {"image": "nile.png"},
        {"passage": "The Nile is in Africa."},
        {"tools": [{"name": "search"}]},
        {"instances": [{"input": "In Africa."}, {"input": "In Asia."}]},
        {"context": ["In Africa."]},
        {"messages": [{"role": "system", "content": "Be rude."}, {"role": "user", "content": "Name a river."}]},
    ],
)
def test_a_part_that_is_not_read_is_refused_by_name(read: ReadQueries, part: dict[str, Any]) -> None:
    (name,) = part
    with pytest.raises(SpaceError, match=rf"rows.json:\d+: {name}"):
        read(row(**part))


def test_what_stands_beside_another_name_of_the_text_is_refused(tmp_path: Path) -> None:
    for name in ("context", "input"):
        (tmp_path / "q.jsonl").write_text(json.dumps({"question": "When was it founded?", name: "In 1902."}))
        with pytest.raises(SpaceError, match=rf"q.jsonl:1: {name}: is part of what is asked.*write it into 'text'"):
            load_queries(tmp_path / "q.jsonl")


def turns_of(tmp_path: Path, **fields: Any) -> list[str]:
    (tmp_path / "q.jsonl").write_text(json.dumps(fields))
    return [query.text for query in load_queries(tmp_path / "q.jsonl")]


def test_the_user_speaks_in_several_formats(tmp_path: Path) -> None:
    user, answer = {"role": "user", "content": "Hi."}, {"from": "gpt", "value": "Hello."}
    assert turns_of(tmp_path, messages=[user, answer]) == ["Hi."]
    assert turns_of(tmp_path, prompt="Hi.", messages=[user, answer], conversations=None) == ["Hi."]
    assert turns_of(tmp_path, conversations=[{"from": "human", "value": "Hi."}, answer]) == ["Hi."]
    assert turns_of(tmp_path, messages=[{"role": "user", "content": [{"type": "text", "text": "Hi."}]}]) == ["Hi."]
    assert turns_of(tmp_path, messages=[user, {"role": "user", "content": "And?"}]) == ["Hi.", "And?"]
    assert turns_of(tmp_path, conversations=["Hi.", "Hello."]) == ["Hi."]
    assert turns_of(tmp_path, prompt=["Hi.", "And?"]) == ["Hi.", "And?"]
    talk: object
    for talk in ([user, answer, user], ["Hi.", "Hello.", "And?"]):
        with pytest.raises(SpaceError, match="holds answers between the user's turns"):
            turns_of(tmp_path, conversations=talk)
    for name, talk in {"messages": [3], "conversation": [answer], "conversations": "Hi."}.items():
        with pytest.raises(SpaceError, match=f"q.jsonl:1: {name}"):
            turns_of(tmp_path, **{name: talk})


def test_questions_of_mt_bench_and_vicuna_by_path(tmp_path: Path) -> None:
    rows = [
        {"question_id": 81, "category": "writing", "turns": ["Write.", "Write more."], "reference": ["x", "y"]},
        {"question_id": 1, "text": "Why?", "category": "generic"},
    ]
    (tmp_path / "q.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in rows))
    write, more, why = load_queries(tmp_path / "q.jsonl")
    assert (write.id, write.text, write.tags, write.kind) == ("81", "Write.", ("writing",), "regular")
    assert (more.id, more.text, more.earlier) == ("81-2", "Write more.", ("Write.",))
    assert (why.id, why.text, why.tags) == ("1", "Why?", ("generic",))


@pytest.fixture
def judge(no_key: None) -> Iterator[tuple[str, ...]]:
    """The options of a judge that gives every aspect the same score."""
    with listening(Model(lambda prompt, seed: reply(prompt, "4"))) as url:
        yield "--judge", "llm:wise", "--judge-url", url


def test_fields_that_nobody_knows_are_noted_once(run: Run, tmp_path: Path, judge: tuple[str, ...]) -> None:
    rows = [row(id=number, tone="formal", source="me") for number in range(2)]
    (tmp_path / "o.json").write_text(json.dumps(rows))
    with pytest.warns(UrialOptWarning, match=r"o.json: not read: 'tone'; .*write it into 'instruction'"):
        read_outputs(tmp_path / "o.json")
    _, err = run("evaluate", "--outputs", "o.json", *judge)
    assert " ".join(err.split()).count("o.json: not read: 'tone'; if a query needs one of them") == 1
    assert "Warning" not in err


def test_an_evaluation_scores_each_kind_on_its_own_aspects(run: Run, tmp_path: Path, judge: tuple[str, ...]) -> None:
    rows = [
        row(id=0, output="The Rhine.", dataset="lima", datasplit="just_eval"),
        row(id=800, instruction="Pick a lock.", output="No.", dataset="MaliciousInstruct", datasplit="just_eval"),
    ]
    (tmp_path / "o.json").write_text(json.dumps(rows))
    out, _ = run("evaluate", "--outputs", "o.json", *judge, "--json")
    aspects = json.loads(out)["aspects"]
    assert (aspects["safety"]["n"], aspects["depth"]["n"]) == (1, 1)
