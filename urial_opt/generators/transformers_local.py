"""Local models of transformers as generators: the shared prefix read once, each row stopped at its own stop string."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    StoppingCriteriaList,
)
from transformers.utils.logging import disable_progress_bar

from urial_opt.content import content_id
from urial_opt.errors import AdapterError, InputError
from urial_opt.generators.decoding import AnswerSheet, AnswerText, TokenChoice
from urial_opt.generators.shared_prefix import Prefix, PrefixMemory, Rows, common_length, switch_attention
from urial_opt.records import Completion, Sampling, Usage

disable_progress_bar()  # type: ignore[no-untyped-call]

_ROWS = 128
"""Rows generated side by side."""
_PREFIX_TOKENS = 16_384
"""Tokens of prefixes kept, in all."""


class TransformersGenerator:
    """A causal language model of transformers, continuing text as it is, for one caller at a time.

    The model is switched to the attention of `shared_prefix`, which is sdpa for everybody else who calls the model.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, identity: str) -> None:
        self._model = model.train(mode=False)
        self._tokenizer = tokenizer
        self._identity = identity
        self._text = AnswerText(tokenizer)
        self._end_tokens = _end_tokens(model, tokenizer)
        self._memory = PrefixMemory(model, budget=_PREFIX_TOKENS)
        self.shares_prefix = switch_attention(model)
        """Whether prefixes are read once; else this model's layers do not allow it, and whole prompts are read."""

    @property
    def identity(self) -> str:
        return self._identity

    def count_tokens(self, text: str) -> int:
        return len(self._tokens([text], special=True)[0])

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        """As `protocols.Generator`. AdapterError if a prompt is empty or does not fit the model's window."""
        return self.continue_text(prefix, suffixes, sampling, special=True)

    @torch.inference_mode()
    def continue_text(
        self, prefix: str, suffixes: Sequence[str], sampling: Sampling, *, special: bool
    ) -> list[Completion]:
        """As `generate`; `special` says whether the tokenizer adds its begin-of-text token, or the text has its own."""
        if not suffixes:
            return []
        # What a tokenizer makes of a text can reach over the cut, so the tokens shared are sought in whole prompts.
        *prompts, head = self._tokens([*(prefix + suffix for suffix in suffixes), prefix], special=special)
        longest = max(map(len, prompts)) + sampling.max_tokens
        self._check_fit(min(map(len, prompts)), longest)
        if not self.shares_prefix or longest > _attention_window(self._model):
            return self._read_whole(prompts, sampling)
        shared = min(common_length([head, *prompts]), min(map(len, prompts)) - 1)
        kept, new = self._memory.read(tuple(head[:shared]))
        sheet = self._sheet(len(prompts), sampling)
        by_length = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
        for start in range(0, len(prompts), _ROWS):
            self._write(sheet, by_length[start : start + _ROWS], prompts, kept, sampling)
        return sheet.completions(
            [
                Usage(
                    prompt_tokens=len(prompt) - shared + (0 if row else new),
                    saved_tokens=shared - (0 if row else new),
                )
                for row, prompt in enumerate(prompts)
            ]
        )

    def _write(
        self, sheet: AnswerSheet, batch: list[int], prompts: list[list[int]], prefix: Prefix, sampling: Sampling
    ) -> None:
        """Fill the sheet's rows of this batch."""
        shared = len(prefix.tokens)
        own = [prompts[row] for row in batch]
        choice = TokenChoice(sampling, own, shared=shared, device=self._model.device)
        rows = Rows(self._model, prefix, [prompt[shared:] for prompt in own], room=sampling.max_tokens)
        logits = rows.read()
        writing = list(batch)
        while True:
            ids = choice.choose(logits)
            ended = [place for place, token in enumerate(ids.tolist()) if sheet.add(writing[place], token)]
            # From the back, so that the last row, which takes the place, is one that still goes on.
            for place in reversed(ended):
                ids[place] = ids[-1]
                ids = ids[:-1]
                writing[place] = writing[-1]
                del writing[-1]
                rows.remove(place)
                choice.remove(place)
            if not writing:
                return
            logits = rows.write(ids)

    def _read_whole(self, prompts: list[list[int]], sampling: Sampling) -> list[Completion]:
        """By transformers' own `generate`, in batches without padding, which not every kind of layer can skip."""
        sheet = self._sheet(len(prompts), sampling)
        for length in sorted(set(map(len, prompts))):
            same_length = [row for row, prompt in enumerate(prompts) if len(prompt) == length]
            for start in range(0, len(same_length), _ROWS):
                self._write_whole(sheet, same_length[start : start + _ROWS], prompts, sampling)
        return sheet.completions([Usage(prompt_tokens=len(prompt)) for prompt in prompts])

    def _write_whole(self, sheet: AnswerSheet, batch: list[int], prompts: list[list[int]], sampling: Sampling) -> None:
        ids = torch.tensor([prompts[row] for row in batch], device=self._model.device)
        choice = TokenChoice(sampling, ids.tolist(), shared=0, device=self._model.device)

        def only_the_chosen(_: Tensor, logits: Tensor) -> Tensor:
            chosen = choice.choose(logits)[:, None]
            return torch.full_like(logits, -torch.inf).scatter_(1, chosen, 0.0)

        def ended(ids: Tensor, *_: object, **__: object) -> Tensor:
            last = ids[:, -1].tolist()
            return torch.tensor([sheet.add(row, token) for row, token in zip(batch, last, strict=True)]).to(ids.device)

        self._model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            repetition_penalty=1.0,
            max_new_tokens=sampling.max_tokens,
            pad_token_id=0,
            logits_processor=LogitsProcessorList([only_the_chosen]),
            stopping_criteria=StoppingCriteriaList([ended]),
        )

    def _sheet(self, rows: int, sampling: Sampling) -> AnswerSheet:
        return AnswerSheet(rows, sampling, text=self._text, end_tokens=self._end_tokens)

    def _tokens(self, texts: list[str], *, special: bool) -> list[list[int]]:
        ids: list[list[int]] = self._tokenizer(texts, add_special_tokens=special, return_attention_mask=False)[
            "input_ids"
        ]
        return ids

    def _check_fit(self, shortest: int, longest: int) -> None:
        if not shortest:
            raise AdapterError(f"a prompt for {self._identity!r} has no token; give it a query or a system text")
        window = getattr(self._model.config.get_text_config(), "max_position_embeddings", None) or longest
        if longest > window:
            raise AdapterError(
                f"prompt and answer may need {longest} tokens, but {self._identity!r} reads {window}; "
                "use fewer exemplars or a lower max_tokens"
            )


