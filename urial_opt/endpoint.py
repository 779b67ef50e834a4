"""An endpoint: one model behind an OpenAI-compatible server, asked many things at once and patiently."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Literal, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

import openai
from pydantic import BaseModel, Field, ValidationError

from urial_opt.errors import AdapterError, InputError
from urial_opt.patience import (
    AnotherModelError,
    NobodyThereError,
    NothingSaidError,
    PassingError,
    Patience,
    TimedOutError,
)
from urial_opt.records import FinishReason, Usage

_Route: TypeAlias = Literal["/completions", "/chat/completions"]

_CONNECT_SECONDS = 10.0
_TOO_LONG = re.compile(
    r"context.?(length|size|window)|too long|longer than|too large|tokens.*(exceed|must be <=)|exceed.*tokens",
    re.IGNORECASE | re.DOTALL,
)
"""How servers say that prompt and answer do not fit the model's context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model said to one request."""

    text: str
    finish_reason: FinishReason
    usage: Usage
    """Prompt tokens that the server found in its cache are saved ones."""
    refused: bool = False
    """The model, or a filter around it, would not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a request that was sent once, whatever it was."""

    status: int = 0
    """Of HTTP; 0: no reply came."""
    body: Mapping[str, object] = field(default_factory=dict)
    """The JSON object in a reply of status 200; empty if there was none."""
    words: str = ""
    """What the server said instead, or why it said nothing; without secrets."""
    seconds: float

    def at(self, *path: str | int) -> object:
        """What stands there in the body; None if nothing does."""
        found: object = self.body
        for key in path:
            if isinstance(found, Mapping) and isinstance(key, str):
                found = found.get(key)
            elif isinstance(found, list) and isinstance(key, int) and key < len(found):
                found = found[key]
            else:
                return None
        return found


