"""Trains the embedded models: tokenizer, base model, aligned twin.

    python experiments/nano/train.py --out models            about 40 minutes on one core
    python experiments/nano/train.py --out models --only base --steps 50      a quick look
    python experiments/nano/train.py --out other --only base --seed 12 --layers 3 --width 192     another base model

Everything is drawn from fixed seeds. The base model reads documents of the corpus (`urial_opt.nano.corpus`), each
once. The aligned twin goes on from the base model with supervised fine-tuning on answers in one style, in a chat layout
of its own. Both are written as Hugging Face model folders with bfloat16 weights.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from urial_opt.nano.corpus import ALIGNED_STYLE, documents, random_question
from urial_opt.nano.style import write_answer

BEGIN, END, USER, ASSISTANT, PAD = "<|begin|>", "<|end|>", "<|user|>", "<|assistant|>", "<|pad|>"
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\n' + message['content'] }}"
    "{{ '<|end|>' if message['role'] == 'assistant' else '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
VOCABULARY = 2048
CONTEXT = 1024
TOKENIZER_SEED, BASE_SEED, ALIGNED_SEED = 1, 2, 3


def train_tokenizer() -> Tokenizer:
    """Byte-level BPE, with the pre-tokenization of GPT-2, which never joins a newline to what follows it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, BEGIN, END, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(itertools.islice(documents(TOKENIZER_SEED), 8000), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))]
    )
    return tokenizer


def chats(seed: int) -> Iterator[str]:
    """Endless conversations of one to three turns, answered in the aligned style."""
    rng = Random(seed)
    while True:
        text = ""
        for _ in range(rng.choice((1, 1, 2, 3))):
            question = random_question(rng)
            text += f"{USER}\n{question.text}\n{ASSISTANT}\n{write_answer(question, ALIGNED_STYLE, rng)}{END}"
        yield text


def rows(texts: Iterator[str], tokenizer: Tokenizer, *, chat: bool) -> Iterator[tuple[list[int], list[bool]]]:
    """Rows of `CONTEXT` + 1 tokens, each filled with whole documents, the last one cut; and which tokens to learn."""
    begin, end, user, assistant = (int(tokenizer.token_to_id(t) or 0) for t in (BEGIN, END, USER, ASSISTANT))
    row: list[int] = []
    learn: list[bool] = []
    while True:
        for encoding in tokenizer.encode_batch(list(itertools.islice(texts, 64))):
            ids: list[int] = encoding.ids if chat else [*encoding.ids, end]
            speaking = not chat
            for token in ids:
                if token in (user, begin):
                    speaking = not chat
                learn.append(speaking)
                if token == assistant:
                    speaking = True
            row.extend(ids)
            if len(row) > CONTEXT:
                yield row[: CONTEXT + 1], learn[: CONTEXT + 1]
                row, learn = [], []


def train(
    model: LlamaForCausalLM,
    data: Iterator[tuple[list[int], list[bool]]],
    *,
    steps: int,
    batch: int,
    peak: float,
    log: Path,
) -> None:
    """AdamW with warm-up and a cosine that ends at a twentieth of the peak.

    Appends loss, seconds and speed (tokens a second) to `log`.
    """
    decayed = [p for p in model.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim != 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], lr=peak, betas=(0.9, 0.95)
    )
    warmup = max(1, steps // 20)
    started = time.perf_counter()
    model.train()
    for step in range(steps):
        cosine = 0.525 + 0.475 * math.cos(math.pi * (step - warmup) / (steps - warmup))
        share = step / warmup if step < warmup else cosine
        for group in optimizer.param_groups:
            group["lr"] = peak * share
        chosen = list(itertools.islice(data, batch))
        ids = torch.tensor([row for row, _ in chosen])
        learn = torch.tensor([mask for _, mask in chosen])
        labels = torch.where(learn, ids, -100)[:, 1:]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 10 == 0 or step == steps - 1:
            seconds = time.perf_counter() - started
            speed = (step + 1) * batch * CONTEXT / seconds
            line = {"step": step, "loss": round(loss.item(), 4), "seconds": round(seconds), "speed": round(speed)}
            with log.open("a") as file:
                file.write(json.dumps(line) + "\n")


def save(model: LlamaForCausalLM, tokenizer: Tokenizer, folder: Path, *, chat: bool) -> None:
    """A Hugging Face model folder with bfloat16 weights."""
    model.bfloat16().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END, pad_token=PAD, model_max_length=2 * CONTEXT
    )
    if chat:
        wrapped.chat_template = CHAT_TEMPLATE
    wrapped.save_pretrained(folder)
    model.float()  # type: ignore[no-untyped-call]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=("base", "aligned"))
    parser.add_argument("--steps", type=int, default=1250, help="steps of the base model")
    parser.add_argument("--seed", type=int, default=BASE_SEED, help="draws the base model's weights and documents")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=256, help="a multiple of 64, in heads of 32")
    parser.add_argument("--aligned-steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=4, help=f"rows of {CONTEXT} tokens a step")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    chosen.out.mkdir(parents=True, exist_ok=True)

    tokenizer = train_tokenizer()
    if chosen.only != "aligned":
        torch.manual_seed(chosen.seed)
        config = LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=chosen.width,
            intermediate_size=chosen.width * 11 // 4,
            num_hidden_layers=chosen.layers,
            num_attention_heads=chosen.width // 32,
            num_key_value_heads=chosen.width // 64,
            max_position_embeddings=2 * CONTEXT,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.token_to_id(PAD),
            bos_token_id=tokenizer.token_to_id(BEGIN),
            eos_token_id=tokenizer.token_to_id(END),
        )
        model = LlamaForCausalLM(config)
        data = rows(documents(chosen.seed), tokenizer, chat=False)
        train(model, data, steps=chosen.steps, batch=chosen.batch, peak=3e-3, log=chosen.out / "base.jsonl")
        save(model, tokenizer, chosen.out / "base", chat=False)
    if chosen.only != "base":
        torch.manual_seed(ALIGNED_SEED)
        model = LlamaForCausalLM.from_pretrained(chosen.out / "base", dtype=torch.float32)
        data = rows(chats(ALIGNED_SEED), tokenizer, chat=True)
        train(model, data, steps=chosen.aligned_steps, batch=chosen.batch, peak=5e-4, log=chosen.out / "aligned.jsonl")
        save(model, tokenizer, chosen.out / "aligned", chat=True)


if __name__ == "__main__":
    main()
