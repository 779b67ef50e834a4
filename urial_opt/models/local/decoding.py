"""Decoding: how the next token of each row is chosen, and when the row's answer ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from urial_opt.prompt import before_stop
from urial_opt.records import Completion, FinishReason, Sampling, Usage


class TokenChoice:
    """Chooses the next token of each row from its logits: repetition penalty, temperature, top-p, in this order."""

    def __init__(
        self, sampling: Sampling, prompts: Sequence[Sequence[int]], *, shared: int, device: torch.device
    ) -> None:
        """For rows with these prompts, whose first `shared` tokens are the same."""
        self._sampling = sampling
        self._prompts = prompts
        self._shared = shared
        self._device = device
        self._penalty: Tensor | None = None
        self._draws: Tensor | None = None
        if sampling.temperature > 0:
            draws = [self._uniform(prompt) for prompt in prompts]
            self._draws = torch.stack(draws).to(device)

    def choose(self, logits: Tensor, drafts: Tensor) -> Tensor:
        """Ids (R, Q) of the tokens chosen from `logits` (R, Q, vocabulary), for answers that continue with `drafts`.

        `drafts` (R, Q - 1) are the tokens between the columns of the logits. Nothing changes here until `take` is
        called with the tokens that are kept.
        """
        logits = logits.float()
        width = logits.shape[1]
        if self._sampling.repetition_penalty != 1:
            penalty = self._penalty_after(drafts, vocabulary=logits.shape[-1])
            logits = torch.where(logits < 0, logits * penalty, logits / penalty)
        if self._draws is None:
            return _most_likely(logits)
        draws = self._draws[:, :width]
        # Columns beyond the longest answer are never taken.
        draws = torch.nn.functional.pad(draws, (0, width - draws.shape[1]))
        return self._draw(logits.flatten(0, 1), draws.flatten()).view(draws.shape)

    def take(self, chosen: Tensor, counts: Sequence[int]) -> None:
        """Append the first `counts[row]` of the `chosen` tokens (R, Q) of each row to its answer."""
        if self._penalty is None and self._draws is None:
            return
        width = chosen.shape[1]
        taken = torch.tensor(counts, device=self._device)[:, None]
        if self._penalty is not None:
            places = torch.arange(width, device=self._device)
            ids = torch.where(places < taken, chosen, chosen[:, :1])
            self._penalty.scatter_(1, ids, self._sampling.repetition_penalty)
        if self._draws is not None:
            places = torch.arange(self._draws.shape[1], device=self._device) + taken
            self._draws = self._draws.gather(1, places.clamp_(max=self._draws.shape[1] - 1))

    def remove(self, row: int) -> None:
        """Forget `row`; the last row takes its place."""
        for name in ("_penalty", "_draws"):
            rows = getattr(self, name)
            if rows is not None:
                rows[row] = rows[-1]
                setattr(self, name, rows[:-1])

    def _penalty_after(self, drafts: Tensor, *, vocabulary: int) -> Tensor:
        """The penalty of every token at each column (R, Q, vocabulary), for tokens in prompt, answer and drafts."""
        if self._penalty is None:
            self._penalty = self._prompt_penalty(vocabulary)
        width = 1 + drafts.shape[1]
        penalty = self._penalty[:, None]
        if width > 1:
            penalty = penalty.repeat(1, width, 1)
            for place in range(1, width):
                drafted = drafts[:, place - 1, None, None].expand(-1, width - place, 1)
                penalty[:, place:].scatter_(2, drafted, self._sampling.repetition_penalty)
        return penalty

    def _prompt_penalty(self, vocabulary: int) -> Tensor:
        """The penalty of every token of a row's prompt, and 1 for all others (R, vocabulary)."""
        penalty = self._sampling.repetition_penalty
        shared = torch.ones(vocabulary)
        shared[list(self._prompts[0][: self._shared])] = penalty
        rows = shared.repeat(len(self._prompts), 1)
        for row, prompt in zip(rows, self._prompts, strict=True):
            row[list(prompt[self._shared :])] = penalty
        return rows.to(self._device)

    def _uniform(self, prompt: Sequence[int]) -> Tensor:
        """All draws of a row in advance: they depend on the seed and the row's own prompt, not on the batch."""
        text = f"{self._sampling.seed} {' '.join(map(str, prompt))}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])
        generator = torch.Generator().manual_seed(seed)
        return torch.rand(self._sampling.max_tokens, generator=generator, dtype=torch.float64)

    def _draw(self, logits: Tensor, draws: Tensor) -> Tensor:
        chances, ids = (
            (logits / self._sampling.temperature).double().softmax(-1).sort(dim=-1, descending=True, stable=True)
        )
        total = chances.cumsum(-1)
        # The nucleus ends with the token that reaches top_p; it always includes the first token.
        chances = chances.masked_fill(total - chances >= self._sampling.top_p, 0)
        chances[:, 0].clamp_(min=torch.finfo(torch.float64).tiny)
        total = chances.cumsum(-1)
        place = torch.searchsorted(total, draws[:, None] * total[:, -1:], right=True)
        place.clamp_(max=ids.shape[-1] - 1)
        return ids.take_along_dim(place, 1)[:, 0]


