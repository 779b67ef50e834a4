"""Tests of the embedded models' server: what it serves and refuses, that it gathers requests, and its faults."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

import pytest
from openai.types import Completion as Completions
from openai.types.chat import ChatCompletion

from urial_opt.nano import server as nano_server
from urial_opt.nano.faults import FAULTS, Faults
from urial_opt.nano.json_server import listening
from urial_opt.nano.models import open_aligned, open_base
from urial_opt.nano.server import main, serving
from urial_opt.protocols import ChatGenerator, Generator
from urial_opt.records import Completion, Sampling

PROMPT = "# Query:\n```\nWhat is the capital of France?\n```\n\n# Answer:\n```\n"

SYSTEM = {"role": "system", "content": "Be brief."}
ERROR = {"type": "error", "param": None, "code": None}


class Counting:
    """The base model, counting how often it is run and on how many prompts."""

    def __init__(self, model: Generator) -> None:
        self._model = model
        self.runs: list[int] = []

    @property
    def identity(self) -> str:
        return self._model.identity

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        self.runs.append(len(suffixes))
        return self._model.generate(prefix, suffixes, sampling)


@pytest.fixture(scope="module")
def base() -> Counting:
    return Counting(open_base(""))


@pytest.fixture(scope="module")
def aligned() -> ChatGenerator:
    return open_aligned("")


@pytest.fixture(scope="module")
def url(base: Counting, aligned: ChatGenerator) -> Iterator[str]:
    with serving(base=base, aligned=aligned) as url:
        yield url


def ask(url: str, body: Any = None, *, key: str = "") -> tuple[int, Any]:
    """Status and reply."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_models_are_listed(url: str) -> None:
    status, reply = ask(f"{url}/models")
    assert status == 200
    assert [model["id"] for model in reply["data"]] == ["nano", "nano-aligned"]


def test_completions_of_several_prompts_equal_those_of_each(url: str) -> None:
    asked = {"model": "nano", "temperature": 0, "max_tokens": 20, "stop": "\n"}
    prompts = [PROMPT, PROMPT.replace("France", "Peru"), "The capital of "]
    status, reply = ask(f"{url}/completions", {**asked, "prompt": prompts})
    assert status == 200
    assert reply["object"] == "text_completion"
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2]
    alone = [ask(f"{url}/completions", {**asked, "prompt": prompt})[1] for prompt in prompts]
    assert [choice["text"] for choice in reply["choices"]] == [one["choices"][0]["text"] for one in alone]
    assert reply["choices"][0]["finish_reason"] == "stop"
    usages = [one["usage"] for one in alone]
    assert reply["usage"]["prompt_tokens"] == sum(usage["prompt_tokens"] for usage in usages)
    assert reply["usage"]["completion_tokens"] == sum(usage["completion_tokens"] for usage in usages)
    assert reply["usage"]["total_tokens"] == sum(usage["total_tokens"] for usage in usages)


def test_chat_answers_the_last_message_of_the_user(url: str, aligned: ChatGenerator) -> None:
    messages = [
        SYSTEM,
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "What is the capital of France?"},
    ]
    body = {"model": "nano-aligned", "messages": messages, "temperature": 0, "max_tokens": 30}
    status, reply = ask(f"{url}/chat/completions", body)
    assert status == 200
    (expected,) = aligned.answer(["What is the capital of France?"], Sampling(max_tokens=30, stop=()))
    assert reply["choices"][0]["message"] == {"role": "assistant", "content": expected.text}
    assert reply["object"] == "chat.completion"


