"""Every kind of layer: the tokens are those of `generate` of transformers, and the prefix is read as expected."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tests.command_line import Run
from tests.tiny_models import GREEDY, PREFIX, SHAPE, SUFFIXES, assert_plain, plain_model, tiny_tokenizer
from urial_opt.models.local.causal_model import How
from urial_opt.models.local.generator import TransformersGenerator
from urial_opt.models.local.prefix_cache import KeptPrefix, KeptPrefixes
from urial_opt.protocols import Noted
from urial_opt.records import Sampling

GROUPED = {**SHAPE, "num_key_value_heads": 2}
WINDOW = {"sliding_window": 16}  # shorter than every prompt here, longer than the prompts of the check at opening
STATES = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 16, "mamba_n_groups": 1}
DELTA = {"linear_num_value_heads": 4, "linear_num_key_heads": 2, "linear_key_head_dim": 8, "linear_value_head_dim": 8}
EXPERTS = {"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 16}
KINDS: dict[str, tuple[How, str, dict[str, Any]]] = {
    "grouped heads": ("shared prefix", "llama", GROUPED),
    "biases, one key head": ("shared prefix", "qwen2", {**SHAPE, "num_key_value_heads": 1}),
    "norms of queries and keys": ("shared prefix", "qwen3", {**GROUPED, "head_dim": 16}),
    "one matrix for all": ("shared prefix", "phi3", GROUPED),
    "learned positions": ("shared prefix", "gpt2", SHAPE),
    "partial rotary": ("shared prefix", "gpt_neox", {**SHAPE, "rotary_pct": 0.5}),
    "sliding window": ("shared prefix", "mistral", {**GROUPED, **WINDOW}),
    "local and global": (
        "shared prefix",
        "gemma3_text",
        {**GROUPED, **WINDOW, "head_dim": 8, "layer_types": ["sliding_attention", "full_attention"]},
    ),
    "capped scores": ("expanded cache", "gemma2", {**GROUPED, **WINDOW, "head_dim": 8}),
    "sinks": (
        "expanded cache",
        "gpt_oss",
        {**GROUPED, **WINDOW, "head_dim": 8, "num_local_experts": 2, "num_experts_per_tok": 1},
    ),
    "alibi": ("expanded cache", "falcon", {**SHAPE, "alibi": True, "new_decoder_architecture": False}),
    "alibi, a bias": ("expanded cache", "mpt", {**SHAPE, "d_model": 32, "n_heads": 4, "n_layers": 2}),
    "states and attention in turn": ("expanded cache", "bamba", {**GROUPED, **STATES, "attn_layer_indices": [1]}),
    "states beside attention": ("expanded cache", "falcon_h1", {**GROUPED, **STATES, "mamba_d_ssm": 64}),
    "delta rule": (
        "expanded cache",
        "qwen3_next",
        {
            **GROUPED,
            **DELTA,
            **EXPERTS,
            "head_dim": 8,
            "shared_expert_intermediate_size": 16,
            "layer_types": ["linear_attention", "full_attention"],
        },
    ),
    "convolutions": ("expanded cache", "lfm2", {**GROUPED, "layer_types": ["conv", "full_attention"]}),
    "states alone": ("whole prompts", "mamba", SHAPE),
}
SERVED_IN_FULL = {"grouped heads", "biases, one key head", "norms of queries and keys", "one matrix for all"} | {
    "learned positions",
    "partial rotary",
}
STATEFUL = {"states and attention in turn", "states beside attention", "delta rule", "convolutions"}


@cache
def _generator(kind: str, dtype: torch.dtype = torch.float32) -> TransformersGenerator:
    _, name, config = KINDS[kind]
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **config), dtype=dtype)  # type: ignore[no-untyped-call]
    return TransformersGenerator(model, tiny_tokenizer(), identity=kind)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_it_is_served_as_fast_as_its_layers_allow_and_says_what_is_slower(kind: str) -> None:
    generator = _generator(kind)
    assert generator.how == KINDS[kind][0]
    assert isinstance(generator, Noted)
    if kind in SERVED_IN_FULL:
        assert generator.notes == ()
    else:
        (note,) = generator.notes
        assert repr(kind) in note
        assert ("every prompt is read whole" in note) == (generator.how == "whole prompts")
        assert ("in prompts of more than 16 tokens" in note) == (generator.how == "shared prefix")


@pytest.mark.parametrize("penalty", [1.0, 1.15])
def test_equals_plain_generate(kind: str, penalty: float) -> None:
    generator = _generator(kind)
    completions = assert_plain(generator, PREFIX, SUFFIXES, replace(GREEDY, repetition_penalty=penalty))
    saved = [completion.usage.saved_tokens > 0 for completion in completions]
    read = len(saved) - sum(saved)
    assert read == len(saved) if generator.how == "whole prompts" else read <= 1  # the prefix may have been read before
    # A prefix with the same beginning, and a longer one.
    assert_plain(generator, PREFIX[:-9] + "ello\n", SUFFIXES[:2], GREEDY)
    assert_plain(generator, PREFIX + PREFIX, SUFFIXES[:2], GREEDY)


def test_each_row_ends_at_its_own_stop_string(kind: str) -> None:
    generator = _generator(kind)
    whole = generator.generate(PREFIX, SUFFIXES, GREEDY)
    # Stop strings from the middle of two answers: each spans several tokens, and is elsewhere or absent in the others.
    stop = (whole[0].text[9:12], whole[2].text[4:7])
    stopped = generator.generate(PREFIX, SUFFIXES, replace(GREEDY, stop=stop))
    for free, completion in zip(whole, stopped, strict=True):
        places = [free.text.find(s) for s in stop if s in free.text]
        assert completion.finish_reason == ("stop" if places else "length")
        assert completion.text == (free.text[: min(places)] if places else free.text)
        if places:
            assert completion.usage.completion_tokens < free.usage.completion_tokens
    assert {c.finish_reason for c in stopped[:3:2]} == {"stop"}


def test_sampled_rows_do_not_hang_on_their_neighbours(kind: str) -> None:
    generator = _generator(kind)
    sampling = Sampling(max_tokens=8, stop=(), temperature=0.9, top_p=0.95, seed=3)
    together = [c.text for c in generator.generate(PREFIX, SUFFIXES, sampling)]
    assert [generator.generate(PREFIX, [suffix], sampling)[0].text for suffix in SUFFIXES] == together
    assert [c.text for c in generator.generate(PREFIX, SUFFIXES[::-1], sampling)] == together[::-1]
    assert [c.text for c in generator.generate(PREFIX, SUFFIXES, replace(sampling, seed=4))] != together
    assert together != [c.text for c in generator.generate(PREFIX, SUFFIXES, replace(GREEDY, max_tokens=8))]


@torch.inference_mode()
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "states alone"])
def test_half_precision_gives_the_logits_of_whole_prompts_but_for_rounding(kind: str) -> None:
    generator = _generator(kind, torch.bfloat16)
    assert generator.how == KINDS[kind][0]
    plain = plain_model(generator)
    prefix, *suffixes = (generator.tokenizer(text)["input_ids"] for text in [PREFIX, SUFFIXES[0], SUFFIXES[2]])
    cache = generator._shared if kind in SERVED_IN_FULL else generator._expanded
    assert cache is not None
    own = suffixes if cache.ragged else [suffix[:20] for suffix in suffixes]
    mine = cache.read(tuple(prefix))[0].rows(own, room=1).read().float()
    expected = torch.cat([plain(torch.tensor([[*prefix, *suffix]])).logits[:, -1] for suffix in own]).float()
    in_single = _generator(kind)
    exact = torch.cat([plain_model(in_single)(torch.tensor([[*prefix, *s]])).logits[:, -1] for s in own])
    # The error is that of plain bfloat16, within a factor.
    assert (mine - exact).norm() <= 2 * (expected - exact).norm() + 1e-3 * exact.norm()


def test_within_a_sliding_window_the_prefix_is_shared_and_beyond_it_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = _generator("sliding window")
    used: list[KeptPrefixes] = []
    read = KeptPrefixes.read

    def watched(self: KeptPrefixes, tokens: tuple[int, ...]) -> tuple[KeptPrefix, int]:
        used.append(self)
        return read(self, tokens)

    monkeypatch.setattr(KeptPrefixes, "read", watched)
    assert_plain(generator, "Hi", ["\n", "\n\n"], replace(GREEDY, max_tokens=2))
    assert_plain(generator, PREFIX, ["\n", "\n\n"], replace(GREEDY, max_tokens=2))
    assert used == [generator._shared, generator._expanded]


@pytest.mark.parametrize("kind", sorted(STATEFUL))
def test_rows_of_unequal_length_stand_apart_where_a_layer_keeps_a_state(kind: str) -> None:
    expanded = _generator(kind)._expanded
    assert expanded is not None
    assert not expanded.ragged


def test_a_search_shows_what_its_models_note(run: Run, small_space: Path, tmp_path: Path) -> None:
    _, name, config = KINDS["capped scores"]
    torch.manual_seed(1)
    config = {**config, "max_position_embeddings": 8192}
    AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **config)).save_pretrained(tmp_path)  # type: ignore[no-untyped-call]
    tiny_tokenizer().save_pretrained(tmp_path)
    base, cpu = f"hf:{tmp_path}", ("--base-option", "device=cpu", "--base-option", "rows=8")
    _, said = run("search", "--budget", "1", "--space", str(small_space), "--base", base, *cpu, "--aligned", "none")
    assert f"rows of '{base}@" in said
    assert "the prefix is read once and its cache copied to every row" in said
