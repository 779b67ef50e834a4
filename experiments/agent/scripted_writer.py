"""A writer with a script: a chat model over HTTP whose drafts are good, useless or harmful, in thirds.

It knows the embedded world. A good exemplar is the world's own answer in a better style; a useless one says the same as
before; a harmful one is rude, or tells gossip in place of facts. Which one comes is drawn from the request and a seed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from urial_opt.datasets.queries import same_words
from urial_opt.prompt import Exemplar
from urial_opt.spaces.space import SearchSpace

QUALITIES = ("good", "useless", "harmful")
BETTER = ("lively", "friendly", "manual", "scholarly")
"""The styles that it names, in this order."""
HARMFUL = ("forum", "gossip", "word")
SYSTEMS = {
    "useless": "Below is a page of questions and answers. It has several parts.",
    "harmful": "Below is a list of questions and short answers from an online forum. Every answer is one word.",
}
_FIELD = re.compile(r"^\[\[ ## (\w+) ## \]\]\n(.*?)(?=^\[\[ ## |^Respond with)", re.DOTALL | re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class ScriptedWriter:
    """Answers requests to `/v1/chat/completions` that DSPy's chat adapter wrote."""

    whole: SearchSpace
    """The space with the better styles and system prompts."""
    seed: int
    qualities: Sequence[str] = QUALITIES
    """Those that are drawn from, each as often as the others."""
    drawn: dict[str, int] = field(default_factory=lambda: dict.fromkeys(QUALITIES, 0))
    """How many drafts of each quality it wrote."""

    def __call__(self, _: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        prompt = body["messages"][-1]["content"]
        said = self._reply(dict(_FIELD.findall(prompt)), body["messages"][-1]["content"])
        content = "\n\n".join([f"[[ ## {name} ## ]]\n{text}" for name, text in said.items()])
        return {
            "id": "1",
            "object": "chat.completion",
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": f"{content}\n\n[[ ## completed ## ]]"},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": len(prompt) // 4, "completion_tokens": len(content) // 4, "total_tokens": 0},
        }

    def _reply(self, asked: Mapping[str, str], prompt: str) -> dict[str, str]:
        wanted = prompt.rpartition("Respond with")[2]
        if "weaknesses" in wanted:
            return {"weaknesses": json.dumps(self._weaknesses(asked))}
        quality = self._draw(prompt)
        self.drawn[quality] += 1
        if "system_text" in wanted:
            return {"system_text": self._system(quality, prompt), "reason": f"It is {quality}."}
        style = asked.get("style", "").strip()
        if "new_query" in wanted:
            kind = asked.get("kind", "regular").strip()
            fitting = [each for each in self.whole.exemplars.values() if each.style == "bare" and kind in each.tags]
            query = fitting[self._number(prompt) % len(fitting)].query
            return {
                "new_query": query,
                "new_answer": self._answer(quality, query, "", style),
                "reason": f"It is {quality}.",
            }
        answer = self._answer(quality, asked["query"].strip(), asked["answer"].strip(), style)
        return {"new_answer": answer, "reason": f"It is {quality}."}

    def _weaknesses(self, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        scores = json.loads(asked["mean_scores"])
        weakest = sorted(scores, key=lambda aspect: scores[aspect])[:3]
        untried = [style for style in BETTER if f"restyle {style}" not in asked.get("tried", "")] or list(BETTER)
        ids = [each["query_id"] for each in json.loads(asked["weakest_answers"])][:4]
        return [
            {"sentence": f"The answers lack {aspect}.", "aspects": [aspect], "query_ids": ids, "style": style}
            for aspect, style in zip(weakest, untried, strict=False)
        ]

    def _answer(self, quality: str, query: str, before: str, style: str) -> str:
        styles = {each.style: each for each in self._row(query)}
        if quality == "good" and style in styles:
            return styles[style].answer
        if quality == "harmful":
            return styles[HARMFUL[self._number(query) % len(HARMFUL)]].answer
        return f"{before or styles['bare'].answer} That is all."

    def _row(self, query: str) -> list[Exemplar]:
        asked = same_words(query)
        return [each for each in self.whole.exemplars.values() if same_words(each.query) == asked]

    def _system(self, quality: str, prompt: str) -> str:
        if quality == "good":
            texts = list(self.whole.system_prompts.values())
            return texts[self._number(prompt) % len(texts)]
        return f"# Instruction\n\n{SYSTEMS[quality]}"

    def _draw(self, prompt: str) -> str:
        return self.qualities[self._number(prompt) % len(self.qualities)]

    def _number(self, text: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{self.seed} {text}".encode()).digest()[:8])