@pytest.mark.parametrize(
    ("route", "change", "status", "words"),
    [
        ("completions", {"model": "gpt-4o"}, 404, "no model is called 'gpt-4o'; there are nano, nano-aligned"),
        ("completions", {"model": "nano-aligned"}, 404, "not served at '/v1/completions', but 'nano' is"),
        ("chat/completions", {"messages": [SYSTEM]}, 404, "but 'nano-aligned' is"),
        ("embeddings", {}, 404, "nothing is at '/v1/embeddings'; there are /v1/models, /v1/completions, /v1/chat"),
        ("completions", {"prompt": PROMPT * 100}, 400, "use fewer exemplars or a lower max_tokens"),
        ("completions", {"prompt": []}, 400, "'prompt"),
        ("completions", {"max_tokens": 0}, 400, "'max_tokens': "),
        ("completions", {"temperature": -1}, 400, "'temperature': "),
        ("completions", {"stop": list("abcde")}, 400, "'stop"),
        ("completions", {"n": 2}, 400, "'n': "),
        ("completions", {"echo": True}, 400, "'echo': "),
        ("completions", {"logprobs": 5}, 400, "'logprobs': "),
        ("completions", {"stream": True}, 400, "'stream': "),
        ("chat/completions", {"model": "nano-aligned", "messages": [SYSTEM]}, 400, "send one"),
        ("chat/completions", {}, 400, "'messages': "),
    ],
)
def test_what_is_refused_and_how(url: str, route: str, change: dict[str, Any], status: int, words: str) -> None:
    got, reply = ask(f"{url}/{route}", {"model": "nano", "prompt": PROMPT, **change})
    assert got == status
    assert words in reply["error"]["message"]


def test_an_overflow_has_the_code_that_clients_know_and_spoils_no_other_request(url: str) -> None:
    fine = {"model": "nano", "prompt": PROMPT, "temperature": 0, "max_tokens": 5}
    with ThreadPoolExecutor(8) as pool:
        prompts = [PROMPT, PROMPT * 100] * 4
        replies = list(pool.map(lambda prompt: ask(f"{url}/completions", {**fine, "prompt": prompt}), prompts))
    assert [status for status, _ in replies] == [200, 400] * 4
    assert {reply["error"]["code"] for _, reply in replies[1::2]} == {"context_length_exceeded"}
    assert len({reply["choices"][0]["text"] for _, reply in replies[::2]}) == 1


@pytest.mark.parametrize(("body", "words"), [(b"{", "no JSON"), (b"[]", "no JSON object"), (b"\xff", "no JSON")])
def test_what_is_no_json_is_refused(url: str, body: bytes, words: str) -> None:
    status, reply = ask(f"{url}/completions", body)
    assert status == 400
    assert words in reply["error"]["message"]


def test_requests_that_come_together_are_run_together(
    url: str, base: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nano_server, "_GATHERING_SECONDS", 0.2)
    base.runs.clear()
    ready = threading.Barrier(12)

    def one(row: int) -> str:
        ready.wait(timeout=10)
        body = {"model": "nano", "prompt": PROMPT, "temperature": 0, "max_tokens": 5 + row % 2}
        return str(ask(f"{url}/completions", body)[1]["choices"][0]["text"])

    with ThreadPoolExecutor(12) as pool:
        texts = list(pool.map(one, range(12)))
    assert sum(base.runs) == 12
    assert len(base.runs) <= 4
    assert len(set(texts[::2])) == len(set(texts[1::2])) == 1
    assert texts[0] != texts[1]


def test_a_server_with_a_key_serves_only_who_has_it(base: Counting) -> None:
    with serving(base=base, key="right") as url:
        assert ask(f"{url}/models", key="right")[0] == 200
        for key in ("wrong", ""):
            status, reply = ask(f"{url}/completions", {"model": "nano", "prompt": "a"}, key=key)
            assert status == 401
            assert reply["error"]["code"] == "invalid_api_key"
            assert "right" not in str(reply)


def test_a_failure_of_the_model_is_a_500() -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError("oh")

    with listening(broken) as url:
        assert ask(f"{url}/models") == (500, {"error": {**ERROR, "message": "ZeroDivisionError: oh"}})


def test_faults_strike_their_share_alike_each_time_and_never_three_in_a_row() -> None:
    bodies = [f"body {number}".encode() for number in range(400)]
    met = [[faults.next(body) for body in bodies] for faults in (Faults(0.3, 1), Faults(0.3, 1), Faults(0.3, 2))]
    assert met[0] == met[1] != met[2]
    struck = [fault for fault in met[0] if fault]
    assert 0.22 < len(struck) / 400 < 0.38
    assert set(Counter(struck)) == set(FAULTS)
    always = Faults(1.0)
    assert [bool(always.next(b"")) for _ in range(9)] == [True, True, False] * 3
    often = Faults(0.8, 3)
    runs = [len(list(run)) for struck, run in groupby(bool(often.next(b"")) for _ in range(300)) if struck]
    assert max(runs) == 2
    assert Faults(0.0).next(b"") is None


