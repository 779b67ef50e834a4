"""No output of any command, no file that it writes and no database contains a password or key."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.command_line import Run
from tests.test_document_commands import judged
from tests.tiny_space import FILES, write
from urial_opt import secrets
from urial_opt.errors import AdapterError, InputError
from urial_opt.nano.json_server import Refused, listening
from urial_opt.secrets import known, redacted, without_known
from urial_opt.store import Store

KEY = "key-of-somebody-4711"
TOKEN = "hub-token-0815-abcdef"
PASSWORD = 'p4ss/"wörd"&+1'
LOGIN = b64encode(f"me:{PASSWORD}".encode()).decode()
DATABASE = "d4tabase/pass"
PARAMETER = "parameter-99"
SMALL = "s3cr3t-x"  # in the store's URL alone
PLANTED = [KEY, TOKEN, PASSWORD, quote(PASSWORD, safe=""), LOGIN, DATABASE, quote(DATABASE, safe=""), PARAMETER, SMALL]
PLANTED += [b64encode(KEY.encode()).decode().rstrip("="), json.dumps(PASSWORD)[1:-1]]
ECHO = f"Authorization: Bearer {KEY} Basic {LOGIN} {PASSWORD} {quote(PASSWORD, safe='')} {TOKEN} "
ECHO += b64encode(KEY.encode()).decode()
"""What a hostile server repeats of what it was sent."""


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(known, "_kept", set())


def echoing(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A model that repeats secrets in each answer and each reason, and in its name."""
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    if path == "/v1/models":
        return {"data": [{"id": "m"}, {"id": f"m-{KEY}"}]}
    if path == "/v1/completions":
        return {"choices": [{"text": f"Sure. {ECHO}", "finish_reason": "stop"}], "usage": usage}
    try:
        reply = judged(path, body)["choices"][0]["message"]["content"]
        reply = reply.replace('"so"', json.dumps(f"so {ECHO}"))
    except (KeyError, IndexError):
        reply = ECHO
    return {"choices": [{"message": {"content": reply}, "finish_reason": "stop"}], "usage": usage}


def with_login(url: str) -> str:
    return url.replace("http://", f"http://me:{quote(PASSWORD, safe='')}@")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with listening(echoing) as url:
        yield with_login(url)


def assert_clean(*texts: str) -> None:
    for text in texts:
        found = [secret for secret in PLANTED if secret in text]
        assert not found, (found, text)


