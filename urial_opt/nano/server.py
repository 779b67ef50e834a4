"""The embedded models over HTTP, as any OpenAI-compatible server offers them: `python -m urial_opt.nano.server`."""

from __future__ import annotations

import argparse
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from os.path import commonprefix
from typing import Any, TypeVar

from urial_opt.errors import AdapterError
from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator
from urial_opt.nano.faults import Faults
from urial_opt.nano.json_server import Refused, listening
from urial_opt.nano.logprobs import ABILITIES, Ability, TextLogprobs, answer_with_logprobs, complete_with_logprobs
from urial_opt.nano.models import open_aligned, open_base
from urial_opt.nano.requests import ChatRequest, CompletionRequest, read_request
from urial_opt.protocols import ChatGenerator, Generator
from urial_opt.records import Completion, Sampling, Usage

_GATHERING_SECONDS = 0.005
"""Requests that arrive within this time are answered in one batch."""
_ROUTES = {"/v1/completions": "nano", "/v1/chat/completions": "nano-aligned"}


class EmbeddedModels:
    """The replies of a server with a base model, named `nano`, and its aligned twin, `nano-aligned`."""

    def __init__(
        self,
        *,
        base: Generator | None = None,
        aligned: ChatGenerator | None = None,
        abilities: Set[Ability] = ABILITIES,
        most_listed: int = 20,
    ) -> None:
        """Serves the models that are given; only local ones report log-probabilities.

        A request may ask for the `most_listed` most probable tokens at each position.
        """
        self._base, self._aligned = base, aligned
        self._abilities = abilities
        self._most_listed = most_listed
        self._batches: dict[str, _Batches] = {}
        if base is not None:
            self._batches["nano"] = _Batches(_continuing(base))
        if aligned is not None:
            self._batches["nano-aligned"] = _Batches(aligned.answer)
        self._numbers = itertools.count()

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """As `Answer`."""
        if path == "/v1/models":
            return {"object": "list", "data": [{"id": name, "object": "model"} for name in self._batches]}
        if path not in _ROUTES:
            raise Refused(404, f"nothing is at {path!r}; there are {', '.join(('/v1/models', *_ROUTES))}")
        chat = path == "/v1/chat/completions"
        asked = read_request(ChatRequest, body) if chat else read_request(CompletionRequest, body)
        if asked.model not in self._batches:
            offered = ", ".join(self._batches)
            raise Refused(404, f"no model is called {asked.model!r}; there are {offered}", code="model_not_found")
        if asked.model != _ROUTES[path]:
            raise Refused(404, f"{asked.model!r} is not served at {path!r}, but {_ROUTES[path]!r} is")
        try:
            if asked.requested_logprobs():
                choices = [self._batches[asked.model].alone(self._with_logprobs(asked, text)) for text in asked.texts()]
            else:
                completions = self._batches[asked.model].ask(asked.texts(), asked.sampling())
                choices = [TextLogprobs(completion=completion) for completion in completions]
        except AdapterError as error:
            raise Refused(400, str(error), code="context_length_exceeded") from error
        return {
            "id": f"{'chatcmpl' if chat else 'cmpl'}-{next(self._numbers)}",
            "object": "chat.completion" if chat else "text_completion",
            "created": int(time.time()),
            "model": asked.model,
            "choices": [
                {
                    "index": index,
                    **_said(choice.echoed + choice.completion.text, chat=chat),
                    "finish_reason": choice.completion.finish_reason,
                    "logprobs": None,
                    **choice.logprobs,
                }
                for index, choice in enumerate(choices)
            ],
            "usage": _usage(sum((choice.completion.usage for choice in choices), Usage())),
        }

    def _with_logprobs(self, asked: CompletionRequest | ChatRequest, text: str) -> Callable[[], TextLogprobs]:
        """The function that answers one text with log-probabilities. `Refused` if the server does not offer them."""
        requested_logprobs = asked.requested_logprobs()
        for ability, number in requested_logprobs.items():
            if ability not in self._abilities:
                raise _unsupported(ability)
            if number > self._most_listed:
                words = f"Requested {ability} of {number}, which is greater than max allowed: {self._most_listed}"
                raise Refused(400, words, code="invalid_value")
        if isinstance(asked, ChatRequest) and isinstance(self._aligned, TransformersChatGenerator):
            return partial(answer_with_logprobs, self._aligned, text, asked.sampling(), requested_logprobs)
        if isinstance(asked, CompletionRequest) and isinstance(self._base, TransformersGenerator):
            return partial(complete_with_logprobs, self._base, text, asked.sampling(), requested_logprobs)
        raise _unsupported(next(iter(requested_logprobs)))


