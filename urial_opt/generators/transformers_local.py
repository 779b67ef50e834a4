"""Local models of transformers as generators: the shared prefix read once, each row stopped at its own stop string."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Literal, TypeAlias

import torch
from jinja2 import TemplateError
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    StoppingCriteriaList,
)
from transformers.utils.logging import disable_progress_bar

from urial_opt.content import content_id
from urial_opt.errors import AdapterError, InputError
from urial_opt.generators.batching import Batches
from urial_opt.generators.decoding import AnswerSheet, AnswerText, TokenChoice
from urial_opt.generators.expanded_cache import expanded_cache
from urial_opt.generators.loading import Loading, Role
from urial_opt.generators.prefix_memory import PrefixMemory, SideBySide, common_length
from urial_opt.generators.shared_prefix import Prefix, switch_attention
from urial_opt.records import Completion, Sampling, Usage

disable_progress_bar()  # type: ignore[no-untyped-call]

How: TypeAlias = Literal["shared prefix", "expanded cache", "whole prompts"]
"""How the prefix of a batch is read: once and kept once, once and copied to every row, or with every row."""

ROWS = 128
"""Rows generated side by side, as long as they fit."""
_PREFIX_TOKENS = 16_384
"""Tokens of prefixes kept, in all."""


class TransformersGenerator:
    """A causal language model of transformers, continuing text as it is, for one caller at a time.

    The model is switched to the attention of `shared_prefix`, which is sdpa for everybody else who calls the model; one
    that it does not serve goes on from an expanded cache, or reads whole prompts.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        identity: str,
        rows: int = ROWS,
    ) -> None:
        self._model = model.train(mode=False)
        self._tokenizer = tokenizer
        self._identity = identity
        self._batches = Batches(rows, owner=identity, release=self._forget_prefixes)
        self._text = AnswerText(tokenizer)
        self._end_tokens = _end_tokens(model, tokenizer)
        shared = Prefix(model=model) if switch_attention(model) else None
        self._window = _attention_window(model) if shared else 0
        """Tokens of prompt and answer that shared-prefix attention serves."""
        expanded = expanded_cache(model) if self._window < float("inf") else None
        self._shared, self._expanded = (
            None if empty is None else PrefixMemory(empty, budget=_PREFIX_TOKENS) for empty in (shared, expanded)
        )
        self.how: How = "shared prefix" if shared else self._fallback

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def notes(self) -> tuple[str, ...]:
        """As `protocols.Noted`: what is slower than it is with most models."""
        if self._window == float("inf"):
            return ()
        where = f" in prompts of more than {self._window} tokens" if self._window else ""
        instead = {
            "expanded cache": "the prefix is read once and its cache copied to every row, which takes time and memory",
            "whole prompts": "every prompt is read whole, which takes time",
        }
        return (f"rows of {self._identity!r} cannot share attention to a prefix{where}: {instead[self._fallback]}",)

    def count_tokens(self, text: str) -> int:
        return len(self._tokens([text], special=True)[0])

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        """As `protocols.Generator`. AdapterError if a prompt is empty, or does not fit the model's window or memory."""
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
        sheet = AnswerSheet(len(prompts), sampling, text=self._text, end_tokens=self._end_tokens)
        memory = self._shared if longest <= self._window else self._expanded
        if memory is None:
            for rows in _by_length(prompts, apart=True):
                self._batches.work_on(
                    rows, lambda batch: self._write_whole(sheet, batch, prompts, sampling), unfinished=sheet.unfinished
                )
            return sheet.completions([Usage(prompt_tokens=len(prompt)) for prompt in prompts])
        shared = min(common_length([head, *prompts]), min(map(len, prompts)) - 1)
        read = 0

        def write(batch: list[int]) -> None:
            nonlocal read
            kept, new = memory.read(tuple(head[:shared]))
            read += new
            own = [prompts[row] for row in batch]
            choice = TokenChoice(sampling, own, shared=shared, device=self._model.device)
            rows = kept.rows([prompt[shared:] for prompt in own], room=sampling.max_tokens)
            _write(sheet, batch, rows, choice)

        for batch in _by_length(prompts, apart=not memory.ragged):
            self._batches.work_on(batch, write, unfinished=sheet.unfinished)
        return sheet.completions(
            [
                Usage(
                    prompt_tokens=len(prompt) - shared + (0 if row else read),
                    saved_tokens=shared - (0 if row else min(read, shared)),
                )
                for row, prompt in enumerate(prompts)
            ]
        )

    @property
    def _fallback(self) -> How:
        return "expanded cache" if self._expanded else "whole prompts"

    def _forget_prefixes(self) -> None:
        for memory in (self._shared, self._expanded):
            if memory:
                memory.forget()

    def _write_whole(self, sheet: AnswerSheet, batch: list[int], prompts: list[list[int]], sampling: Sampling) -> None:
        """By transformers' own `generate`; rows of one length, since not every kind of layer can skip padding."""
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

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        identity: str,
        rows: int = ROWS,
        system: str = "",
    ) -> None:
        """InputError if the tokenizer has no chat template, or the template no place for the system text."""
        if not tokenizer.chat_template:
            raise InputError(f"{identity!r} has no chat template, so it is no aligned model; use it as a base: hf:…")
        self._generator = TransformersGenerator(model, tokenizer, identity=identity, rows=rows)
        self._tokenizer = tokenizer
        self._system = [{"role": "system", "content": system}] if system else []
        try:
            renderings = [self._render("a"), self._render("b")]
        except TemplateError as error:
            raise InputError(
                f"the chat template of {identity!r} refuses "
                + (
                    f"the system text {system!r} ({error}); leave out the option system"
                    if system
                    else f"a query ({error})"
                )
            ) from error
        if system.strip() not in renderings[0]:
            raise InputError(
                f"the chat template of {identity!r} drops the system text {system!r}; leave out the option system"
            )
        self._opening = renderings[0][: common_length(renderings)]

    @property
    def identity(self) -> str:
        return self._generator.identity

    @property
    def notes(self) -> tuple[str, ...]:
        return self._generator.notes

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        """As `protocols.ChatGenerator`. AdapterError if a query does not fit the model's window."""
        prompts = [self._render(query) for query in queries]
        opening = self._opening[: common_length([self._opening, *prompts])]
        # The template writes the begin-of-text token itself, where the model wants one.
        suffixes = [prompt[len(opening) :] for prompt in prompts]
        return self._generator.continue_text(opening, suffixes, sampling, special=False)

    def _render(self, query: str) -> str:
        turns = [*self._system, {"role": "user", "content": query}]
        return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def open_base(
    name: str, *, device: str = "auto", dtype: str = "auto", trust_remote_code: str = "no", rows: str = "auto"
) -> TransformersGenerator:
    """The base model in folder `name`, or of that name on the Hugging Face hub; InputError if there is none.

    Options as in `Loading`; `rows` are generated side by side, fewer if memory does not hold them.
    """
    loading = Loading(role="base", device=device, dtype=dtype, trust_remote_code=trust_remote_code)
    number = _number_of_rows(rows, loading.role)
    loaded = loading.load(name, AutoModelForCausalLM)
    return TransformersGenerator(loaded.model, loaded.tokenizer, identity=f"hf:{loaded.identity}", rows=number)