def assert_files_clean(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        data = path.read_bytes()
        found = [secret for secret in PLANTED if secret.encode() in data]
        assert not found, (path.name, found)


def test_nothing_that_a_command_prints_stores_or_writes(run: Run, tmp_path: Path, server: str) -> None:
    space = write(tmp_path, FILES)
    base = ("--base", "openai:m", "--base-url", server)
    judge = ("--judge", "llm:wise", "--judge-url", server)
    (tmp_path / "scores.csv").write_text("query,answer,clarity\nWhat is tea?,A drink.,3\n")
    commands: list[tuple[object, ...]] = [
        ("search", "--space", space, *base, *judge, "--budget", 1, "--aligned", "none", "--exemplar-floor", "none"),
        ("list",),
        ("list", "--json"),
        ("inspect", "--examples", 3),
        ("inspect", "--json"),
        ("export", "--output", "found.txt"),
        ("export", "--format", "json", "--output", "found.json"),
        ("export", "--format", "json"),
        ("evaluate", "--zero-shot", "--space", space, *base, *judge, "--just-eval", "verdicts.json"),
        ("evaluate", "--zero-shot", "--space", space, *base, *judge, "--against", "hand-written", "--json"),
        ("judge-check", "scores.csv", *judge),
        ("judge-check", "scores.csv", *judge, "--self-consistency", 1, "--json"),
        ("tag", "scores.csv", *judge, "--output", "tagged.jsonl"),
    ]
    for words in commands:
        assert_clean(*run(*words))
    assert "***" in run("inspect")[0]
    assert_files_clean(tmp_path)


def spelling(path: str, body: Mapping[str, Any], pieces: str = r"\s+|\S+") -> Mapping[str, Any]:
    """A server whose answers repeat secrets, with log-probabilities; it spells them in `pieces`.

    The most probable other token at each place is a secret, too.
    """

    def listed(text: str) -> list[tuple[str, str]]:
        return [(token, f"{KEY} {place}") for place, token in enumerate(re.findall(pieces, text))]

    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    choice: dict[str, Any]
    if "messages" in body:
        said = f"Sure. {ECHO}"
        content = [
            {
                "token": token,
                "logprob": -0.1,
                "top_logprobs": [{"token": each, "logprob": -0.1} for each in (token, other)],
            }
            for token, other in listed(said)
        ]
        choice = {"message": {"content": said}, "finish_reason": "length", "logprobs": {"content": content}}
    else:
        places = [
            {"1": {"decoded_token": token, "logprob": -2.0, "rank": 2}, "2": {"decoded_token": other, "logprob": -0.2}}
            for token, other in listed(body["prompt"])
        ]
        choice = {"text": KEY, "finish_reason": "length", "prompt_logprobs": [None, *places]}
    return {"choices": [choice], "usage": usage}


def pair_at(url: str) -> tuple[str, ...]:
    base, aligned = ("--base", "openai:m"), ("--aligned", "openai-chat:m")
    return (*base, "--base-url", with_login(url), *aligned, "--aligned-url", with_login(url))


def test_nothing_that_shift_prints_stores_or_writes(run: Run, tmp_path: Path, small_space: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="install pyarrow to test Parquet files")
    with listening(spelling) as url:
        words = ("--space", small_space, "--sample", 4, *pair_at(url))
        files = ("--html", "page.html", "--parquet", "positions.parquet")
        assert_clean(*run("shift", *words, "--explain", *files))
        out, err = run("shift", *words, "--json", "--explain")
        assert_clean(out, err)
    assert json.loads(out)["contexts"]["zero-shot"]["positions"] > 0
    rows = parquet.read_table("positions.parquet").to_pylist()
    assert "***" in [row["token"] for row in rows]
    assert_clean(str(rows))
    assert_files_clean(tmp_path)


def test_a_secret_in_pieces_is_not_put_together_again(run: Run, tmp_path: Path, small_space: Path) -> None:
    with listening(partial(spelling, pieces=r"\s+|\S{1,5}")) as url:
        words = ("--space", small_space, "--sample", 4, *pair_at(url))
        out, err = run("shift", *words, "--html", "page.html", code=1)
    assert_clean(out, err)
    assert "its reply is not a completion" in err
    assert_files_clean(tmp_path)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 500, 503])
