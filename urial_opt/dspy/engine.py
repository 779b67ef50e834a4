"""Engine: lets DSPy ask a base model, local or behind a server, through our generators.

The text of DSPy's message goes to the model unchanged. Up to its last `# Query:` it is the prefix, which the model
reads once. Calls that threads make at the same time are one batch. DSPy's cache is off: it would take two engines for
one if they ask models of one name.
"""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from weakref import WeakValueDictionary

import dspy  # type: ignore[import-untyped]
from dspy import lm15

from urial_opt.content import content_id
from urial_opt.errors import AdapterError, ContextError, InputError, UrialOptError, UrialOptWarning
from urial_opt.evaluation.one_by_one import turn_with
from urial_opt.prompt import has_ended
from urial_opt.prompt_file.decoding import SamplingForm
from urial_opt.protocols import Ending, Generator
from urial_opt.records import Completion, Sampling, Usage
from urial_opt.roles import as_texts, notes_of, open_base
from urial_opt.secrets import is_secret, redacted

_HEADING = "\n# Query:"
_ANSWER = "\n# Answer:\n```\n"
_UNHEEDED = (
    *("top_k", "response_format", "tool_choice", "reasoning", "frequency_penalty", "presence_penalty"),
    *("service_tier", "user_id", "store", "logprobs", "probabilities", "extensions"),
)
"""Settings of a request that generators do not know."""