def _most_likely(logits: Tensor) -> Tensor:
    """The first of the largest along the last dimension. On a processor NumPy is ten times as fast as torch."""
    return torch.from_numpy(logits.numpy().argmax(-1)) if logits.device.type == "cpu" else logits.argmax(-1)


class AnswerText:
    """Turns answer tokens into text, and finds stop strings without decoding at every token."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        # Some tokenizers drop the space of the first token they decode, so an anchor is decoded before the answer.
        self._anchor: list[int] = tokenizer("a", add_special_tokens=False)["input_ids"]
        self._start = len(self._decode(self._anchor))
        self._pieces: list[str] | None = None
        self._endings: dict[tuple[str, ...], frozenset[int]] = {}

    def text(self, ids: Sequence[int]) -> str:
        """The text of an answer's tokens."""
        return self._decode([*self._anchor, *ids])[self._start :]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each token of an answer; joined, they are its text.

        A character made of several tokens belongs to the last of them; the others are empty.
        """
        pieces: list[str] = []
        before, pending = self._anchor, list[int]()
        for token in ids:
            pending.append(token)
            piece = self._decode([*before, *pending])[len(self._decode(before)) :]
            if not piece or piece.endswith("\ufffd"):
                # Skipped tokens stay pending too: decoded without context, they could change the text that follows.
                pieces.append("")
            else:
                pieces.append(piece)
                before, pending = pending, []
        if pending:
            pieces[-1] = self._decode([*before, *pending])[len(self._decode(before)) :]
        return pieces

    def names(self, ids: Sequence[int]) -> list[str]:
        """The text of each token by itself; special tokens by name, parts of a character as U+FFFD."""
        rows = [[*self._anchor, token] for token in ids]
        texts = self._tokenizer.batch_decode(rows, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return [text[self._start :] for text in texts]

    def endings(self, stop: tuple[str, ...]) -> frozenset[int]:
        """The tokens that can complete one of these stop strings."""
        if stop not in self._endings:
            if self._pieces is None:
                self._pieces = [self.text([token]) for token in range(len(self._tokenizer))]
            heads = {text[cut:] for text in stop for cut in range(len(text))}
            self._endings[stop] = frozenset(
                token
                for token, piece in enumerate(self._pieces)
                # Part of a character decodes to U+FFFD: what it completes shows only in the whole text.
                if "\ufffd" in piece or any(piece.startswith(head) for head in heads) or any(s in piece for s in stop)
            )
        return self._endings[stop]

    def _decode(self, ids: list[int]) -> str:
        text = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return str(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedAnswer:
    """A completion and its tokens, including the one that ended it."""

    completion: Completion
    tokens: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class _Answer:
    """One row's answer while it is generated."""

    ids: list[int] = field(default_factory=list)
    text: str = ""
    finish_reason: FinishReason | None = None
    """None while it is generated."""


class AnswerSheet:
    """The answers of some rows. An end token, a stop string, `ended` or the maximal length ends each."""

    def __init__(
        self,
        rows: int,
        sampling: Sampling,
        *,
        text: AnswerText,
        end_tokens: frozenset[int],
        ended: Callable[[str], bool] | None = None,
    ) -> None:
        """`ended` says of the text of an answer whether it has ended; it is asked after each token with a newline."""
        self._answers = [_Answer() for _ in range(rows)]
        self._sampling = sampling
        self._text = text
        self._end_tokens = end_tokens
        self._endings = text.endings(sampling.stop) if any(sampling.stop) else frozenset()
        self._ended = ended or (lambda _: False)
        self._line_ends = text.endings(("\n",)) if ended else frozenset()

    def add(self, row: int, token: int) -> bool:
        """Append `token` to the answer of `row`, unless it has ended; whether the answer has now ended."""
        answer = self._answers[row]
        if answer.finish_reason is not None:
            return True
        answer.ids.append(token)
        if token in self._end_tokens:
            self._end(answer, "stop", self._text.text(answer.ids[:-1]))
        elif (
            token in self._endings
            and (before := before_stop(self._text.text(answer.ids), self._sampling.stop)) is not None
        ):
            self._end(answer, "stop", before)
        elif token in self._line_ends and self._ended(text := self._text.text(answer.ids)):
            self._end(answer, "stop", text)
        elif len(answer.ids) >= self._sampling.max_tokens:
            self._end(answer, "length", self._text.text(answer.ids))
        return answer.finish_reason is not None

    def unfinished(self, rows: Sequence[int]) -> list[int]:
        """Those of `rows` whose answer has not ended; their answers start again."""
        waiting = [row for row in rows if self._answers[row].finish_reason is None]
        for row in waiting:
            self._answers[row].ids.clear()
        return waiting

    def answer(self, row: int, usage: Usage) -> GeneratedAnswer:
        """The answer of a row, which has ended; `usage` is that of its prompt."""
        answer = self._answers[row]
        completion = Completion(
            text=answer.text,
            finish_reason=answer.finish_reason or "length",
            usage=usage + Usage(completion_tokens=len(answer.ids)),
        )
        return GeneratedAnswer(completion=completion, tokens=tuple(answer.ids))

    @staticmethod
    def _end(answer: _Answer, reason: FinishReason, text: str) -> None:
        answer.text = text
        answer.finish_reason = reason  # last, so that an interruption finds the answer whole or not ended
