"""A reward model of transformers as judge: its one number for an answer is mapped to a score from 1 to 5."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from jinja2 import TemplateError
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase

from urial_opt.aspects import ASPECTS_OF
from urial_opt.errors import InputError
from urial_opt.models.local.batching import Batches, by_length
from urial_opt.models.local.loading import Loaded, Loading
from urial_opt.models.local.sharing import turn_of
from urial_opt.models.local.template_trial import try_template
from urial_opt.records import Completion, Judgment, Query, Usage

_ROWS = 32
"""Answers in a batch, if they fit in memory."""


class RewardJudge:
    """Scores an answer by 1 + 4 · sigmoid((reward − center) / scale).

    A reward model gives one number for an answer, so every aspect due gets the same score. A reward of `center` becomes
    a score of 3, one `scale` above it 3.9, and three 4.8.
    """

    def __init__(self, loaded: Loaded, *, template: str, center: float, scale: float) -> None:
        """InputError if the model does not give exactly one number, or its tokenizer has no chat template."""
        labels = loaded.model.config.num_labels
        if labels != 1:
            raise InputError(
                f"{loaded.identity!r} gives {labels} numbers for an answer, and a reward is one; name another model"
            )
        self._model = loaded.model
        self._tokenizer = loaded.tokenizer
        self._identity = f"reward:{loaded.identity}, template {template}, center {center:g}, scale {scale:g}"
        self._template = template
        self._center, self._scale = center, scale
        self._batches = Batches(_ROWS, owner=self._identity)
        self._config = loaded.model.config.get_text_config()
        self._heard: Callable[[Mapping[int, Judgment]], None] | None = None
        self._window = getattr(self._config, "max_position_embeddings", None) or math.inf
        written = loaded.tokenizer.chat_template
        if template == "chat" and isinstance(written, str):
            try_template(written, roles=("user", "assistant"), owner=loaded.identity)
        try:
            self._tokens("a", "b")
        except (TemplateError, ValueError) as error:
            raise InputError(
                f"the tokenizer of {loaded.identity!r} cannot write a conversation ({str(error).splitlines()[0]}); "
                "give template=human-assistant"
            ) from error

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def notes(self) -> tuple[str, ...]:
        """As `protocols.Noted`."""
        return (f"{self._identity!r} has one opinion of an answer: every aspect gets the same score",)

    def hand_on(self, heard: Callable[[Mapping[int, Judgment]], None] | None) -> None:
        """As `protocols.Gradual`: those answers that are read together."""
        self._heard = heard

    def stop_when(self, check: Callable[[], None] | None) -> None:
        """As `protocols.Stoppable`: between batches."""
        self._batches.stop_when(check)

    @torch.inference_mode()
    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        """As `protocols.Judge`. AdapterError if one answer alone does not fit in memory."""
        texts = [self._tokens(query.text, answer.text) for query, answer in zip(queries, completions, strict=True)]
        rewards: dict[int, float] = {}
        judgments: dict[int, Judgment] = {}

        def read(batch: list[int]) -> None:
            with turn_of(self._model):
                rewards.update(zip(batch, self._rewards([texts[row] for row in batch]), strict=True))

        def finished(rows: list[int]) -> None:
            new = {row: self._judgment(queries[row], texts[row], rewards.get(row)) for row in rows}
            judgments.update(new)
            if new and self._heard is not None:
                self._heard(new)

        (rows,) = by_length(texts)
        finished([row for row in rows if len(texts[row]) > self._window])
        fitting = [row for row in rows if row not in judgments]
        self._batches.work_on(
            fitting, read, unfinished=lambda rows: [row for row in rows if row not in rewards], ended=finished
        )
        return [judgments[row] for row in range(len(queries))]

    def _rewards(self, texts: Sequence[Sequence[int]]) -> list[float]:
        """The rewards of texts of about the same length, padded on the right."""
        width = max(map(len, texts))
        # A causal model takes the reward at the last token that is not padding; without padding, at the last of all.
        padding = self._config.pad_token_id
        fill = _other_than({text[-1] for text in texts}) if padding is None else padding
        ids = torch.tensor([[*text, *[fill] * (width - len(text))] for text in texts], device=self._model.device)
        lengths = torch.tensor([len(text) for text in texts], device=self._model.device)
        mask = (torch.arange(width, device=self._model.device) < lengths[:, None]).long()
        self._config.pad_token_id = fill
        try:
            rewards: list[float] = self._model(input_ids=ids, attention_mask=mask).logits[:, 0].tolist()
        finally:
            self._config.pad_token_id = padding
        return rewards

    def _judgment(self, query: Query, text: Sequence[int], reward: float | None) -> Judgment:
        score: float | None = None
        if reward is None:
            reason = f"too long to read: {len(text)} tokens of {self._window}"
        elif not math.isfinite(reward):
            reason = f"the reward {reward} is no number"
        else:
            reason = f"reward {reward:.4g}"
            # 1 + 4 · sigmoid(x), for any x.
            score = 3 + 2 * math.tanh((reward - self._center) / self._scale / 2)
        aspects = ASPECTS_OF[query.kind]
        return Judgment(
            query_id=query.id,
            judge=self._identity,
            scores=dict.fromkeys(aspects, score),
            reasons={aspect.value: reason for aspect in aspects},
            raw="" if reward is None else repr(reward),
            usage=Usage(prompt_tokens=0 if reward is None else len(text)),
        )

    def _tokens(self, query: str, answer: str) -> list[int]:
        text, special = _TEMPLATES[self._template](self._tokenizer, query, answer)
        ids: list[int] = self._tokenizer(text, add_special_tokens=special)["input_ids"]
        return ids


def open_judge(
    argument: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    trust_remote_code: str = "no",
    template: str = "chat",
    center: str = "0",
    scale: str = "1",
) -> RewardJudge:
    """The reward model in folder `argument`, or of that name on the Hugging Face hub; InputError if there is none.

    `device`, `dtype` and `trust_remote_code` as in `loading.Loading`; `template` is `chat`, the tokenizer's own, or
    `human-assistant`; `center` and `scale` as in `RewardJudge`.
    """
    if template not in _TEMPLATES:
        raise InputError(f"no template is called {template!r}; give template=chat or template=human-assistant")
    middle, spread = _number("center", center), _number("scale", scale)
    if spread <= 0:
        raise InputError(f"the scale must be greater than 0, not {scale!r}, as in scale=2.5")
    loading = Loading(role="judge", device=device, dtype=dtype, trust_remote_code=trust_remote_code)
    loaded = loading.load(argument, AutoModelForSequenceClassification)
    return RewardJudge(loaded, template=template, center=middle, scale=spread)


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"the {name} must be a number, not {text!r}, as in {name}=2.5")
    return number


def _other_than(tokens: set[int]) -> int:
    return next(token for token in range(len(tokens) + 1) if token not in tokens)


def _chat(tokenizer: PreTrainedTokenizerBase, query: str, answer: str) -> tuple[str, bool]:
    turns = [{"role": "user", "content": query}, {"role": "assistant", "content": answer}]
    # The template itself writes the begin-of-text token if the model needs one.
    return str(tokenizer.apply_chat_template(turns, tokenize=False)), False


def _human_assistant(tokenizer: PreTrainedTokenizerBase, query: str, answer: str) -> tuple[str, bool]:  # noqa: ARG001
    return f"Human: {query}\n\nAssistant: {answer}", True


_TEMPLATES: Mapping[str, Callable[[PreTrainedTokenizerBase, str, str], tuple[str, bool]]] = {
    "chat": _chat,
    "human-assistant": _human_assistant,
}
"""The text of a query and its answer, and whether the tokenizer adds its special tokens."""
