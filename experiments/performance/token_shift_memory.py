"""How much memory two models take to score given answers, as the answers grow.

    python experiments/performance/token_shift_memory.py [--threads N]

Four answers side by side after a prompt of 1,000 tokens, a vocabulary of 128,000. Prints the peak of what torch
allocates while it scores.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from itertools import accumulate

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.profiler import ProfilerActivity, profile
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator
from urial_opt.prompt import UrialPrompt
from urial_opt.token_scores import AlignedAnswer

PROMPT, VOCABULARY, ANSWERS = 1000, 128_000, 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    base, aligned = _generator("base"), _generator("aligned")
    scorer = base.token_scorer(TransformersChatGenerator(aligned))
    context = UrialPrompt(raw=_words(PROMPT, seed=0) + "\n")
    scorer.score(_answers(16), [context])  # reads the prefix
    print("| answers of tokens | all logits of both models would be | peak memory |")
    print("|---|---|---|")
    for length in (64, 256, 1024, 4096):
        peak = _peak(partial(scorer.score, _answers(length), [context]))
        all_logits = 2 * ANSWERS * length * VOCABULARY * 4 / 2**20
        print(f"| {ANSWERS} of {length} | {all_logits:,.0f} MiB | {peak:,.0f} MiB |", flush=True)


def _peak(work: Callable[[], object]) -> float:
    """The greatest amount of memory that torch holds at a time for this work, in MiB."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        work()
    assert profiled.profiler is not None
    events = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = accumulate(int(event.nbytes()) for event in sorted(events, key=lambda event: event.start_ns()))
    return max(held) / 2**20


def _answers(length: int) -> list[AlignedAnswer]:
    tokens = torch.randint(5, VOCABULARY, (ANSWERS, length), generator=torch.Generator().manual_seed(ANSWERS)).tolist()
    return [
        AlignedAnswer(query=_words(12, seed=1 + number), tokens=tuple(row), pieces=("",) * length, ended=False)
        for number, row in enumerate(tokens)
    ]


def _generator(identity: str) -> TransformersGenerator:
    """A random Llama with one token for each word."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            vocab_size=VOCABULARY,
            max_position_embeddings=8192,
        )
    )
    words = Tokenizer(models.WordLevel({f"w{token}": token for token in range(VOCABULARY)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words)  # type: ignore[no-untyped-call]
    tokenizer.chat_template = "{% for m in messages %}w1 {{ m.content }} w2 {% endfor %}"
    return TransformersGenerator(model, tokenizer, identity=identity)


def _words(number: int, *, seed: int) -> str:
    draw = torch.Generator().manual_seed(seed)
    return " ".join(f"w{token}" for token in torch.randint(3, VOCABULARY, (number,), generator=draw).tolist())


if __name__ == "__main__":
    main()
