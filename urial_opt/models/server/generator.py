"""Generators for models behind an OpenAI-compatible server, such as vLLM, SGLang, llama.cpp or TGI."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import TypeAlias

from urial_opt.content import content_id
from urial_opt.errors import AdapterError, InputError
from urial_opt.memory import PaceMemory, ReplyMemory
from urial_opt.models.per_thread import PerThread
from urial_opt.models.server.endpoint import Endpoint, open_endpoint
from urial_opt.models.server.fields import PENALTIES
from urial_opt.models.server.paid_replies import Heard, ignore
from urial_opt.models.server.replies import Reply
from urial_opt.models.server.token_scoring import ServerTokenScorer
from urial_opt.prompt import FENCE_STOP, before_stop, with_closed_code
from urial_opt.protocols import ChatGenerator, TokenScorer
from urial_opt.records import Completion, Sampling

_log = logging.getLogger(__name__)

_Heard: TypeAlias = Callable[[Mapping[int, Completion]], None]
"""As in `protocols.Gradual`."""

_LOOP = "tick tock tick tock tick tock tick tock"
_PREFIXES = 256
"""How many prefixes are remembered: more than prompts that are asked about in turn."""
_STOPS_SENT = 4
"""The protocol's limit for stop strings in a request."""


class ServerGenerator:
    """A base model that continues text at `/completions`; no chat template is applied."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._prefixes = _Prefixes()
        self._penalises = False
        """Whether the server was seen to heed a repetition penalty, or was said not to."""
        self._heard = PerThread[_Heard | None](None)
        self._ends = PerThread(initial=False)

    @property
    def identity(self) -> str:
        return f"openai:{self._endpoint.identity}"

    @property
    def at_once(self) -> int:
        """As `protocols.Concurrent`."""
        return self._endpoint.at_once

    @property
    def priced_as(self) -> str:
        return self._endpoint.model

    def keep_pace(self, memory: PaceMemory) -> None:
        """As `protocols.Paced`."""
        self._endpoint.keep_pace(memory, identity=self.identity)

    def keep_replies(self, memory: ReplyMemory | None) -> None:
        """As `protocols.Billed`."""
        self._endpoint.keep_replies(memory)

    def hand_on(self, heard: _Heard | None) -> None:
        """As `protocols.Gradual`."""
        self._heard.value = heard

    def end_when(self, ended: Callable[[str], bool] | None) -> None:
        """As `protocols.Ending`, as far as a stop string can do it."""
        self._ends.value = ended is not None

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        """As `protocols.Generator`. AdapterError as `Endpoint.complete`."""
        if self._ends.value and len(sampling.stop) < _STOPS_SENT:
            sampling = replace(sampling, stop=(*sampling.stop, FENCE_STOP))
        requests = [{"prompt": prefix + suffix, **_body(sampling)} for suffix in suffixes]
        if requests and sampling.repetition_penalty != 1 and not self._penalises:
            self._penalises = True
            self._look_at_penalty()
        try:
            replies = self._complete(prefix, requests, sampling)
        except AdapterError as error:
            if sampling.repetition_penalty == 1 or error.retryable or "penalty" not in str(error):
                raise
            advice = "do without: set repetition_penalty=1"
            raise AdapterError(f"{str(error).removesuffix('; change what it names')}; {advice}") from error
        return [_completion(reply, sampling) for reply in replies]

    def token_scorer(self, aligned: ChatGenerator) -> TokenScorer:
        """As `protocols.Scorable`; InputError also if the aligned model is not behind a server, or a server reports no
        log-probabilities.

        Sends a trial request to both servers: AdapterError as `Endpoint.complete`.
        """
        if not isinstance(aligned, ServerChatGenerator):
            raise InputError(
                f"tokens of {aligned.identity!r}, which is not behind a server, cannot be compared with those of "
                f"{self.identity!r}; give one behind a server too, openai-chat:…, or a local base model"
            )
        return ServerTokenScorer(self._endpoint, aligned.endpoint, messages=aligned.messages)

    def _look_at_penalty(self) -> None:
        """Warn if the server ignores a repetition penalty, as those do that know it under no name that is sent."""
        texts = []
        for penalty in (1.0, 2.0):
            fields = dict.fromkeys(PENALTIES, penalty)
            request = {"prompt": _LOOP, "temperature": 0.0, "max_tokens": 16, **fields}
            texts.append(self._endpoint.try_once("/completions", request).at("choices", 0, "text"))
        if texts[0] == texts[1] and texts[0]:
            _log.warning(
                "%r writes the same with a repetition_penalty of 2 as with 1: it seems to ignore it; "
                "set repetition_penalty=1, or see urial-opt doctor",
                self._endpoint.name,
            )

    def _complete(self, prefix: str, requests: Sequence[Mapping[str, object]], sampling: Sampling) -> list[Reply]:
        # The first request goes ahead, so that the server has the prefix in its cache when the others arrive.
        ahead = 0 if self._prefixes.knows(prefix) else 1
        replies = self._endpoint.complete(requests[:ahead], heard=_hander_on(self._heard.value, sampling))
        self._prefixes.add(prefix)
        heard = _hander_on(self._heard.value, sampling, before=ahead)
        return replies + self._endpoint.complete(requests[ahead:], heard=heard)


class _Prefixes:
    """The prefixes that the server has read lately, as far as is remembered."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._hashes = dict[int, None]()
        """The one that was used last comes last."""

    def knows(self, prefix: str) -> bool:
        with self._lock:
            return hash(prefix) in self._hashes

    def add(self, prefix: str) -> None:
        with self._lock:
            self._hashes.pop(hash(prefix), None)
            self._hashes[hash(prefix)] = None
            if len(self._hashes) > _PREFIXES:
                del self._hashes[next(iter(self._hashes))]


