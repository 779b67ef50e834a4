"""An endpoint: one model behind an OpenAI-compatible server, with many requests at once and retries."""

from __future__ import annotations

import base64
import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

import openai
from pydantic import BaseModel, ValidationError

from urial_opt.errors import AdapterError, InputError, causes
from urial_opt.memory import PaceMemory
from urial_opt.models.server.replies import (
    Attempt,
    Reply,
    Route,
    asked_pause,
    is_too_long,
    read_reply,
    refused_field,
    without,
    words_of,
)
from urial_opt.models.server.retries import Retrier, RetryableError, TimedOutError, UnreachableError
from urial_opt.secrets import keep_secret, keep_secrets_of, redacted, without_known

_log = logging.getLogger(__name__)

_Read = TypeVar("_Read")

_CONNECT_SECONDS = 10.0


class RefusedError(AdapterError):
    """The server refuses this request; it may accept another one."""

    def __init__(self, message: str, *, says: str) -> None:
        super().__init__(message)
        self.says = says
        """HTTP status and message of the server."""


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
        concurrency: int = 32,
        timeout: float = 600.0,
        key_variable: str = "OPENAI_API_KEY",
    ) -> None:
        """InputError if `url` is not a valid address; AdapterError if it is OpenAI's own and no key is set."""
        address = _address(url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1")
        self.url = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path.rstrip('/')}"
        self.model = model
        self.name = f"{model} at {self.url}"
        key = os.environ.get(key_variable, "").strip()
        self._key_advice = f"set the environment variable {key_variable} to {'another' if key else 'a'} key"
        if not key and address.hostname == "api.openai.com":
            raise AdapterError(f"{self.name!r} needs a key and has none; {self._key_advice}")
        if not (key.isascii() and key.isprintable()):
            raise AdapterError(f"the key for {self.name!r} contains a character that no key has; {self._key_advice}")
        self._secrets = keep_secrets_of(address.geturl()) | ({key} - {""})
        keep_secret(key, _login(address).get("Authorization", "").removeprefix("Basic "))
        self._timeout = timeout
        self._client = openai.OpenAI(
            api_key=key or "none",
            base_url=self.url,
            max_retries=0,
            timeout=openai.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
            default_headers=_login(address),
        )
        self._retrier = Retrier(self.name, concurrency=concurrency)
        self._refused: set[str] = set()
        """Fields of chat requests that the model does not accept."""
        self._answered = False

    def keep_pace(self, memory: PaceMemory) -> None:
        """As `protocols.Paced`."""
        self._retrier.keep_pace(memory)

    def complete(self, requests: Sequence[Mapping[str, object]]) -> list[Reply]:
        """The text that continues the prompt of each request, in the order given.

        A request is a JSON body without `model`. The first request that fails permanently ends all of them with its
        AdapterError.
        """
        return self.ask("/completions", requests, partial(read_reply, route="/completions", model=self.model))

    def chat(self, requests: Sequence[Mapping[str, object]]) -> list[Reply]:
        """The answer to the messages of each request, in the order given. Errors: as `complete`."""
        read = partial(read_reply, route="/chat/completions", model=self.model)
        return self.ask("/chat/completions", requests, read)

    def ask(self, route: Route, requests: Sequence[Mapping[str, object]], read: Callable[[str], _Read]) -> list[_Read]:
        """What `read` returns for the body of each reply, in the order given.

        `read` raises ValueError for a malformed body, or a RetryableError; the request is then sent again. Errors: as
        `complete`; RefusedError if the server refuses a request.
        """
        return self._retrier.ask_all(partial(self._ask, route, read), requests)

    def models(self) -> list[str]:
        """Names of the models that the server lists; empty if it lists none."""
        try:
            listed = _Listed.model_validate_json(self._client.get("/models", cast_to=str))
        except (openai.APIError, ValidationError):
            return []
        return [without_known(model.id) for model in listed.data]

    def try_once(self, path: str, request: Mapping[str, object] | None = None) -> Attempt:
        """Send one request (GET without `request`), to see how the server reacts. No retries; no error is raised."""
        began = time.perf_counter()
        status, body, words = 200, None, ""
        sent = without(self._refused, request or {})
        try:
            if request is None:
                reply = self._client.get(path, cast_to=str)
            else:
                reply = self._client.post(path, cast_to=str, body={"model": self.model, **sent})
        except openai.APIStatusError as error:
            if path == "/chat/completions" and self._drops_refused_field(error, sent):
                return self.try_once(path, request)
            status, words = error.status_code, f"{error.status_code} {self._redacted(words_of(error.body))}"
            if status in (401, 403):  # see _refusal
                words = f"{status}, it does not accept the key"
        except openai.APIConnectionError as error:
            status, words = 0, str(self._connection_error(error))
        else:
            with suppress(ValueError):
                body = json.loads(without_known(reply))
            words = "" if isinstance(body, dict) else f"its reply is not a JSON object ({self._redacted(reply)})"
        seconds = time.perf_counter() - began
        return Attempt(status=status, body=body if isinstance(body, dict) else {}, words=words, seconds=seconds)

    def _ask(self, route: Route, read: Callable[[str], _Read], request: Mapping[str, object]) -> _Read:
        body = self._send(route, request)
        try:
            return read(body)
        except ValueError as error:
            raise RetryableError(f"its reply is not a completion ({self._redacted(body)})") from error

    def _send(self, route: Route, request: Mapping[str, object]) -> str:
        sent = without(self._refused, request)
        try:
            body = self._client.post(route, cast_to=str, body={"model": self.model, **sent})
        except openai.APIStatusError as error:
            self._answered = True
            error.args = (self._redacted(str(error)),)  # otherwise a traceback would show a key that the server repeats
            if route == "/chat/completions" and self._drops_refused_field(error, sent):
                return self._send(route, request)
            raise self._refusal(route, error) from error
        except openai.APIConnectionError as error:
            raise self._connection_error(error) from error
        self._answered = True
        return without_known(body)

    def _drops_refused_field(self, error: openai.APIStatusError, sent: Mapping[str, object]) -> bool:
        """Whether the model refused a field that it can do without; that field is not sent again."""
        words = words_of(error.body)
        field = refused_field(f"{words} '{error.param}'", sent) if error.status_code in (400, 422) else None
        if field is None or is_too_long(words):
            return False
        if field == "temperature" and field not in self._refused:
            _log.warning("%r does not accept a temperature: its answers may differ each time", self.name)
        self._refused.add(field)
        return True

    def _refusal(self, route: Route, error: openai.APIStatusError) -> Exception:
        """The error to raise for an HTTP status of 300 or above."""
        status, words = error.status_code, self._redacted(words_of(error.body))
        if error.code == "insufficient_quota":
            return AdapterError(f"the account behind {self.name!r} has nothing left ({words}); {self._key_advice}")
        if status in (408, 409, 425, 429) or status >= 500:
            overload = status in (429, 503)
            return RetryableError(f"{status} {words}", pause=asked_pause(error.response.headers), overload=overload)
        if status in (401, 403):
            # The message about a wrong key may contain the key, or most of it.
            return AdapterError(f"{self.name!r} does not accept the key ({status}); {self._key_advice}")
        if status in (404, 405) or error.code == "model_not_found":
            return AdapterError(self._not_found(route, words))
        if error.code == "context_length_exceeded" or is_too_long(words_of(error.body)):
            return AdapterError(
                f"prompt and answer do not fit {self.name!r} ({words}); use fewer exemplars or a lower max_tokens"
            )
        says = f"{status} {words}"
        return RefusedError(f"{self.name!r} refuses the request ({says}); change what it names", says=says)

    def _not_found(self, route: Route, words: str) -> str:
        offered = self.models()
        if not offered:
            return f"nothing is served at '{self.url}{route}' ({words}); give the address up to /v1 and no further"
        if self.model not in offered:
            names = ", ".join(offered[:10]) + (", …" if len(offered) > 10 else "")
            return f"no model is called {self.model!r} at {self.url!r}; name one that it has: {names}"
        other = "openai-chat:" if route == "/completions" else "openai:"
        return f"{self.name!r} is not served at '{route}' ({words}); it may be at the other: {other}{self.model}"

    def _connection_error(self, error: openai.APIConnectionError) -> RetryableError:
        """The error to raise where no reply arrived, or only the beginning of one."""
        chain = list(causes(error))
        reason = self._redacted(str(chain[-1]))
        # Compared by name, because the package that defines them depends on the version of openai.
        if {"ConnectError", "ConnectTimeout"}.isdisjoint(type(cause).__name__ for cause in chain):
            if isinstance(error, openai.APITimeoutError):
                return TimedOutError(
                    f"nothing came within {self._timeout:g} s; allow more by timeout=SECONDS", overload=True
                )
            return RetryableError(f"the connection was lost ({reason})")
        where = f"nothing answers at {self.url!r} ({reason}); start the server, or give another address as url="
        # A server that answered before may be restarting.
        return RetryableError(where) if self._answered else UnreachableError(where)

    def _redacted(self, words: str) -> str:
        """A server's message in one short line, without secrets."""
        line = " ".join(redacted(words, also=self._secrets).split())
        return f"{line[:200]}…" if len(line) > 200 else line


