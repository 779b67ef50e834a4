"""Ranks, top tokens and divergences of logits: ties, masked tokens, half precision, chunks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.model_pairs import (
    ZERO_SHOT,
    Pair,
    assert_close,
    chat_tokenizer,
    log_softmax,
    random_model,
    slow_scores,
)
from urial_opt.models.local.distributions import Columns, Distributions, compare_over, rank_of, top_ids
from urial_opt.models.local.reading_in_step import Targets, read_in_step
from urial_opt.token_scores import TOP, AlignedAnswer


def test_ties_go_by_id() -> None:
    pair = Pair(random_model("grouped heads", 1), random_model("grouped heads", 2), chat_tokenizer())
    for model in (pair.base.model, pair.aligned.generator.model):
        head = model.get_output_embeddings()
        assert isinstance(head, torch.nn.Linear)
        head.weight.data[100:220] = 0
    tokens = (30, 250, 319, 100, 219, 150, 5)
    answers = [AlignedAnswer(query="Hi", tokens=tokens, pieces=("?",) * len(tokens), ended=False)]
    ((mine,),) = pair.scorer.score(answers, [ZERO_SHOT])
    assert_close(mine, slow_scores(pair, answers[0], ZERO_SHOT, ending=None), within=1e-9)


@pytest.mark.parametrize("tokens", [3, 50, 51, 60, 407, 408, 820, 3001])
@pytest.mark.parametrize("levels", [2, 40, 10**6])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_top_tokens_and_ranks_go_by_logit_then_id(tokens: int, levels: int, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(tokens)
    logits = (torch.randint(levels, (20, tokens), generator=draw) - levels // 2).to(dtype)
    logits[3, ::2] = -torch.inf
    logits[4] = torch.tensor([0.0, -0.0]).repeat(tokens)[:tokens]
    order = np.stack([np.lexsort((np.arange(tokens), -row)) for row in logits.double().numpy()])
    top = top_ids(logits)
    assert top.tolist() == order[:, :TOP].tolist()
    sought = torch.randint(tokens, (20,), generator=draw)
    expected = (order == sought[:, None].numpy()).argmax(1) + 1
    assert rank_of(logits, sought, top=top).tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_chunks_may_be_parts_of_what_a_model_returned(dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    aligned, base = (torch.randn(2, 7, 90, generator=draw).to(dtype) for _ in range(2))
    tokens = torch.randint(80, (2, 4), generator=draw)
    sought = Targets(aligned=tokens, base=tokens)

    def said(*chunks: torch.Tensor) -> Columns:
        heard, beside = (iter([chunk]) for chunk in chunks)
        return read_in_step(heard, [beside], sought, vocabulary=80)[1].columns

    whole = said(*(model[:, -4:].clone(memory_format=torch.contiguous_format) for model in (aligned, base)))
    for name, column in said(aligned[:, -4:], base[:, -4:]).items():
        torch.testing.assert_close(column, whole[name], rtol=0, atol=0)
    assert (whole["kl_base_aligned"] > 0.1).all()


def test_a_token_that_a_model_rules_out_adds_nothing() -> None:
    logits = torch.tensor([[1.0, -torch.inf, 2.0, -torch.inf]])
    other = torch.tensor([[0.5, -torch.inf, 0.5, 1.0]])
    logs, top = Distributions.over(other.clone()).logs, top_ids(other)
    said = compare_over(other.clone(), logs, torch.tensor([0]), top=top)
    assert said["kl_base_aligned"].item() == said["kl_aligned_base"].item() == 0
    said = compare_over(logits, logs, torch.tensor([2]), top=top)
    p, q = np.exp([1, 2]) / np.exp([1, 2]).sum(), np.exp([0.5, 0.5]) / np.exp([0.5, 0.5, 1]).sum()
    assert said["kl_base_aligned"].item() == pytest.approx(np.sum(p * np.log(p / q)), rel=1e-5)
    assert said["kl_aligned_base"].item() > 1e30, "without bound"
    assert said["entropy"].item() == pytest.approx(-np.sum(p * np.log(p)), rel=1e-5)


def test_in_half_precision_sums_are_of_single_precision() -> None:
    draw = torch.Generator().manual_seed(0)
    base, aligned = ((3 * torch.randn(4, 128_000, generator=draw)).bfloat16() for _ in range(2))
    sought = torch.tensor([5, 6, 7, 127_999])
    said = compare_over(base, Distributions.over(aligned).logs, sought, top=top_ids(base))
    for row in range(4):
        p, q = (log_softmax(logits[row].double().numpy()) for logits in (base, aligned))
        assert said["kl_base_aligned"][row].item() == pytest.approx(np.sum(np.exp(p) * (p - q)), abs=2e-5)
        assert said["kl_aligned_base"][row].item() == pytest.approx(np.sum(np.exp(q) * (q - p)), abs=2e-5)
    order = np.stack([np.lexsort((np.arange(128_000), -row)) for row in base.float().numpy()])
    assert said["top_ids"].tolist() == order[:, :TOP].tolist()
