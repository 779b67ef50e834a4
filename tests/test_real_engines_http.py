"""A real language model behind two engines of others: what they answer over HTTP is what it answers here."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from experiments.servers.foreign_engine import engine, missing, serving
from tests.real_models import FOLDER, GGUF, ON_SMOLLM2
from urial_opt import plugins
from urial_opt.doctor.abilities import ABILITIES, COMPLETIONS
from urial_opt.doctor.examined_server import ExaminedServer
from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.records import Sampling
from urial_opt.spaces.space import SearchSpace

pytestmark = ON_SMOLLM2
pytest_plugins = ["tests.real_model_fixtures"]

QUERIES = ["What is the capital of France?", "Count from 1 to 5.", "Who wrote „Faust“, in 1808? 🌊"]
TEXTS = ["The year 1789,", " 3.14159 and 007", "naïve café 東京 🌊", "def f(x):\n    return x\n"]
GREEDY = Sampling(max_tokens=24, stop=("# Query",))
LLAMA = [sys.executable, "-m", "llama_cpp.server", "--model", str(GGUF), "--model_alias", "smollm2", "--port", "{port}"]
# Keys and values in single precision, as in transformers.
LLAMA += ["--n_ctx", "2048", "--type_k", "0", "--type_v", "0", "--logits_all", "true"]
# One thread: two wait for each other by spinning, which takes for ever on a busy machine.
LLAMA += ["--n_threads", "1", "--n_threads_batch", "1"]

FINDINGS = {
    name: dict(zip(("transformers", "llama-cpp-python"), verdicts, strict=True))
    for name, verdicts in {
        "completions": ("yes", "yes"),
        "plain_prompts": ("yes", "yes"),
        "greedy": ("yes", "yes"),
        "temperature": ("ignored", "yes"),
        "seed": ("not known", "yes"),
        "max_tokens": ("yes", "yes"),
        "stop": ("yes", "yes"),
        "repetition_penalty": ("no", "yes"),
        "no_penalty_of_its_own": ("not known", "no"),
        "usage": ("yes", "yes"),
        "several_prompts": ("no", "no"),
        "logprobs": ("ignored", "yes"),
        "echo_logprobs": ("ignored", "yes"),
        "prompt_logprobs": ("no", "ignored"),
    }.items()
}
"""The doctor's verdicts on each engine."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A server and the engine that runs there."""

    name: str
    url: str
    model: str


@pytest.fixture(scope="module", params=["transformers", "llama-cpp-python"])
def served(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with ExitStack() as stack:
        if request.param == "transformers":
            if missing():
                pytest.skip(f"no {', '.join(missing())}; type: make real-models")
            url = stack.enter_context(engine(str(FOLDER)))
            yield Engine(name=request.param, url=url, model=str(FOLDER))
        else:
            if importlib.util.find_spec("llama_cpp") is None:
                pytest.skip("no llama-cpp-python, which needs a C++ compiler; type: make real-models")
            url = stack.enter_context(serving(LLAMA, path="/v1/models"))
            yield Engine(name=request.param, url=url, model="smollm2")


def test_texts_have_the_same_tokens(served: Engine, base: TransformersGenerator) -> None:
    endpoint = Endpoint(served.model, url=served.url)
    replies = endpoint.complete([{"prompt": text, "temperature": 0.0, "max_tokens": 1} for text in TEXTS])
    read = [each.usage.prompt_tokens + each.usage.saved_tokens for each in replies]
    assert read == [base.count_tokens(text) for text in TEXTS]


def test_greedy_completions_are_those_of_the_model_here(
    served: Engine, base: TransformersGenerator, space: SearchSpace
) -> None:
    there = plugins.open_generator(f"openai:{served.model}", {"url": served.url})
    for context in (space.zero_shot, space.hand_written):
        suffixes = [context.prompt.suffix(query) for query in QUERIES]
        here = base.generate(context.prompt.prefix, suffixes, GREEDY)
        over_http = there.generate(context.prompt.prefix, suffixes, GREEDY)
        assert [each.text for each in over_http] == [each.text for each in here]
        assert [each.finish_reason for each in over_http] == [each.finish_reason for each in here]


def test_greedy_answers_are_those_of_the_model_here(served: Engine, aligned: TransformersChatGenerator) -> None:
    there = plugins.open_chat_generator(f"openai-chat:{served.model}", {"url": served.url})
    sampling = Sampling(max_tokens=24, stop=())
    here = [each.text for each in aligned.answer(QUERIES, sampling)]
    assert [each.text for each in there.answer(QUERIES, sampling)] == here
    assert "Paris" in here[0]


def test_what_the_doctor_finds(served: Engine) -> None:
    server = ExaminedServer(Endpoint(served.model, url=served.url), completes=True)
    found = {check.name: check.of(server).verdict.value for check in (COMPLETIONS, *ABILITIES)}
    assert {name: verdict for name, verdict in found.items() if name in FINDINGS} == {
        name: verdicts[served.name] for name, verdicts in FINDINGS.items()
    }
