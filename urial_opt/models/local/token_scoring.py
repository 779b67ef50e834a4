"""Token scoring by two local models: each reads every answer once, the base model once for each context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from urial_opt.errors import AdapterError, InputError
from urial_opt.models.local.batching import Batches
from urial_opt.models.local.causal_model import CausalModel
from urial_opt.models.local.chat_layout import ChatLayout
from urial_opt.models.local.decoding import GeneratedAnswer
from urial_opt.models.local.layout_tokens import common_vocabulary, end_of_answer, without_space
from urial_opt.models.local.prefix_cache import TOKENS_A_PASS
from urial_opt.models.local.reading_in_step import LOGITS_A_CHUNK, ModelColumns, Targets, read_in_step
from urial_opt.models.local.sharing import turn_of
from urial_opt.models.local.teacher_forcing import GivenAnswers
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Sampling, Usage
from urial_opt.token_scores import AlignedAnswer, TokenScores, TopTokens

_Columns: TypeAlias = dict[str, npt.NDArray[Any]]
"""One model's scores of one answer: by name, one entry for each position; see `reading_in_step.ModelColumns`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ScoredAnswer:
    """An answer, prepared for scoring."""

    answer: AlignedAnswer
    tokens: tuple[int, ...]
    """As the base model reads them: the answer's tokens, of which the first may differ."""
    opening: int | None
    """The base model's target at the first position; None: it has no such token."""
    ending: int | None
    """The base model's target at the end of the turn; None: unknown."""

    @property
    def positions(self) -> int:
        return len(self.tokens) + self.answer.ended


