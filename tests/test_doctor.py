"""Tests of the doctor: that it tells servers with one quirk from those without, and says what to type."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Mapping
from os.path import commonprefix
from typing import Any

import pytest

from tests.command_line import Run
from urial_opt.cli.app import app
from urial_opt.doctor import CheckVerdict, Diagnosis, examine, examined_server, speed
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.nano.json_server import Refused, listening
from urial_opt.nano.models import open_aligned, open_base
from urial_opt.nano.server import serving

KEY = "sk-do-not-tell-anybody"
WORDS = "a bird sang of rain and the old mill while we slept near hills that no map ever showed".split()  # noqa: SIM905


class Pretender:
    """A server on which everything works but for its quirks; its tokens are words."""

    def __init__(self, *quirks: str, model: Mapping[str, object] | None = None) -> None:
        self._quirks = quirks
        self._model = model or {"id": "m", "max_model_len": 8192}
        self._lock = threading.Lock()
        self._crowd = threading.Event()
        self._under_way = self._refused = 0
        self._seen: list[str] = []
        self.requests = self.tokens = 0

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path == "/v1/models":
            return {"data": [self._model]}
        with self._lock:
            self.requests += 1
            self._under_way += 1
            many = self._under_way > 4
            refuses = many and "few at once" in self._quirks
            self._refused += refuses
            # Each is sent twice: of more refusals than requests, one request got two.
            if self._refused > speed.CROWD if refuses else many:
                self._crowd.set()
        try:
            if refuses:
                raise Refused(429, f"slow down, {KEY}")
            # A busy machine may send the others of a crowd a while after the first.
            longest = 1 if body.get("max_tokens") == speed._LONG else 0
            crowded = bool({"few at once", "crowd changes"} & {*self._quirks}) and self._crowd.wait(longest)
            changed = crowded and "crowd changes" in self._quirks
            return self._answer(path == "/v1/chat/completions", body, crowded=changed)
        finally:
            with self._lock:
                self._under_way -= 1
                if not self._under_way:
                    self._crowd.clear()

    def _answer(self, chat: bool, body: Mapping[str, Any], *, crowded: bool) -> Mapping[str, Any]:
        if ("no completions" in self._quirks and not chat) or ("no chat" in self._quirks and chat):
            raise Refused(404, "Not Found")
        for field in ("seed", "repetition_penalty", "logprobs", "prompt_logprobs", "temperature"):
            if f"refuses {field}" in self._quirks and body.get(field):
                raise Refused(400, f"what is {field}?")
        prompts = body["messages"][-1]["content"] if chat else body["prompt"]
        if isinstance(prompts, list) and "refuses lists" in self._quirks:
            raise Refused(500, "a string, please")
        prompts = prompts if isinstance(prompts, list) else [prompts]
        texts = [self._text(prompt, body, crowded=crowded) for prompt in prompts]
        if "first prompt only" in self._quirks:
            texts = texts[:1]
        choices = [self._choice(chat, *each, body) for each in zip(prompts, texts, strict=False)]
        reply = {"model": "m", "choices": choices, "usage": self._usage(prompts[0], texts)}
        return {key: value for key, value in reply.items() if key != "usage" or "no usage" not in self._quirks}

    def _text(self, prompt: str, body: Mapping[str, Any], *, crowded: bool) -> list[str]:
        temperature = 0 if "no temperature" in self._quirks else body["temperature"]
        seed = body.get("seed", random.random()) if temperature else 0
        seed = random.random() if temperature and "no seed" in self._quirks else seed
        seed = 1 if temperature and "one seed" in self._quirks else seed
        seed = random.random() if "not greedy" in self._quirks else seed
        penalty = body.get("repetition_penalty", 1.3 if "penalty of its own" in self._quirks else 1.0)
        penalty = 1.0 if "no penalty" in self._quirks else penalty
        dice = random.Random(f"{prompt} {temperature} {seed} {penalty} {crowded}")
        length = 40 if "no max_tokens" in self._quirks else body["max_tokens"]
        words = [dice.choice(WORDS) for _ in range(length)]
        text = " ".join(words)
        for stop in body.get("stop", []) if "no stop" not in self._quirks else []:
            before, found, _ = text.partition(stop)
            text = before + found if "keeps stop" in self._quirks else before
        return text.split(" ") if text != " ".join(words) else words

    def _choice(self, chat: bool, prompt: str, text: list[str], body: Mapping[str, Any]) -> Mapping[str, Any]:
        said = " ".join(text)
        echoed = bool(body.get("echo")) and "no echo" not in self._quirks
        tokens = (prompt.split() if echoed and "plain echo" not in self._quirks else []) + text
        logprobs: Mapping[str, object] | None = None
        if body.get("logprobs") and "no logprobs" not in self._quirks:
            logprobs = {"content": [{}]} if chat else {"token_logprobs": [-1.0] * len(tokens)}
        reason = "length" if len(text) == body["max_tokens"] else "stop"
        finish: dict[str, object] = {"finish_reason": reason, "logprobs": logprobs}
        if body.get("prompt_logprobs") and "no prompt_logprobs" not in self._quirks:
            finish["prompt_logprobs"] = [None, {}]
        if chat:
            return {"message": {"role": "assistant", "content": said}, **finish}
        return {"text": prompt + said if echoed else said, **finish}

    def _usage(self, prompt: str, texts: list[list[str]]) -> Mapping[str, Any]:
        read = len(prompt.split())
        known = max((len(commonprefix([prompt, seen]).split()) for seen in self._seen), default=0)  # noqa: RUF071
        self._seen.append(prompt)
        if "slow reader" in self._quirks:
            time.sleep(3e-4 * (read - (known if "remembers" in self._quirks else 0)))
        counts = {
            "prompt_tokens": read + (20 if "template" in self._quirks else 1),
            "completion_tokens": sum(map(len, texts)),
        }
        self.tokens += sum(counts.values())
        return counts if "no cache" in self._quirks else {**counts, "prompt_tokens_details": {"cached_tokens": known}}


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setattr(examined_server, "_PAUSE", 0.0)
    monkeypatch.setattr(speed, "_NOTICEABLE", 0.1)  # on a busy machine, less is an accident


def diagnosis(*quirks: str, model: Mapping[str, object] | None = None) -> Diagnosis:
    with listening(Pretender(*quirks, model=model)) as url:
        return examine(Endpoint("m", url=url))


def verdicts(found: Diagnosis) -> dict[str, str]:
    return {name: finding.verdict.value for name, finding in found.findings.items()}


def test_a_server_that_does_everything() -> None:
    server = Pretender()
    looked_at: list[str] = []
    with listening(server) as url:
        found = examine(Endpoint("m", url=url), watch=looked_at.append)
    assert set(verdicts(found).values()) == {"yes"}
    assert found.warnings == []
    assert found.context_length == 8192
    assert found.latency
    assert set(found.tokens_per_second) == {1, 16}
    head, concurrency, tail = found.command.partition("--base-option concurrency=")
    assert head == f"urial-opt search --space urial --base openai:m --base-url {url} "
    assert concurrency
    assert tail.partition(" ")[2] == "--judge llm:JUDGE"
    assert set(looked_at) == set(found.findings) - {"cached_tokens", "context_length"}
    assert 50 < server.requests < 70  # as the help says
    assert 5_000 < server.tokens < 10_000


@pytest.mark.parametrize(
    ("quirk", "name", "verdict", "warns"),
    [
        ("no chat", "chat", "no", ""),
        ("template", "plain_prompts", "no", "without a template"),
        ("not greedy", "greedy", "no", "cannot be repeated exactly"),
        ("no temperature", "temperature", "ignored", "fix temperature=0"),
        ("no temperature", "seed", "not known", ""),
        ("no seed", "seed", "ignored", "sampling cannot be repeated"),
        ("one seed", "seed", "ignored", "sampling cannot be repeated"),
        ("refuses seed", "seed", "no", "sampling cannot be repeated"),
        ("no max_tokens", "max_tokens", "ignored", "no bound"),
        ("no stop", "stop", "ignored", "generated and paid for"),
        ("keeps stop", "stop", "yes", ""),
        ("no penalty", "repetition_penalty", "ignored", "fix repetition_penalty=1"),
        ("no penalty", "no_penalty_of_its_own", "not known", ""),
        ("refuses repetition_penalty", "repetition_penalty", "no", "fix repetition_penalty=1"),
        ("refuses repetition_penalty", "no_penalty_of_its_own", "not known", ""),
        ("penalty of its own", "no_penalty_of_its_own", "no", "start it without"),
        ("penalty of its own", "repetition_penalty", "yes", ""),
        ("no usage", "usage", "no", "max_cost cannot limit the search"),
        ("no usage", "plain_prompts", "not known", ""),
        ("no usage", "max_tokens", "yes", ""),
        ("refuses lists", "several_prompts", "no", ""),
        ("first prompt only", "several_prompts", "ignored", ""),
        ("no logprobs", "logprobs", "ignored", ""),
        ("no logprobs", "echo_logprobs", "ignored", ""),
        ("refuses logprobs", "echo_logprobs", "no", ""),
        ("no echo", "echo_logprobs", "ignored", ""),
        ("plain echo", "echo_logprobs", "ignored", ""),
        ("no prompt_logprobs", "prompt_logprobs", "ignored", ""),
        ("no cache", "cached_tokens", "no", ""),
        ("no cache", "prefix_cache", "not known", ""),
        ("few at once", "many_at_once", "no", "send fewer"),
        ("crowd changes", "many_at_once", "no", "asked at the same time"),
    ],
)
def test_one_quirk_is_found(quirk: str, name: str, verdict: str, warns: str) -> None:
    finding = diagnosis(quirk).findings[name]
    assert finding.verdict.value == verdict, finding
    assert warns in finding.warning
    assert bool(warns) == bool(finding.warning)
    assert finding.says.endswith(".")


@pytest.mark.parametrize("quirk", ["no penalty", "refuses repetition_penalty"])
def test_a_server_without_a_repetition_penalty_is_searched_without(quirk: str) -> None:
    assert "--decoding repetition_penalty=1 --judge" in diagnosis(quirk).command
    assert "--decoding" not in diagnosis().command


def test_whether_the_stop_string_stays_is_told() -> None:
    assert "left in it; a search cuts it off" in diagnosis("keeps stop").findings["stop"].says
    assert "ends before" in diagnosis().findings["stop"].says


def test_a_prefix_cache_that_is_not_told_shows_in_the_time() -> None:
    fast = diagnosis("no cache", "slow reader", "remembers")
    assert fast.findings["prefix_cache"].verdict is CheckVerdict.YES
    slow = diagnosis("no cache", "slow reader")
    assert slow.findings["prefix_cache"].verdict is CheckVerdict.NO
    assert "prefix cache" in slow.findings["prefix_cache"].warning


def test_a_server_that_answers_few_at_once_is_asked_few_at_once() -> None:
    found = diagnosis("few at once")
    says = found.findings["many_at_once"].says
    answered = int(says.partition("it answered ")[2].partition(":")[0])
    assert 1 <= answered < 16
    assert f"concurrency={answered} " in found.command


def test_where_tokens_are_not_counted_no_concurrency_is_proposed() -> None:
    found = diagnosis("no usage")
    assert found.tokens_per_second == {}
    assert "concurrency" not in found.command


def test_a_server_that_only_answers_messages_is_proposed_as_a_judge() -> None:
    found = diagnosis("no completions")
    told = verdicts(found)
    assert {name for name, verdict in told.items() if verdict != "yes"} == {
        *("completions", "plain_prompts", "several_prompts", "echo_logprobs"),
    }
    assert found.warnings[0].startswith("It continues no text")
    assert "--judge llm:m --judge-url http://127" in found.command
    assert "--base hf:BASE" in found.command


@pytest.mark.parametrize("software", ["vllm", "sglang"])
def test_software_with_defaults_from_the_model_is_told_how_to_start(software: str) -> None:
    (warning,) = diagnosis(model={"id": "m", "owned_by": software}).warnings
    assert {"vllm": "--generation-config vllm", "sglang": "--sampling-defaults openai"}[software] in warning


def test_a_short_context_is_warned_of_and_not_overrun() -> None:
    server = Pretender(model={"id": "m", "context_length": 900})
    with listening(server) as url:
        found = examine(Endpoint("m", url=url))
    assert found.context_length == 900
    assert found.warnings == [
        "900 tokens are few for a prompt of three exemplars and an answer: mind k and max_tokens of the space"
    ]
    assert "of 300 tokens" in found.findings["prefix_cache"].says


def test_a_model_under_another_name_is_told() -> None:
    finding = diagnosis(model={"id": "other"}).findings["models"]
    assert (finding.verdict, finding.says) == (CheckVerdict.NO, "/models does not name it, but other.")
    assert diagnosis(model={"name": "m"}).findings["models"].verdict is CheckVerdict.UNKNOWN


class Ailing:
    """A server that fails at first, and again whenever it is asked the same."""

    def __init__(self, failure: Refused, times: int) -> None:
        self._healthy = Pretender()
        self._failure = failure
        self._times = times
        self._asked: dict[str, int] = {}

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        asked = f"{path} {body}"
        self._asked[asked] = self._asked.get(asked, 0) + 1
        if path != "/v1/models" and "stop" in body and self._asked[asked] <= self._times:
            raise self._failure
        return self._healthy(path, body)


@pytest.mark.parametrize(
    ("status", "times", "verdict"),
    [(500, 1, "yes"), (429, 1, "yes"), (500, 9, "no"), (429, 9, "not known"), (503, 9, "not known"), (400, 1, "no")],
)
def test_what_fails_is_asked_once_more_and_then_told_as_it_is(status: int, times: int, verdict: str) -> None:
    with listening(Ailing(Refused(status, "Ouch."), times)) as url:
        found = examine(Endpoint("m", url=url))
    assert found.findings["stop"].verdict.value == verdict
    assert all(finding.verdict is CheckVerdict.YES for name, finding in found.findings.items() if name != "stop")
    if verdict != "yes":
        assert found.findings["stop"].says.endswith(f": {status} Ouch.")


@pytest.mark.parametrize("garbage", [{}, [], "text", {"choices": []}, {"choices": 5, "usage": 3}])
def test_garbage_is_no_ability(garbage: Any) -> None:
    def answer(path: str, body: Mapping[str, Any]) -> Any:
        if path == "/v1/models":
            return {"data": [garbage]}
        return garbage if body.get("logprobs") else Pretender()(path, body)

    with listening(answer) as url:
        found = examine(Endpoint("m", url=url))
    assert verdicts(found)["models"] == "not known"
    assert verdicts(found)["logprobs"] == verdicts(found)["echo_logprobs"] == "not known"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The embedded models' server."""
    with serving(base=open_base(""), aligned=open_aligned("")) as url:
        yield url


