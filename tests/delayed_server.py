"""A base model and a judge over real HTTP whose replies take random times; a small space in which prompts race there.

    with delayed_models(seed=1) as server:
        out, _ = run("search", "--space", racing_space(tmp_path), "--budget", 12, *server.options, "--json")

Replies depend on the request alone, so that two searches on servers of different seeds get the same answers and
verdicts in different orders.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.performance import made_up_models
from tests import tiny_space
from urial_opt.judges.llm import open_judge
from urial_opt.models.server.generator import open_base
from urial_opt.nano.json_server import Refused, listening
from urial_opt.roles import Models

_SPLITS = {"dev": 12, "validation": 4, "test": 4}
_KINDS = ("regular", "regular", "regular", "safety")


@dataclass(slots=True, kw_only=True)
class DelayedModels:
    """The server, and what it was asked."""

    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Path and query of each request in the order of coming; an empty query where a request is about none."""
    ended: list[tuple[str, str]] = field(default_factory=list)
    """The same in the order of the replies."""
    most_under_way: int = 0
    tokens: list[int] = field(default_factory=list)
    """Of each reply, read and written."""
    refuses_after: float = float("inf")
    """After so many requests it refuses all, for good …"""
    mumbles_after: float = float("inf")
    """… and after so many its judge says nothing that can be read."""

    @property
    def about(self) -> Counter[tuple[str, str]]:
        """How often it was asked about each query; requests that are about none are left out."""
        return Counter(each for each in self.asked if each[1])

    @property
    def options(self) -> tuple[str, ...]:
        """The options of `urial-opt search` for these models; nothing else is asked."""
        base = ("--base", f"openai:{made_up_models.BASE}", "--base-url", self.url)
        judge = ("--judge", f"llm:{made_up_models.JUDGE}", "--judge-url", self.url)
        return (*base, *judge, "--aligned", "none", "--proposer", "none")

    def models(self) -> Models:
        """The models for `search_space`; new ones each time."""
        return Models(
            base=open_base(made_up_models.BASE, url=self.url), judge=open_judge(made_up_models.JUDGE, url=self.url)
        )


@contextmanager
def delayed_models(*, seed: int, most: float = 0.03) -> Iterator[DelayedModels]:
    """Serve both models while the context lasts; each reply takes 0 to `most` seconds, drawn by seed and request."""
    server, changing = DelayedModels(), threading.Lock()

    def answer(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path == "/v1/models":
            return made_up_models.models()
        if path not in made_up_models.ROUTES:
            raise Refused(404, "Not Found")
        question = made_up_models.question_in(path, body)
        with changing:
            server.asked.append((path, question.query))
            number = len(server.asked)
            server.most_under_way = max(server.most_under_way, len(server.asked) - len(server.ended))
        time.sleep(most * made_up_models.share(seed, sorted(body.items())))
        with changing:
            server.ended.append((path, question.query))
        if number > server.refuses_after:
            raise Refused(403, "no money is left")
        reply = made_up_models.reply(path, body, question)
        if number > server.mumbles_after and "message" in reply["choices"][0]:
            reply["choices"][0]["message"]["content"] = "It is raining."
        server.tokens.append(reply["usage"]["total_tokens"])
        return reply

    with listening(answer) as url:
        server.url = url
        yield server


def racing_space(folder: Path) -> str:
    """The path of a space with three blocks of `dev` queries, so that prompts can be stopped; written to `folder`."""
    queries = [
        {"id": f"{split}-{n}", "text": f"What is {split} thing {n}?", "kind": _KINDS[n % 4], "split": split}
        for split, number in _SPLITS.items()
        for n in range(number)
    ]
    lines = "".join(f"{json.dumps(query)}\n" for query in queries)
    space = tiny_space.FILES["tiny.yaml"].replace("  constraints: [safety>=4.5]\n", "")
    return tiny_space.write(folder, tiny_space.FILES | {"tiny.yaml": space, "queries.jsonl": lines})
