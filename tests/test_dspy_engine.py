"""`UrialEngine`: DSPy programs on a base model, local and over HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dspy  # type: ignore[import-untyped]
import pytest
from dspy.utils.exceptions import (  # type: ignore[import-untyped]
    ContextWindowExceededError,
    LMInvalidRequestError,
    LMProviderError,
    LMServerError,
    LMUnexpectedError,
    LMUnsupportedFeatureError,
)

from tests.dspy_programs import CAPITALS, SYSTEM, Copycat, asked, demo, running
from urial_opt.dspy import AsyncUrialEngine, UrialAdapter, UrialEngine
from urial_opt.errors import AdapterError, ContextError, InputError
from urial_opt.nano.json_server import listening
from urial_opt.nano.server import EmbeddedModels
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.records import Completion, Sampling
from urial_opt.roles import open_base

PARIS = "The capital of France is Paris."
DEMOS = [demo("Italy"), demo("Spain")]


@pytest.fixture
def model() -> Copycat:
    return Copycat()


@pytest.fixture
def engine(model: Copycat) -> UrialEngine:
    return UrialEngine(model)


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The embedded base model over HTTP."""
    with listening(EmbeddedModels(base=open_base("nano"))) as url:
        yield url


def predictor(demos: Sequence[Any] = DEMOS) -> Any:
    program = dspy.Predict("query -> answer")
    program.demos = list(demos)
    return program


def test_the_model_reads_the_exact_text(engine: UrialEngine, model: Copycat) -> None:
    with running(engine, UrialAdapter(SYSTEM)):
        assert predictor()(query=asked("France")).answer == "Paris"
    exemplars = tuple(Exemplar(query=each.query, answer=each.answer) for each in DEMOS)
    assert model.texts == [UrialPrompt(system=SYSTEM, exemplars=exemplars).render(asked("France"))]


@pytest.mark.parametrize("http", [False, True])
def test_the_embedded_model_answers_locally_and_over_http(http: bool, served: str) -> None:
    engine = UrialEngine("openai:nano", url=served) if http else UrialEngine("nano")
    with running(engine, max_tokens=48), dspy.track_usage() as tracked:
        first = predictor()(query=asked("France"))
        again = predictor()(query=asked("Finland"))
        two = dspy.Predict("query, hint -> answer")(query="Tell me about Nepal.", hint="short")
    assert (first.answer, again.answer) == (PARIS, "The capital of Finland is Helsinki.")
    assert two.answer
    (counted,) = tracked.get_total_tokens().values()
    used = engine.usage
    assert counted["prompt_tokens"] == used.prompt_tokens + used.saved_tokens
    assert counted["completion_tokens"] == used.completion_tokens
    assert used.saved_tokens > 60  # the second call read the demos again for nothing


def test_settings_of_a_call_come_before_those_of_the_engine(model: Copycat) -> None:
    engine = UrialEngine(model, sampling=Sampling(repetition_penalty=1.1, max_tokens=7, stop=("# Query", "END")))
    with running(engine, max_tokens=9):
        predictor()(query="q")
        predictor()(query="q", config={"temperature": 0.5, "top_p": 0.9, "seed": 4, "stop": ["X"]})
    assert model.samplings == [
        Sampling(repetition_penalty=1.1, max_tokens=9, stop=("# Query", "END")),
        Sampling(repetition_penalty=1.1, max_tokens=9, stop=("X",), temperature=0.5, top_p=0.9, seed=4),
    ]


def test_several_answers_to_one_query_are_drawn_with_seeds_of_their_own(engine: UrialEngine, model: Copycat) -> None:
    with running(engine):
        found = predictor()(query="q", config={"n": 3})
        predictor()(query="q")
    assert len(found.completions.answer) == 3
    assert [sampling.seed for sampling in model.samplings] == [0, 1, 2, 0]
    assert model.samplings[-1].temperature == 0


@pytest.mark.parametrize("setting", [{"top_k": 5}, {"frequency_penalty": 1.0}, {"repetition_penalty": 1.2}])
def test_settings_that_a_generator_does_not_know_are_refused(setting: dict[str, Any], engine: UrialEngine) -> None:
    with running(engine), pytest.raises(LMUnsupportedFeatureError, match=next(iter(setting))):
        predictor()(query="q", config=setting)


def test_messages_for_chat_models_are_refused(engine: UrialEngine) -> None:
    adapter = dspy.ChatAdapter(use_json_adapter_fallback=False)
    with dspy.context(lm=engine.lm(), adapter=adapter), pytest.raises(LMInvalidRequestError, match="UrialAdapter"):
        predictor()(query="q")