def test_the_embedded_base_model(run: Run, url: str) -> None:
    out, err = run("doctor", "openai:nano", "--base-url", url, "--json")
    told = json.loads(out)
    assert set(told) == {
        *("server", "findings", "context_length", "latency", "tokens_per_second", "warnings", "command"),
    }
    assert told["server"] == f"nano at {url}"
    told_verdicts = {name: finding["verdict"] for name, finding in told["findings"].items()}
    assert {name: verdict for name, verdict in told_verdicts.items() if verdict != "yes"} == {
        "chat": "no",
        "context_length": "not known",
    }
    assert "2 tokens: 1 of begin-of-text" in told["findings"]["plain_prompts"]["says"]
    assert told["warnings"] == []
    assert f"--base openai:nano --base-url {url} --base-option concurrency=" in told["command"]
    assert "[asking] stop" in err


def test_what_it_prints_for_people(run: Run) -> None:
    with listening(Pretender("no completions", "no prompt_logprobs")) as url:
        out, _ = run("doctor", "m", "--url", url)
    for words in ("prefix cache", "ignored", "Tokens per second: ", "one token takes 0.", "Mind: It continues no text"):
        assert words in out
    assert out.splitlines()[-1].startswith("  urial-opt search --space urial --judge llm:m --judge-url")