def open_aligned(
    name: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    trust_remote_code: str = "no",
    rows: str = "auto",
    system: str = "",
) -> TransformersChatGenerator:
    """The aligned model in folder `name`, or of that name on the Hugging Face hub; InputError if there is none.

    Options as in `open_base`; `system` is a text that its chat template puts before each query.
    """
    loading = Loading(role="aligned", device=device, dtype=dtype, trust_remote_code=trust_remote_code)
    number = _number_of_rows(rows, loading.role)
    loaded = loading.load(name, AutoModelForCausalLM)
    identity = f"hf-chat:{loaded.identity}" + (f" system {content_id(system)}" if system else "")
    return TransformersChatGenerator(loaded.model, loaded.tokenizer, identity=identity, rows=number, system=system)


def _number_of_rows(rows: str, role: Role) -> int:
    if rows == "auto":
        return ROWS
    if not rows.isdecimal() or int(rows) < 1:
        raise InputError(f"{rows!r} rows cannot stand side by side; type a number, as in --{role}-option rows=16")
    return int(rows)


def _write(sheet: AnswerSheet, batch: list[int], rows: SideBySide, choice: TokenChoice) -> None:
    """Fill the sheet's rows of this batch."""
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


def _by_length(prompts: list[list[int]], *, apart: bool) -> list[list[int]]:
    """All rows, the shortest first: in one piece, or one `apart` for each length."""

    def length(row: int) -> int:
        return len(prompts[row])

    ordered = sorted(range(len(prompts)), key=length)
    return [list(rows) for _, rows in groupby(ordered, length)] if apart else [ordered]


def _end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    configured = model.generation_config.eos_token_id if model.generation_config else None
    tokens = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in (*tokens, tokenizer.eos_token_id) if token is not None)


def _attention_window(model: PreTrainedModel) -> float:
    """Tokens that every layer can look back on: up to here a sliding window is no window."""
    return getattr(model.config.get_text_config(), "sliding_window", None) or float("inf")
