"""What many threads do at once, and a server that counts what it is asked by them."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.scripted_judge import material, reply
from urial_opt.nano.json_server import Refused
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Candidate, Query, Sampling

QUERIES = [Query(id=f"q{row}", text=f"What is {row}?", kind="regular", split="dev") for row in range(12)]
CANDIDATES = [
    Candidate(prompt=UrialPrompt(system=f"# Instruction {number}\n"), sampling=Sampling(), params={})
    for number in range(6)
]


def in_threads(*work: Callable[[], object]) -> list[BaseException | None]:
    """Do it all at once; the errors in which each ended."""
    errors: list[BaseException | None] = [None] * len(work)
    together = threading.Barrier(len(work))

    def begin(place: int) -> None:
        together.wait()
        try:
            work[place]()
        except BaseException as error:
            errors[place] = error

    threads = [threading.Thread(target=begin, args=(place,)) for place in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "they wait for each other"
    return errors


class CountingServer:
    """A base model whose answer depends on the query alone, and a judge; counts requests, all and under way."""

    def __init__(self, *, seconds: float = 0.02, bad: Sequence[str] = ()) -> None:
        """Each reply takes so many seconds; a prompt that contains a text of `bad` is refused."""
        self._seconds, self._bad = seconds, bad
        self._lock = threading.Lock()
        self.asked = Counter[str]()
        self.order: list[str] = []
        self.under_way = self.most = 0

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if not body:
            return {"data": []}
        prompt = body["prompt"] if "prompt" in body else body["messages"][0]["content"]
        with self._lock:
            self.asked[prompt] += 1
            self.order.append(prompt)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            time.sleep(self._seconds)
            if any(text in prompt for text in self._bad):
                raise Refused(400, "such a text is not answered")
            return _answer(prompt) if "prompt" in body else _verdict(prompt)
        finally:
            with self._lock:
                self.under_way -= 1

    def kinds(self) -> tuple[int, int]:
        """How many requests the base model and the judge have had."""
        verdicts = sum(number for prompt, number in self.asked.items() if "# Your reply" in prompt)
        return self.asked.total() - verdicts, verdicts


def _answer(prompt: str) -> Mapping[str, Any]:
    query = prompt.rpartition("# Query:")[2].split("\n")[2]
    text = f"An answer to {query}\n```\n\n"
    return {"choices": [{"text": text, "finish_reason": "stop"}], **USAGE}


def _verdict(prompt: str) -> Mapping[str, Any]:
    said = reply(prompt, str(1 + len(material(prompt, "answer")) % 5))
    return {"choices": [{"message": {"content": said}, "finish_reason": "stop"}], **USAGE}


USAGE = json.loads('{"model": "m", "usage": {"prompt_tokens": 10, "completion_tokens": 2}}')