@dataclass(slots=True, eq=False)
class _Call:
    """One call that waits for its completion."""

    prefix: str
    suffix: str
    sampling: Sampling
    begun: str | None
    """What the answer begins with already; None if the text is not in the URIAL layout."""
    completion: Completion | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """How a generator was opened, for saved programs."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)


class UrialEngine:
    """A base model for `dspy.LM`. `lm()` makes the LM."""

    supports_function_calling = supports_reasoning = supports_response_schema = False

    def __init__(self, generator: str | Generator, *, sampling: Sampling = Sampling(), **options: object) -> None:
        """`generator`: the base model by name, such as `nano` or `hf:NAME`, with `options` to open it; or opened.

        `sampling`: what calls do not say, and what DSPy has no words for, such as a repetition penalty. Errors as in
        `urial_opt.open_base`.
        """
        self.sampling = sampling
        self._opened = _Opened(name=generator, options=as_texts(options)) if isinstance(generator, str) else None
        if isinstance(generator, str):
            self.generator = open_base(generator, **options)
        elif options:
            raise InputError("options are for a base model given by name; give them where the generator is opened")
        else:
            self.generator = generator
        for note in notes_of(self.generator):
            warnings.warn(note, UrialOptWarning, stacklevel=2)
        self.usage = Usage()
        """Tokens of all calls so far."""
        self._repeats: Counter[str] = Counter()
        self._waiting: list[_Call] = []
        self._queue = threading.Lock()
        self._model = threading.Lock()

    def lm(self, **settings: Any) -> Any:
        """A `dspy.LM` on this engine; `settings` are its own, such as `max_tokens` and `temperature`.

        It does not use DSPy's cache, and does not retry: generators behind servers do.
        """
        name = self._opened.name if self._opened else self.generator.identity
        settings = {"cache": False, "num_retries": 0, **settings}
        return dspy.LM(f"urial/{name}", engine=self, async_engine=AsyncUrialEngine(self), **settings)

    def complete(self, request: Any) -> Any:
        """One completion. Errors are those of `dspy.lm15`; what may pass is a ServerError, which DSPy may retry."""
        text = _text_of(request)
        sampling = self._sampling(request.config, text)
        at = text.rfind(_HEADING)
        prefix, suffix = text[: max(at, 0)], text[max(at, 0) :]
        _, answer, begun = suffix.rpartition(_ANSWER)
        call = _Call(prefix, suffix, sampling, begun if answer else None)
        with self._queue:
            self._waiting.append(call)
        with self._model:
            if call.completion is None and call.error is None:
                self._serve(self._batch_of(call))
        if call.error is not None:
            raise _as_lm15(call.error) from call.error
        assert call.completion is not None
        return _response(request.model, call.completion)

    def stream(self, request: Any) -> Iterator[Any]:  # noqa: ARG002
        """Refused: generators hand on whole answers."""
        raise lm15.UnsupportedFeatureError(_NO_STREAM, feature="stream")

    def close(self) -> None:
        """Nothing to close."""

    def dump_state(self) -> dict[str, Any]:
        """The name of the base model, its options and the sampling, as a saved program holds them; no secrets.

        TypeError if the base model was given opened, or an option may hold a secret.
        """
        if self._opened is None:
            raise TypeError(
                f"the base model {self.generator.identity!r} was opened by a program, so that a saved program cannot "
                "name it; give it by name, as in UrialEngine('hf:NAME'), or save the program without its lm"
            )
        for name, value in self._opened.options.items():
            if is_secret(name) or redacted(value) != value:
                raise TypeError(f"the option {name!r} may hold a secret, which is not saved; save without the lm")
        return {
            "generator": self._opened.name,
            "options": dict(self._opened.options),
            "sampling": {**asdict(self.sampling), "stop": list(self.sampling.stop)},
        }

    @classmethod
    def load_state(cls, state: Mapping[str, Any]) -> UrialEngine:
        """The engine of `dump_state`; one that is in use with the same state is shared."""
        key = content_id(state)
        if (engine := _LOADED.get(key)) is None:
            sampling = SamplingForm.model_validate(state["sampling"]).read()
            _LOADED[key] = engine = cls(state["generator"], sampling=sampling, **state["options"])
        return engine

    def __deepcopy__(self, memo: object) -> UrialEngine:
        return self  # copies of a program share the model

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).load_state, (self.dump_state(),)

    def _sampling(self, config: Any, text: str) -> Sampling:
        """The sampling of a call. A repeated call that is not greedy gets the next seed, or `n=2` would be one answer
        twice."""
        for name in _UNHEEDED:
            if getattr(config, name) is not None:
                raise lm15.UnsupportedFeatureError(
                    f"a base model does not take {name!r}; leave it out (a repetition penalty belongs to the engine: "
                    "UrialEngine(…, sampling=Sampling(repetition_penalty=1.1)))",
                    feature=f"config.{name}",
                )
        said: dict[str, Any] = {
            name: value for name in ("temperature", "top_p", "max_tokens", "seed")
            if (value := getattr(config, name)) is not None
        }  # fmt: skip
        if config.stop:
            said["stop"] = tuple(config.stop)
        sampling = replace(self.sampling, **said)
        if sampling.temperature == 0 or config.seed is not None:
            return sampling
        with self._queue:
            key = content_id([text, sampling.id])
            self._repeats[key] += 1
            return replace(sampling, seed=sampling.seed + self._repeats[key] - 1)

    def _batch_of(self, call: _Call) -> list[_Call]:
        """The calls that wait and can be answered together with this one; they wait no longer."""
        with self._queue:
            key = (call.prefix, call.sampling, call.begun)
            alike = [w for w in self._waiting if (w.prefix, w.sampling, w.begun) == key]
            self._waiting = [w for w in self._waiting if w not in alike]
        return [call, *(w for w in alike if w is not call)]

    def _serve(self, batch: list[_Call]) -> None:
        try:
            for call, completion in zip(batch, self._generate(batch), strict=True):
                call.completion = completion
                self.usage += completion.usage
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            for call in batch:  # one of them may be to blame
                self._serve([call])

    def _generate(self, batch: list[_Call]) -> list[Completion]:
        with turn_with(self.generator):
            return self._generate_in_turn(batch)

    def _generate_in_turn(self, batch: list[_Call]) -> list[Completion]:
        first, begun = batch[0], batch[0].begun
        ending = self.generator if isinstance(self.generator, Ending) and begun is not None else None
        if ending is not None:
            ending.end_when(lambda text: has_ended(f"{begun}{text}"))
        try:
            return self.generator.generate(first.prefix, [call.suffix for call in batch], first.sampling)
        finally:
            if ending is not None:
                ending.end_when(None)


class AsyncUrialEngine:
    """The same engine for `acall`: each call runs in a thread."""

    def __init__(self, engine: UrialEngine) -> None:
        self._engine = engine

    async def complete(self, request: Any) -> Any:
        """As `UrialEngine.complete`."""
        return await asyncio.to_thread(self._engine.complete, request)

    def stream(self, request: Any) -> Any:  # noqa: ARG002
        """Refused: generators hand on whole answers."""
        raise lm15.UnsupportedFeatureError(_NO_STREAM, feature="stream")

    async def aclose(self) -> None:
        """Nothing to close."""

    def dump_state(self) -> dict[str, Any]:
        """As `UrialEngine.dump_state`."""
        return self._engine.dump_state()

    @classmethod
    def load_state(cls, state: Mapping[str, Any]) -> AsyncUrialEngine:
        """As `UrialEngine.load_state`."""
        return cls(UrialEngine.load_state(state))

    def __deepcopy__(self, memo: object) -> AsyncUrialEngine:
        return self


_LOADED: WeakValueDictionary[str, UrialEngine] = WeakValueDictionary()
_NO_STREAM = "a base model hands on whole answers, so that nothing can be streamed; leave dspy.streamify out"


def _text_of(request: Any) -> str:
    """The one message's text. InvalidRequestError if there are more, as from an adapter for chat models."""
    messages = request.messages
    parts = messages[0].parts
    if len(messages) > 1 or request.system is not None or request.tools or any(part.type != "text" for part in parts):
        raise lm15.InvalidRequestError(
            "a base model continues one text and knows no chat messages, tools or images; "
            "set the adapter: dspy.configure(adapter=urial_opt.dspy.UrialAdapter())"
        )
    return "".join(part.text for part in parts)


def _response(model: str, completion: Completion) -> Any:
    used = completion.usage
    return lm15.Response(
        id=None,
        model=model,
        message=lm15.Message.assistant(completion.text),
        finish_reason=completion.finish_reason,
        usage=lm15.Usage(
            input_tokens=used.prompt_tokens + used.saved_tokens,
            output_tokens=used.completion_tokens,
            cache_read_tokens=used.saved_tokens,
        ),
    )


def _as_lm15(error: Exception) -> Any:
    """The error as DSPy's engines raise it; one that nobody foresaw stays as it is."""
    if isinstance(error, ContextError):
        return lm15.ContextLengthError(str(error))
    if isinstance(error, AdapterError):
        return lm15.ServerError(str(error)) if error.retryable else lm15.ProviderError(str(error))
    return lm15.InvalidRequestError(str(error)) if isinstance(error, UrialOptError) else error