def test_an_error_of_a_server(run: Run, tmp_path: Path, small_space: Path, status: int) -> None:
    def refuse(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Refused(status, ECHO, code=ECHO)

    with listening(refuse) as url:
        words = ("--space", small_space, "--base", "openai:m", "--base-url", with_login(url))
        assert_clean(*run("evaluate", "--zero-shot", *words, code=1))
    assert_files_clean(tmp_path)


def test_a_reply_that_is_none(run: Run, small_space: Path) -> None:
    with listening(lambda path, body: {"said": ECHO}) as url:
        words = ("--space", small_space, "--base", "openai:m", "--base-url", with_login(url))
        assert_clean(*run("evaluate", "--zero-shot", *words, code=1))


@pytest.mark.usefixtures("quick_doctor")
def test_the_doctor(run: Run, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert_clean(*run("doctor", "m", "--url", server))
    assert_clean(*run("doctor", "m", "--url", server, "--json"))
    assert_clean(*run("doctor", "--url", server, code=2))


STORE = f"postgresql+psycopg://me:{quote(DATABASE, safe='')}@127.0.0.1:1/x?sslpassword={SMALL}&connect_timeout=1"


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--store", STORE),
        ("list", "--store", STORE.replace(quote(DATABASE, safe=""), DATABASE)),
        ("list", "--store", STORE.replace("postgresql+psycopg", "mysql")),
        ("list", "--store", STORE.replace(":1/", ":port/")),
        ("list", "--store", STORE.replace("psycopg", "nothing")),
        ("list", STORE),
        ("inspect", STORE),
        ("search", "--space", STORE),
        ("search", "--budget", STORE),
        ("search", "--base", "openai:m", "--base-url", f"http://h/v1?api-key={PARAMETER}", "--budget", 1),
        ("search", "--base", "openai:m", "--base-url", f"http://me:{DATABASE}@h/v1", "--budget", 1),
        ("search", "--base", "openai:m", "--base-option", f"api_key={PARAMETER}", "--budget", 1),
        ("search", "--base", "nano", "--base-option", f"password={PARAMETER}", "--budget", 1),
        ("search", "--base-option", f"http://h/?token={PARAMETER}"),
        ("evaluate", "--queries", f"https://me:{PARAMETER}@h/x.csv", "--zero-shot"),
        ("doctor", "m", "--url", f"http://h/v1?key={PARAMETER}"),
    ],
)
def test_a_wrong_word_of_the_command_line(run: Run, words: tuple[object, ...]) -> None:
    assert_clean(run.refused(*words))


def test_an_unreachable_database_tells_no_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_OPT_STORE", STORE)
    line = run.refused("list")
    assert_clean(line)
    assert "127.0.0.1" in line


def test_help_shows_no_secret_of_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(f"[list]\nstore = '{STORE}'\n")
    assert_clean(run("--config", "c.toml", "list", "--help")[0])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+psycopg://u:p/w@x@h:5/db?password=q&sslmode=a", "postgresql+psycopg://u:***@h:5/db?password=***&sslmode=a"),
        ("http://sk@host/v1, http://u:p@h:8/v1?api-key=a&x=1&sig=9", "http://***@host/v1, http://***@h:8/v1?api-key=***&x=1&sig=***"),
        ("http://localhost:8000/v1/models/x@main", "http://localhost:8000/v1/models/x@main"),
        ("see http://a/b or mail me@x.org", "see http://a/b or mail me@x.org"),
        ("Authorization: Bearer abc.def-1; Basic dTpwdw==", "Authorization: Bearer ***; Basic ***"),
        ("Basic understanding", "Basic understanding"),
        ("wrong key sk-proj-0123456789abcdef", "wrong key sk-***"),
        ("give max_tokens=8192, password=…", "give max_tokens=8192, password=…"),
        ("give /data/a:b@c.db or hf:org/model@main", "give /data/a:b@c.db or hf:org/model@main"),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret(text: str, shown: str) -> None:
    assert redacted(text) == shown
    assert redacted(shown) == shown


def test_every_error_is_redacted_where_it_is_made() -> None:
    assert str(InputError("no store http://me:pw@h/")) == "no store http://***@h/"
    assert "4711" not in str(AdapterError(f"refused: {KEY}", retryable=True))


def test_an_answer_loses_known_secrets_alone() -> None:
    example = "Connect to postgresql://user:password@localhost/db?token=abc with Bearer abc.def-1."
    assert without_known(example) == example
    assert without_known(f"{example} {KEY}") == f"{example} ***"


def test_a_password_that_is_a_word_stays_a_word_in_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets.keep_secrets_of("postgresql://postgres:postgres@h/x")
    monkeypatch.setenv("OTHER_TOKEN", "EMPTY")
    assert without_known("postgres is EMPTY") == "postgres is EMPTY"
    assert without_known("postgres, postgresql", also=frozenset({"postgres"})) == "***, postgresql"


def test_settings_are_compared_as_they_are_stored(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "s.db")) as store:
        for _ in range(2):
            store.open_search("s", {"base": f"plugin({KEY})"})
    assert_files_clean(tmp_path)