class ServerChatGenerator:
    """An aligned model that answers at `/chat/completions`; its server applies the chat template."""

    def __init__(self, endpoint: Endpoint, *, system: str = "") -> None:
        """`system` is the system message; none is sent if it is empty."""
        self.endpoint = endpoint
        self._system = system
        self._heard = PerThread[_Heard | None](None)

    @property
    def identity(self) -> str:
        under = f" under {content_id(self._system)}" if self._system else ""
        return f"openai-chat:{self.endpoint.identity}{under}"

    @property
    def at_once(self) -> int:
        """As `protocols.Concurrent`."""
        return self.endpoint.at_once

    @property
    def priced_as(self) -> str:
        return self.endpoint.model

    def keep_pace(self, memory: PaceMemory) -> None:
        """As `protocols.Paced`."""
        self.endpoint.keep_pace(memory, identity=f"openai-chat:{self.endpoint.identity}")

    def keep_replies(self, memory: ReplyMemory | None) -> None:
        """As `protocols.Billed`."""
        self.endpoint.keep_replies(memory)

    def hand_on(self, heard: _Heard | None) -> None:
        """As `protocols.Gradual`."""
        self._heard.value = heard

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        """As `protocols.ChatGenerator`. AdapterError as `Endpoint.chat`; the answer to a refused query is empty."""
        requests = [{"messages": self.messages(query), **_body(sampling)} for query in queries]
        replies = self.endpoint.chat(requests, heard=_hander_on(self._heard.value, sampling))
        return [_completion(reply, sampling) for reply in replies]

    def messages(self, query: str) -> list[dict[str, str]]:
        """The messages that ask the model a query."""
        opening = [{"role": "system", "content": self._system}] if self._system else []
        return [*opening, {"role": "user", "content": query}]


def open_base(
    argument: str,
    *,
    url: str = "",
    concurrency: str = "",
    timeout: str = "600",
    model_replies: str = "",
    revision: str = "",
) -> ServerGenerator:
    """The base model `argument` of the server at `url`; the other options are those of `Endpoint`.

    InputError if the name is missing or an option is wrong.
    """
    if not argument:
        raise InputError("'openai' needs the name of a model; give openai:MODEL, and its server as `url=ADDRESS`")
    endpoint = open_endpoint(
        argument, url=url, concurrency=concurrency, timeout=timeout, model_replies=model_replies, revision=revision
    )
    return ServerGenerator(endpoint)


def open_aligned(
    argument: str,
    *,
    url: str = "",
    concurrency: str = "",
    timeout: str = "600",
    model_replies: str = "",
    revision: str = "",
    system: str = "",
) -> ServerChatGenerator:
    """The aligned model `argument` of the server at `url`, with `system` as system message. Errors: as `open_base`."""
    if not argument:
        raise InputError(
            "'openai-chat' needs the name of a model; give openai-chat:MODEL, and its server as `url=ADDRESS`"
        )
    endpoint = open_endpoint(
        argument, url=url, concurrency=concurrency, timeout=timeout, model_replies=model_replies, revision=revision
    )
    return ServerChatGenerator(endpoint, system=system)


def _body(sampling: Sampling) -> dict[str, object]:
    """The fields of a request that describe sampling, as every server accepts them."""
    body: dict[str, object] = {"temperature": sampling.temperature, "max_tokens": sampling.max_tokens}
    if stop := [string for string in sampling.stop if string][:_STOPS_SENT]:
        body["stop"] = stop
    if sampling.temperature > 0:
        # Greedy decoding ignores both, and TGI refuses a top_p of 1.
        body |= {"top_p": sampling.top_p, "seed": sampling.seed}
    if sampling.repetition_penalty != 1:
        # Not part of the protocol. The endpoint sends it under every name that servers know; others refuse it.
        body["repetition_penalty"] = sampling.repetition_penalty
    return body


def _hander_on(heard: _Heard | None, sampling: Sampling, *, before: int = 0) -> Heard[Reply]:
    """Hands on the completions in replies to requests that follow `before` others of the batch."""
    if heard is None:
        return ignore
    return lambda replies: heard({before + place: _completion(reply, sampling) for place, reply in replies.items()})


def _completion(reply: Reply, sampling: Sampling) -> Completion:
    """The reply up to the first stop string; some servers leave it in the text, or accept fewer stop strings."""
    if reply.refused:
        return Completion(text="", finish_reason="stop", usage=reply.usage)
    text, reason = reply.text, reply.finish_reason
    if (before := before_stop(text, sampling.stop)) is not None:
        text, reason = before, "stop"
    if FENCE_STOP in sampling.stop and reason == "stop":
        text = with_closed_code(text)
    return Completion(text=text, finish_reason=reason, usage=reply.usage)
