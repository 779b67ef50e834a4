"""Speed of generation after a long shared prefix for each kind of layer, against `generate` of transformers.

    python experiments/performance/real_models.py [--threads N] [--only NAME]

Random weights (width 256, 4 layers, vocabulary 2,048), float32, greedy; 16 queries of 15 to 30 tokens after a prefix of
600, 48 new tokens. `ours` is the way that the model is served by, the prefix read included; `whole prompts` is what is
left where no prefix can be kept; the baseline is one left-padded batch of `generate`, and one batch for each length
where layers keep a state, which padding would change. Answers are compared with the baseline's.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils.logging import set_verbosity_error

from urial_opt.models.local.generator import TransformersGenerator
from urial_opt.records import Sampling

VOCABULARY, PREFIX, ROWS, QUERY, NEW = 2048, 600, 16, 30, 48
SIZE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 256,
    "intermediate_size": 704,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "max_position_embeddings": 2048,
    "initializer_range": 0.1,  # distributions sharp enough that rounding never decides between two tokens
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
GROUPED = {**SIZE, "num_key_value_heads": 2}
STATES = {"mamba_n_heads": 8, "mamba_d_head": 64, "mamba_d_state": 64, "mamba_n_groups": 1}
HALF = ["sliding_attention", "full_attention"] * 2
MODELS: dict[str, dict[str, Any]] = {
    "llama": GROUPED,
    "qwen3": {**GROUPED, "head_dim": 32},
    "gpt_neox": {**SIZE, "rotary_pct": 0.25},
    "phi3": GROUPED,
    "mistral": {**GROUPED, "sliding_window": 256},
    "gemma3_text": {**GROUPED, "sliding_window": 256, "head_dim": 32, "layer_types": HALF},
    "gemma2": {**GROUPED, "sliding_window": 256, "head_dim": 32},
    "mpt": {**SIZE, "d_model": 256, "n_heads": 8, "n_layers": 4},
    "falcon_h1": {**GROUPED, **STATES, "mamba_d_ssm": 512},
    "lfm2": {**GROUPED, "layer_types": ["conv", "full_attention"] * 2},
    "mamba": SIZE,
}
WITH_STATES = {"falcon_h1", "lfm2", "mamba"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Answers, and their processor seconds."""

    answers: list[str]
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=MODELS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    set_verbosity_error()  # type: ignore[no-untyped-call]
    tokenizer = _words()
    draw = torch.Generator().manual_seed(1)
    prefix = _text(PREFIX, draw)
    lengths = torch.randint(QUERY // 2, QUERY + 1, (ROWS,), generator=draw).tolist()
    suffixes = [" " + _text(length, draw) for length in lengths]
    sampling = Sampling(max_tokens=NEW, stop=())
    print(f"{arguments.threads} threads, torch {torch.__version__}; seconds of a processor")
    print("| model | way | ours | whole prompts | generate | faster than generate | same answers |")
    print("|---|---|---|---|---|---|---|")
    for name in [arguments.only] if arguments.only else MODELS:
        plain, mine = _model(name), _model(name)
        generator = TransformersGenerator(mine, tokenizer, identity=name, drafts=False)
        without = TransformersGenerator(mine, tokenizer, identity=name, drafts=False)
        without._shared = without._expanded = None

        def ours(generator: TransformersGenerator = generator) -> list[str]:
            generator.forget_prefixes()
            return [completion.text for completion in generator.generate(prefix, suffixes, sampling)]

        def whole(generator: TransformersGenerator = without) -> list[str]:
            return [completion.text for completion in generator.generate(prefix, suffixes, sampling)]

        def theirs(model: PreTrainedModel = plain, name: str = name) -> list[str]:
            return _generate(model, tokenizer, [prefix + suffix for suffix in suffixes], apart=name in WITH_STATES)

        ours()  # warm up
        first, second, third = _timed(ours), _timed(whole), _timed(theirs)
        same = sum(a == b for a, b in zip(first.answers, third.answers, strict=True))
        way = generator._fallback if generator._window < PREFIX else generator.how
        print(
            f"| {name} | {way} | {first.seconds:.2f} | {second.seconds:.2f} | {third.seconds:.2f} | "
            f"{third.seconds / first.seconds:.1f} | {same} of {ROWS} |",
            flush=True,
        )


def _generate(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, texts: list[str], *, apart: bool
) -> list[str]:
    """One left-padded batch, or one batch for each length."""
    answers: dict[str, str] = {}

    def length(text: str) -> int:
        return len(text.split()) if apart else 0

    for _, group in groupby(sorted(texts, key=length), length):
        together = list(group)
        batch = tokenizer(together, return_tensors="pt", padding=True)
        written = model.generate(**batch, max_new_tokens=NEW, do_sample=False, pad_token_id=0)  # type: ignore[operator]
        new = written[:, batch.input_ids.shape[1] :]
        answers |= {text: str(tokenizer.decode(row)) for text, row in zip(together, new, strict=True)}
    return [answers[text] for text in texts]


def _model(name: str) -> PreTrainedModel:
    torch.manual_seed(0)
    config = AutoConfig.for_model(name, **MODELS[name])
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32)  # type: ignore[no-untyped-call]
    model.train(mode=False)
    return model


def _words() -> PreTrainedTokenizerFast:
    """A tokenizer of one token for each word."""
    words = Tokenizer(models.WordLevel({f"w{token}": token for token in range(VOCABULARY)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=words, pad_token="w0", padding_side="left"
    )


def _text(tokens: int, draw: torch.Generator) -> str:
    return " ".join(f"w{token}" for token in torch.randint(1, VOCABULARY, (tokens,), generator=draw).tolist())


def _timed(work: Callable[[], list[str]]) -> Timed:
    started = time.process_time()
    answers = work()
    return Timed(answers=answers, seconds=time.process_time() - started)


if __name__ == "__main__":
    main()