def test_the_help_tells_of_every_finding() -> None:
    help_text = app.get_command(None, "doctor").help  # type: ignore[arg-type, union-attr]
    assert help_text
    for name in diagnosis().findings:
        assert name in help_text


def test_the_model_may_be_left_out_where_there_is_one(run: Run, url: str) -> None:
    with listening(Pretender()) as other:
        assert json.loads(run("doctor", "--url", other, "--json")[0])["server"] == f"m at {other}"
    assert "has nano, nano-aligned; name the model" in run.refused("doctor", "--url", url)


def refused(run: Run, *words: object) -> str:
    """The one line of an error of a server, after what was asked."""
    out, err = run("doctor", *words, code=1)
    assert out == ""
    *progress, line = err.splitlines()
    assert all(each.startswith("[asking] ") for each in progress)
    return line


def test_errors_are_one_line(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no model is called 'm'" in refused(run, "m", "--url", url)
    assert "nothing answers at" in refused(run, "m", "--url", "http://127.0.0.1:9/v1")
    assert "wants a key and has none" in refused(run, "m")
    assert "type one such as http://localhost:8000/v1" in run.refused("doctor", "m", "--url", "localhost")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with listening(Pretender(), key="another") as locked:
        line = refused(run, "m", "--url", locked)
    assert "does not accept the key (401); set the environment variable OPENAI_API_KEY to another key" in line
    assert KEY not in line


def test_a_key_that_a_server_repeats_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with listening(Pretender("few at once"), key=KEY) as locked:
        out, err = run("doctor", "m", "--url", locked, "--json")
    assert "slow down, ***" in out
    assert KEY not in out + err
