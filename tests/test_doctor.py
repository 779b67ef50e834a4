"""Tests of the doctor: it finds the quirk of a server and says what that means for a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.quirky_server import Pretender, diagnosis, verdicts
from urial_opt.doctor import CheckVerdict, examine
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.nano.json_server import Refused, listening

pytestmark = pytest.mark.usefixtures("quick_doctor")


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
        ("alias", "name", "no", "another name, weights-2026"),
        ("template", "plain_prompts", "no", "without a template"),
        ("not greedy", "greedy", "no", "cannot be repeated exactly"),
        ("no temperature", "temperature", "ignored", "fix temperature=0"),
        ("no temperature", "seed", "not known", ""),
        ("no seed", "seed", "ignored", "sampling cannot be repeated"),
        ("one seed", "seed", "ignored", "sampling cannot be repeated"),
        ("refuses seed", "seed", "no", "sampling cannot be repeated"),
        ("no max_tokens", "max_tokens", "ignored", "no limit"),
        ("no stop", "stop", "ignored", "generated and paid for"),
        ("keeps stop", "stop", "yes", ""),
        ("no penalty", "repetition_penalty", "ignored", "fix repetition_penalty=1"),
        ("no penalty", "no_penalty_of_its_own", "not known", ""),
        ("refuses repetition_penalty", "repetition_penalty", "no", "fix repetition_penalty=1"),
        ("refuses repetition_penalty", "no_penalty_of_its_own", "not known", ""),
        ("penalty of its own", "no_penalty_of_its_own", "no", "a search says so"),
        ("repeat_penalty", "repetition_penalty", "yes", ""),
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


def test_whether_the_stop_string_stays_in_the_text_is_reported() -> None:
    assert "left in it; a search cuts it off" in diagnosis("keeps stop").findings["stop"].says
    assert "ends before" in diagnosis().findings["stop"].says


def test_a_prefix_cache_that_is_not_reported_shows_in_the_time() -> None:
    fast = diagnosis("no cache", "slow reader", "remembers")
    assert fast.findings["prefix_cache"].verdict is CheckVerdict.YES
    last = diagnosis("no cache", "slow reader", "remembers", "remembers the last")
    assert last.findings["prefix_cache"].verdict is CheckVerdict.YES
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
def test_how_to_start_software_with_defaults_from_the_model_is_said(software: str) -> None:
    (warning,) = diagnosis(model={"id": "m", "owned_by": software}).warnings
    assert {"vllm": "--generation-config vllm", "sglang": "--sampling-defaults openai"}[software] in warning


def test_a_short_context_is_warned_of_and_not_overrun() -> None:
    server = Pretender(model={"id": "m", "context_length": 900})
    with listening(server) as url:
        found = examine(Endpoint("m", url=url))
    assert found.context_length == 900
    assert found.warnings == [
        "900 tokens are few for a prompt of three exemplars and an answer: check k and max_tokens of the space"
    ]
    assert "of 300 tokens" in found.findings["prefix_cache"].says


def test_a_model_with_another_name_is_reported() -> None:
    finding = diagnosis(model={"id": "other"}).findings["models"]
    assert (finding.verdict, finding.says) == (CheckVerdict.NO, "/models does not name it, but other.")
    assert diagnosis(model={"name": "m"}).findings["models"].verdict is CheckVerdict.UNKNOWN


class Ailing:
    """A server that fails the first `times` times for each request."""

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
def test_a_failed_check_is_tried_once_more_and_then_reported(status: int, times: int, verdict: str) -> None:
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
