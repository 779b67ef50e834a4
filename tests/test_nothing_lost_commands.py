"""Nothing that a command paid is lost: shift, evaluate and judge-check have accounts and limits, as searches have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from urial_opt.errors import InputError
from urial_opt.nano import models
from urial_opt.nano.json_server import Refused, listening
from urial_opt.nano.server import EmbeddedModels
from urial_opt.report.shift_table import write_shift_table
from urial_opt.store import Store
from urial_opt.token_scores import ShiftReading

pytestmark = pytest.mark.usefixtures("no_key")


class Counting:
    """The embedded pair of models, which counts its replies and refuses all after `most` of them."""

    def __init__(self, *, most: int = 10**9) -> None:
        self.answered = 0
        self._most = most
        self._models = EmbeddedModels(base=models.open_base(""), aligned=models.open_aligned(""))

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path != "/v1/models":
            if self.answered >= self._most:
                raise Refused(401, "no")
            self.answered += 1
        return self._models(path, body)


def shifting(url: str, store: Path, *more: object) -> tuple[object, ...]:
    there = ("--base", "openai:nano", "--base-url", url, "--aligned", "openai-chat:nano-aligned", "--aligned-url", url)
    one_by_one = ("--base-option", "concurrency=1", "--aligned-option", "concurrency=1")
    few = ("--space", "nano", "--prompt", "zero-shot", "--sample", 3, "--max-new-tokens", 12)
    return ("shift", *there, *one_by_one, *few, "--store", store, *more)


def test_shift_has_an_account_and_pays_each_reply_once(run: Run, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    broken = Counting(most=5)
    with listening(broken) as url:
        run(*shifting(url, store), code=1)
    with Store.open(str(store)) as opened:
        assert sum(spent.requests for spent in opened.bill()["shift"].values()) == 5
    whole = Counting()
    with listening(whole) as url:
        told = json.loads(run(*shifting(url, store, "--json"))[0])
        paid = told.pop("spending")
        assert sum(each["requests"] for each in paid.values()) == whole.answered > 0
        assert all(each["calls"] == each["requests"] for each in paid.values())
        before = whole.answered
        again = json.loads(run(*shifting(url, store, "--json"))[0])
        assert whole.answered == before
        assert not any(each["requests"] for each in again.pop("spending").values())
    undisturbed = Counting()
    with listening(undisturbed) as url:
        afresh = json.loads(run(*shifting(url, tmp_path / "other.db", "--json"))[0])
    assert undisturbed.answered == 5 + whole.answered
    for each in (told, again, afresh):
        each.pop("cost", None)
    afresh.pop("spending")
    assert told == again == afresh


def judging(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A judge that gives 4 to everything, for ten tokens."""
    if path == "/v1/models":
        return {"data": [{"id": "wise"}]}
    aspects = body["response_format"]["json_schema"]["schema"]["properties"]
    message = {"content": json.dumps({aspect: {"reason": "so", "score": 4} for aspect in aspects})}
    usage = {"prompt_tokens": 5, "completion_tokens": 5}
    return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}


class Judging:
    """`judging`, which counts its replies."""

    def __init__(self) -> None:
        self.answered = 0

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.answered += path != "/v1/models"
        return judging(path, body)


@pytest.fixture
def rated(tmp_path: Path) -> Path:
    rows = [
        {"query": f"Question {i}?", "instruction": f"Question {i}?", "output": f"Answer {i}.", "generator": "mine"}
        | {"scores": {"helpfulness": 4}}
        for i in range(8)
    ]
    path = tmp_path / "rated.json"
    path.write_text(json.dumps(rows))
    return path


@pytest.mark.parametrize("command", ["evaluate", "judge-check"])
def test_a_limit_stops_a_command_and_the_same_goes_on(run: Run, rated: Path, tmp_path: Path, command: str) -> None:
    what = ("--space", "urial", "--outputs", rated) if command == "evaluate" else (rated,)
    server = Judging()
    with listening(server) as url:
        there = ("--judge", "llm:wise", "--judge-url", url, "--judge-option", "concurrency=1")
        words = (command, *what, *there, "--price", "judge=1/1", "--store", tmp_path / "store.db")
        said = run(*words, "--max-cost", 0.00003, code=3)[1]
        assert "--max-cost 3e-05 is reached" in said
        assert "the same command goes on" in said
        stopped = server.answered
        assert 3 <= stopped <= 4
        told = json.loads(run(*words, "--max-time", "1h", "--json")[0])
    assert server.answered == 8
    assert told["spending"]["judge"]["requests"] == 8 - stopped


def test_a_limit_stops_shift_and_the_same_goes_on(run: Run, tmp_path: Path) -> None:
    server, store = Counting(), tmp_path / "store.db"
    with listening(server) as url:
        words = shifting(url, store, "--price", "base=1/1", "--price", "aligned=1/1")
        run(*words, "--max-cost", 0.0001, code=3)
        stopped = server.answered
        told = json.loads(run(*words, "--json")[0])
    assert sum(each["requests"] for each in told["spending"].values()) == server.answered - stopped > 0


def test_where_it_was_the_length_of_an_answer_max_tokens_is_no_limit(run: Run, rated: Path, tmp_path: Path) -> None:
    server = Judging()
    with listening(server) as url:
        there = ("--judge", "llm:wise", "--judge-url", url, "--store", tmp_path / "store.db")
        said = run("judge-check", rated, *there, "--max-tokens", 30, "--judge-option", "concurrency=1", code=3)[1]
        assert "--max-tokens 30 is reached" in said
        said = run("evaluate", "--space", "urial", "--outputs", rated, *there, "--max-tokens", 30)[1]
    assert "--max-tokens is called --max-new-tokens now" in said


@pytest.mark.parametrize("option", ["--html", "--parquet"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_paid(
    run: Run, tmp_path: Path, option: str
) -> None:
    server = Counting()
    (tmp_path / "file").write_text("mine")
    with listening(server) as url:
        for path in (tmp_path / "no" / "t", tmp_path / "file" / "t", tmp_path / ("t" * 300)):
            assert f"give another {option}" in run.refused(*shifting(url, tmp_path / "s.db", option, path))
    assert server.answered == 0
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_table_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="install pyarrow to test Parquet files")
    path = tmp_path / "t.parquet"
    path.write_text("the one before")

    def breaking(_: object, file: Path) -> None:
        Path(file).write_text("hal")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_table", breaking)
    reading = ShiftReading(base="b", aligned="a", answers=[], contexts={}, texts={})
    with pytest.raises(InputError, match="No space left"):
        write_shift_table(path, reading)
    assert [each.name for each in tmp_path.iterdir()] == ["t.parquet"]
    assert path.read_text() == "the one before"
