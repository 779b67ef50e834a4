"""Pairs of a base and an aligned model, and token scores computed slowly: one whole forward pass for each token."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from tests.test_architectures import KINDS
from tests.tiny_models import PREFIX, plain_model, tiny_tokenizer
from urial_opt.models.local.causal_model import CausalModel
from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator
from urial_opt.nano.models import open_aligned, open_base
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.protocols import Scorable, TokenScorer
from urial_opt.token_scores import TOP, AlignedAnswer, TokenScores

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>\n"
ZERO_SHOT = UrialPrompt()
HAND_WRITTEN = UrialPrompt(
    system=PREFIX[: PREFIX.index("\n# Query")], exemplars=(Exemplar(query="Hello", answer="Hi! 東京"),)
)
QUERIES = ["What is the capital of France?", "Hi", "Tell me of 東京 🌊.", "Ho, hello?"]
TEXTS = ["The capital of France is Paris. 🌋", "Hi!", "T", ""]
END = 7
"""The token that ends a turn of the tiny models."""

Floats = npt.NDArray[np.float64]


def chat_tokenizer(template: str = TEMPLATE) -> PreTrainedTokenizerFast:
    tokenizer = deepcopy(tiny_tokenizer())
    tokenizer.chat_template = template
    return tokenizer


def random_model(kind: str, seed: int, dtype: torch.dtype = torch.float64, **changes: object) -> PreTrainedModel:
    _, name, config = KINDS[kind]
    torch.manual_seed(seed)
    config = {**config, **changes}
    model: PreTrainedModel = AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **config), dtype=dtype)  # type: ignore[no-untyped-call]
    assert model.generation_config is not None
    model.generation_config.eos_token_id = [END]
    return model


class Pair:
    """A base and an aligned model as generators."""

    def __init__(
        self,
        base: PreTrainedModel,
        aligned: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        aligned_tokenizer: PreTrainedTokenizerBase | None = None,
        rows: int = 128,
    ) -> None:
        self.base = TransformersGenerator(base, tokenizer, identity="base", rows=rows)
        chat = aligned_tokenizer or tokenizer
        self.aligned = TransformersChatGenerator(TransformersGenerator(aligned, chat, identity="aligned", rows=rows))

    @property
    def scorer(self) -> TokenScorer:
        assert isinstance(self.base, Scorable)
        return self.base.token_scorer(self.aligned)


@cache
def model_pair(kind: str = "grouped heads", dtype: torch.dtype = torch.float64) -> Pair:
    return Pair(random_model(kind, 1, dtype), random_model(kind, 2, dtype), chat_tokenizer())


@cache
def embedded_pair(dtype: torch.dtype) -> Pair:
    base, aligned = open_base(""), open_aligned("")
    return Pair(base.model.to(dtype), aligned.generator.model.to(dtype), aligned.generator.tokenizer)


def given_answers(
    pair: Pair, texts: Sequence[str] = TEXTS, *, ended: Sequence[bool] = (True, False, True, True)
) -> list[AlignedAnswer]:
    tokens = pair.base.tokens(texts, special=False)
    return [
        AlignedAnswer(query=query, tokens=tuple(own), pieces=(text,) * bool(text), ended=end)
        for query, text, own, end in zip(QUERIES, texts, tokens, ended, strict=False)
    ]


def log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max()
    wanted: Floats = shifted - np.log(np.exp(shifted).sum())
    return wanted


@torch.inference_mode()
def slow_logits(model: PreTrainedModel, prompt: Sequence[int], tokens: Sequence[int], positions: int) -> list[Floats]:
    """The logits at each position, by one whole forward pass each."""
    rows = [[*prompt, *tokens[:place]] for place in range(positions)]
    return [model(torch.tensor([row])).logits[0, -1].double().numpy() for row in rows]


def ids_by_logit(logits: Floats) -> list[int]:
    """All ids, the most probable first; ties by id."""
    return sorted(range(len(logits)), key=lambda token: (-logits[token], token))


def slow_scores(pair: Pair, answer: AlignedAnswer, context: UrialPrompt, *, ending: int | None) -> dict[str, Any]:
    """The expected fields of `TokenScores`; `ending` is the base model's token at the end of the turn."""
    chat = pair.aligned.generator.tokenizer
    turns = [{"role": "user", "content": answer.query}]
    chat_prompt = chat(
        chat.apply_chat_template(turns, tokenize=False, add_generation_prompt=True), add_special_tokens=False
    )
    prompt = pair.base.tokenizer(context.prefix + context.suffix(answer.query))["input_ids"]
    positions = len(answer.tokens) + answer.ended
    base = slow_logits(plain_model(pair.base), prompt, answer.tokens, positions)
    aligned = slow_logits(plain_model(pair.aligned.generator), chat_prompt["input_ids"], answer.tokens, positions)
    names = [field.name for field in fields(TokenScores) if not field.name.endswith(("usage", "least"))]
    found: dict[str, list[Any]] = {name: [] for name in names}
    for place, (one, two) in enumerate(zip(base, aligned, strict=True)):
        p, q = log_softmax(one), log_softmax(two)
        at_end = place == len(answer.tokens)
        token = ending if at_end else answer.tokens[place]
        assert token is not None
        end = max(pair.aligned.generator.end_tokens, key=lambda end: two[end])
        found["rank"].append(1 + ids_by_logit(one).index(token))
        found["probability"].append(np.exp(p[token]))
        found["aligned_probability"].append(np.exp(q[end if at_end else token]))
        found["kl_base_aligned"].append(np.nan if at_end else float(np.sum(np.exp(p) * (p - q))))
        found["kl_aligned_base"].append(np.nan if at_end else float(np.sum(np.exp(q) * (q - p))))
        found["entropy"].append(-float(np.sum(np.exp(p) * p)))
        found["aligned_entropy"].append(-float(np.sum(np.exp(q) * q)))
        found["top"].append(ids_by_logit(one)[:TOP])
        found["aligned_top"].append(ids_by_logit(two)[:TOP])
    return found