def open_endpoint(model: str, *, url: str = "", concurrency: str = "32", timeout: str = "600") -> Endpoint:
    """The endpoint for the options of an opener, which are strings. InputError if a value is not valid."""
    return Endpoint(
        model,
        url=url,
        concurrency=int(_positive("concurrency", concurrency, 32)),
        timeout=_positive("timeout", timeout, 600),
    )


class _Model(BaseModel):
    id: str


class _Listed(BaseModel):
    data: list[_Model]


def _address(url: str) -> SplitResult:
    with suppress(ValueError):
        address = urlsplit(url)
        _ = address.port  # ValueError if it is not a number
        if address.scheme in ("http", "https") and address.hostname and not address.query and not address.fragment:
            return address
    keep_secrets_of(url)
    raise InputError(
        f"{url.rpartition('@')[2]!r} is not the address of a server; give one such as http://localhost:8000/v1"
    )


def _login(address: SplitResult) -> dict[str, str]:
    """User and password of an address as a header, because URLs are written to logs."""
    if address.username is None:
        return {}
    login = f"{unquote(address.username)}:{unquote(address.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


def _positive(name: str, text: str, example: int) -> float:
    with suppress(ValueError):
        number = float(text)
        if 0 < number < 1e6 and (number.is_integer() or name != "concurrency"):
            return number
    raise InputError(f"{name} is a number above 0, not {text!r}; give for example {name}={example}")
