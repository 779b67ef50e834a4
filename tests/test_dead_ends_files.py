"""Files that people have are read, or refused in a line that says what to type: encodings, halves of emoji, formats."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from tests.scripted_judge import Model, reply
from tests.scripted_server import Script
from urial_opt.content import mended, mended_json
from urial_opt.datasets.json_rows import read_objects
from urial_opt.datasets.query_sources import as_queries, load_queries
from urial_opt.datasets.rated_answers import read_rated_answers
from urial_opt.errors import InputError, SpaceError, UrialOptWarning
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.nano.json_server import listening
from urial_opt.prompt_file import JSON_FORMAT, read_prompt_file

HALF, WHOLE = "\ud83d", "\N{GRINNING FACE}"
SAID = "half a character"


def test_halves_are_replaced_and_pairs_joined() -> None:
    assert mended(f"a{HALF}b") == "a�b"
    assert mended("\ud83d\ude00\ude00") == f"{WHOLE}�"
    assert mended_json(r'"\ud83d \uD83D\uDE00 \\ud83d \ude00\n"') == r'"\ufffd \uD83D\uDE00 \\ud83d \ufffd\n"'


@pytest.fixture(scope="module")
def halves() -> Iterator[tuple[str, ...]]:
    """The options of a base model and a judge that write half an emoji each time."""

    def said(prompt: str, seed: int) -> str:
        return reply(prompt, "4").replace("So it is", r"So \ud83d it is")

    judge = Model(said)
    base = {"model": "m", "choices": [{"index": 0, "text": f"Lima {HALF}\n```", "finish_reason": "stop"}]}

    def answer(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return judge(path, body) if path.endswith("chat/completions") else base

    with listening(answer) as url:
        yield "--base", "openai:m", "--base-url", url, "--judge", "llm:wise", "--judge-url", url


ROWS = {
    "q.jsonl": {"text": f"Capital {HALF} of Peru?"},
    "o.jsonl": {"instruction": "Capital of Peru?", "output": f"Lima {HALF}."},
    "c.jsonl": {"query": "Capital of Peru?", "answer": f"Lima {HALF}.", "scores": {"clarity": 4}},
}


@pytest.mark.parametrize(
    "words",
    [
        "evaluate --zero-shot --queries q.jsonl --just-eval r.json --json",
        "evaluate --outputs o.jsonl --just-eval r.json --json",
        "judge-check c.jsonl --json",
        "tag q.jsonl --output r.json",
    ],
)
def test_half_an_emoji_ends_no_command(
    run: Run, tmp_path: Path, no_key: None, halves: tuple[str, ...], words: str
) -> None:
    for name, row in ROWS.items():
        (tmp_path / name).write_text(json.dumps(row))
    options = halves if "--zero-shot" in words else halves[4:]
    out, err = run(*words.split(), *options)
    said = " ".join(err.split())
    assert said.count(f"jsonl:1: here stands {SAID}") == 1
    if "--just-eval" in words:
        assert "�" in (tmp_path / "r.json").read_text(encoding="utf-8")
    if "--json" in words:
        json.loads(out)


def test_a_reply_with_half_an_emoji_is_asked_for_once(no_key: None, caplog: pytest.LogCaptureFixture) -> None:
    choice = {"index": 0, "text": f"Lima {HALF}", "finish_reason": "stop"}
    script = Script({"model": "m", "choices": [choice]})
    with listening(script) as url:
        endpoint = Endpoint("m", url=url)
        said = [each.text for each in endpoint.complete([{"prompt": "a"}, {"prompt": "b"}])]
        assert endpoint.try_once("/completions", {"prompt": "a"}).at("choices", 0, "text") == "Lima �"
    assert said == ["Lima �", "Lima �"]
    assert len(script.asked) == 3
    assert [record.getMessage() for record in caplog.records] == [
        f"{endpoint.name!r} wrote {SAID}, such as half an emoji: it is read as U+FFFD"
    ]


def test_prompt_files_and_queries_in_python(tmp_path: Path) -> None:
    text = f"# Query:\n```\nHi {HALF}\n```\n\n# Answer:\n```\nHo\n```\n"
    (tmp_path / "p.txt").write_bytes(text.encode("utf-8", "surrogatepass"))
    exemplars = [{"query": f"Hi {HALF}", "answer": "Ho"}]
    (tmp_path / "p.json").write_text(json.dumps({"format": JSON_FORMAT, "system": "", "exemplars": exemplars}))
    for name in ("p.txt", "p.json"):
        with pytest.warns(UrialOptWarning, match=f"{name}' contains {SAID}"):
            prompt = read_prompt_file(tmp_path / name)
        assert prompt.exemplars[0].query == "Hi �"
    assert as_queries([f"Hi {HALF}"])[0].text == "Hi �"


TEXT = '{"text": "Où est le Nil?"}\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_that_name_themselves(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "q.jsonl").write_bytes(TEXT.encode(encoding))
    (tmp_path / "z.jsonl.gz").write_bytes(gzip.compress(TEXT.encode(encoding), mtime=0))
    (tmp_path / "q.csv").write_bytes("text\r\nOù est le Nil?\r\n".encode(encoding))
    for name in ("q.jsonl", "z.jsonl.gz", "q.csv"):
        assert [query.text for query in load_queries(tmp_path / name)] == ["Où est le Nil?"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (TEXT.encode("latin-1"), r"q.jsonl:1: byte 11 is not UTF-8; save the file as UTF-8, such as by: iconv -f WIND"),
        (TEXT.encode("utf-16-le"), r"q.jsonl:1: holds a NUL character, as UTF-16 does; save the file as UTF-8"),
        (b"\xff\xfe" + b"a", r"q.jsonl: byte \d+ is not UTF-16"),
        (b"\x1f\x8b\x08\x00", "q.jsonl: the compressed file is damaged .*; fetch it again"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-9], "q.jsonl: the compressed file is damaged"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", "Git LFS pointer.*type: git lfs pull"),
        (b" \n", "q.jsonl:1: the file is empty"),
        (b'{"data": [{"text": "a"}], "more": [{"text": "b"}]}', "several lists .'data' and 'more'.; write one of"),
        (b'{\n"text": "a",\n"kind" "safety"}', "q.jsonl:3: this is no JSON"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "q.jsonl").write_bytes(content)
    with pytest.raises(SpaceError, match=says) as caught:
        load_queries(tmp_path / "q.jsonl")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"version": 1, "data": [\n{"text": "a"},\n{"text": "b"}]}',
        '{"rows": [{"text": "a"}, {"text": "b"}], "info": {"rows": []}}\n',
        '{\n  "text": "a"\n}\n{\n  "text": "b"\n}',
        '{"text": "a"},\r\n{"text": "b"},\r\n',
        '[{"text": "a"}, {"text": "b"}]',
    ],
)
def test_rows_in_other_wrappings(tmp_path: Path, text: str) -> None:
    (tmp_path / "q.json").write_text(text)
    assert [query.text for query in load_queries(tmp_path / "q.json")] == ["a", "b"]


def test_rows_in_a_wrapping_keep_their_places(tmp_path: Path) -> None:
    (tmp_path / "q.json").write_text('{"n": ["x"], "data":\n [{"text": "a"},\n\n{"text": ""}]}')
    with pytest.raises(SpaceError, match=r"q.json:4: text: is empty"):
        load_queries(tmp_path / "q.json")
    (tmp_path / "one.json").write_text('{"text": "Hi.", "sources": [{"page": 3}]}')
    assert len(read_objects(tmp_path / "one.json")) == 1


def test_tables_of_several_kinds(tmp_path: Path) -> None:
    long = "word " * 40_000
    for delimiter, name in ((",", "q.csv"), (";", "q.csv"), ("\t", "q.tsv")):
        (tmp_path / name).write_text(f"id{delimiter}text\n1{delimiter}{long}\n")
        (query,) = load_queries(tmp_path / name)
        assert query.text == long.rstrip()
    (tmp_path / "r.csv").write_text(f"query,answer,clarity\nQ,{long},3\n")
    assert read_rated_answers(tmp_path / "r.csv")[0].answer == long
    (tmp_path / "q.csv").write_text("text,kind,text\na,regular,b\n")
    with pytest.raises(SpaceError, match=r"q.csv:1: text: names two columns; rename one"):
        load_queries(tmp_path / "q.csv")


def test_a_file_beyond_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from urial_opt.datasets import file_text

    (tmp_path / "q.jsonl.gz").write_bytes(gzip.compress(b" " * 2**21, mtime=0))
    with pytest.raises(InputError, match=r"q.jsonl.gz: holds more than 1 MiB, the most that is read; split it"):
        file_text.read_text(tmp_path / "q.jsonl.gz", most=2**20)
