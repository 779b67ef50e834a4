"""Local models of transformers as generators: a shared prefix is read once, and each row stops at its stop string."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

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
from urial_opt.models.local.batching import by_length
from urial_opt.models.local.causal_model import ROWS, CausalModel, number_of_rows
from urial_opt.models.local.chat_layout import ChatLayout
from urial_opt.models.local.decoding import AnswerSheet, GeneratedAnswer, TokenChoice
from urial_opt.models.local.drafting import Drafter, EarlierAnswers, room_for_drafts
from urial_opt.models.local.loading import Loading
from urial_opt.models.local.prefix_cache import SideBySide, common_length
from urial_opt.models.local.sharing import turn_of
from urial_opt.models.local.token_scoring import LocalTokenScorer
from urial_opt.protocols import ChatGenerator, TokenScorer
from urial_opt.records import Completion, Sampling, Usage

_T = TypeVar("_T")
_Heard: TypeAlias = Callable[[Mapping[int, Completion]], None]
"""As in `protocols.Gradual`."""
_Check: TypeAlias = Callable[[], None]


class TransformersGenerator(CausalModel):
    """A causal language model of transformers that continues plain text."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        identity: str,
        rows: int = ROWS,
        drafts: bool = True,
    ) -> None:
        """As `CausalModel`; with `drafts`, earlier answers to a text are tried as drafts of the next (see `drafting`).

        Drafts change an answer no more than the batch size does: only where the probabilities of two tokens differ by
        rounding alone, which is not rare in bfloat16.
        """
        super().__init__(model, tokenizer, identity=identity, rows=rows)
        self.drafts = drafts
        self._earlier = EarlierAnswers()
        self._ended: Callable[[str], bool] | None = None
        self._heard: _Heard | None = None

    def end_when(self, ended: Callable[[str], bool] | None) -> None:
        """As `protocols.Ending`."""
        self._ended = ended

    def hand_on(self, heard: _Heard | None) -> None:
        """As `protocols.Gradual`: those rows that end together."""
        self._heard = heard

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        """As `protocols.Generator`. AdapterError if a prompt is empty, or does not fit the model's window or memory."""
        written = self.write(prefix, suffixes, sampling, special=True, heard=self._heard)
        return [each.completion for each in written]

    @torch.inference_mode()
    def write(
        self, prefix: str, suffixes: Sequence[str], sampling: Sampling, *, special: bool, heard: _Heard | None = None
    ) -> list[GeneratedAnswer]:
        """As `generate`, with tokens; `special` says whether the tokenizer adds a begin-of-text token to the text."""
        if not suffixes:
            return []
        with turn_of(self.model):
            return self._written(prefix, suffixes, sampling, special=special, heard=heard)

    def _written(
        self, prefix: str, suffixes: Sequence[str], sampling: Sampling, *, special: bool, heard: _Heard | None
    ) -> list[GeneratedAnswer]:
        # A token can span the end of the prefix, so the common tokens are found in the whole prompts.
        *prompts, head = self.tokens([*(prefix + suffix for suffix in suffixes), prefix], special=special)
        self.check_fit(prompts, room=sampling.max_tokens)
        sheet = AnswerSheet(
            len(prompts), sampling, text=self.answer_text, end_tokens=self.end_tokens, ended=self._ended
        )
        cache = self.prefix_cache(max(map(len, prompts)) + sampling.max_tokens)
        shared = min(common_length([head, *prompts]), min(map(len, prompts)) - 1) if cache is not None else 0
        read = Counter[int]()
        """Tokens of the shared prefix that were read, by the first row of the batch that read them."""
        answers: dict[int, GeneratedAnswer] = {}

        def write(batch: list[int]) -> None:
            if cache is None:
                self._write_whole(sheet, batch, prompts, sampling)
                return
            kept, new = cache.read(tuple(head[:shared]))
            read[batch[0]] += new
            own = [prompts[row] for row in batch]
            choice = TokenChoice(sampling, own, shared=shared, device=self.model.device)
            rows = kept.rows([prompt[shared:] for prompt in own], room=sampling.max_tokens)
            drafted = batch if self.drafts and rows.takes_back else []
            drafters = [self._earlier.drafter(suffixes[row], max_tokens=sampling.max_tokens) for row in drafted]
            _write(sheet, batch, rows, choice, drafters, self.batches.check)

        def finished(rows: list[int]) -> None:
            for row in rows:
                usage = Usage(
                    prompt_tokens=len(prompts[row]) - shared + read[row],
                    saved_tokens=shared - min(read[row], shared),
                )
                answers[row] = sheet.answer(row, usage)
                if self.drafts and cache is not None:
                    self._earlier.add(suffixes[row], answers[row].tokens)
            if heard is not None:
                heard({row: answers[row].completion for row in rows})

        for group in by_length(prompts, apart=cache is None or not cache.ragged):
            self.batches.work_on(group, write, unfinished=sheet.unfinished, ended=finished)
        return [answers[row] for row in range(len(prompts))]

    def token_scorer(self, aligned: ChatGenerator) -> TokenScorer:
        """As `protocols.Scorable`; also InputError if the aligned model is not local."""
        if not isinstance(aligned, TransformersChatGenerator):
            raise InputError(
                f"tokens of {aligned.identity!r}, which is not a local model, cannot be compared with those of "
                f"{self.identity!r}; give a local aligned model too: hf-chat:…"
            )
        return LocalTokenScorer(self, aligned.generator, layout=aligned.layout, write=aligned.write)

    def _write_whole(self, sheet: AnswerSheet, batch: list[int], prompts: list[list[int]], sampling: Sampling) -> None:
        """By `generate` of transformers; rows of one length, since some kinds of layers cannot skip padding."""
        ids = torch.tensor([prompts[row] for row in batch], device=self.model.device)
        choice = TokenChoice(sampling, ids.tolist(), shared=0, device=self.model.device)
        nothing, ones = ids[:, :0], [1] * len(batch)

        def only_the_chosen(_: Tensor, logits: Tensor) -> Tensor:
            chosen = choice.choose(logits[:, None], nothing)
            choice.take(chosen, ones)
            return torch.full_like(logits, -torch.inf).scatter_(1, chosen, 0.0)

        def ended(ids: Tensor, *_: object, **__: object) -> Tensor:
            last = ids[:, -1].tolist()
            self.batches.check()
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
    """An aligned model of transformers, queried through its tokenizer's chat template."""

    def __init__(self, generator: TransformersGenerator, *, system: str = "") -> None:
        """`system` is the text that the template puts before each query. InputError as `ChatLayout`."""
        self.layout = ChatLayout(generator.tokenizer, identity=generator.identity, system=system)
        self.generator = generator
        self._heard: _Heard | None = None

    def hand_on(self, heard: _Heard | None) -> None:
        """As `protocols.Gradual`: those rows that end together."""
        self._heard = heard

    def stop_when(self, check: Callable[[], None] | None) -> None:
        """As `protocols.Stoppable`."""
        self.generator.stop_when(check)

    @property
    def identity(self) -> str:
        return self.generator.identity

    @property
    def notes(self) -> tuple[str, ...]:
        return self.generator.notes

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        """As `protocols.ChatGenerator`. AdapterError if a query does not fit the model's window."""
        return [written.completion for written in self.write(queries, sampling, heard=self._heard)]

    def write(
        self, queries: Sequence[str], sampling: Sampling, *, heard: _Heard | None = None
    ) -> list[GeneratedAnswer]:
        """As `answer`, with tokens."""
        prompts = [self.layout.render(query) for query in queries]
        opening = self.layout.opening
        opening = opening[: common_length([opening, *prompts])]
        # The template itself writes a begin-of-text token where the model needs one.
        suffixes = [prompt[len(opening) :] for prompt in prompts]
        return self.generator.write(opening, suffixes, sampling, special=False, heard=heard)


