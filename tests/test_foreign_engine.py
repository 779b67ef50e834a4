"""Tests that an engine of others, serving the embedded weights over HTTP, gives the same texts as ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from experiments.servers.foreign_engine import MODEL, compare, engine, missing, prompts
from urial_opt.doctor.abilities import ABILITIES, COMPLETIONS
from urial_opt.doctor.examined_server import ExaminedServer
from urial_opt.models.server.endpoint import Endpoint

pytestmark = pytest.mark.skipif(
    bool(missing()), reason=f"no {', '.join(missing())}; type: pip install 'transformers[serving]' -c constraints.txt"
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with engine() as url:
        yield url


def test_greedy_completions_equal_ours(url: str) -> None:
    zero_shot, *_, whole = prompts()
    for prompt, queries in ((zero_shot, 5), (whole, 20)):
        compared = compare(url, prompt, queries)
        assert [one.text for one in compared.there] == [one.text for one in compared.here]
        assert compared.equal == len(compared.here) == queries
    assert len({one.text for one in compared.here}) > 10  # or equality would mean little


def test_the_doctor_finds_what_the_engine_lacks(url: str) -> None:
    server = ExaminedServer(Endpoint(MODEL, url=url), completes=True)
    told = {check.name: check.of(server).verdict.value for check in (COMPLETIONS, *ABILITIES)}
    assert told == {
        "name": "yes",
        "completions": "yes",
        "plain_prompts": "yes",
        "greedy": "yes",
        "temperature": "ignored",
        "seed": "not known",
        "max_tokens": "yes",
        "stop": "yes",
        "repetition_penalty": "no",
        "no_penalty_of_its_own": "not known",
        "usage": "yes",
        "several_prompts": "no",
        "logprobs": "ignored",
        "echo_logprobs": "ignored",
        "prompt_logprobs": "no",
    }
