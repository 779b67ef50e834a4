"""Faults of servers and networks, in doses: what a client has to live through."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from random import Random
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

Fault: TypeAlias = Literal[
    "429",  # too many requests, with Retry-After: 0
    "500",
    "502",
    "stall",  # silence, then a closed connection
    "reset",  # half of the reply, then a reset connection
    "truncated",  # half of the JSON, and nothing else amiss
    "length",  # a Content-Length that promises more than comes
    "empty",  # an answer without text
    "name",  # an answer under another model's name
]
FAULTS: tuple[Fault, ...] = get_args(Fault)

_IN_A_ROW = 2
"""No request meets more faults than these before it is served."""


class Faults:
    """Strikes a share of requests, each with one of some faults.

    Which one hangs on the seed, the request's body and how often it came; after two in a row it is served.
    """

    def __init__(self, share: float, seed: int = 0, *, kinds: Sequence[Fault] = FAULTS, stall: float = 5.0) -> None:
        """A `share` between 0 and 1; a stall lasts so many seconds, which should be beyond the client's time-out."""
        self._share = share
        self._seed = seed
        self._kinds = kinds
        self._lock = threading.Lock()
        self._met: defaultdict[bytes, list[Fault | None]] = defaultdict(list)
        self.stall = stall
        self.struck: Counter[Fault | None] = Counter()
        """How many requests met each so far."""

    def next(self, body: bytes) -> Fault | None:
        """What goes wrong with the request that has just come; None if nothing does."""
        with self._lock:
            met = self._met[body]
            dice = Random(f"{self._seed} {len(met)} {body!r}")
            spared = len(met) >= _IN_A_ROW and None not in met[-_IN_A_ROW:]
            fault = None if spared or dice.random() >= self._share else dice.choice(self._kinds)
            met.append(fault)
            self.struck[fault] += 1
            return fault


def send_json(
    handler: BaseHTTPRequestHandler,
    status: int,
    reply: Mapping[str, Any],
    *,
    headers: Mapping[str, str] = MappingProxyType({}),
    fault: Fault | None = None,
) -> None:
    """Send a reply, spoilt as the fault says, if there is one; another status, and silence, are left to the caller."""
    body = json.dumps(_another(reply, fault)).encode()
    if fault == "truncated":
        body = body[: len(body) // 2]
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body) + 7 * (fault == "length")))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    if fault == "reset":
        handler.wfile.write(body[: len(body) // 2])
        # Closed with nothing left to linger for, a connection is reset, not ended.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.rfile.close()
        handler.connection.close()
    else:
        handler.wfile.write(body)


def _another(reply: Mapping[str, Any], fault: Fault | None) -> Mapping[str, Any]:
    if fault == "name":
        return {**reply, "model": "another-model"}
    if fault == "empty":
        return {**reply, "choices": [_without_text(choice) for choice in reply["choices"]]}
    return reply


def _without_text(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    said = {"message": {"role": "assistant", "content": ""}} if "message" in choice else {"text": ""}
    return {**choice, **said, "finish_reason": "stop"}
