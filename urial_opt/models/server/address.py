"""Address: where a server is, the key and login that go with it, and its messages without them."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import proxy_bypass

from urial_opt.errors import AdapterError, InputError
from urial_opt.secrets import keep_secret, keep_secrets_of, redacted

_OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The address of a server, with what a request needs to get in."""

    url: str
    """Without user and password, because it is written to logs and stores."""
    key: str
    """The API key; empty if there is none."""
    key_advice: str
    headers: Mapping[str, str]
    secrets: frozenset[str] = field(repr=False)

    @classmethod
    def read(cls, url: str, *, key_variable: str, model: str) -> Address:
        """The address of `model`; if `url` is empty, OPENAI_BASE_URL or OpenAI's own. The key is in `key_variable`.

        InputError if `url` is not a valid address; AdapterError if the key is not valid, or missing for OpenAI.
        """
        address = _split(url or os.environ.get("OPENAI_BASE_URL") or _OPENAI)
        shown = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path.rstrip('/')}"
        name = f"{model} at {shown}"
        key = os.environ.get(key_variable, "").strip()
        advice = f"set the environment variable {key_variable} to {'another' if key else 'a'} key"
        if not key and address.hostname == "api.openai.com":
            raise AdapterError(f"{name!r} needs a key and has none; {advice}")
        if not (key.isascii() and key.isprintable()):
            raise AdapterError(f"the key for {name!r} contains a character that no key has; {advice}")
        headers = _login(address)
        secrets = keep_secrets_of(address.geturl()) | ({key} - {""})
        keep_secret(key, headers.get("Authorization", "").removeprefix("Basic "))
        return cls(url=shown, key=key, key_advice=advice, headers=headers, secrets=secrets)

    @property
    def proxy_variable(self) -> str:
        """The environment variable with the proxy through which the server is asked; empty if there is none."""
        server = urlsplit(self.url)
        if proxy_bypass(server.hostname or ""):
            return ""
        names = (f"{server.scheme}_proxy", "all_proxy")
        known = (variable for name in names for variable in (name, name.upper()) if os.environ.get(variable))
        return next(known, "")

    def redacted(self, words: str) -> str:
        """A server's message in one short line, without secrets."""
        line = " ".join(redacted(words, also=self.secrets).split())
        return f"{line[:200]}…" if len(line) > 200 else line


def _split(url: str) -> SplitResult:
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