class Endpoint:
    """One model behind one server, for any number of callers at once.

    What may pass is tried again: overload, time-outs, lost connections, garbled replies, another model's replies. What
    will not pass is an AdapterError at once: a wrong key, model or address, a prompt that is too long, nobody there.
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
        """InputError if the URL is none; AdapterError if it is OpenAI's own and no key is set."""
        address = _address(url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1")
        self.url = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path.rstrip('/')}"
        self.model = model
        self.name = f"{model} at {self.url}"
        key = os.environ.get(key_variable, "").strip()
        self._wants_key = f"set the environment variable {key_variable} to {'another' if key else 'a'} key"
        if not key and address.hostname == "api.openai.com":
            raise AdapterError(f"{self.name!r} wants a key and has none; {self._wants_key}")
        if not (key.isascii() and key.isprintable()):
            raise AdapterError(f"the key for {self.name!r} holds a character that no key has; {self._wants_key}")
        password = address.password or address.username or ""
        self._secrets = {secret for secret in (key, password, unquote(password)) if secret}
        self._timeout = timeout
        self._client = openai.OpenAI(
            api_key=key or "none",
            base_url=self.url,
            max_retries=0,
            timeout=openai.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
            default_headers=_login(address),
        )
        self._patience = Patience(self.name, concurrency=concurrency)
        self._answered = False

    @property
    def retries(self) -> int:
        """Requests sent again so far."""
        return self._patience.retries

    def complete(self, requests: Sequence[Mapping[str, object]]) -> list[Reply]:
        """The text that continues the prompt of each request (a JSON body without `model`), in the order given.

        The first request that fails for good ends all with its AdapterError.
        """
        return self._patience.ask_all(partial(self._ask, "/completions"), requests)

    def chat(self, requests: Sequence[Mapping[str, object]]) -> list[Reply]:
        """The answer to the messages of each request, in the order given. Errors: see `complete`."""
        return self._patience.ask_all(partial(self._ask, "/chat/completions"), requests)

    def models(self) -> list[str]:
        """Names of the models that the server offers; none if it does not tell."""
        try:
            listed = _Listed.model_validate_json(self._client.get("/models", cast_to=str))
        except (openai.APIError, ValidationError):
            return []
        return [model.id for model in listed.data]

    def try_once(self, path: str, request: Mapping[str, object] | None = None) -> Tried:
        """Send one request, or get what stands at the path, to see how the server takes it: no error is raised."""
        began = time.perf_counter()
        status, body, words = 200, None, ""
        try:
            if request is None:
                reply = self._client.get(path, cast_to=str)
            else:
                reply = self._client.post(path, cast_to=str, body={"model": self.model, **request})
        except openai.APIStatusError as error:
            status, words = error.status_code, f"{error.status_code} {self._shown(_words(error.body))}"
            if status in (401, 403):  # see _refusal
                words = f"{status}, it does not accept the key"
        except openai.APIConnectionError as error:
            status, words = 0, str(self._loss(error))
        else:
            with suppress(ValueError):
                body = json.loads(reply)
            words = "" if isinstance(body, dict) else f"its reply is no JSON object ({self._shown(reply)})"
        seconds = time.perf_counter() - began
        return Tried(status=status, body=body if isinstance(body, dict) else {}, words=words, seconds=seconds)

    def _ask(self, route: _Route, request: Mapping[str, object]) -> Reply:
        return self._read(route, self._send(route, request))

    def _send(self, route: _Route, request: Mapping[str, object]) -> str:
        try:
            body = self._client.post(route, cast_to=str, body={"model": self.model, **request})
        except openai.APIStatusError as error:
            self._answered = True
            error.args = (self._shown(str(error)),)  # or a traceback would show what a server repeats of the key
            raise self._refusal(route, error) from error
        except openai.APIConnectionError as error:
            raise self._loss(error) from error
        self._answered = True
        return body

    def _read(self, route: _Route, body: str) -> Reply:
        try:
            read = _Body.model_validate_json(body)
        except ValidationError as error:
            raise PassingError(f"its reply is no completion ({self._shown(body)})") from error
        (choice,) = read.choices
        message = choice.message if route == "/chat/completions" else _Message(content=choice.text)
        if message is None or (route == "/completions" and message.content is None):
            raise PassingError(f"its reply is no completion ({self._shown(body)})")
        if not _is_called(read.model, self.model):
            raise AnotherModelError(f"the server answers as {read.model!r}; type that name if it is the model you mean")
        usage = read.usage or _Usage()
        prompt = usage.prompt_tokens or 0
        saved = min(prompt, (usage.prompt_tokens_details or _Details()).cached_tokens or 0)
        reply = Reply(
            text=message.content or "",
            finish_reason="length" if choice.finish_reason == "length" else "stop",
            usage=Usage(
                prompt_tokens=prompt - saved, completion_tokens=usage.completion_tokens or 0, saved_tokens=saved
            ),
            refused=bool(message.refusal) or choice.finish_reason == "content_filter",
        )
        if not (reply.text or reply.refused or reply.finish_reason == "length"):
            raise NothingSaidError(reply)
        return reply

    def _refusal(self, route: _Route, error: openai.APIStatusError) -> Exception:
        """What to raise for a status of 300 or above."""
        status, words = error.status_code, self._shown(_words(error.body))
        if error.code == "insufficient_quota":
            return AdapterError(f"the account behind {self.name!r} has nothing left ({words}); {self._wants_key}")
        if status in (408, 409, 425, 429) or status >= 500:
            overload = status in (429, 503)
            return PassingError(f"{status} {words}", pause=_asked_pause(error.response.headers), overload=overload)
        if status in (401, 403):
            # What a server says of a wrong key may hold the key, or most of it.
            return AdapterError(f"{self.name!r} does not accept the key ({status}); {self._wants_key}")
        if status in (404, 405) or error.code == "model_not_found":
            return AdapterError(self._missing(route, words))
        if error.code == "context_length_exceeded" or _TOO_LONG.search(_words(error.body)):
            return AdapterError(
                f"prompt and answer do not fit {self.name!r} ({words}); use fewer exemplars or a lower max_tokens"
            )
        return AdapterError(f"{self.name!r} refuses the request ({status} {words}); change what it names")

    def _missing(self, route: _Route, words: str) -> str:
        offered = self.models()
        if not offered:
            return f"nothing is served at '{self.url}{route}' ({words}); give the address up to /v1 and no further"
        if self.model not in offered:
            names = ", ".join(offered[:10]) + (", …" if len(offered) > 10 else "")
            return f"no model is called {self.model!r} at {self.url!r}; type one that it has: {names}"
        other = "openai-chat:" if route == "/completions" else "openai:"
        return f"{self.name!r} is not served at '{route}' ({words}); it may be at the other: {other}{self.model}"

    def _loss(self, error: openai.APIConnectionError) -> PassingError:
        """What to raise where no reply came, or only the beginning of one."""
        causes = list(_causes(error))
        reason = self._shown(str(causes[-1]))
        # By name: which package these come from changes with the version of openai.
        if {"ConnectError", "ConnectTimeout"}.isdisjoint(type(cause).__name__ for cause in causes):
            if isinstance(error, openai.APITimeoutError):
                return TimedOutError(
                    f"nothing came within {self._timeout:g} s; allow more by timeout=SECONDS", overload=True
                )
            return PassingError(f"the connection was lost ({reason})")
        where = f"nothing answers at {self.url!r} ({reason}); start the server, or give its address by --base-url URL"
        # A server that was there may be starting anew.
        return PassingError(where) if self._answered else NobodyThereError(where)

    def _shown(self, words: str) -> str:
        """A server's words in one short line, without secrets."""
        for secret in self._secrets:
            words = words.replace(secret, "***")
        line = " ".join(words.split())
        return f"{line[:200]}…" if len(line) > 200 else line


