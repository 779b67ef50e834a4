"""Token scoring by two local models: each reads every answer once, the base model after each context."""

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
from urial_opt.models.local.reading_in_step import LOGITS_A_CHUNK, Said, Sought, read_in_step
from urial_opt.models.local.teacher_forcing import GivenAnswers
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Sampling, Usage
from urial_opt.token_scores import AlignedAnswer, TokenScores, TopTokens

_Told: TypeAlias = dict[str, npt.NDArray[Any]]
"""What one model says of one answer, position by position; see `reading_in_step.Said`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ScoredAnswer:
    """An answer as it is scored."""

    answer: AlignedAnswer
    tokens: tuple[int, ...]
    """As the base model reads them: as the aligned model wrote them, but maybe for the first."""
    opening: int | None
    """Sought in the base model at the first position; None: it has no such token."""
    ending: int | None
    """Sought in the base model at the end of the turn; None: that cannot be told."""

    @property
    def positions(self) -> int:
        return len(self.tokens) + self.answer.ended


class LocalTokenScorer:
    """Two local models as a `protocols.TokenScorer`, for one caller at a time.

    Positions are compared over the ids that both tokenizers have. What a model gives to others, as to the padding of
    its embeddings or to tokens that only the aligned one has, is left out and the rest scaled up; but at the end of the
    turn each model's own whole vocabulary counts.

    Where the chat layout ends in no blank, the answer's first token brings a space (`layout_tokens.without_space`). The
    base model reads its twin without, whose rank and probability are told; divergences there are NaN, and where there
    is no twin, `rank` is 0 and `probability` NaN. A space that is a token of its own stays.
    """

    def __init__(
        self,
        base: CausalModel,
        aligned: CausalModel,
        *,
        layout: ChatLayout,
        write: Callable[[Sequence[str], Sampling], list[GeneratedAnswer]],
    ) -> None:
        """`write` lets the aligned model answer queries. InputError if the two have different tokenizers."""
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
        chats = [self._layout.render(answer.query) for answer in answers]
        rows = [self._row(answer, chat) for answer, chat in zip(answers, chats, strict=True)]
        *prompts, head = self._aligned.tokens([*chats, self._layout.opening], special=False)
        aligned = GivenAnswers(self._aligned, prompts, [_read(row, row.answer.tokens) for row in rows], head=head)
        bases = [self._in_context(context, rows) for context in contexts]
        told: dict[int, list[_Told]] = {}

        def score(batch: list[int]) -> None:
            said = self._read([rows[row] for row in batch], batch, aligned, bases)
            for place, row in enumerate(batch):
                told[row] = [_of_row(each, place, rows[row].positions) for each in said]

        def beside(row: int) -> tuple[int, ...]:
            return tuple(model.may_stand_beside(row) for model in (aligned, *bases))

        # Answers of about one length side by side, since all rows are read as far as the longest.
        order = sorted(range(len(rows)), key=lambda row: (beside(row), rows[row].positions))
        for _, group in groupby(order, beside):
            self._batches.work_on(
                list(group), score, unfinished=lambda batch: [row for row in batch if row not in told]
            )
        return [
            [
                replace(
                    self._scores(row, told[number][0], told[number][1 + place]),
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
                f"the answer to {answer.query!r} holds {self.texts(unknown)[0]!r} (token {unknown[0]}), which "
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
    ) -> list[Said]:
        """What the aligned model, and after it the base model in each context, says of these rows."""
        last = max(1, *(row.positions for row in rows))
        step = max(1, self._positions_a_pass // len(rows))
        heard, *streams = (model.logits(batch, last=last, step=step) for model in (aligned, *bases))
        sought = Sought(
            aligned=_at_the_end([row.answer.tokens for row in rows], rows, last),
            base=_at_the_end([row.tokens for row in rows], rows, last),
        )
        said = read_in_step(heard, streams, sought, vocabulary=self._vocabulary)
        ended = [place for place, row in enumerate(rows) if row.answer.ended]
        if ended:
            # The answer ended with the likeliest of the tokens that end one, or it would have gone on.
            final = said[0].final[ended]
            ends = torch.tensor(sorted(self._aligned.end_tokens), device=final.device)
            said[0].tell_end(ended, ends[final[:, ends].argmax(-1)])
            endings = torch.tensor([rows[place].ending or 0 for place in ended])
            for each in said[1:]:
                each.tell_end(ended, endings.to(each.final.device))
        return said

    def _scores(self, row: _ScoredAnswer, aligned: _Told, base: _Told) -> TokenScores:
        for model, told in ((self._base, base), (self._aligned, aligned)):
            if np.isnan(told["probability"]).any():
                raise AdapterError(
                    f"{model.identity!r} computes no numbers after {row.answer.query!r}; open it with another "
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
    """What is to be read of an answer: of the last token only if it is asked what follows."""
    return tokens if row.answer.ended else tokens[:-1]


def _at_the_end(answers: Sequence[tuple[int, ...]], rows: Sequence[_ScoredAnswer], last: int) -> Tensor:
    """Tokens (R, last) of the answers, each in the last columns; 0 before it, and where its turn ends."""
    ended = [[*tokens, *[0] * row.answer.ended] for tokens, row in zip(answers, rows, strict=True)]
    return torch.tensor([[0] * (last - len(tokens)) + tokens for tokens in ended])


def _of_row(said: Said, place: int, positions: int) -> _Told:
    told = {name: column[place, column.shape[1] - positions :].cpu() for name, column in said.columns.items()}
    return {
        name: column.double().numpy() if column.is_floating_point() else column.numpy() for name, column in told.items()
    }


def _leave_out(told: _Told, position: int, *, unknown: bool) -> None:
    """What cannot be compared across layouts at a position, and what cannot be told at all."""
    told["kl_base_aligned"][position] = told["kl_aligned_base"][position] = np.nan
    if unknown:
        told["rank"][position], told["probability"][position] = 0, np.nan
