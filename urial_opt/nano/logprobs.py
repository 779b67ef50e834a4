"""Log-probabilities of a local model, in the formats of servers: the OpenAI protocol's, and vLLM's for prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from urial_opt.models.local.causal_model import CausalModel
from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator
from urial_opt.records import Completion, Sampling

Ability: TypeAlias = Literal["logprobs", "echo", "prompt_logprobs"]
"""Log-probabilities of the text written; of an echoed prompt; of a prompt, with ranks."""
ABILITIES: frozenset[Ability] = frozenset(get_args(Ability))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLogprobs:
    """A model's completion of one text, with log-probabilities."""

    completion: Completion
    echoed: str = ""
    logprobs: Mapping[str, Any] = field(default_factory=dict)
    """Log-probabilities, by their field name in a choice."""


def answer_with_logprobs(
    model: TransformersChatGenerator, query: str, sampling: Sampling, listed: Mapping[str, int]
) -> TextLogprobs:
    """The answer to a query with log-probabilities.

    `listed` is the number of most probable tokens at each position, by ability.
    """
    (written,) = model.write([query], sampling)
    (prompt,) = model.generator.tokens([model.layout.render(query)], special=False)
    read = _ReadTokens(model.generator, [*prompt, *written.tokens], listed=listed["logprobs"])
    return TextLogprobs(completion=written.completion, logprobs={"logprobs": read.chat(len(prompt))})


def complete_with_logprobs(
    model: TransformersGenerator, prompt: str, sampling: Sampling, listed: Mapping[str, int]
) -> TextLogprobs:
    """The text that continues a prompt, with log-probabilities; `listed` as in `answer_with_logprobs`."""
    (written,) = model.write("", [prompt], sampling, special=True)
    (tokens,) = model.tokens([prompt], special=True)
    read = cache(lambda number: _ReadTokens(model, [*tokens, *written.tokens], listed=number))
    echoed = "echo" in listed
    reported: dict[str, Any] = {}
    if "logprobs" in listed:
        reported["logprobs"] = read(listed["logprobs"]).completion(0 if echoed else len(tokens))
    if "prompt_logprobs" in listed:
        reported["prompt_logprobs"] = read(listed["prompt_logprobs"]).prompt(len(tokens))
    return TextLogprobs(completion=written.completion, logprobs=reported, echoed=prompt if echoed else "")


class _ReadTokens:
    """The log-probabilities of a text's tokens, from one forward pass."""

    @torch.inference_mode()
    def __init__(self, model: CausalModel, tokens: Sequence[int], *, listed: int) -> None:
        """`listed` is the number of most probable tokens at each position."""
        ids = torch.tensor(list(tokens), device=model.model.device)
        logits = model.model(ids[None]).logits[0, :-1]
        logs: Tensor = logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(-1)
        own = logs.gather(-1, ids[1:, None])
        top = logs.topk(listed)
        self._tokens: list[int] = ids.tolist()
        self._own: list[float] = own[:, 0].tolist()
        self._ranks: list[int] = (logs >= own).sum(-1).tolist()
        """As vLLM counts them: equally probable tokens rank before it."""
        self._top: list[dict[int, float]] = [
            dict(zip(*each, strict=True)) for each in zip(top.indices.tolist(), top.values.tolist(), strict=True)
        ]
        self._text = cache(lambda token: str(model.tokenizer.decode([token])))

    def chat(self, start: int) -> Mapping[str, Any]:
        """`logprobs` of a chat answer that begins at token `start`."""
        content = [
            {
                **self._named(self._tokens[place], self._own[place - 1]),
                "top_logprobs": [self._named(*entry) for entry in self._top[place - 1].items()],
            }
            for place in range(start, len(self._tokens))
        ]
        return {"content": content, "refusal": None}

    def completion(self, start: int) -> Mapping[str, Any]:
        """`logprobs` of a completion, from token `start` on."""
        places = range(start, len(self._tokens))
        texts = [self._text(self._tokens[place]) for place in places]
        tops = [
            {self._text(token): logprob for token, logprob in self._with_own(place).items()} if place else None
            for place in places
        ]
        return {
            "tokens": texts,
            "token_logprobs": [self._own[place - 1] if place else None for place in places],
            "top_logprobs": tops,
            "text_offset": [0, *accumulate(map(len, texts))][: len(texts)],
        }

    def prompt(self, end: int) -> list[Mapping[str, Any] | None]:
        """`prompt_logprobs` of the first `end` tokens: by id, the token of the text first."""
        positions: list[Mapping[str, Any] | None] = [None]
        for place in range(1, end):
            top = self._top[place - 1]
            ranks = {**dict(zip(top, range(1, 1 + len(top)), strict=True)), self._tokens[place]: self._ranks[place - 1]}
            positions.append(
                {
                    str(token): {"logprob": logprob, "rank": ranks[token], "decoded_token": self._text(token)}
                    for token, logprob in self._with_own(place).items()
                }
            )
        return positions

    def _with_own(self, place: int) -> dict[int, float]:
        """The token of the text, then the most probable ones."""
        return {self._tokens[place]: self._own[place - 1], **self._top[place - 1]}

    def _named(self, token: int, logprob: float) -> Mapping[str, Any]:
        text = self._text(token)
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
