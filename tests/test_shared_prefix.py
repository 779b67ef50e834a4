"""Shared-prefix attention: it equals plain attention, and no part of a prefix is read twice."""

from __future__ import annotations

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from urial_opt.models.local import shared_prefix
from urial_opt.models.local.prefix_cache import KeptPrefixes, common_length
from urial_opt.models.local.shared_prefix import CAUSAL, Prefix, attend, switch_attention


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.2,
    )
    switched = LlamaForCausalLM(config)
    assert switch_attention(switched)
    return switched


def _random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("prefix_tokens", [0, 1, 7])
def test_attention_equals_softmax_over_prefix_and_own(kv_heads: int, width: int, prefix_tokens: int) -> None:
    rows, heads, size, own_tokens = 3, 4, 8, 5
    query = 3 * _random(rows, heads, width, size)
    keys, values = _random(rows, kv_heads, own_tokens, size), _random(kv_heads, rows, own_tokens, size).transpose(0, 1)
    prefix = (
        2 * _random(kv_heads, 9, size)[:, :prefix_tokens],
        _random(9, kv_heads, size)[:prefix_tokens].transpose(0, 1),
    )
    mask = torch.zeros(rows, 1, width, own_tokens)
    mask[0, :, :, :2] = -torch.inf
    mask[:, :, 0, own_tokens - width + 1 :] = -torch.inf

    mine = attend(query, (keys, values), prefix if prefix_tokens else None, mask=mask)

    whole_keys, whole_values = (
        torch.cat([part.expand(rows, -1, -1, -1), own], 2).repeat_interleave(heads // kv_heads, 1)
        for part, own in zip(prefix, (keys, values), strict=True)
    )
    scores = query @ whole_keys.transpose(-1, -2) + torch.cat([torch.zeros(rows, 1, width, prefix_tokens), mask], -1)
    torch.testing.assert_close(mine, (scores.softmax(-1) @ whole_values).transpose(1, 2))


@pytest.mark.parametrize("prefix_tokens", [0, 7])
@pytest.mark.parametrize("device_has_kernel", [True, False])
def test_no_mask_but_its_sign_for_queries_that_see_up_to_themselves(
    prefix_tokens: int, device_has_kernel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    query, own = _random(2, 4, 5, 8), (_random(2, 2, 5, 8), _random(2, 2, 5, 9)[..., :8])
    prefix = (_random(2, 7, 8), _random(2, 7, 9)[..., :8]) if prefix_tokens else None
    mask = torch.full((5, 5), -torch.inf).triu(1).expand(2, 1, 5, 5)
    expected = attend(query, own, prefix, mask=mask)
    if not device_has_kernel:
        monkeypatch.setattr(shared_prefix, "_FUSED_ON", "another device")
    torch.testing.assert_close(attend(query, own, prefix, mask=CAUSAL.clone()), expected)


@torch.inference_mode()
def test_logits_of_padded_rows_equal_the_whole_prompts(model: PreTrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urial_opt.models.local.prefix_cache.TOKENS_A_PASS", 4)  # several passes
    shared, suffixes = (3, 1, 4, 1, 5, 9), [[2, 6], [5, 3, 5, 8, 9], [7]]
    prefix, _ = KeptPrefixes(Prefix(model=model), budget=100).read(shared)
    rows = prefix.rows(suffixes, room=2)
    first = rows.read()
    rows.remove(0)  # the last row takes its place
    second = rows.write(torch.tensor([[10], [11]]))[:, -1]
    for logits, own in [(first[0], [2, 6]), (first[1], suffixes[1]), (first[2], [7])]:
        torch.testing.assert_close(logits, _logits(model, [*shared, *own]), rtol=1e-4, atol=1e-4)
    for logits, own in [(second[0], [7, 10]), (second[1], [*suffixes[1], 11])]:
        torch.testing.assert_close(logits, _logits(model, [*shared, *own]), rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_tokens_that_were_taken_back_leave_no_trace(model: PreTrainedModel) -> None:
    shared, suffixes = (3, 1, 4, 1, 5, 9), [[2, 6], [5, 3, 5, 8, 9], [7]]
    rows = KeptPrefixes(Prefix(model=model), budget=100).read(shared)[0].rows(suffixes, room=5)
    rows.read()
    assert rows.takes_back
    first = rows.write(torch.tensor([[10, 20, 30], [11, 21, 31], [12, 22, 32]]))
    rows.take_back([2, 0, 1])
    rows.remove(1)  # the last row takes its place
    second = rows.write(torch.tensor([[13, 23, 33], [14, 24, 34]]))
    rows.take_back([3, 1])
    # The second row has room for one more token; tokens written beyond it are dropped and change nothing.
    third = rows.write(torch.tensor([[15, 25, 35, 45], [16, 0, 0, 0]]))
    for logits, own in [
        *zip(first[0], ([2, 6, 10], [2, 6, 10, 20], [2, 6, 10, 20, 30]), strict=True),
        (first[1, 2], [*suffixes[1], 11, 21, 31]),
        *zip(second[0], ([2, 6, 10, 13], [2, 6, 10, 13, 23], [2, 6, 10, 13, 23, 33]), strict=True),
        *zip(second[1, :2], ([7, 12, 22, 14], [7, 12, 22, 14, 24]), strict=True),
        (third[0, 3], [2, 6, 10, 15, 25, 35, 45]),
        (third[1, 0], [7, 12, 22, 14, 24, 16]),
    ]:
        torch.testing.assert_close(logits, _logits(model, [*shared, *own]), rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_prefix_starts_from_the_nearest_one_read_before(model: PreTrainedModel) -> None:
    cache = KeptPrefixes(Prefix(model=model), budget=100)
    assert cache.read(())[1] == 0
    assert cache.read((1, 2, 3, 4, 5, 6))[1] == 6
    assert cache.read((1, 2, 3, 9, 9))[1] == 2
    assert cache.read((1, 2, 3, 4))[1] == 0
    assert cache.read((7, 2, 3))[1] == 3
    branched, new = cache.read((1, 2, 3, 9, 9, 8))
    assert new == 1
    fresh, _ = KeptPrefixes(Prefix(model=model), budget=100).read((1, 2, 3, 9, 9, 8))
    assert isinstance(branched, Prefix)
    assert isinstance(fresh, Prefix)
    for mine, expected in zip(branched.layers, fresh.layers, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_the_least_recently_used_prefix_is_dropped(model: PreTrainedModel) -> None:
    cache = KeptPrefixes(Prefix(model=model), budget=8)
    cache.read((1, 2, 3, 4))
    cache.read((5, 6, 7, 8))
    cache.read((1, 2, 3, 4))
    cache.read((9, 9, 9, 9))
    assert cache.read((1, 2, 3, 4))[1] == 0
    assert cache.read((5, 6, 7, 8))[1] == 4
    assert cache.read(tuple(range(20)))[1] == 20, "larger than the budget: read, and kept alone"
    assert cache.read(tuple(range(20)))[1] == 0


@torch.inference_mode()
def test_a_switched_model_still_serves_everybody_else(model: LlamaForCausalLM) -> None:
    plain = LlamaForCausalLM(LlamaConfig(**{**model.config.to_dict(), "_attn_implementation": "sdpa"}))
    plain.load_state_dict(model.state_dict())
    padded = torch.tensor([[0, 0, 3, 1, 4], [1, 5, 9, 2, 6]])
    seen = (torch.arange(5) >= torch.tensor([[2], [0]])).long()
    mine = model(padded, attention_mask=seen).logits[:, -1]
    torch.testing.assert_close(mine, plain(padded, attention_mask=seen).logits[:, -1], rtol=1e-4, atol=1e-4)


def test_common_length() -> None:
    assert common_length([[1, 2, 3], [1, 2], [1, 2, 4]]) == 2
    assert common_length(["abc", "xbc"]) == 0
    assert common_length([(1, 2)]) == 2


def _logits(model: PreTrainedModel, tokens: list[int]) -> torch.Tensor:
    logits: torch.Tensor = model(torch.tensor([tokens])).logits[0, -1]
    return logits