@contextmanager
def serving(
    *,
    base: Generator | None = None,
    aligned: ChatGenerator | None = None,
    faults: Faults | None = None,
    key: str | None = None,
    abilities: Set[Ability] = ABILITIES,
    most_listed: int = 20,
) -> Iterator[str]:
    """Serve these models on this machine while the context lasts; yields the URL, up to `/v1`."""
    models = EmbeddedModels(base=base, aligned=aligned, abilities=abilities, most_listed=most_listed)
    with listening(models, faults=faults, key=key) as url:
        yield url


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m urial_opt.nano.server", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="where to listen on 127.0.0.1 (8000); 0: any free port")
    parser.add_argument("--key", help="refuse whoever does not send this key")
    parser.add_argument("--faults", type=float, default=0.0, metavar="SHARE", help="how many requests fail, 0 to 1 (0)")
    parser.add_argument("--seed", type=int, default=0, help="which of them fail, and how (0)")
    given = parser.parse_args(arguments)
    if not 0 <= given.faults <= 1:
        parser.error(f"--faults is a share, not {given.faults:g}; type for example --faults 0.3")
    if not 0 <= given.port < 65_536:
        parser.error(f"--port is a number below 65536, not {given.port}; type for example --port 8000")
    models = EmbeddedModels(base=open_base(""), aligned=open_aligned(""))
    faults = Faults(given.faults, given.seed) if given.faults else None
    try:
        with listening(models, faults=faults, key=given.key, port=given.port) as url, suppress(KeyboardInterrupt):
            print(f"nano and nano-aligned are at {url} until Ctrl-C; type for example:", flush=True)
            print(f"urial-opt search --budget 20 --base openai:nano --base-url {url}", flush=True)
            threading.Event().wait()
    except OSError as error:
        parser.error(f"port {given.port} is taken ({error.strerror}); type another, such as --port {given.port + 1}")


@dataclass(slots=True, kw_only=True)
class _Job:
    """The texts of one request, and their completions or the error."""

    texts: Sequence[str]
    sampling: Sampling
    completions: list[Completion] = field(default_factory=list)
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.error is not None or len(self.completions) == len(self.texts)


_Done = TypeVar("_Done")


class _Batches:
    """Gathers requests that arrive at the same time, because a model answers a batch faster than single texts."""

    def __init__(self, run: Callable[[Sequence[str], Sampling], list[Completion]]) -> None:
        self._run = run
        self._waiting: list[_Job] = []
        self._changing = threading.Lock()
        self._turn = threading.Lock()

    def ask(self, texts: Sequence[str], sampling: Sampling) -> list[Completion]:
        job = _Job(texts=texts, sampling=sampling)
        with self._changing:
            self._waiting.append(job)
        with self._turn:
            if not job.done:  # otherwise the previous batch included this request
                time.sleep(_GATHERING_SECONDS)
                with self._changing:
                    together = [other for other in self._waiting if other.sampling == sampling]
                    self._waiting = [other for other in self._waiting if other.sampling != sampling]
                self._answer(together)
        if job.error is not None:
            raise job.error
        return job.completions

    def alone(self, work: Callable[[], _Done]) -> _Done:
        """Run `work` while no other request uses the model."""
        with self._turn:
            return work()

    def _answer(self, jobs: list[_Job]) -> None:
        try:
            completions = iter(self._run([text for job in jobs for text in job.texts], jobs[0].sampling))
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].error = error
                return
            for job in jobs:  # one request that fails must not fail the others
                self._answer([job])
        else:
            for job in jobs:
                job.completions = list(itertools.islice(completions, len(job.texts)))


def _continuing(base: Generator) -> Callable[[Sequence[str], Sampling], list[Completion]]:
    """A function that continues whole prompts; their common prefix is read once."""

    def run(prompts: Sequence[str], sampling: Sampling) -> list[Completion]:
        prefix = commonprefix(list(prompts))  # noqa: RUF071
        return base.generate(prefix, [prompt[len(prefix) :] for prompt in prompts], sampling)

    return run


def _unsupported(ability: str) -> Refused:
    return Refused(400, f"{ability!r}: this server does not report it", code="invalid_value")


def _said(text: str, *, chat: bool) -> Mapping[str, Any]:
    return {"message": {"role": "assistant", "content": text}} if chat else {"text": text}


def _usage(usage: Usage) -> Mapping[str, Any]:
    prompt = usage.prompt_tokens + usage.saved_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": prompt + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.saved_tokens},
    }


if __name__ == "__main__":
    main()