def open_base(
    name: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    trust_remote_code: str = "no",
    rows: str = "auto",
    drafts: str = "yes",
) -> TransformersGenerator:
    """The base model in folder `name`, or of that name on the Hugging Face hub; InputError if there is none.

    `device`, `dtype` and `trust_remote_code` as in `Loading`; `rows` is the batch size, which shrinks if memory runs
    out; `drafts` (yes or no) as in `TransformersGenerator`.
    """
    loading = Loading(role="base", device=device, dtype=dtype, trust_remote_code=trust_remote_code)
    number, wanted = number_of_rows(rows, loading.role), loading.is_yes("drafts", drafts)
    loaded = loading.load(name, AutoModelForCausalLM)
    return TransformersGenerator(
        loaded.model, loaded.tokenizer, identity=f"hf:{loaded.identity}", rows=number, drafts=wanted
    )


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

    Options as in `open_base`; `system` is a system text that the chat template renders before each query.
    """
    loading = Loading(role="aligned", device=device, dtype=dtype, trust_remote_code=trust_remote_code)
    number = number_of_rows(rows, loading.role)
    loaded = loading.load(name, AutoModelForCausalLM)
    identity = f"hf-chat:{loaded.identity}" + (f" system {content_id(system)}" if system else "")
    generator = TransformersGenerator(loaded.model, loaded.tokenizer, identity=identity, rows=number)
    return TransformersChatGenerator(generator, system=system)


def _write(
    sheet: AnswerSheet, batch: list[int], rows: SideBySide, choice: TokenChoice, drafters: list[Drafter], check: _Check
) -> None:
    """Generate the answers of this batch, with one drafter for each row, or with none; `check` is called as it goes."""
    logits = rows.read()[:, None]
    device = logits.device
    writing = list(batch)
    drafts = [list[int]() for _ in batch]
    drafted = torch.empty(len(batch), 0, dtype=torch.long, device=device)
    while True:
        chosen = choice.choose(logits, drafted)
        # Accept each draft up to the first token that differs from the model's choice, and that choice itself.
        accepted = [
            tokens[: common_length([tokens, draft]) + 1] for tokens, draft in zip(chosen.tolist(), drafts, strict=True)
        ]
        counts = [len(tokens) for tokens in accepted]
        choice.take(chosen, counts)
        rows.take_back([logits.shape[1] - count for count in counts])
        last = [tokens[-1] for tokens in accepted]
        ended = [
            place for place, tokens in enumerate(accepted) if any(sheet.add(writing[place], each) for each in tokens)
        ]
        for drafter, tokens, draft in zip(drafters, accepted, drafts, strict=False):
            drafter.take(tokens, drafted=len(draft))
        # From the back, so that the last row, which takes the place of the removed one, has not ended.
        for place in reversed(ended):
            _remove(last, place)
            _remove(writing, place)
            _remove(drafters, place)
            rows.remove(place)
            choice.remove(place)
        if not writing:
            return
        check()
        room = room_for_drafts(len(writing), device.type)
        drafts = [drafter.draft(room) for drafter in drafters] if drafters else [[] for _ in writing]
        width = max(map(len, drafts))
        ids = [[token, *draft] + [0] * (width - len(draft)) for token, draft in zip(last, drafts, strict=True)]
        written = torch.tensor(ids, device=device)
        drafted = written[:, 1:]
        logits = rows.write(written)


def _remove(rows: list[_T], place: int) -> None:
    """Remove one row, if there are any; the last one takes its place."""
    if rows:
        rows[place] = rows[-1]
        del rows[-1]
