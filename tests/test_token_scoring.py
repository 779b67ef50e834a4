"""Token scoring by local models equals one whole forward pass for each token, read by plain numpy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.model_pairs import (
    HAND_WRITTEN,
    ZERO_SHOT,
    Pair,
    assert_close,
    assert_same,
    chat_tokenizer,
    embedded_pair,
    given_answers,
    model_pair,
    newline_token,
    random_model,
    slow_logits,
    slow_scores,
)
from tests.test_architectures import KINDS
from tests.tiny_models import SHAPE, plain_model
from urial_opt.errors import AdapterError
from urial_opt.models.local.reading_in_step import read_in_step
from urial_opt.models.local.teacher_forcing import GivenAnswers
from urial_opt.token_scores import TOP, TokenScores

_SINGLE = {"capped scores", "sinks", "alibi, a bias", "delta rule"}
"""Kinds whose layers compute only in single precision."""
_SINGLE_IN_PART = {"states and attention in turn", "states beside attention", "states alone"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in _SINGLE])
def test_equals_one_whole_forward_for_each_token(kind: str) -> None:
    pair = model_pair(kind)
    assert pair.base.how == KINDS[kind][0]
    answers, contexts = given_answers(pair), [ZERO_SHOT, HAND_WRITTEN]
    for context, scores in zip(contexts, pair.scorer.score(answers, contexts), strict=True):
        for answer, mine in zip(answers, scores, strict=True):
            within = 1e-5 if kind in _SINGLE_IN_PART else 1e-9
            assert_close(mine, slow_scores(pair, answer, context, ending=newline_token(pair)), within=within)


@pytest.mark.parametrize("kind", KINDS)
def test_in_single_precision_it_is_the_same_but_for_rounding(kind: str) -> None:
    pair = model_pair(kind, torch.float32)
    answers = given_answers(pair, ended=(True, False))
    (scores,) = pair.scorer.score(answers, [HAND_WRITTEN])
    for answer, mine in zip(answers, scores, strict=True):
        expected = slow_scores(pair, answer, HAND_WRITTEN, ending=newline_token(pair))
        # Near ties occur in one kind only, whose tokens may swap ranks.
        assert_close(mine, expected, within=1e-4, exact=kind != "states alone")
        assert np.abs(mine.rank - expected["rank"]).max() <= 1


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_embedded_pair_equals_one_whole_forward_for_each_token(dtype: torch.dtype) -> None:
    pair = embedded_pair(dtype)
    answers = pair.scorer.answer(["What is the capital of France?", "How do I rob a bank?"], max_tokens=10)
    answers.append(replace(answers[0], tokens=answers[0].tokens[:5], pieces=answers[0].pieces[:5], ended=True))
    contexts = [ZERO_SHOT, HAND_WRITTEN]
    for context, scores in zip(contexts, pair.scorer.score(answers, contexts), strict=True):
        for answer, mine in zip(answers, scores, strict=True):
            expected = slow_scores(pair, answer, context, ending=newline_token(pair))
            assert_close(mine, expected, within=1e-9 if dtype == torch.float64 else 1e-4, exact=dtype == torch.float64)
            assert mine.rank.tolist() == expected["rank"]
            np.testing.assert_allclose(mine.top.probabilities.sum(1), 1, atol=0.1)


@pytest.fixture
def expected() -> list[list[TokenScores]]:
    pair = model_pair()
    return pair.scorer.score(given_answers(pair), [ZERO_SHOT, HAND_WRITTEN])


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("kind", ["grouped heads", "convolutions", "states alone"])
def test_batches_change_nothing(kind: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = model_pair(kind)
    answers, contexts = given_answers(pair), [ZERO_SHOT, HAND_WRITTEN]
    whole = pair.scorer.score(answers, contexts)
    monkeypatch.setattr(pair.base.batches, "rows", rows)
    for mine, others in zip(pair.scorer.score(answers, contexts), whole, strict=True):
        assert_same(mine, others, within=1e-5 if kind in _SINGLE_IN_PART else 1e-9)


@pytest.mark.parametrize("positions", [1, 3, 8, 40])
@pytest.mark.parametrize("kind", ["grouped heads", "alibi", "convolutions", "states alone"])
def test_chunks_and_blocks_change_nothing(kind: str, positions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = model_pair(kind)
    answers, contexts = given_answers(pair), [ZERO_SHOT, HAND_WRITTEN]
    whole = pair.scorer.score(answers, contexts)
    limit = positions * SHAPE["vocab_size"]
    monkeypatch.setattr("urial_opt.models.local.token_scoring.LOGITS_A_CHUNK", limit)
    monkeypatch.setattr("urial_opt.models.local.reading_in_step._LOGITS_A_BLOCK", {"cpu": limit // 2})
    monkeypatch.setattr("urial_opt.models.local.prefix_cache.TOKENS_A_PASS", 16)
    pair.base.forget_prefixes()
    for mine, others in zip(pair.scorer.score(answers, contexts), whole, strict=True):
        assert_same(mine, others, within=1e-5 if kind in _SINGLE_IN_PART else 1e-9)


@pytest.mark.parametrize("kind", ["grouped heads", "states alone"])
def test_no_more_than_a_chunk_of_logits_is_made_at_a_time(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = model_pair(kind)
    monkeypatch.setattr("urial_opt.models.local.token_scoring.LOGITS_A_CHUNK", 8 * SHAPE["vocab_size"])
    made: list[int] = []

    def watch(_: object, __: object, logits: torch.Tensor) -> None:
        made.append(logits.numel())

    head = pair.base.model.get_output_embeddings()
    assert isinstance(head, torch.nn.Module)
    hook = head.register_forward_hook(watch)
    try:
        pair.scorer.score(given_answers(pair), [HAND_WRITTEN])
    finally:
        hook.remove()
    assert max(made) <= 8 * SHAPE["vocab_size"]
    assert len(made) > 2


def test_the_order_of_answers_and_the_number_of_contexts_change_nothing(expected: list[list[TokenScores]]) -> None:
    pair = model_pair()
    answers = given_answers(pair)
    backwards, again, first = pair.scorer.score(answers[::-1], [HAND_WRITTEN, HAND_WRITTEN, ZERO_SHOT])
    assert_same(backwards[::-1], expected[1])
    assert_same(again[::-1], expected[1])
    assert_same(first[::-1], expected[0])
    (alone,) = pair.scorer.score(answers[1:2], [ZERO_SHOT])
    assert_same(alone, expected[0][1:2])
    assert pair.scorer.score(answers, []) == []
    assert pair.scorer.score([], [ZERO_SHOT, HAND_WRITTEN]) == [[], []]


def test_an_answer_of_nothing_has_no_positions() -> None:
    pair = model_pair()
    ((nothing, something),) = pair.scorer.score(given_answers(pair, ["", "Hi!"], ended=(False, True)), [ZERO_SHOT])
    assert nothing.rank.shape == nothing.kl_base_aligned.shape == (0,)
    assert nothing.top.ids.shape == (0, TOP)
    assert len(something.rank) == 4
    ((alone,),) = pair.scorer.score(given_answers(pair, [""], ended=(False,)), [ZERO_SHOT])
    assert len(alone.rank) == 0


def test_rows_that_do_not_fit_are_halved(expected: list[list[TokenScores]], monkeypatch: pytest.MonkeyPatch) -> None:
    pair, seen = model_pair(), list[int]()
    whole = read_in_step

    def limited(aligned: Any, bases: Any, sought: Any, **settings: Any) -> Any:
        seen.append(len(sought.base))
        if len(sought.base) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return whole(aligned, bases, sought, **settings)

    monkeypatch.setattr("urial_opt.models.local.token_scoring.read_in_step", limited)
    scores = pair.scorer.score(given_answers(pair), [ZERO_SHOT, HAND_WRITTEN])
    assert seen == [4, 2, 2]
    for mine, others in zip(scores, expected, strict=True):
        assert_same(mine, others)


@torch.inference_mode()
def test_a_prompt_that_is_all_shared_keeps_its_last_token_to_itself() -> None:
    model = model_pair().base
    (logits,) = GivenAnswers(model, [[40, 41, 42]], [[43]], head=[40, 41, 42]).logits([0], last=2, step=8)
    expected = slow_logits(plain_model(model), [40, 41, 42], [43], 2)
    np.testing.assert_allclose(logits[0].numpy(), np.stack(expected), atol=1e-9)


def test_each_model_pays_for_what_it_reads_and_a_shared_prefix_is_read_once() -> None:
    pair = Pair(random_model("grouped heads", 1), random_model("grouped heads", 2), chat_tokenizer())
    answers = given_answers(pair)
    zero, hand = pair.scorer.score(answers, [ZERO_SHOT, HAND_WRITTEN])
    shared = len(pair.base.tokens([HAND_WRITTEN.prefix], special=True)[0])
    read = 0
    for number, (answer, mine) in enumerate(zip(answers, hand, strict=True)):
        row = pair.base.count_tokens(HAND_WRITTEN.render(answer.query)) + len(answer.tokens) - (not answer.ended)
        assert mine.usage.prompt_tokens + mine.usage.saved_tokens == row
        assert (mine.usage.saved_tokens > shared - 3) == (number > 0)
        assert mine.usage.completion_tokens == 0
        assert mine.aligned_usage.prompt_tokens == 0
        read += mine.usage.prompt_tokens
    assert all(scores.usage.saved_tokens <= 1 for scores in zero)
    chats = [pair.aligned.layout.render(answer.query) for answer in answers]
    whole = sum(map(len, pair.aligned.generator.tokens(chats, special=False))) + sum(len(a.tokens) for a in answers) - 1
    paid = [scores.aligned_usage for scores in zero]
    assert sum(usage.prompt_tokens + usage.saved_tokens for usage in paid) == whole
    assert paid[1].saved_tokens > 0, "the chat layout's beginning"
    (again,) = pair.scorer.score(answers, [HAND_WRITTEN])
    assert sum(scores.usage.prompt_tokens for scores in again) < read - shared + 3


def test_a_model_without_numbers_is_an_error() -> None:
    pair = Pair(random_model("grouped heads", 1), random_model("grouped heads", 2), chat_tokenizer())
    pair.base.model.get_output_embeddings().weight.data[3] = torch.nan
    with pytest.raises(AdapterError, match=r"'base' computes NaN after 'What is .*; open it with another dtype"):
        pair.scorer.score(given_answers(pair), [ZERO_SHOT])


def test_a_row_that_does_not_fit_the_window_is_an_error() -> None:
    pair = model_pair()
    answers = [replace(given_answers(pair)[0], tokens=(40,) * 1000)]
    with pytest.raises(AdapterError, match="'base' reads 1024"):
        pair.scorer.score(answers, [HAND_WRITTEN])
