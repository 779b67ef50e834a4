"""How fast two models score given answers, token by token.

    python experiments/performance/token_shift.py [--threads N] [--device cuda]

256 answer tokens after a prompt of 1,000, one answer or eight; the tokens are random, since their ranks take the
longest to compute.
(a) Speed against one whole forward pass for each token by each model, timed at eight positions.
(b) Share of the wall time that the two models' passes take.
(c) Rate of the matrix products in these passes, attention's included (only what each token must see, no padding), over
the rate of plain products of the layers' shapes in the same run.
On a GPU: a model of Mistral-7B's shape, random, in bfloat16.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator
from urial_opt.models.local.prefix_cache import common_length
from urial_opt.models.local.teacher_forcing import GivenAnswers
from urial_opt.nano.models import open_aligned, open_base
from urial_opt.prompt import UrialPrompt
from urial_opt.token_scores import AlignedAnswer

PROMPT, ANSWER, SAMPLED = 1000, 256, 8
WIDTHS: dict[str, dict[str, Any]] = {
    "llama, width 256": {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 4, "vocab_size": 4096},
    "llama, width 768": {"hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 8, "vocab_size": 32_000},
}
MISTRAL: dict[str, Any] = {"sliding_window": None, "max_position_embeddings": 4096}
"""The other defaults of the class are Mistral-7B's shape."""
BARS = "bars: 100 times, 85 %, 50 %"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A base and an aligned model, and the base model's context."""

    name: str
    base: TransformersGenerator
    aligned: TransformersChatGenerator
    context: UrialPrompt