class LocalTokenScorer:
    """Two local models as a `protocols.TokenScorer`. Threads, also those that ask the models, take turns.

    Distributions are over the ids that both tokenizers have, and renormalised: other ids, such as padding of the
    embeddings or tokens that only the aligned model has, are left out. At the end of the turn, each model's
    distribution is over its own whole vocabulary.

    Where the chat layout does not end in whitespace, the answer's first token includes a space
    (`layout_tokens.without_space`). The base model reads the token without the space, and `rank` and `probability` are
    of that token; divergences are NaN. If there is no such token, `rank` is 0 and `probability` NaN. A space that is a
    token of its own stays.
    """

    def __init__(
        self,
        base: CausalModel,
        aligned: CausalModel,
        *,
        layout: ChatLayout,
        write: Callable[[Sequence[str], Sampling], list[GeneratedAnswer]],
    ) -> None:
        """`write` generates the aligned model's answers. InputError if the two tokenizers differ."""
        sizes = [model.model.config.get_text_config().vocab_size for model in (base, aligned)]
        self._vocabulary = min(*sizes, common_vocabulary(base, aligned))
        self._positions_a_pass = max(1, min(TOKENS_A_PASS, LOGITS_A_CHUNK // max(sizes)))
        self._base, self._aligned = base, aligned
        self._layout = layout
        self._write = write
        rows = min(base.batches.rows, aligned.batches.rows)
        self._batches = Batches(rows, owner=f"{base.identity} beside {aligned.identity}", release=self._forget_prefixes)

    def answer(self, queries: Sequence[str], *, max_tokens: int) -> list[AlignedAnswer]:
        """As `protocols.TokenScorer`. AdapterError if a query does not fit the model's window."""
        answers = []
        for query, written in zip(queries, self._write(queries, Sampling(max_tokens=max_tokens, stop=())), strict=True):
            ended = written.completion.finish_reason == "stop"
            tokens = written.tokens[:-1] if ended else written.tokens
            pieces = tuple(self._aligned.answer_text.pieces(tokens))
            usage = written.completion.usage
            answers.append(AlignedAnswer(query=query, tokens=tokens, pieces=pieces, ended=ended, usage=usage))
        return answers

    def texts(self, ids: Sequence[int]) -> list[str]:
        """As `protocols.TokenScorer`."""
        return self._aligned.answer_text.names(ids)

    @torch.inference_mode()
    def score(self, answers: Sequence[AlignedAnswer], contexts: Sequence[UrialPrompt]) -> list[list[TokenScores]]:
        """As `protocols.TokenScorer`. AdapterError if a prompt and its answer do not fit a model's window or memory."""
        if not answers or not contexts:
            return [[] for _ in contexts]
        # For all of it: generators with these weights use the same prefix caches, and free memory that both need.
        with turn_of(self._base.model, self._aligned.model):
            return self._scored(answers, contexts)

    def _scored(self, answers: Sequence[AlignedAnswer], contexts: Sequence[UrialPrompt]) -> list[list[TokenScores]]:
        chats = [self._layout.render(answer.query) for answer in answers]
        rows = [self._row(answer, chat) for answer, chat in zip(answers, chats, strict=True)]
        *prompts, head = self._aligned.tokens([*chats, self._layout.opening], special=False)
        aligned = GivenAnswers(self._aligned, prompts, [_read(row, row.answer.tokens) for row in rows], head=head)
        bases = [self._in_context(context, rows) for context in contexts]
        scored: dict[int, list[_Columns]] = {}

        def score(batch: list[int]) -> None:
            models = self._read([rows[row] for row in batch], batch, aligned, bases)
            for place, row in enumerate(batch):
                scored[row] = [_of_row(each, place, rows[row].positions) for each in models]

        def batch_key(row: int) -> tuple[int, ...]:
            return tuple(model.batch_key(row) for model in (aligned, *bases))

        # Answers of similar length share a batch, since all rows are as long as the longest.
        order = sorted(range(len(rows)), key=lambda row: (batch_key(row), rows[row].positions))
        for _, group in groupby(order, batch_key):
            self._batches.check = self._base.batches.check
            self._batches.work_on(
                list(group), score, unfinished=lambda batch: [row for row in batch if row not in scored]
            )
        return [
            [
                replace(
                    self._scores(row, scored[number][0], scored[number][1 + place]),
                    usage=base.usage(number),
                    aligned_usage=Usage() if place else aligned.usage(number),
                )
                for number, row in enumerate(rows)
            ]
            for place, base in enumerate(bases)
        ]

    def _row(self, answer: AlignedAnswer, chat: str) -> _ScoredAnswer:
        unknown = [token for token in answer.tokens if token >= self._vocabulary]
        if unknown:
            raise InputError(
                f"the answer to {answer.query!r} contains {self.texts(unknown)[0]!r} (token {unknown[0]}), which "
                f"{self._base.identity!r} does not have; leave out this query"
            )
        tokens = list(answer.tokens)
        opening = without_space(self._aligned, chat, tokens[0]) if tokens else None
        if opening is not None:
            tokens[0] = opening
        ending = end_of_answer(self._base, answer.text, tokens) if answer.ended else None
        return _ScoredAnswer(answer=answer, tokens=tuple(tokens), opening=opening, ending=ending)

    def _in_context(self, context: UrialPrompt, rows: Sequence[_ScoredAnswer]) -> GivenAnswers:
        texts = [context.render(row.answer.query) for row in rows]
        *prompts, head = self._base.tokens([*texts, context.prefix], special=True)
        return GivenAnswers(self._base, prompts, [_read(row, row.tokens) for row in rows], head=head)

    def _read(
        self, rows: list[_ScoredAnswer], batch: list[int], aligned: GivenAnswers, bases: Sequence[GivenAnswers]
    ) -> list[ModelColumns]:
        """The scores of these rows by the aligned model and then by the base model in each context."""
        last = max(1, *(row.positions for row in rows))
        step = max(1, self._positions_a_pass // len(rows))
        logits, *base_logits = (model.logits(batch, last=last, step=step) for model in (aligned, *bases))
        targets = Targets(
            aligned=_right_aligned([row.answer.tokens for row in rows], rows, last),
            base=_right_aligned([row.tokens for row in rows], rows, last),
        )
        models = read_in_step(logits, base_logits, targets, vocabulary=self._vocabulary)
        ended = [place for place, row in enumerate(rows) if row.answer.ended]
        if ended:
            # A greedy answer ended with the most probable of the end tokens.
            final = models[0].final[ended]
            ends = torch.tensor(sorted(self._aligned.end_tokens), device=final.device)
            models[0].set_end(ended, ends[final[:, ends].argmax(-1)])
            endings = torch.tensor([rows[place].ending or 0 for place in ended])
            for each in models[1:]:
                each.set_end(ended, endings.to(each.final.device))
        return models

    def _scores(self, row: _ScoredAnswer, aligned: _Columns, base: _Columns) -> TokenScores:
        for model, columns in ((self._base, base), (self._aligned, aligned)):
            if np.isnan(columns["probability"]).any():
                raise AdapterError(
                    f"{model.identity!r} computes NaN after {row.answer.query!r}; open it with another "
                    "dtype, such as bfloat16 or float32"
                )
        if row.answer.ended:
            _leave_out(base, -1, unknown=row.ending is None)
        if row.tokens and row.opening != row.answer.tokens[0]:
            _leave_out(base, 0, unknown=row.opening is None)
        return TokenScores(
            rank=base["rank"],
            probability=base["probability"],
            aligned_probability=aligned["probability"],
            kl_base_aligned=base["kl_base_aligned"],
            kl_aligned_base=base["kl_aligned_base"],
            entropy=base["entropy"],
            aligned_entropy=aligned["entropy"],
            top=TopTokens(ids=base["top_ids"], probabilities=base["top_probabilities"]),
            aligned_top=TopTokens(ids=aligned["top_ids"], probabilities=aligned["top_probabilities"]),
        )

    def _forget_prefixes(self) -> None:
        self._base.forget_prefixes()
        self._aligned.forget_prefixes()


def _read(row: _ScoredAnswer, tokens: tuple[int, ...]) -> tuple[int, ...]:
    """The tokens of an answer to read: the last one only if the logits after it are needed."""
    return tokens if row.answer.ended else tokens[:-1]


def _right_aligned(answers: Sequence[tuple[int, ...]], rows: Sequence[_ScoredAnswer], last: int) -> Tensor:
    """The answers' tokens (R, last), aligned to the right; 0 before them, and at the end of the turn."""
    ended = [[*tokens, *[0] * row.answer.ended] for tokens, row in zip(answers, rows, strict=True)]
    return torch.tensor([[0] * (last - len(tokens)) + tokens for tokens in ended])


def _of_row(model: ModelColumns, place: int, positions: int) -> _Columns:
    columns = {name: column[place, column.shape[1] - positions :].cpu() for name, column in model.columns.items()}
    return {
        name: column.double().numpy() if column.is_floating_point() else column.numpy()
        for name, column in columns.items()
    }


def _leave_out(base: _Columns, position: int, *, unknown: bool) -> None:
    """Remove the divergences, which would compare two layouts, at a position; if `unknown`, rank and probability."""
    base["kl_base_aligned"][position] = base["kl_aligned_base"][position] = np.nan
    if unknown:
        base["rank"][position], base["probability"][position] = 0, np.nan
