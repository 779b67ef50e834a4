"""Failures: what it means that a server refuses a request or does not answer, and what to type next."""

from __future__ import annotations

import re
from collections.abc import Callable

import openai

from urial_opt.errors import AdapterError, ContextError, causes
from urial_opt.models.server.address import Address
from urial_opt.models.server.bounds import MOST_BYTES, TooLargeError, TooSlowError
from urial_opt.models.server.replies import Route, asked_pause, is_too_long, words_of
from urial_opt.models.server.retries import OversizedError, RetryableError, TimedOutError, UnreachableError

_FILTERS = ("content_filter", "content_policy_violation", "data_inspection_failed", "ResponsibleAIPolicyViolation")
"""Error codes of content filters: OpenAI, Azure, DashScope."""
_FILTERED = re.compile(
    r"content[ _-]?(?:filter|management policy|policy)|safety (?:system|filter)|inappropriate content|input was flagged"
    r"|was flagged as potentially violating",
    re.IGNORECASE,
)


_LONGER = "allow more by the option `timeout=SECONDS`"


class RefusedError(AdapterError):
    """The server refuses this request; it may accept another one."""

    def __init__(self, message: str, *, says: str) -> None:
        super().__init__(message)
        self.says = says
        """HTTP status and message of the server."""


class FilteredError(RefusedError):
    """A content filter of the server refuses what this request contains; it accepts others."""


class Failures:
    """The errors to raise for the failures of one server."""

    def __init__(self, address: Address, *, model: str, timeout: float, models: Callable[[], list[str]]) -> None:
        """`timeout` is that of a whole reply, in seconds; `models` asks the server for the names of its models."""
        self._address = address
        self._model = model
        self._name = f"{model} at {address.url}"
        self._timeout = timeout
        self._models = models

    def refusal(self, route: Route, error: openai.APIStatusError) -> Exception:
        """The error to raise for an HTTP status of 300 or above."""
        status, words = error.status_code, self._address.redacted(words_of(error.body))
        says = f"{status} {words}"
        if status < 500 and (error.code in _FILTERS or _FILTERED.search(words_of(error.body))):
            advice = "leave it out, or ask another model"
            return FilteredError(f"{self._name!r} refuses what the request contains ({says}); {advice}", says=says)
        if error.code == "insufficient_quota":
            advice = self._address.key_advice
            return AdapterError(f"the account behind {self._name!r} has nothing left ({words}); {advice}")
        if status in (408, 409, 425, 429) or status >= 500:
            overload = status in (429, 503)
            return RetryableError(f"{status} {words}", pause=asked_pause(error.response.headers), overload=overload)
        if status in (401, 403):
            # The message about a wrong key may contain the key, or most of it.
            return AdapterError(f"{self._name!r} does not accept the key ({status}); {self._address.key_advice}")
        if status in (404, 405) or error.code == "model_not_found":
            return AdapterError(self._not_found(route, words))
        if error.code == "context_length_exceeded" or is_too_long(words_of(error.body)):
            return ContextError(
                f"prompt and answer do not fit {self._name!r} ({words}); use fewer exemplars or a lower max_tokens",
                says=says,
            )
        return RefusedError(f"{self._name!r} refuses the request ({says}); change what it names", says=says)

    def _not_found(self, route: Route, words: str) -> str:
        offered = self._models()
        if not offered:
            where = f"{self._address.url}{route}"
            return f"nothing is served at '{where}' ({words}); give the address up to /v1 and no further"
        if self._model not in offered:
            names = ", ".join(offered[:10]) + (", …" if len(offered) > 10 else "")
            return f"no model is called {self._model!r} at {self._address.url!r}; name one that it has: {names}"
        other = "openai-chat:" if route == "/completions" else "openai:"
        return (
            f"{self._name!r} is not served at '{route}' ({words}); give the name of its deployment, if it has another, "
            f"or it may be at the other: {other}{self._model}"
        )

    def lost(self, error: openai.APIConnectionError, *, answered: bool) -> RetryableError:
        """The error to raise where no reply arrived, or only the beginning of one.

        `answered`: whether the server answered before.
        """
        chain = list(causes(error))
        reason = self._address.redacted(str(chain[-1]))
        if any(isinstance(cause, TooLargeError) for cause in chain):
            megabytes = MOST_BYTES // 2**20
            return OversizedError(f"its reply is larger than {megabytes} MB; ask for less by a lower max_tokens")
        if any(isinstance(cause, TooSlowError) for cause in chain):
            return TimedOutError(f"its reply did not end within {self._timeout:g} s; {_LONGER}", overload=True)
        # Compared by name, because the package that defines them depends on the version of openai.
        if {"ConnectError", "ConnectTimeout"}.isdisjoint(type(cause).__name__ for cause in chain):
            if isinstance(error, openai.APITimeoutError):
                return TimedOutError(f"nothing came within {self._timeout:g} s; {_LONGER}", overload=True)
            return RetryableError(f"the connection was lost ({reason})")
        if variable := self._address.proxy_variable:
            where = (
                f"no connection to {self._address.url!r} through the proxy of {variable} ({reason}); unset {variable}, "
            )
            where += "add the server to NO_PROXY, "
        else:
            where = f"nothing answers at {self._address.url!r} ({reason}); "
        where += "start the server, or give another address as `url=ADDRESS`"
        # A server that answered before may be restarting.
        return RetryableError(where) if answered else UnreachableError(where)
