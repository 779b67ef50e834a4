"""Faults of servers and networks, injected into a share of requests to test clients."""

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
    "truncated",  # half of the JSON, in an otherwise correct reply
    "length",  # a Content-Length greater than the body
    "empty",  # an answer without text
    "name",  # a reply with another model's name
]
FAULTS: tuple[Fault, ...] = get_args(Fault)

_IN_A_ROW = 2
"""The most faults in a row for one request; the next try is served."""


class Faults:
    """Injects faults into a share of requests.

    The fault depends on the seed, the request's body and how often it came. After two faults in a row a request is
    served.
    """

    def __init__(self, share: float, seed: int = 0, *, kinds: Sequence[Fault] = FAULTS, stall: float = 5.0) -> None:
        """`share` is between 0 and 1; `stall` is in seconds, and should be longer than the client's time-out."""
        self._share = share
        self._seed = seed
        self._kinds = kinds
        self._lock = threading.Lock()
        self._met: defaultdict[bytes, list[Fault | None]] = defaultdict(list)
        self.stall = stall
        self.struck: Counter[Fault | None] = Counter()
        """The number of requests by fault so far."""

    def next(self, body: bytes) -> Fault | None:
        """The fault for the request that has just come; None if it is served."""
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
    """Send a reply, damaged by the fault, if any; faults that are a status or a stall are left to the caller."""
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
        # With a linger time of 0, closing the connection resets it.
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