def open_endpoint(model: str, *, url: str = "", concurrency: str = "32", timeout: str = "600") -> Endpoint:
    """The endpoint that an opener's options stand for. InputError if a value is none."""
    return Endpoint(
        model,
        url=url,
        concurrency=int(_positive("concurrency", concurrency, 32)),
        timeout=_positive("timeout", timeout, 600),
    )


class _Details(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    text: str | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Body(BaseModel):
    choices: list[_Choice] = Field(min_length=1, max_length=1)
    model: str | None = None
    usage: _Usage | None = None


class _Model(BaseModel):
    id: str


class _Listed(BaseModel):
    data: list[_Model]


def _address(url: str) -> SplitResult:
    with suppress(ValueError):
        address = urlsplit(url)
        _ = address.port  # ValueError if it is no number
        if address.scheme in ("http", "https") and address.hostname and not address.query and not address.fragment:
            return address
    raise InputError(f"{url.rpartition('@')[2]!r} is no address of a server; type one such as http://localhost:8000/v1")


def _login(address: SplitResult) -> dict[str, str]:
    """User and password of an address as a header, since the URL itself stands in logs."""
    if address.username is None:
        return {}
    login = f"{unquote(address.username)}:{unquote(address.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


def _is_called(told: str | None, asked: str) -> bool:
    """Whether a server that answers as `told` was asked for `asked`: it may add a date or a folder, or drop one."""
    return (
        not told
        or told == asked
        or (told.startswith(asked) and told[len(asked)] in "-@:")
        or PurePosixPath(told).name == asked
        or PurePosixPath(asked).name == told
    )


def _words(body: object) -> str:
    """What a server says in the body of an error, whatever its layout."""
    if isinstance(body, Mapping):
        body = body.get("message") or body.get("detail") or body.get("error") or body
    return str(body or "")


def _asked_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the server asks; None if it does not, or for none at all."""
    after = headers.get("retry-after", "")
    pause = 0.0
    with suppress(ValueError, TypeError):
        pause = (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds()
    with suppress(ValueError):
        pause = float(after)
    with suppress(ValueError):
        pause = float(headers.get("retry-after-ms", "")) / 1000
    return pause if pause > 0 else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _positive(name: str, text: str, example: int) -> float:
    with suppress(ValueError):
        number = float(text)
        if 0 < number < 1e6 and (number.is_integer() or name != "concurrency"):
            return number
    raise InputError(f"{name} is a number above 0, not {text!r}; type for example {name}={example}")
