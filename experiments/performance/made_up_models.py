"""Made-up models: a base model and a judge as replies to OpenAI-compatible requests; some prompts are truly better.

A reply depends on its request alone, by hashes. Each part of a prompt (the system text, each exemplar) has an effect on
the worth of the answers, so that a search can learn which parts are good. Some answers are the same under many prompts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from statistics import NormalDist
from typing import Any

BASE, JUDGE = "made-up", "made-up-judge"
ROUTES = {"/v1/completions": BASE, "/v1/chat/completions": JUDGE}
_QUERY_HEADING = "\n# Query:\n"
_MEAN, _DIFFICULTY, _LUCK, _TASTE = 3.3, 0.5, 0.6, 0.5
"""The mean worth of an answer, and the spread of the effects of query, chance and judge; in points."""
_SYSTEM, _EXEMPLAR, _PENALTY = 0.4, 0.25, 0.1
"""The spread of the effect of each part of a prompt."""
_PLAIN = 0.15
"""The share of the answers that depend on their rounded worth and the query alone, so that prompts share them."""
_GIVEN = 5.0
"""The worth of an answer that this base model did not write, such as an exemplar's."""
_WORTH = re.compile(r"^Worth (-?[0-9.]+)\.")
_PARTS = re.compile(
    r"\[(\S+) query begins]\n(.*?)\n\[\1 query ends].*?\[\1 answer begins]\n(.*?)\n\[\1 answer ends]", re.S
)
_CHARACTERS_OF_A_TOKEN = 4
_SENTENCE = "It goes on about {} for a while, as answers do, and comes to a point in the end. "


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a request is about."""

    query: str
    prefix: str = ""
    """The part of a base model's prompt that all queries share."""
    answer: str = ""
    """What a judge is to judge."""


def question_in(path: str, body: Mapping[str, Any]) -> Question:
    """The question in the body of a request; its query is empty if it is not of this package's form."""
    if path == "/v1/completions":
        prefix, heading, rest = str(body.get("prompt", "")).rpartition(_QUERY_HEADING)
        return Question(query="\n".join(rest.split("\n")[1:-5]) if heading else "", prefix=prefix)
    messages = body.get("messages") or [{}]
    found = _PARTS.search(str(messages[-1].get("content", "")))
    return Question(query=found[2], answer=found[3]) if found else Question(query="")


def models() -> Mapping[str, Any]:
    """The reply to `/v1/models`."""
    return {"object": "list", "data": [{"id": name, "object": "model"} for name in ROUTES.values()]}


def reply(path: str, body: Mapping[str, Any], question: Question, *, cached: bool = False) -> Mapping[str, Any]:
    """The reply to a request at one of the `ROUTES`; `cached` says whether the prefix counts as cached."""
    base = path == "/v1/completions"
    text = _answer(body, question) if base else _verdict(body, question)
    most = _CHARACTERS_OF_A_TOKEN * int(body.get("max_tokens") or 16)
    read = len(body["prompt"] if base else body["messages"][-1]["content"]) // _CHARACTERS_OF_A_TOKEN
    written = min(most, len(text)) // _CHARACTERS_OF_A_TOKEN
    said = {"text": text[:most]} if base else {"message": {"role": "assistant", "content": text[:most]}}
    return {
        "id": "made-up",
        "object": "text_completion" if base else "chat.completion",
        "created": 0,
        "model": ROUTES[path],
        "choices": [{"index": 0, **said, "finish_reason": "length" if len(text) > most else "stop"}],
        "usage": {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
            "prompt_tokens_details": {"cached_tokens": cached * len(question.prefix) // _CHARACTERS_OF_A_TOKEN},
        },
    }


def share(*about: object) -> float:
    """A number from 0 to 1 that is drawn for these texts."""
    digest = blake2b(repr(about).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**64


def _effect(*about: object) -> float:
    """A normally distributed number that is drawn for these texts."""
    return NormalDist().inv_cdf(min(share(*about), 1 - 1e-12))


def _answer(body: Mapping[str, Any], question: Question) -> str:
    system, *exemplars = question.prefix.split(_QUERY_HEADING)
    penalty = body.get("repetition_penalty", 1)
    worth = _MEAN + _SYSTEM * _effect("system", system) + _PENALTY * _effect("penalty", penalty)
    worth += _EXEMPLAR * sum(_effect("exemplar", each) for each in exemplars)
    whole = "" if question.query else body.get("prompt")
    here: tuple[object, ...] = (question.prefix, question.query, penalty, whole)
    worth += _DIFFICULTY * _effect("query", question.query) + _LUCK * _effect("luck", *here)
    if share("plain", *here) < _PLAIN:
        worth = round(worth)
        here = (worth, question.query)
    words = [_SENTENCE.format(int(1e6 * share("word", place, *here))) for place in range(6)]
    return f"Worth {worth:.2f}. {''.join(words)}".strip()


def _verdict(body: Mapping[str, Any], question: Question) -> str:
    found = _WORTH.match(question.answer)
    worth = float(found[1]) if found else _GIVEN
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema", {})
    verdicts = {
        name: {
            "reason": f"On {name}: the answer does what was asked for in {question.query[:40]!r}, or it does not.",
            "score": str(max(1, min(5, round(worth + _TASTE * _effect(name, question.query, question.answer))))),
        }
        for name in schema.get("required", ["helpfulness"])
    }
    return json.dumps(verdicts)