def test_it_runs_as_a_program_until_ctrl_c() -> None:
    command = [sys.executable, "-m", "urial_opt.nano.server", "--port", "0", "--key", "k"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        line = program.stdout.readline()
        url = line.removeprefix("nano and nano-aligned are at ").split()[0]
        assert ask(f"{url}/models", key="k")[0] == 200
        assert f"--base openai:nano --base-url {url}" in program.stdout.readline()
        program.send_signal(signal.SIGINT)
        assert program.wait(timeout=10) == 0
        assert program.stderr.read() == ""


def test_a_taken_port_and_a_wrong_share_are_errors_of_one_line(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    port = int(url.split(":")[2].removesuffix("/v1"))
    for arguments, words in [
        (
            ["--port", str(port)],
            f"port {port} is taken (Address already in use); type another, such as --port {port + 1}",
        ),
        (["--faults", "3"], "--faults is a share, not 3; type for example --faults 0.3"),
        (["--port", "99999"], "--port is a number below 65536, not 99999; type for example --port 8000"),
    ]:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == 2
        assert capsys.readouterr().err.splitlines()[-1].endswith(f"error: {words}")


def test_log_probabilities_have_the_formats_of_the_protocol_and_of_vllm(aligned: ChatGenerator) -> None:
    with serving(base=open_base(""), aligned=aligned, most_listed=4) as url:
        asked = {"model": "nano", "prompt": PROMPT, "temperature": 0, "max_tokens": 3}
        _, written = ask(f"{url}/completions", {**asked, "logprobs": 2})
        _, echoed = ask(f"{url}/completions", {**asked, "logprobs": 4, "echo": True})
        _, told = ask(f"{url}/completions", {**asked, "prompt_logprobs": 1})
        messages = [{"role": "user", "content": "What is the capital of France?"}]
        chat = {"model": "nano-aligned", "messages": messages, "temperature": 0, "max_tokens": 9, "logprobs": True}
        _, answered = ask(f"{url}/chat/completions", {**chat, "top_logprobs": 3})
        refused = [ask(f"{url}/completions", {**asked, "logprobs": 5}), ask(f"{url}/completions", {**asked, "echo": 1})]
    logprobs = Completions.model_validate(written).choices[0].logprobs
    assert logprobs is not None
    assert logprobs.tokens is not None
    assert "".join(logprobs.tokens) == written["choices"][0]["text"]
    whole = echoed["choices"][0]
    assert whole["text"] == PROMPT + written["choices"][0]["text"]
    assert "".join(whole["logprobs"]["tokens"][1:]) == whole["text"]
    logs = whole["logprobs"]["token_logprobs"]
    assert logs[0] is None  # as servers have it, though openai's own types do not
    assert logs[-3:] == logprobs.token_logprobs
    assert {len(top or {}) for top in whole["logprobs"]["top_logprobs"]} <= {0, 3, 4, 5}
    offsets = whole["logprobs"]["text_offset"]
    assert offsets[2] - offsets[1] == len(whole["logprobs"]["tokens"][1])
    prompt = told["choices"][0]["prompt_logprobs"]
    assert prompt[0] is None
    assert len(prompt) == told["usage"]["prompt_tokens"]
    tokens = [next(iter(place.values())) for place in prompt[1:]]
    assert "".join(token["decoded_token"] for token in tokens) == PROMPT
    assert [token["logprob"] for token in tokens] == pytest.approx(logs[1:-3])
    assert all((token["rank"] == 1) == (len(place) == 1) for token, place in zip(tokens, prompt[1:], strict=True))
    content = ChatCompletion.model_validate(answered).choices[0].logprobs
    assert content is not None
    assert content.content is not None
    assert "".join(token.token for token in content.content) == answered["choices"][0]["message"]["content"]
    for token in content.content:
        assert token.top_logprobs[0].token == token.token
        assert len(token.top_logprobs) == 3
    assert [status for status, _ in refused] == [400, 200]
    assert "logprobs of 5, which is greater than max allowed: 4" in refused[0][1]["error"]["message"]