@dataclass(slots=True, kw_only=True)
class Passes:
    """The models' passes: seconds, and counts of matrix products by rows, inner and outer size."""

    seconds: float = 0.0
    products: Counter[tuple[int, int, int]] = field(default_factory=Counter)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    print(f"{arguments.threads} threads, {device}, torch {torch.__version__}; {BARS}")
    print("| pair | answers | tokens/s | one forward a token, tokens/s | times | in model passes | of plain products |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for make in [_mistral] if device.type == "cuda" else [_embedded, *(lambda n=name: _llama(n) for name in WIDTHS)]:
        pair = make()
        for answers in (1, 8):
            _measure(pair, answers)
        del pair
    if device.type == "cuda":
        square = torch.randn(8192, 8192, dtype=torch.bfloat16, device=device)
        seconds = _best(lambda: square @ square, device)
        print(f"bfloat16 products of 8,192: {2 * 8192**3 / seconds / 1e12:.0f} TFLOP/s")


def _measure(pair: Pair, number: int) -> None:
    scorer = pair.base.token_scorer(pair.aligned)
    answers = _answers(pair, number, ANSWER)
    device = pair.base.model.device

    def score() -> None:
        pair.base.forget_prefixes()
        pair.aligned.generator.forget_prefixes()
        scorer.score(answers, [pair.context])

    score()  # warm up
    repeats = 5
    seconds = in_passes = plain = layers = 0.0
    for _ in range(repeats):
        with _watched(pair) as passes:
            started = time.perf_counter()
            score()
            _wait(device)
            seconds += (time.perf_counter() - started) / repeats
        in_passes += passes.seconds / repeats
        # Plain products alternate with the passes: the speed of a shared machine changes from minute to minute.
        plain += sum(count * _product(shape, pair.base.model) for shape, count in passes.products.items())
        layers += sum(2 * count * rows * inner * outer for (rows, inner, outer), count in passes.products.items())
    achieved = (layers / repeats + _attention(pair, answers)) / in_passes
    rate = number * ANSWER / seconds
    slow = 1 / _one_forward_a_token(pair, answers[0])
    print(
        f"| {pair.name} | {number} | {rate:.0f} | {slow:.2f} | {rate / slow:.0f} | "
        f"{in_passes / seconds:.0%} | {achieved / (layers / plain):.0%} |",
        flush=True,
    )


@contextmanager
def _watched(pair: Pair) -> Iterator[Passes]:
    """Times `GivenAnswers.logits` and records the matrix products in it."""
    passes, logits = Passes(), GivenAnswers.logits
    device = pair.base.model.device

    def timed(given: GivenAnswers, batch: Sequence[int], *, last: int, step: int) -> Iterator[Tensor]:
        chunks = logits(given, batch, last=last, step=step)
        while True:
            _wait(device)
            started = time.perf_counter()
            chunk = next(chunks, None)
            _wait(device)
            passes.seconds += time.perf_counter() - started
            if chunk is None:
                return
            yield chunk
            del chunk

    def record(module: torch.nn.Linear, given: tuple[Tensor, ...], _: Tensor) -> None:
        rows = given[0].numel() // module.in_features
        passes.products[rows, module.in_features, module.out_features] += 1

    parts = [part for model in (pair.base, pair.aligned.generator) for part in model.model.modules()]
    hooks = [part.register_forward_hook(record) for part in parts if isinstance(part, torch.nn.Linear)]
    GivenAnswers.logits = timed  # type: ignore[assignment, method-assign]
    try:
        yield passes
    finally:
        GivenAnswers.logits = logits  # type: ignore[method-assign]
        for hook in hooks:
            hook.remove()


def _attention(pair: Pair, answers: Sequence[AlignedAnswer]) -> float:
    """Operations of attention's products where the prompts' shared part is read once; each token sees those before."""
    total = 0.0
    texts = [
        [pair.context.render(answer.query) for answer in answers],
        [pair.aligned.layout.render(a.query) for a in answers],
    ]
    for model, prompts, special in zip((pair.base, pair.aligned.generator), texts, (True, False), strict=True):
        rows = model.tokens(prompts, special=special)
        config = model.model.config
        shared = common_length(rows) if len(rows) > 1 else 0
        seen = shared * (shared + 1) / 2
        for row in rows:
            end = len(row) + ANSWER - 1
            seen += (end * (end + 1) - shared * (shared + 1)) / 2
        total += 4 * seen * config.num_hidden_layers * config.hidden_size
    return total


def _product(shape: tuple[int, int, int], model: torch.nn.Module) -> float:
    """Seconds of a plain product of this shape."""
    rows, inner, outer = shape
    weight = next(model.parameters())
    left = torch.randn(rows, inner, dtype=weight.dtype, device=weight.device)
    right = torch.randn(outer, inner, dtype=weight.dtype, device=weight.device)
    return _best(lambda: torch.nn.functional.linear(left, right), weight.device)


def _best(work: Callable[[], object], device: torch.device) -> float:
    """Median of five repetitions, in seconds."""
    taken = []
    for _ in range(5):
        _wait(device)
        started = time.perf_counter()
        work()
        _wait(device)
        taken.append(time.perf_counter() - started)
    return sorted(taken)[len(taken) // 2]


@torch.inference_mode()
def _one_forward_a_token(pair: Pair, answer: AlignedAnswer) -> float:
    """Seconds for one token by one whole forward pass of each model, averaged over some positions."""
    prompts = [
        (pair.base, pair.base.tokens([pair.context.render(answer.query)], special=True)[0]),
        (
            pair.aligned.generator,
            pair.aligned.generator.tokens([pair.aligned.layout.render(answer.query)], special=False)[0],
        ),
    ]
    seconds = 0.0
    for place in range(0, ANSWER, ANSWER // SAMPLED):
        for model, prompt in prompts:
            ids = torch.tensor([[*prompt, *answer.tokens[:place]]], device=model.model.device)
            _wait(model.model.device)
            started = time.perf_counter()
            model.model(ids, logits_to_keep=1, use_cache=False)
            _wait(model.model.device)
            seconds += time.perf_counter() - started
    return seconds / SAMPLED


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _answers(pair: Pair, number: int, length: int) -> list[AlignedAnswer]:
    """Random tokens; the time does not depend on which."""
    draw = torch.Generator().manual_seed(number)
    vocabulary = len(pair.base.tokenizer)
    rows = torch.randint(5, vocabulary, (number, length), generator=draw).tolist()
    queries = [_words_of(12, vocabulary, draw) if pair.name != "embedded" else f"What is {n}?" for n in range(number)]
    return [
        AlignedAnswer(query=query, tokens=tuple(row), pieces=("",) * length, ended=False)
        for query, row in zip(queries, rows, strict=True)
    ]


def _embedded() -> Pair:
    base = open_base("")
    line = (
        "# Query:\n```\nWhat is the capital of France?\n```\n\n# Answer:\n```\nThe capital of France is Paris.\n```\n\n"
    )
    context = UrialPrompt(raw=line * round(PROMPT / base.count_tokens(line)))
    return Pair(name="embedded", base=base, aligned=open_aligned(""), context=context)


def _llama(name: str) -> Pair:
    heads = WIDTHS[name]["hidden_size"] // 64
    config = LlamaConfig(**WIDTHS[name], num_attention_heads=heads, max_position_embeddings=2048)
    return _pair(name, LlamaForCausalLM, config)


def _mistral() -> Pair:
    config = MistralConfig(**MISTRAL)
    return _pair("Mistral-7B's shape", MistralForCausalLM, config, device="cuda", dtype=torch.bfloat16)


def _pair(
    name: str,
    kind: Any,  # noqa: ANN401
    config: Any,  # noqa: ANN401
    *,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Pair:
    tokenizer = _word_tokenizer(config.vocab_size)
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            models = kind(config), kind(config)
    finally:
        torch.set_default_dtype(torch.float32)
    base = TransformersGenerator(models[0], tokenizer, identity="base")
    aligned = TransformersChatGenerator(TransformersGenerator(models[1], tokenizer, identity="aligned"))
    context = UrialPrompt(raw=_words_of(PROMPT, config.vocab_size, torch.Generator().manual_seed(1)) + "\n")
    return Pair(name=name, base=base, aligned=aligned, context=context)


def _word_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """One token for each word."""
    words = Tokenizer(models.WordLevel({f"w{token}": token for token in range(vocabulary)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words)  # type: ignore[no-untyped-call]
    tokenizer.chat_template = "{% for m in messages %}w1 {{ m.content }} w2 {% endfor %}"
    return tokenizer


def _words_of(number: int, vocabulary: int, draw: torch.Generator) -> str:
    return " ".join(f"w{token}" for token in torch.randint(3, vocabulary, (number,), generator=draw).tolist())


if __name__ == "__main__":
    main()