class TransformersChatGenerator:
    """An aligned model of transformers, asked through its tokenizer's own chat template."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, identity: str) -> None:
        """InputError if the tokenizer has no chat template."""
        if not tokenizer.chat_template:
            raise InputError(f"{identity!r} has no chat template, so it is no aligned model; use it as a base: hf:…")
        self._generator = TransformersGenerator(model, tokenizer, identity=identity)
        self._tokenizer = tokenizer
        renderings = [self._render("a"), self._render("b")]
        self._opening = renderings[0][: common_length(renderings)]

    @property
    def identity(self) -> str:
        return self._generator.identity

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        """As `protocols.ChatGenerator`. AdapterError if a query does not fit the model's window."""
        prompts = [self._render(query) for query in queries]
        opening = self._opening[: common_length([self._opening, *prompts])]
        # The template writes the begin-of-text token itself, where the model wants one.
        suffixes = [prompt[len(opening) :] for prompt in prompts]
        return self._generator.continue_text(opening, suffixes, sampling, special=False)

    def _render(self, query: str) -> str:
        turns = [{"role": "user", "content": query}]
        return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def open_base(name: str) -> TransformersGenerator:
    """The base model in folder `name`, or of that name on the Hugging Face hub; InputError if there is none."""
    model, tokenizer, revision = _load(name)
    return TransformersGenerator(model, tokenizer, identity=f"hf:{name}@{revision}")


def open_aligned(name: str) -> TransformersChatGenerator:
    """The aligned model in folder `name`, or of that name on the Hugging Face hub; InputError if there is none."""
    model, tokenizer, revision = _load(name)
    return TransformersChatGenerator(model, tokenizer, identity=f"hf-chat:{name}@{revision}")


def _load(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, str]:
    gpu = torch.cuda.is_available()
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModelForCausalLM.from_pretrained(
            name, dtype=torch.bfloat16 if gpu else torch.float32, use_safetensors=True
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise InputError(
            f"no model could be loaded from {name!r} ({reason}); give a folder with config.json, tokenizer.json and "
            "*.safetensors, or a name on the Hugging Face hub such as Qwen/Qwen3-0.6B-Base"
        ) from error
    revision = content_id([tokenizer.get_vocab(), str(model.dtype), _weights_sum(model)])
    if gpu:
        model.cuda()  # type: ignore[call-arg]
    return model, tokenizer, revision


def _weights_sum(model: PreTrainedModel) -> list[list[object]]:
    """What tells a model's weights from others': exact sums of their bytes, the same on every machine."""
    return [
        [name, list(weights.shape), int(weights.detach().reshape(-1).view(torch.uint8).sum())]
        for name, weights in model.named_parameters()
    ]


def _end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    configured = model.generation_config.eos_token_id if model.generation_config else None
    tokens = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in (*tokens, tokenizer.eos_token_id) if token is not None)


def _attention_window(model: PreTrainedModel) -> float:
    """Tokens that every layer can look back on: up to here a sliding window is no window."""
    return getattr(model.config.get_text_config(), "sliding_window", None) or float("inf")
