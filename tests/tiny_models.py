"""Tiny random models with a tokenizer of their own, and the answers of plain transformers."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from urial_opt.models.local.generator import TransformersGenerator
from urial_opt.models.local.shared_prefix import ATTENTION
from urial_opt.records import Completion, Sampling

CORPUS = """# Query:
```
What is the capital of France? Naïve café, 東京 🌊🌋
```

# Answer:
```
The capital of France is Paris. I hope this helps! Let me know.
```
"""
PREFIX = (
    "# Instruction\n\nBelow is a list of conversations.\n\n# Query:\n```\nHello\n```\n\n# Answer:\n```\nHi! 東京\n```\n"
)
SUFFIXES = [
    "\n# Query:\n```\nWhat is the capital of France?\n```\n\n# Answer:\n```\n",
    "\n# Query:\n```\nHi\n```\n\n# Answer:\n```\n",
    "\n# Query:\n```\nTell me of 東京 🌊, at some length if you can, and of the capital.\n```\n\n# Answer:\n```\n",
    "\n# Query:\n```\nHo\n```\n\n# Answer:\n```\n",
    "\n",
]
SHAPE: dict[str, Any] = {
    "vocab_size": 320,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "initializer_range": 0.3,
    "max_position_embeddings": 1024,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
GREEDY = Sampling(max_tokens=16, stop=())


@cache
def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE of 320 tokens, none of them special."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        [CORPUS], trainers.BpeTrainer(vocab_size=SHAPE["vocab_size"], initial_alphabet=alphabet, show_progress=False)
    )
    return PreTrainedTokenizerFast(tokenizer_object=bpe)  # type: ignore[no-untyped-call]


def tiny_llama(*, kv_heads: int = 2) -> LlamaForCausalLM:
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(**SHAPE, num_key_value_heads=kv_heads))


@cache
def plain_model(generator: TransformersGenerator) -> PreTrainedModel:
    """A copy of the generator's model without this package's attention."""
    model = generator.model
    config = model.config.__class__(**model.config.to_diff_dict())
    plain: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=model.dtype)  # type: ignore[no-untyped-call]
    plain.load_state_dict(model.state_dict())
    assert plain.config._attn_implementation != ATTENTION
    plain.train(mode=False)
    return plain


@cache
def plain_tokens(generator: TransformersGenerator, text: str, sampling: Sampling) -> list[int]:
    """The tokens that `generate` of transformers returns for one whole prompt."""
    ids = torch.tensor([generator.tokenizer(text)["input_ids"]])
    written = plain_model(generator).generate(  # type: ignore[operator]
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=sampling.max_tokens,
        do_sample=False,
        repetition_penalty=sampling.repetition_penalty,
    )
    tokens: list[int] = written[0, ids.shape[1] :].tolist()
    return tokens


def assert_plain(
    generator: TransformersGenerator, prefix: str, suffixes: list[str], sampling: Sampling
) -> list[Completion]:
    """The completions, after a check that their tokens are those of plain transformers."""
    completions = generator.generate(prefix, suffixes, sampling)
    for suffix, completion in zip(suffixes, completions, strict=True):
        expected = plain_tokens(generator, prefix + suffix, sampling)
        assert completion.text == generator.tokenizer.decode(expected)
        assert completion.usage.completion_tokens == len(expected)
        assert completion.finish_reason == "length"
    return completions