@pytest.mark.parametrize(
    ("error", "projected", "tries"),
    [
        (AdapterError("overloaded", retryable=True), LMServerError, 3),
        (AdapterError("wrong key"), LMProviderError, 1),
        (ContextError("too long"), ContextWindowExceededError, 1),
        (InputError("no such thing"), LMInvalidRequestError, 1),
        (ZeroDivisionError("oh"), LMUnexpectedError, 1),
    ],
)
def test_errors_are_those_that_dspy_knows(
    error: Exception, projected: type[Exception], tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Copycat):
        def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
            self.batches.append(len(suffixes))
            raise error

    monkeypatch.setattr("time.sleep", lambda _: None)
    failing = Failing()
    with running(UrialEngine(failing), num_retries=2), pytest.raises(projected, match=str(error)) as caught:
        predictor()(query="q")
    assert len(failing.batches) == tries
    assert error in (caught.value.__cause__, getattr(caught.value.__cause__, "__cause__", None))


def test_a_server_that_is_gone_may_come_back(pauses: list[float]) -> None:
    with listening(EmbeddedModels(base=Copycat())) as url:
        pass
    with running(UrialEngine("openai:nano", url=url)), pytest.raises(LMServerError, match="nano"):
        predictor()(query="q")


def test_async_programs(engine: UrialEngine) -> None:
    async def both() -> list[str]:
        program = predictor()
        found = [program.acall(query=asked("France")), dspy.asyncify(program)(query=asked("Italy"))]
        return [each.answer for each in await asyncio.gather(*found)]

    with running(engine):
        assert asyncio.run(both()) == ["Paris", "Rome"]


def test_streaming_is_refused(engine: UrialEngine) -> None:
    async def streamed() -> None:
        async for _ in dspy.streamify(predictor())(query=asked("France")):
            pass

    with running(engine), pytest.raises(BaseException) as caught:  # noqa: PT011 - anyio wraps it in a group
        asyncio.run(streamed())
    causes = [caught.value, *getattr(caught.value, "exceptions", ())]
    assert any("leave dspy.streamify out" in str(each) for each in causes)


def test_calls_of_several_threads_are_one_batch(model: Copycat) -> None:
    """While the model is at work, others wait; then they are answered together."""
    started, go_on = threading.Event(), threading.Event()

    class Slow(Copycat):
        def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
            started.set()
            go_on.wait(10)
            if any("nothing" in suffix for suffix in suffixes):
                raise AdapterError("it is too long")
            return super().generate(prefix, suffixes, sampling)

    slow = Slow()
    engine = UrialEngine(slow)
    found: dict[str, object] = {}

    def ask(country: str) -> None:
        with running(engine):
            try:
                found[country] = predictor()(query=asked(country)).answer
            except LMProviderError as error:
                found[country] = error

    threads = [threading.Thread(target=ask, args=(country,)) for country in ("Italy", "Spain", "Greece", "nothing")]
    threads[0].start()
    started.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(engine._waiting) < 3:
        threading.Event().wait(0.01)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert isinstance(found.pop("nothing"), LMProviderError)
    assert found == {"Italy": "Rome", "Spain": "Madrid", "Greece": "Athens"}
    assert max(slow.batches) == 1  # the batch of three failed, so that each was asked alone


def test_an_evaluation_in_threads_is_batched_or_not_and_right(engine: UrialEngine) -> None:
    devset = [demo(country) for country in CAPITALS]
    metric = lambda example, found, trace=None: found.answer in example.answer  # noqa: E731
    with running(engine):
        result = dspy.Evaluate(devset=devset, metric=metric, num_threads=4, display_progress=False)(predictor())
    assert result.score == 100


def test_a_saved_program_names_its_model(tmp_path: Path) -> None:
    program = predictor()
    program.lm = UrialEngine("nano", sampling=Sampling(repetition_penalty=1.1)).lm(max_tokens=48)
    program.save(tmp_path / "p.json")
    loaded = dspy.Predict("query -> answer")
    loaded.load(tmp_path / "p.json", allow_unsafe_lm_state=True)
    engine = loaded.lm.engine
    assert engine.sampling == Sampling(repetition_penalty=1.1)
    assert loaded.lm._async_engine_spec._engine is engine
    assert loaded.deepcopy().lm.engine is engine
    adapter = UrialAdapter(SYSTEM)
    assert adapter.format(loaded.signature, loaded.demos, {"query": "q"}) == adapter.format(
        program.signature, program.demos, {"query": "q"}
    )
    with dspy.context(adapter=adapter):
        assert loaded(query=asked("France")).answer == PARIS


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (lambda: UrialEngine(Copycat()), "give it by name"),
        (lambda: UrialEngine("openai:nano", url="http://user:secret@127.0.0.1:1/v1"), "'url' may hold a secret"),
    ],
)
def test_what_a_saved_program_cannot_hold_is_refused(engine: Any, said: str, tmp_path: Path) -> None:
    program = predictor()
    program.lm = engine().lm()
    with pytest.raises(TypeError, match=said):
        program.save(tmp_path / "p.json")


def test_options_belong_to_names() -> None:
    with pytest.raises(InputError, match="options are for a base model given by name"):
        UrialEngine(Copycat(), device="cpu")
    assert AsyncUrialEngine.load_state(UrialEngine("nano").dump_state()).dump_state()["generator"] == "nano"
