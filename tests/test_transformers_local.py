"""Tests of local generators: token for token what transformers' own greedy `generate` writes, for every batch shape."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from urial_opt.errors import AdapterError, InputError
from urial_opt.generators import transformers_local
from urial_opt.generators.shared_prefix import ATTENTION
from urial_opt.generators.transformers_local import (
    TransformersChatGenerator,
    TransformersGenerator,
    open_aligned,
    open_base,
)
from urial_opt.records import Completion, Sampling

CORPUS = """# Query:
```
What is the capital of France? Naïve café, 東京 🌊🌋
```

# Answer:
```
The capital of France is Paris. I hope this helps! Let me know.
```
"""
PREFIX = (
    "# Instruction\n\nBelow is a list of conversations.\n\n# Query:\n```\nHello\n```\n\n# Answer:\n```\nHi! 東京\n```\n"
)
SUFFIXES = [
    "\n# Query:\n```\nWhat is the capital of France?\n```\n\n# Answer:\n```\n",
    "\n# Query:\n```\nHi\n```\n\n# Answer:\n```\n",
    "\n# Query:\n```\nTell me of 東京 🌊, at some length if you can, and of the capital.\n```\n\n# Answer:\n```\n",
    "\n# Query:\n```\nHo\n```\n\n# Answer:\n```\n",
    "\n",
]
SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "initializer_range": 0.3,
    "max_position_embeddings": 1024,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
GREEDY = Sampling(max_tokens=16, stop=())


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        [CORPUS], trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, show_progress=False)
    )
    return PreTrainedTokenizerFast(tokenizer_object=bpe)  # type: ignore[no-untyped-call]


def _model(name: str, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    torch.manual_seed(1)
    shape = {**SHAPE, "vocab_size": len(tokenizer)}
    match name:
        case "llama":
            return LlamaForCausalLM(LlamaConfig(**shape, num_key_value_heads=4))
        case "llama-grouped":
            return LlamaForCausalLM(LlamaConfig(**shape, num_key_value_heads=2))
        case "mistral":
            return MistralForCausalLM(MistralConfig(**shape, num_key_value_heads=2, sliding_window=None))
        case "mistral-window":
            return MistralForCausalLM(MistralConfig(**shape, num_key_value_heads=2, sliding_window=16))
        case "qwen2":
            return Qwen2ForCausalLM(Qwen2Config(**shape, num_key_value_heads=1))
        case "gemma2":  # its attention caps scores, which the merged parts could not
            return Gemma2ForCausalLM(Gemma2Config(**shape, num_key_value_heads=2, head_dim=8))
        case "mamba":
            return MambaForCausalLM(MambaConfig(**shape))
    raise AssertionError(name)


@pytest.fixture(scope="module", params=["llama", "llama-grouped", "mistral", "mistral-window", "qwen2"])
def generator(request: pytest.FixtureRequest, tokenizer: PreTrainedTokenizerFast) -> TransformersGenerator:
    return TransformersGenerator(_model(request.param, tokenizer), tokenizer, identity=request.param)


@pytest.fixture(scope="module")
def llama(tokenizer: PreTrainedTokenizerFast) -> TransformersGenerator:
    return TransformersGenerator(_model("llama-grouped", tokenizer), tokenizer, identity="llama")


@cache
def _plain(generator: TransformersGenerator, text: str, sampling: Sampling) -> list[int]:
    """What `generate` of transformers makes of one whole prompt, by a model that never heard of this package."""
    plain = type(generator._model)(generator._model.config.__class__(**generator._model.config.to_diff_dict()))
    plain.load_state_dict(generator._model.state_dict())
    assert plain.config._attn_implementation != ATTENTION
    ids = torch.tensor([generator._tokenizer(text)["input_ids"]])
    written = plain.eval().generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=sampling.max_tokens,
        do_sample=False,
        repetition_penalty=sampling.repetition_penalty,
    )
    tokens: list[int] = written[0, ids.shape[1] :].tolist()
    return tokens


def _assert_plain(
    generator: TransformersGenerator, prefix: str, suffixes: list[str], sampling: Sampling
) -> list[Completion]:
    completions = generator.generate(prefix, suffixes, sampling)
    for suffix, completion in zip(suffixes, completions, strict=True):
        expected = _plain(generator, prefix + suffix, sampling)
        assert completion.text == generator._tokenizer.decode(expected)
        assert completion.usage.completion_tokens == len(expected)
        assert completion.finish_reason == "length"
    return completions


@pytest.mark.parametrize("penalty", [1.0, 1.15])
def test_equals_plain_generate(generator: TransformersGenerator, penalty: float) -> None:
    assert generator.shares_prefix
    _assert_plain(generator, PREFIX, SUFFIXES, replace(GREEDY, repetition_penalty=penalty))


@pytest.mark.parametrize(
    ("prefix", "suffixes"),
    [
        ("", SUFFIXES),
        ("", SUFFIXES[:1]),
        (PREFIX, SUFFIXES[1:2]),
        (PREFIX, [SUFFIXES[1]] * 3),
        (PREFIX, ["", *SUFFIXES]),
        (PREFIX.rstrip("\n"), SUFFIXES),
        (PREFIX[:-7], [PREFIX[-7:] + suffix for suffix in SUFFIXES]),
    ],
    ids=[
        "no prefix",
        "one row, no prefix",
        "one row",
        "equal rows",
        "an empty suffix",
        "newlines at the cut",
        "in a word",
    ],
)
def test_equals_plain_generate_in_every_shape(llama: TransformersGenerator, prefix: str, suffixes: list[str]) -> None:
    _assert_plain(llama, prefix, suffixes, replace(GREEDY, repetition_penalty=1.1))


def test_more_rows_than_a_batch_keep_their_order(llama: TransformersGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformers_local, "_ROWS", 2)
    _assert_plain(llama, PREFIX, SUFFIXES, GREEDY)


def test_a_prefix_is_read_once_and_its_beginning_reused(llama: TransformersGenerator) -> None:
    prefix = "One thing.\n" + PREFIX
    tokens = llama.count_tokens(prefix)
    first = llama.generate(prefix, SUFFIXES, GREEDY)
    again = llama.generate(prefix, SUFFIXES, GREEDY)
    branch = _assert_plain(llama, prefix[:-4] + "and more.\n```\n", SUFFIXES, GREEDY)

    def read_and_saved(completions: list[Completion], row: int) -> tuple[int, int]:
        usage = completions[row].usage
        return usage.prompt_tokens, usage.saved_tokens

    own = read_and_saved(first, 1)[0]
    shared = read_and_saved(first, 1)[1]
    assert tokens - 2 <= shared <= tokens
    assert read_and_saved(first, 0)[1] == 0, "the first call reads the prefix, and the first row pays for it"
    assert read_and_saved(again, 1) == (own, shared)
    assert read_and_saved(again, 0)[1] == shared
    assert 0 < read_and_saved(branch, 0)[0] - read_and_saved(again, 0)[0] < 20
    assert [c.text for c in first] == [c.text for c in again]
    for suffix, completion in zip(SUFFIXES, first, strict=True):
        usage = completion.usage
        assert usage.prompt_tokens + usage.saved_tokens == llama.count_tokens(prefix + suffix)


def test_each_row_ends_at_its_own_stop_string(generator: TransformersGenerator) -> None:
    whole = generator.generate(PREFIX, SUFFIXES, GREEDY)
    # Stop strings out of the middle of two answers: each spans tokens, and stands somewhere else or nowhere in others.
    stop = (whole[0].text[9:12], whole[2].text[4:7])
    stopped = generator.generate(PREFIX, SUFFIXES, replace(GREEDY, stop=stop))
    for free, completion in zip(whole, stopped, strict=True):
        places = [free.text.find(s) for s in stop if s in free.text]
        assert completion.finish_reason == ("stop" if places else "length")
        assert completion.text == (free.text[: min(places)] if places else free.text)
        if places:
            assert completion.usage.completion_tokens < free.usage.completion_tokens
    assert {c.finish_reason for c in stopped[:3:2]} == {"stop"}


def test_ends_at_the_end_token(tokenizer: PreTrainedTokenizerFast) -> None:
    free = TransformersGenerator(_model("llama", tokenizer), tokenizer, identity="free")
    tokens = _plain(free, PREFIX + SUFFIXES[0], GREEDY)
    model = _model("llama", tokenizer)
    assert model.generation_config is not None
    model.generation_config.eos_token_id = [tokens[7]]
    ended, other = TransformersGenerator(model, tokenizer, identity="ended").generate(PREFIX, SUFFIXES[:2], GREEDY)
    length = tokens.index(tokens[7])
    assert (ended.text, ended.finish_reason) == (tokenizer.decode(tokens[:length]), "stop")
    assert ended.usage.completion_tokens == length + 1
    expected = _plain(free, PREFIX + SUFFIXES[1], GREEDY)
    if tokens[7] not in expected:
        assert other.text == tokenizer.decode(expected)


def test_one_token_and_no_rows(llama: TransformersGenerator) -> None:
    _assert_plain(llama, PREFIX, SUFFIXES, replace(GREEDY, max_tokens=1))
    assert llama.generate(PREFIX, [], GREEDY) == []


def test_sampled_rows_do_not_hang_on_their_neighbours(generator: TransformersGenerator) -> None:
    sampling = Sampling(max_tokens=8, stop=(), temperature=0.9, top_p=0.95, seed=3)
    together = [c.text for c in generator.generate(PREFIX, SUFFIXES, sampling)]
    assert [generator.generate(PREFIX, [suffix], sampling)[0].text for suffix in SUFFIXES] == together
    assert [c.text for c in generator.generate(PREFIX, SUFFIXES[::-1], sampling)] == together[::-1]
    assert [c.text for c in generator.generate(PREFIX, SUFFIXES, replace(sampling, seed=4))] != together
    assert together != [c.text for c in generator.generate(PREFIX, SUFFIXES, GREEDY)]


def test_a_narrow_nucleus_or_a_cold_draw_is_greedy(llama: TransformersGenerator) -> None:
    greedy = [c.text for c in llama.generate(PREFIX, SUFFIXES, GREEDY)]
    for sampling in (replace(GREEDY, temperature=1.0, top_p=1e-9), replace(GREEDY, temperature=1e-4)):
        assert [c.text for c in llama.generate(PREFIX, SUFFIXES, sampling)] == greedy


def test_a_short_sliding_window_is_read_whole(tokenizer: PreTrainedTokenizerFast) -> None:
    generator = TransformersGenerator(_model("mistral-window", tokenizer), tokenizer, identity="window")
    _, short = generator.generate("Hi", ["\n", "\n"], replace(GREEDY, max_tokens=2))
    _, long = generator.generate(PREFIX, ["\n", "\n"], replace(GREEDY, max_tokens=2))
    assert short.usage.saved_tokens > 0
    assert long.usage.saved_tokens == 0


@pytest.mark.parametrize("name", ["gemma2", "mamba"])
def test_models_that_cannot_share_a_prefix_read_whole_prompts(name: str, tokenizer: PreTrainedTokenizerFast) -> None:
    generator = TransformersGenerator(_model(name, tokenizer), tokenizer, identity=name)
    assert not generator.shares_prefix
    completions = _assert_plain(generator, PREFIX, SUFFIXES[:3], replace(GREEDY, max_tokens=6, repetition_penalty=1.1))
    assert all(completion.usage.saved_tokens == 0 for completion in completions)


def test_prompts_that_do_not_fit(llama: TransformersGenerator) -> None:
    with pytest.raises(AdapterError, match="'llama' reads 1024; use fewer exemplars"):
        llama.generate(PREFIX * 20, SUFFIXES, GREEDY)
    with pytest.raises(AdapterError, match="has no token"):
        llama.generate("", [""], GREEDY)


TEMPLATE = "<sys>Be kind.</sys>{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}<assistant>"


@pytest.fixture
def folder(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> Path:
    _model("llama", tokenizer).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_opens_a_base_model_from_a_folder(folder: Path, llama: TransformersGenerator) -> None:
    opened = open_base(str(folder))
    assert opened.identity == open_base(str(folder)).identity
    assert opened.shares_prefix
    _assert_plain(opened, PREFIX, SUFFIXES[:2], GREEDY)


def test_opens_an_aligned_model_with_its_own_template(folder: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(InputError, match="no chat template"):
        open_aligned(str(folder))
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    aligned, base = open_aligned(str(folder)), open_base(str(folder))
    assert isinstance(aligned, TransformersChatGenerator)
    queries = ["What is the capital?", "Hi", "🌊"]
    answers = aligned.answer(queries, GREEDY)
    rendered = [f"<sys>Be kind.</sys><user>{query}</><assistant>" for query in queries]
    assert [a.text for a in answers] == [c.text for c in base.generate("", rendered, GREEDY)]
    assert answers[1].usage.saved_tokens > 0, "the template's beginning is shared"


def test_a_name_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model could be loaded from .*; give a folder") as caught:
        open_base(str(tmp_path))
    assert "\n" not in str(caught.value)
