"""A server of the made-up models: every reply takes as long as is asked for, however many requests are under way.

    python -m experiments.performance.slow_server [--seconds 1] [--judge-seconds 1] [--room 128]

Prints its address. `/log` says of every request when it came, began and ended, what it asked, and whether the server
had its prefix in a cache. A second of it serves some thousand requests, so it hardly disturbs what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from aiohttp import web

from experiments.performance.made_up_models import ROUTES, models, question_in, reply, share


@dataclass(slots=True, kw_only=True)
class Served:
    """One request, with monotonic times in seconds."""

    path: str
    query: str
    body: str
    """Hash of the whole request."""
    prefix: str
    """Hash of the prefix; the same for all queries under one prompt."""
    cached: bool
    """Whether a request with this prefix had ended before this one began."""
    came: float
    began: float
    ended: float = 0.0
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How long replies take."""

    seconds: float = 1.0
    judge_seconds: float = 1.0
    jitter: float = 0.0
    """Each time is multiplied by a random factor from 1 - jitter to 1 + jitter, drawn for the request."""
    seed: int = 0

    def of(self, path: str, body: str) -> float:
        mean = self.seconds if path == "/v1/completions" else self.judge_seconds
        return mean * (1 + self.jitter * (2 * share(self.seed, body) - 1))


class SlowServer:
    """Serves at most `room` requests of each model at once; the others wait in line, or are refused with 429."""

    def __init__(self, speed: Speed, *, room: int, full: Literal["wait", "refuse"] = "wait") -> None:
        self._speed = speed
        self._rooms = {path: asyncio.Semaphore(room) for path in ROUTES}
        self._full = full
        self._cache: set[str] = set()
        self.log: list[Served] = []

    def application(self) -> web.Application:
        application = web.Application(client_max_size=2**26)
        application.router.add_get("/v1/models", self._models)
        application.router.add_get("/log", self._tell)
        for path in ROUTES:
            application.router.add_post(path, self._serve)
        return application

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response(models())

    async def _tell(self, _: web.Request) -> web.Response:
        return web.json_response([asdict(served) for served in self.log])

    async def _serve(self, request: web.Request) -> web.Response:
        came, path = time.monotonic(), request.path
        raw = await request.read()
        body: dict[str, Any] = json.loads(raw)
        question, room = question_in(path, body), self._rooms[path]
        hashes = _hash(raw), _hash(question.prefix.encode())
        served = Served(
            path=path, query=question.query, body=hashes[0], prefix=hashes[1], cached=False, came=came, began=came
        )
        self.log.append(served)
        if self._full == "refuse" and room.locked():
            served.ended, served.refused = came, True
            return web.json_response({"error": {"message": "too many requests", "code": "overload"}}, status=429)
        async with room:
            served.began = time.monotonic()
            served.cached = served.prefix in self._cache
            answered = json.dumps(reply(path, body, question, cached=served.cached))
            await asyncio.sleep(served.began + self._speed.of(path, served.body) - time.monotonic())
            served.ended = time.monotonic()
        self._cache.add(served.prefix)
        return web.Response(text=answered, content_type="application/json")


def _hash(text: bytes) -> str:
    return blake2b(text, digest_size=8).hexdigest()


async def _serve(server: SlowServer, port: int) -> None:
    runner = web.AppRunner(server.application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long the base model takes (1)")
    parser.add_argument("--judge-seconds", type=float, default=1.0, help="how long the judge takes (1)")
    parser.add_argument("--jitter", type=float, default=0.0, help="how much that varies, 0 to 1 (0)")
    parser.add_argument("--seed", type=int, default=0, help="of the jitter (0)")
    parser.add_argument("--room", type=int, default=128, help="requests of each model that are served at once (128)")
    parser.add_argument("--full", choices=("wait", "refuse"), default="wait", help="what others do (wait)")
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1 (0: any free port)")
    given = parser.parse_args()
    speed = Speed(seconds=given.seconds, judge_seconds=given.judge_seconds, jitter=given.jitter, seed=given.seed)

    async def run() -> None:
        await _serve(SlowServer(speed, room=given.room, full=given.full), given.port)

    asyncio.run(run())


@contextmanager
def slow_models(*words: object) -> Iterator[str]:
    """The address of this server as a process of its own, begun with these words, which ends with the context."""
    command = [sys.executable, "-m", "experiments.performance.slow_server", *map(str, words)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        yield server.stdout.readline().strip() if server.stdout else ""
    finally:
        server.terminate()
        server.communicate()


def environment() -> dict[str, str]:
    """This project, wherever the process runs, and no proxy in between."""
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {"PYTHONPATH": path, "NO_PROXY": "127.0.0.1", "OPENAI_API_KEY": "none"}


if __name__ == "__main__":
    main()