def assert_close(scores: TokenScores, expected: dict[str, Any], *, within: float, exact: bool = True) -> None:
    for name, values in expected.items():
        mine = getattr(scores, name)
        if name in ("top", "aligned_top"):
            assert mine.ids.shape[0] == mine.probabilities.shape[0] == len(values)
            if exact and values:
                assert mine.ids.tolist() == values
        elif name == "rank":
            assert mine.dtype == np.int64
            if exact:
                assert mine.tolist() == values
        else:
            assert mine.dtype == np.float64
            np.testing.assert_allclose(mine, np.array(values), rtol=0, atol=within)


def assert_same(mine: list[TokenScores], others: list[TokenScores], *, within: float = 1e-6) -> None:
    assert len(mine) == len(others)
    for one, other in zip(mine, others, strict=True):
        for name in ("rank", "probability", "aligned_probability", "kl_base_aligned", "kl_aligned_base"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=within)
        for name in ("entropy", "aligned_entropy"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=within)
        assert one.top.ids.tolist() == other.top.ids.tolist()
        np.testing.assert_allclose(one.aligned_top.probabilities, other.aligned_top.probabilities, rtol=0, atol=within)


def newline_token(pair: Pair) -> int:
    return pair.base.tokens(["a\n"], special=False)[0][-1]


SPACED = "{% for m in messages %}[INST] {{ m.content }} [/INST]{% endfor %}"


def sentencepiece_tokenizer(template: str) -> PreTrainedTokenizerFast:
    """A tokenizer like that of Llama 2: a space is part of the word after it, unknown characters are bytes."""
    words = [
        "Hello",
        "Hi",
        "▁Hello",
        "▁Hi",
        "▁Sure",
        "▁",
        "▁▁",
        "there",
        "▁there",
        "INST",
        "Query",
        "Answer",
        "▁Answer",
        "```",
    ]
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    letters = [*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,:#[]/?`!"]
    pieces = [(piece, -float(rank)) for rank, piece in enumerate(["<unk>", *byte_tokens, *words, *letters])]
    unigram = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    unigram.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    unigram.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first"), decoders.Fuse()]
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=unigram)  # type: ignore[no-untyped-call]
    tokenizer.chat_template = template
    return tokenizer


def spaced_pair(template: str) -> Pair:
    tokenizer = sentencepiece_tokenizer(template)
    size = len(tokenizer)
    ours, theirs = (random_model("grouped heads", seed, vocab_size=size) for seed in (1, 2))
    return Pair(ours, theirs, tokenizer)


def token_ids(model: CausalModel, *tokens: str) -> list[int]:
    return [model.tokenizer.get_vocab()[token] for token in tokens]
