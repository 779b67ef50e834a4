"""Speed of generation after a long shared prefix, against `generate` of transformers, tokens compared.

    python experiments/performance/shared_prefix.py [--nano-shape] [--threads N] [--device cuda]

Random weights, float32, greedy, no drafts. (a) one left-padded `generate` over the whole prompts; (b) a loop of it.
On a GPU: first a small model in float32, whose answers must be the same; then Mistral-7B's shape in bfloat16, in which
rounding decides between near ties, and what a step of so many tokens takes (`generators/drafting.py`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Generic, TypeVar

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.profiler import ProfilerActivity, profile
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from urial_opt.models.local.generator import TransformersGenerator
from urial_opt.records import Sampling

_Result = TypeVar("_Result")
_MATRIX_PRODUCTS = ("aten::mm", "aten::bmm", "aten::addmm", "aten::_scaled_dot_product_flash_attention_for_cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One call."""

    layers: int
    vocabulary: int
    prefix: int
    rows: int
    query: int
    new: int
    hidden: int = 256
    heads: int = 8
    key_value_heads: int = 8
    dtype: torch.dtype = torch.float32


BAR = Shape(layers=6, vocabulary=4096, prefix=1000, rows=32, query=40, new=64)
NANO = Shape(layers=4, vocabulary=2048, prefix=500, rows=16, query=25, new=48)
MISTRAL = replace(BAR, layers=32, vocabulary=32_000, hidden=4096, heads=32, key_value_heads=8, dtype=torch.bfloat16)
STEPS = (1, 32, 64, 128, 256, 384, 512, 1024)
"""Tokens read in one step."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nano-shape", action="store_true", help="the typical call of a search on the embedded world")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    shapes = [NANO if arguments.nano_shape else BAR, *([MISTRAL] if device.type == "cuda" else [])]
    for shape in shapes:
        print(f"{shape}, {device}, {arguments.threads} threads, torch {torch.__version__}", flush=True)
        _compare(shape, device)


def _compare(shape: Shape, device: torch.device) -> None:
    torch.manual_seed(0)
    plain = _model(shape, device)
    ours = _model(shape, device)
    ours.load_state_dict(plain.state_dict())
    tokenizer = _words(shape.vocabulary)
    draw = torch.Generator().manual_seed(1)
    prefix = _text(shape.prefix, shape, draw)
    # Between half and all of the queries' length, so that there is padding.
    lengths = torch.randint(shape.query // 2, shape.query + 1, (shape.rows,), generator=draw).tolist()
    lengths[0] = shape.query
    suffixes = [" " + _text(length, shape, draw) for length in lengths]
    sampling = Sampling(max_tokens=shape.new, stop=())

    def shared_prefix() -> list[str]:
        # A new generator, with an empty prefix cache.
        generator = TransformersGenerator(ours, tokenizer, identity="ours", drafts=False)
        return [completion.text for completion in generator.generate(prefix, suffixes, sampling)]

    def plain_generate(texts: list[str]) -> list[str]:
        batch = tokenizer(texts, return_tensors="pt", padding=True).to(device)
        written = plain.generate(**batch, max_new_tokens=shape.new, do_sample=False)  # type: ignore[operator]
        return [str(tokenizer.decode(row, skip_special_tokens=True)) for row in written[:, batch.input_ids.shape[1] :]]

    whole = [prefix + suffix for suffix in suffixes]
    ways: dict[str, Callable[[], list[str]]] = {
        "shared prefix": shared_prefix,
        "one left-padded `generate`": lambda: plain_generate(whole),
        "a loop of `generate`": lambda: [text for prompt in whole for text in plain_generate([prompt])],
    }
    shared_prefix()  # warm up
    plain_generate(whole[:1])
    times = {name: _timed(way, device) for name, way in ways.items()}
    ours_time = times["shared prefix"]
    print(
        "| way | seconds | of a processor | tokens/s | slower by | by processor time | same answers | words in common |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, taken in times.items():
        same = sum(mine == theirs for mine, theirs in zip(ours_time.result, taken.result, strict=True))
        slower = f"{taken.wall / ours_time.wall:.1f} | {taken.processor / ours_time.processor:.1f}"
        rate = shape.rows * shape.new / taken.wall
        begun = sum(map(_in_common, times["a loop of `generate`"].result, taken.result)) / shape.rows
        print(
            f"| {name} | {taken.wall:.2f} | {taken.processor:.2f} | {rate:.0f} | {slower} | {same} of {shape.rows} | "
            f"{begun:.1f} with the loop |"
        )
    first = Sampling(max_tokens=1, stop=())
    generator = TransformersGenerator(ours, tokenizer, identity="ours", drafts=False)
    cold, warm = (_timed(lambda: generator.generate(prefix, suffixes, first), device) for _ in range(2))
    full = _timed(lambda: generator.generate(prefix, suffixes, sampling), device)
    for clock in ("wall", "processor"):
        cold_s, warm_s, full_s = (getattr(taken, clock) for taken in (cold, warm, full))
        step = (full_s - warm_s) / (shape.new - 1)
        print(f"{clock}: prefix {cold_s - warm_s:.3f} s, queries {warm_s:.3f} s, {step * 1000:.2f} ms a step")
    if device.type == "cuda":
        _print_steps(plain)
        return
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        generator.generate(prefix, suffixes, sampling)
    events = profiled.key_averages()
    inside = sum(event.self_cpu_time_total for event in events if event.key in _MATRIX_PRODUCTS)
    print(f"{inside / sum(event.self_cpu_time_total for event in events):.0%} of the time in matrix products")


def _in_common(one: str, other: str) -> int:
    """Words with which two answers begin alike; rounding makes plain `generate` differ by batch size, too."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one.split(), other.split(), strict=False)))


@torch.inference_mode()
def _print_steps(model: PreTrainedModel) -> None:
    """Print the time of one pass over several rows of one token; for few rows, loading the weights dominates."""
    for tokens in STEPS:
        ids = torch.ones(tokens, 1, dtype=torch.long, device=model.device)
        taken = sorted(_timed(lambda: model(ids, use_cache=False), model.device).wall for _ in range(7))[3]  # noqa: B023
        print(f"{tokens} tokens a step: {taken * 1000:.2f} ms", flush=True)


def _model(shape: Shape, device: torch.device) -> PreTrainedModel:
    torch.set_default_dtype(shape.dtype)
    try:
        with device:
            return LlamaForCausalLM(_config(shape))
    finally:
        torch.set_default_dtype(torch.float32)


def _config(shape: Shape) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.hidden * 11 // 4,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        max_position_embeddings=2048,
        initializer_range=0.1,  # distributions sharp enough that rounding never decides between two tokens
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )


def _words(vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer of one token for each word."""
    words = Tokenizer(models.WordLevel({f"w{token}": token for token in range(vocabulary)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=words, pad_token="w0", padding_side="left"
    )


def _text(tokens: int, shape: Shape, draw: torch.Generator) -> str:
    return " ".join(f"w{token}" for token in torch.randint(1, shape.vocabulary, (tokens,), generator=draw).tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed(Generic[_Result]):
    """The result of some work, its wall seconds, and its processor seconds, which a busy machine does not stretch."""

    result: _Result
    wall: float
    processor: float


def _timed(work: Callable[[], _Result], device: torch.device) -> _Timed[_Result]:
    wait: Callable[[], None] = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    wait()
    return _Timed(result=result, wall=time.perf_counter() - wall, processor=time.process_time() - processor)


if __name__ == "__main__":
    main()
