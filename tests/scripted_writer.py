"""A chat model that writes by a rule, and a small search whose proposer it is."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from urial_opt import plugins
from urial_opt.proposers.dspy_proposer import DSPyProposer, open_proposer
from urial_opt.protocols import Proposer
from urial_opt.roles import Models
from urial_opt.search.agent import rounds
from urial_opt.search.opening import SearchOptions
from urial_opt.search.result import SearchResult
from urial_opt.search.run import search_space
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space
from urial_opt.store import Store

BUDGET = 8
SHORT = 5
"""A budget for one round."""
FIELDS: Mapping[str, Any] = {
    "weaknesses": [{"sentence": "Dull.", "aspects": ["Depth", "zest"], "query_ids": ["q1", "x"], "style": "Warm/Long"}],
    "system_text": "# Instruction\n\nPatient answers follow.",
    "new_query": "How do I mend a roof?",
    "new_answer": "Happy to help! The capital of Peru is Lima.",
    "reason": "It is warmer.",
}


def as_asked(prompt: str, fields: Mapping[str, Any] = FIELDS) -> str:
    """A reply with the fields that the prompt asks for."""
    wanted = prompt.rpartition("Respond with the corresponding output fields")[2]
    said = {name: text if isinstance(text, str) else json.dumps(text) for name, text in fields.items()}
    parts = [f"[[ ## {name} ## ]]\n{text}" for name, text in said.items() if f"[[ ## {name} ## ]]" in wanted]
    return "\n\n".join([*parts, "[[ ## completed ## ]]"])


def chat_reply(text: str | None, *, finish_reason: str = "stop", **message: object) -> dict[str, Any]:
    """A reply of the chat protocol; further fields are those of its message."""
    said = {"role": "assistant", "content": text, **message}
    return {
        "id": "1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": said, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


class Writer:
    """A chat model that replies by a rule: with a text or a whole reply, or by an error. It records its requests."""

    def __init__(self, rule: Callable[[str], Any] = as_asked) -> None:
        self.rule = rule
        self.asked: list[Mapping[str, Any]] = []
        self._at_once = threading.Lock()

    @property
    def prompts(self) -> list[str]:
        """The messages of each request, as one text."""
        return ["\n\n".join(message["content"] for message in body["messages"]) for body in self.asked]

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path != "/v1/chat/completions":
            return {"data": []}
        with self._at_once:
            self.asked.append(body)
        said = self.rule("\n\n".join(message["content"] for message in body["messages"]))
        if isinstance(said, Exception):
            raise said
        return {**(chat_reply(said) if isinstance(said, str) else said), "model": body["model"]}


def through_dspy(url: str, **options: str) -> DSPyProposer:
    """The proposer that asks the writer at an address."""
    return open_proposer("wise", url=url, **{"timeout": "10", **options})


def have_rounds_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds come after three trials, and again after three."""
    for name, value in {"SPACING": 3, "STALLED": 0, "OVERDUE": 3, "LEFT": 2}.items():
        monkeypatch.setattr(rounds, name, value)


def space_without_friends(small_space: Path) -> SearchSpace:
    """The small space, whose pool has no friendly exemplar."""
    whole = load_space(str(small_space))
    pool = {key: exemplar for key, exemplar in whole.exemplars.items() if exemplar.style in ("bare", "word", "forum")}
    params = whole.params_of(
        system="hand", exemplars=["Finland/bare", "rob-a-bank/bare"], decoding=whole.hand_written_params
    )
    styles = load_space("nano").styles
    return replace(whole, exemplars=pool, hand_written_params=params, start_params=params, styles=styles)


def nano_models() -> Models:
    return Models(base=plugins.open_generator("nano"), judge=plugins.open_judge("nano"))


def run(
    space: SearchSpace, models: Models, proposer: Proposer, store: Store, *, budget: int = BUDGET, **more: Any
) -> SearchResult:
    """The search `s` with two rounds."""
    terms = more.pop("terms", None)
    options = SearchOptions(budget=budget, name="s", rounds=2, **({"terms": terms} if terms else {}))
    return search_space(space, replace(models, proposer=proposer), store, options=options, **more)


def main(url: str, small_space: str, store: str, concurrency: str) -> None:
    """The search with the writer at `url`, in a process that a test may kill."""
    with pytest.MonkeyPatch.context() as patch, Store.open(store) as opened:
        have_rounds_soon(patch)
        space = space_without_friends(Path(small_space))
        run(space, nano_models(), through_dspy(url, concurrency=concurrency, timeout="60"), opened, budget=SHORT)


if __name__ == "__main__":
    main(*sys.argv[1:])
