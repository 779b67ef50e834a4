"""Bounds: a reply that does not end in time, or that is too large, is given up before it is read to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import openai

from urial_opt.models.server.hands import start

if TYPE_CHECKING:  # the package that is behind openai depends on its version
    import httpx

MOST_BYTES = 64 * 2**20
"""Bytes of a whole reply, decompressed. A prompt of 10,000 tokens with twenty log-probabilities each takes 16 MB."""
_ENCODINGS = ("", "identity", "gzip", "deflate")
"""Others, and several at once, can make gigabytes of a single piece."""
_AT_ONCE = 16
"""Requests at once of one client of httpx."""
_REDIRECTS = 5
_SLACK = 1.0
"""Seconds after which even a reply without an end of its headers is given up."""


class TooSlowError(Exception):
    """The reply did not end in time."""


class TooLargeError(Exception):
    """The reply is larger than `MOST_BYTES`."""


class BoundedClient(openai.DefaultHttpxClient):
    """The client of openai, with limits on the time and the size of a whole reply.

    The time-outs of httpx limit the time between two pieces of a reply, of which there may be any number.
    """

    def __init__(self, *, seconds: float) -> None:
        """`seconds` limits the time from the start of a request to the end of its reply, redirects included."""
        super().__init__(headers={"Accept-Encoding": "gzip, deflate"})
        self._seconds = seconds
        self._lanes = _Lanes()

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()

    def close(self) -> None:
        """As `httpx.Client.close`."""
        super().close()
        self._lanes.close()

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """As `httpx.Client.send`, but the reply is always read. TooSlowError or TooLargeError beyond the limits."""
        outcome: SimpleQueue[httpx.Response | BaseException] = SimpleQueue()
        deadline = time.monotonic() + self._seconds

        def work() -> None:
            try:
                outcome.put(self._send_within(deadline, request, options))
            except BaseException as error:  # raised again in the thread of the caller
                outcome.put(error)

        # Only another thread can leave a connection whose headers never end, or a name server that does not answer.
        start(work)
        try:
            replied = outcome.get(timeout=self._seconds + _SLACK)
        except Empty:
            raise TooSlowError from None
        if isinstance(replied, BaseException):
            raise replied
        return replied

    def _send_within(self, deadline: float, request: httpx.Request, options: dict[str, Any]) -> httpx.Response:
        with self._lanes.one() as lane:
            for _ in range(_REDIRECTS + 1):
                response = lane.send(request, **{**options, "stream": True, "follow_redirects": False})
                self.cookies.extract_cookies(response)  # a gateway may know by them which server is meant
                try:
                    if response.next_request is None:
                        return _read(response, deadline)
                finally:
                    response.close()
                request = response.next_request
        raise ConnectionError(f"it redirects more than {_REDIRECTS} times")


class _Lanes:
    """Clients that share the requests, each with few at once.

    A client looks at all its connections at each request, and at all of them again for each that is idle: a single one
    with two hundred connections takes longer for that than for all the rest.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lanes: dict[openai.DefaultHttpxClient, int] = {}
        """How many requests each has under way."""

    @contextmanager
    def one(self) -> Iterator[openai.DefaultHttpxClient]:
        """The first client with room for a request, whose connections are the most likely to be open still."""
        with self._lock:
            lane = next((each for each, busy in self._lanes.items() if busy < _AT_ONCE), None)
            if lane is None:
                lane = openai.DefaultHttpxClient()
            self._lanes[lane] = self._lanes.get(lane, 0) + 1
        try:
            yield lane
        finally:
            with self._lock:
                self._lanes[lane] -= 1

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for lane in self._lanes:
                lane.close()


def _read(response: httpx.Response, deadline: float) -> httpx.Response:
    """The response with its content."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise ConnectionError(f"it compresses its reply as {encoding[:20]!r}, which was not asked for")
    content = bytearray()
    for piece in response.iter_bytes():
        content += piece
        if len(content) > MOST_BYTES:
            raise TooLargeError
        if time.monotonic() > deadline:
            raise TooSlowError
    left_out = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in left_out]
    return type(response)(response.status_code, headers=headers, content=bytes(content), request=response.request)
