"""Usage: the counts of tokens in a reply, replaced by estimates where they cannot be true."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

MOST_TOKENS = 10_000_000
"""More than any model reads or writes for one request; a greater count is not believed."""
_CHARACTERS_OF_A_TOKEN = 4


class _Counted(BaseModel):
    usage: Any = None


def doubtful_usage(body: str) -> str:
    """The usage in a reply, as text, if it cannot be true: below 0, not whole, or too great. Empty if it can.

    ValueError if the body is not an object.
    """
    usage = _Counted.model_validate_json(body).usage
    if usage is None:
        return ""
    if not isinstance(usage, Mapping):
        return repr(usage)
    counts = {name: usage.get(name) for name in ("prompt_tokens", "completion_tokens")}
    details = usage.get("prompt_tokens_details")
    if isinstance(details, Mapping):
        counts["cached_tokens"] = details.get("cached_tokens")
    wrong = {name: count for name, count in counts.items() if count is not None and not can_be(count)}
    return ", ".join(f"{name} {count!r:.30}" for name, count in wrong.items())


def can_be(count: object) -> bool:
    """Whether a count of tokens can be true."""
    whole = isinstance(count, int) or (isinstance(count, float) and count.is_integer())
    return whole and not isinstance(count, bool) and 0 <= count <= MOST_TOKENS  # type: ignore[operator]


def with_estimates(body: str, request: Mapping[str, object]) -> str:
    """The reply with a usage estimated from the texts of request and reply."""
    reply: dict[str, Any] = json.loads(body)
    read = sum(map(len, _texts([request.get("prompt"), request.get("messages")])))
    written = sum(map(len, _texts(reply.get("choices"), only=("text", "message", "content"))))
    counts = {"prompt_tokens": read, "completion_tokens": written}
    reply["usage"] = {name: -(-count // _CHARACTERS_OF_A_TOKEN) for name, count in counts.items()}
    return json.dumps(reply)


def _texts(value: object, *, only: tuple[str, ...] = ()) -> Iterator[str]:
    """The texts in a value of JSON; of objects, those under the names in `only`, or all."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, only=only)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if not only or name in only:
                yield from _texts(each, only=only)
