"""Other providers: models that speak a protocol of their own, asked through DSPy, which leaves some to litellm."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import dspy  # type: ignore[import-untyped]
from dspy import lm15
from dspy.utils import exceptions as dspy_errors  # type: ignore[import-untyped]

from urial_opt.content import content_id, mended
from urial_opt.errors import AdapterError, ContextError
from urial_opt.memory import PaceMemory, ReplyMemory
from urial_opt.models.server.paid_replies import Answered, Heard, PaidReplies, ignore
from urial_opt.models.server.replies import Reply, read_reply
from urial_opt.models.server.retries import Retrier, RetryableError, TimedOutError
from urial_opt.records import Usage
from urial_opt.secrets import keep_secret, redacted, without_known

_SLACK = 5.0
"""Seconds after which a call that does not keep to its time-out is given up."""
_SPEAKERS = ("dspy", "LiteLLM", "LiteLLM Proxy", "LiteLLM Router")
"""Loggers whose words are in our errors already."""


class OtherProvider:
    """A model of a provider, with the same retries and the same memory of paid replies as an endpoint."""

    def __init__(self, lm: dspy.LM, *, timeout: float, concurrency: int = 8) -> None:
        """`timeout` limits a whole reply, in seconds."""
        self.model = self.identity = str(lm.model)
        self._lm = lm
        self._timeout = timeout
        self._retrier = Retrier(self.model, concurrency=concurrency)
        self._paid = PaidReplies(self._retrier)
        for name in _SPEAKERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)

    @classmethod
    def named(cls, name: str, *, timeout: float, concurrency: int, key: str | None) -> OtherProvider:
        """The model that litellm calls so."""
        keep_secret(key or "")
        options = {"api_key": key} if key else {}
        lm = dspy.LM(name, cache=False, num_retries=0, timeout=timeout, **options)
        return cls(lm, timeout=timeout, concurrency=concurrency)

    def keep_pace(self, memory: PaceMemory, *, identity: str) -> None:  # noqa: ARG002 - its server is the provider's
        """As `protocols.Paced`."""
        self._retrier.keep_pace(memory)

    def keep_replies(self, memory: ReplyMemory | None) -> None:
        """As `protocols.Billed`."""
        self._paid.memory = memory

    def chat(
        self,
        requests: Sequence[Mapping[str, object]],
        *,
        too_long_is_refused: bool = False,
        heard: Heard[Reply] = ignore,
    ) -> list[Reply]:
        """As `Endpoint.chat`."""
        keys = [content_id([self.identity, dict(request)]) for request in requests]
        ask = partial(self._ask, too_long_is_refused)
        read = partial(read_reply, route="/chat/completions")
        return self._paid.ask(ask, requests, keys=keys, reread=read, heard=heard)

    def _ask(self, too_long_is_refused: bool, request: Mapping[str, Any]) -> Answered[Reply]:  # noqa: FBT001
        try:
            body = self._send(request)
        except ContextError as error:
            if not too_long_is_refused:
                raise
            return Answered("", Reply(text=error.says, finish_reason="stop", usage=Usage(), refused=True))
        return self._paid.read(body, partial(read_reply, route="/chat/completions"))

    def _send(self, request: Mapping[str, Any]) -> str:
        """The reply, written as one of the chat protocol."""
        outcome: SimpleQueue[lm15.Response | Exception] = SimpleQueue()
        system = [message["content"] for message in request["messages"] if message["role"] == "system"]
        turns = [
            (lm15.Message.assistant if message["role"] == "assistant" else lm15.Message.user)(message["content"])
            for message in request["messages"]
            if message["role"] != "system"
        ]
        asked = lm15.Request(
            model=self._lm.model,
            system="\n\n".join(system) or None,
            messages=tuple(turns),
            config=lm15.Config(temperature=request["temperature"], max_tokens=request["max_tokens"]),
        )

        def work() -> None:
            try:
                outcome.put(self._lm.copy()(asked))
            except Exception as error:  # raised again in the thread of the caller
                outcome.put(error)

        threading.Thread(target=work, daemon=True).start()
        try:
            replied = outcome.get(timeout=self._timeout + _SLACK)
        except Empty:
            raise TimedOutError(f"its reply did not end within {self._timeout:g} s", overload=True) from None
        if isinstance(replied, Exception):
            raise self._failure(replied) from replied
        message = {"content": without_known(mended(replied.message.text or ""))}
        usage = {
            "prompt_tokens": replied.usage.input_tokens,
            "completion_tokens": replied.usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": replied.usage.cache_read_tokens},
        }
        choice = {"message": message, "finish_reason": replied.finish_reason}
        return json.dumps({"choices": [choice], "usage": usage}, ensure_ascii=False)

    def _failure(self, error: Exception) -> Exception:
        """The error to raise for one of DSPy's."""
        words = redacted(" ".join(str(error).split()))[:300] or type(error).__name__
        if isinstance(error, dspy_errors.ContextWindowExceededError):
            return ContextError(f"prompt and answer do not fit {self.model!r} ({words})", says=words)
        if isinstance(error, dspy_errors.LMTimeoutError):
            return TimedOutError(words, overload=True)
        if isinstance(error, dspy_errors.LMRateLimitError):
            return RetryableError(words, pause=error.retry_after, overload=True)
        if isinstance(error, dspy_errors.LMServerError | dspy_errors.LMTransportError):
            return RetryableError(words)
        if isinstance(error, dspy_errors.LMAuthError | dspy_errors.LMConfigurationError):
            return AdapterError(f"{self.model!r} cannot be asked ({words}); set the key in its environment variable")
        return AdapterError(f"{self.model!r} failed ({words}); look whether it is called so")
