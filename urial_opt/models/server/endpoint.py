"""An endpoint: one model behind an OpenAI-compatible server, with many requests at once and retries."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import TypeVar

import openai
from pydantic import BaseModel, ValidationError

from urial_opt.content import READ_AS, content_id, mended_json
from urial_opt.errors import AdapterError, ContextError, InputError
from urial_opt.memory import PaceMemory, ReplyMemory
from urial_opt.models.server.address import Address
from urial_opt.models.server.bounds import BoundedClient
from urial_opt.models.server.failures import Failures, FilteredError
from urial_opt.models.server.fields import RequestFields
from urial_opt.models.server.paid_replies import Answered, Counted, Heard, PaidReplies, ignore
from urial_opt.models.server.replies import Attempt, Reply, Route, name_in, read_reply, words_of
from urial_opt.models.server.retries import EmptyReplyError, Retrier, RetryableError
from urial_opt.models.server.served import ServedModel
from urial_opt.models.server.usage import doubtful_usage, with_estimates
from urial_opt.records import Usage
from urial_opt.secrets import without_known

_log = logging.getLogger(__name__)

_Read = TypeVar("_Read", bound=Counted)

_CONNECT_SECONDS = 10.0


class Endpoint:
    """One model behind one server; any number of threads may call it at the same time.

    Temporary failures are retried: overload, time-outs, lost connections, malformed replies, replies of another model.
    Permanent ones raise AdapterError at once: a wrong key, model or address, or a prompt that is too long.
    """

    def __init__(
        self,
        model: str,
        *,
        url: str = "",
        concurrency: int | None = None,
        timeout: float = 600.0,
        key_variable: str = "OPENAI_API_KEY",
        model_replies: str = "",
        revision: str = "",
    ) -> None:
        """InputError if `url` is not a valid address; AdapterError if it is OpenAI's own and no key is set.

        `timeout` limits a whole reply, in seconds. `model_replies` is the name that replies must have; without it the
        model goes by the name in its first replies. `revision` is any word that tells two models of one name apart.
        """
        self._address = Address.read(url, key_variable=key_variable, model=model)
        self.url = self._address.url
        self.model = model
        self.name = f"{model} at {self.url}"
        replies = f" answering as {model_replies}" if model_replies not in ("", model) else ""
        self.identity = f"{model}{replies}{f' revision {revision}' if revision else ''}"
        """The model in identities: without the address, so that what was paid stays known when the server moves."""
        self._timeout = timeout
        self._client = openai.OpenAI(
            api_key=self._address.key or "none",
            base_url=self.url,
            max_retries=0,
            timeout=openai.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
            default_headers=self._address.headers,
            http_client=BoundedClient(seconds=timeout),
        )
        self._failures = Failures(self._address, model=model, timeout=timeout, models=self.models)
        self._retrier = Retrier(self.name, concurrency=concurrency)
        self._paid = PaidReplies(self._retrier)
        self._fields = RequestFields(self.name)
        self._served = ServedModel(model, url=self.url, replies=model_replies, card=self._card)
        self._acquainting = threading.Lock()
        self._acquainted = self._doubted = self._wrote_halves = False
        self._answered = False

    @property
    def at_once(self) -> int:
        """How many requests may run at once now."""
        return self._retrier.at_once

    def keep_pace(self, memory: PaceMemory, *, identity: str) -> None:
        """As `protocols.Paced`; `identity` stands for the model in what is stored about its server."""
        self._retrier.keep_pace(memory)
        self._served.keep(memory, identity)

    def keep_replies(self, memory: ReplyMemory | None) -> None:
        """As `protocols.Billed`."""
        self._paid.memory = memory

    def complete(self, requests: Sequence[Mapping[str, object]], *, heard: Heard[Reply] = ignore) -> list[Reply]:
        """The text that continues the prompt of each request, in the order given.

        A request is a JSON body without `model`. The first request that fails permanently ends all of them with its
        AdapterError. `heard` is called with replies as they come, by place of their request.
        """
        read = partial(read_reply, route="/completions")
        return self.ask("/completions", requests, read, heard=heard, instead=_filtered)

    def chat(
        self,
        requests: Sequence[Mapping[str, object]],
        *,
        too_long_is_refused: bool = False,
        heard: Heard[Reply] = ignore,
    ) -> list[Reply]:
        """The answer to the messages of each request, in the order given. `heard` and errors: as `complete`.

        With `too_long_is_refused`, messages beyond the context window have a reply that is marked as refused, too.
        """
        read = partial(read_reply, route="/chat/completions")
        instead = _filtered_or_too_long if too_long_is_refused else _filtered
        return self.ask("/chat/completions", requests, read, heard=heard, instead=instead)

    def ask(
        self,
        route: Route,
        requests: Sequence[Mapping[str, object]],
        read: Callable[[str], _Read],
        *,
        heard: Heard[_Read] = ignore,
        instead: Callable[[AdapterError], _Read | None] = lambda _: None,
    ) -> list[_Read]:
        """What `read` returns for the body of each reply, in the order given.

        `read` raises ValueError for a malformed body, or a RetryableError; the request is then sent again. `instead`
        gives a reply in place of an error, or None. Errors: as `complete`; RefusedError if the server refuses one.
        """
        ask = partial(self._ask, route, read, instead)
        keys = [content_id([self.identity, route, dict(request)]) for request in requests]
        return self._paid.ask(ask, requests, keys=keys, reread=read, heard=heard, ahead=self._going_ahead)

    @contextmanager
    def _going_ahead(self) -> Iterator[bool]:
        """Whether the first request goes ahead: others then know the fields that the model refuses, and its name."""
        with nullcontext() if self._acquainted else self._acquainting:  # other threads wait as long
            yield not self._acquainted

    def models(self) -> list[str]:
        """Names of the models that the server lists; empty if it lists none."""
        return [str(card["id"]) for card in self._cards() if "id" in card]

    def _card(self) -> Mapping[str, object]:
        """The model's entry in the server's list of models; empty if there is none."""
        return next((card for card in self._cards() if card.get("id") == self.model), {})

    def _cards(self) -> list[dict[str, object]]:
        with suppress(openai.APIError, ValidationError):
            listed = self._client.get("/models", cast_to=str, options={"timeout": _CONNECT_SECONDS})
            return _Listed.model_validate_json(without_known(listed)).data
        return []

    def try_once(self, path: str, request: Mapping[str, object] | None = None) -> Attempt:
        """Send one request (GET without `request`), to see how the server reacts. No retries; no error is raised."""
        began = time.perf_counter()
        status, body, words = 200, None, ""
        sent = self._fields.worded(request or {})
        try:
            if request is None:
                reply = self._client.get(path, cast_to=str)
            else:
                reply = self._client.post(path, cast_to=str, body={"model": self.model, **sent})
        except openai.APIStatusError as error:
            if self._learns(path, error, sent):
                return self.try_once(path, request)
            status, words = error.status_code, f"{error.status_code} {self._address.redacted(words_of(error.body))}"
            if status in (401, 403):  # see _refusal
                words = f"{status}, it does not accept the key"
        except openai.APIConnectionError as error:
            status, words = 0, str(self._failures.lost(error, answered=self._answered))
        else:
            with suppress(ValueError):
                body = json.loads(mended_json(without_known(reply)))
            words = (
                "" if isinstance(body, dict) else f"its reply is not a JSON object ({self._address.redacted(reply)})"
            )
        seconds = time.perf_counter() - began
        return Attempt(status=status, body=body if isinstance(body, dict) else {}, words=words, seconds=seconds)

    def _ask(
        self,
        route: Route,
        read: Callable[[str], _Read],
        instead: Callable[[AdapterError], _Read | None],
        request: Mapping[str, object],
    ) -> Answered[_Read]:
        try:
            body = self._send(route, request)
        except AdapterError as error:
            if (refusal := instead(error)) is not None:
                return Answered("", refusal)
            raise
        try:
            if doubtful := doubtful_usage(body):
                self._doubt(doubtful)
                body = with_estimates(body, request)
            name = name_in(body)
            try:
                reply = self._paid.read(body, read)
            except EmptyReplyError:
                self._served.check(name)
                raise
        except ValueError as error:
            said = self._address.redacted(body)
            raise RetryableError(f"its reply is not a completion ({said})") from error
        self._served.check(name)
        self._acquainted = True
        return reply

    def _doubt(self, counts: str) -> None:
        if not self._doubted:
            self._doubted = True
            _log.warning("%r reports counts of tokens that cannot be (%s): they are estimated", self.name, counts)

    def _send(self, route: Route, request: Mapping[str, object]) -> str:
        sent = self._fields.sent(request)
        try:
            body = self._client.post(route, cast_to=str, body={"model": self.model, **sent})
        except openai.APIStatusError as error:
            self._answered = True
            # Otherwise a traceback would show a key that the server repeats.
            error.args = (self._address.redacted(str(error)),)
            if self._learns(route, error, sent):
                return self._send(route, request)
            raise self._failures.refusal(route, error) from error
        except openai.APIConnectionError as error:
            raise self._failures.lost(error, answered=self._answered) from error
        self._answered = True
        self._fields.accept(sent)
        return self._whole(without_known(body))

    def _whole(self, body: str) -> str:
        """The body of a reply with U+FFFD in place of half a character, which the log says once."""
        whole = mended_json(body)
        if whole != body and not self._wrote_halves:
            self._wrote_halves = True
            _log.warning("%r %s", self.name, f"wrote half a character, such as half an emoji: {READ_AS}")
        return whole

    def _learns(self, path: str, error: openai.APIStatusError, sent: Mapping[str, object]) -> bool:
        """Whether the model refused a field that it can do without; that field is not sent again."""
        named = f" {error.code}" * bool(error.code) + f" '{error.param}'" * bool(error.param)
        words = f"{words_of(error.body)}{named}"
        return self._fields.learn(path, error.status_code, words, sent)


def _filtered(error: AdapterError) -> Reply | None:
    """The reply in place of a content filter's error: a filter refuses one text, and the others may pass."""
    return _refusal(error.says) if isinstance(error, FilteredError) else None


def _filtered_or_too_long(error: AdapterError) -> Reply | None:
    return _refusal(error.says) if isinstance(error, FilteredError | ContextError) else None


def _refusal(words: str) -> Reply:
    return Reply(text=words, finish_reason="stop", usage=Usage(), refused=True)


def open_endpoint(
    model: str,
    *,
    url: str = "",
    concurrency: str = "",
    timeout: str = "600",
    model_replies: str = "",
    revision: str = "",
) -> Endpoint:
    """The endpoint for the options of an opener, which are strings. InputError if a value is not valid."""
    return Endpoint(
        model,
        url=url,
        concurrency=int(_positive("concurrency", concurrency, 32)) if concurrency else None,
        timeout=_positive("timeout", timeout, 600),
        model_replies=model_replies,
        revision=revision,
    )


class _Listed(BaseModel):
    data: list[dict[str, object]]


def _positive(name: str, text: str, example: int) -> float:
    with suppress(ValueError):
        number = float(text)
        if 0 < number < 1e6 and (number.is_integer() or name != "concurrency"):
            return number
    raise InputError(f"{name} is a number above 0, not {text!r}; give for example {name}={example}")
