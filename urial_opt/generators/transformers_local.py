"""Local models of transformers as generators: the shared prefix read once, each row stopped at its own stop string."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    StoppingCriteriaList,
)

from urial_opt.content import content_id
from urial_opt.errors import InputError
from urial_opt.generators.batching import by_length
from urial_opt.generators.causal_model import ROWS, CausalModel, number_of_rows
from urial_opt.generators.chat_layout import ChatLayout
from urial_opt.generators.decoding import AnswerSheet, TokenChoice, Written
from urial_opt.generators.loading import Loading
from urial_opt.generators.prefix_memory import SideBySide, common_length
from urial_opt.generators.token_scoring import LocalTokenScorer
from urial_opt.protocols import ChatGenerator, TokenScorer
from urial_opt.records import Completion, Sampling, Usage


class TransformersGenerator(CausalModel):
    """A causal language model of transformers, continuing text as it is."""

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        """As `protocols.Generator`. AdapterError if a prompt is empty, or does not fit the model's window or memory."""
        return [written.completion for written in self.write(prefix, suffixes, sampling, special=True)]

    @torch.inference_mode()
    def write(self, prefix: str, suffixes: Sequence[str], sampling: Sampling, *, special: bool) -> list[Written]:
        """As `generate`; `special` says whether the tokenizer adds its begin-of-text token, or the text has its own."""
        if not suffixes:
            return []
        # What a tokenizer makes of a text can reach over the cut, so the tokens shared are sought in whole prompts.
        *prompts, head = self.tokens([*(prefix + suffix for suffix in suffixes), prefix], special=special)
        self.check_fit(prompts, room=sampling.max_tokens)
        sheet = AnswerSheet(len(prompts), sampling, text=self.answer_text, end_tokens=self.end_tokens)
        memory = self.memory(max(map(len, prompts)) + sampling.max_tokens)
        if memory is None:
            for rows in by_length(prompts, apart=True):
                self.batches.work_on(
                    rows, lambda batch: self._write_whole(sheet, batch, prompts, sampling), unfinished=sheet.unfinished
                )
            return sheet.written([Usage(prompt_tokens=len(prompt)) for prompt in prompts])
        shared = min(common_length([head, *prompts]), min(map(len, prompts)) - 1)
        read = 0

        def write(batch: list[int]) -> None:
            nonlocal read
            kept, new = memory.read(tuple(head[:shared]))
            read += new
            own = [prompts[row] for row in batch]
            choice = TokenChoice(sampling, own, shared=shared, device=self.model.device)
            rows = kept.rows([prompt[shared:] for prompt in own], room=sampling.max_tokens)
            _write(sheet, batch, rows, choice)

        for batch in by_length(prompts, apart=not memory.ragged):
            self.batches.work_on(batch, write, unfinished=sheet.unfinished)
        return sheet.written(
            [
                Usage(
                    prompt_tokens=len(prompt) - shared + (0 if row else read),
                    saved_tokens=shared - (0 if row else min(read, shared)),
                )
                for row, prompt in enumerate(prompts)
            ]
        )

    def token_scorer(self, aligned: ChatGenerator) -> TokenScorer:
        """As `protocols.Scorable`; also InputError if the aligned model is not a local one."""
        if not isinstance(aligned, TransformersChatGenerator):
            raise InputError(
                f"tokens of {aligned.identity!r}, which is no local model, cannot be compared with those of "
                f"{self.identity!r}; give a local aligned model too: hf-chat:…"
            )
        return LocalTokenScorer(self, aligned.generator, layout=aligned.layout, write=aligned.write)

    def _write_whole(self, sheet: AnswerSheet, batch: list[int], prompts: list[list[int]], sampling: Sampling) -> None:
        """By transformers' own `generate`; rows of one length, since not every kind of layer can skip padding."""
        ids = torch.tensor([prompts[row] for row in batch], device=self.model.device)
        choice = TokenChoice(sampling, ids.tolist(), shared=0, device=self.model.device)

        def only_the_chosen(_: Tensor, logits: Tensor) -> Tensor:
            chosen = choice.choose(logits)[:, None]
            return torch.full_like(logits, -torch.inf).scatter_(1, chosen, 0.0)

        def ended(ids: Tensor, *_: object, **__: object) -> Tensor:
            last = ids[:, -1].tolist()
            return torch.tensor([sheet.add(row, token) for row, token in zip(batch, last, strict=True)]).to(ids.device)

        self.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            repetition_penalty=1.0,
            max_new_tokens=sampling.max_tokens,
            pad_token_id=0,
            logits_processor=LogitsProcessorList([only_the_chosen]),
            stopping_criteria=StoppingCriteriaList([ended]),
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
        """InputError as `ChatLayout`."""
        self.layout = ChatLayout(tokenizer, identity=identity, system=system)
        self.generator = TransformersGenerator(model, tokenizer, identity=identity, rows=rows)

    @property
    def identity(self) -> str:
        return self.generator.identity

    @property
    def notes(self) -> tuple[str, ...]:
        return self.generator.notes

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        """As `protocols.ChatGenerator`. AdapterError if a query does not fit the model's window."""
        return [written.completion for written in self.write(queries, sampling)]

    def write(self, queries: Sequence[str], sampling: Sampling) -> list[Written]:
        """As `answer`, with the tokens of each."""
        prompts = [self.layout.render(query) for query in queries]
        opening = self.layout.opening
        opening = opening[: common_length([opening, *prompts])]
        # The template writes the begin-of-text token itself, where the model wants one.
        suffixes = [prompt[len(opening) :] for prompt in prompts]
        return self.generator.write(opening, suffixes, sampling, special=False)


def open_base(
    name: str, *, device: str = "auto", dtype: str = "auto", trust_remote_code: str = "no", rows: str = "auto"
) -> TransformersGenerator:
    """The base model in folder `name`, or of that name on the Hugging Face hub; InputError if there is none.

    Options as in `Loading`; `rows` are generated side by side, fewer if memory does not hold them.
    """
    loading = Loading(role="base", device=device, dtype=dtype, trust_remote_code=trust_remote_code)
    number = number_of_rows(rows, loading.role)
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
    number = number_of_rows(rows, loading.role)
    loaded = loading.load(name, AutoModelForCausalLM)
    identity = f"hf-chat:{loaded.identity}" + (f" system {content_id(system)}" if system else "")
    return TransformersChatGenerator(loaded.model, loaded.tokenizer, identity=identity, rows=number, system=system)


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
