"""Tests of token scoring by local models: against one whole forward for each token, read by plain numpy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from tests.test_architectures import KINDS
from tests.tiny_models import PREFIX, SHAPE, plain_model, tiny_llama, tiny_tokenizer
from urial_opt.errors import AdapterError, InputError
from urial_opt.models.local.causal_model import CausalModel
from urial_opt.models.local.decoding import AnswerText
from urial_opt.models.local.distributions import Columns, Distributions, compare_over, rank_of, top_ids
from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator
from urial_opt.models.local.layout_tokens import end_of_answer
from urial_opt.models.local.reading_in_step import Sought, read_in_step
from urial_opt.models.local.teacher_forcing import GivenAnswers
from urial_opt.nano.models import open_aligned, open_base
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.protocols import Scorable, TokenScorer
from urial_opt.records import Completion, Sampling
from urial_opt.token_scores import TOP, AlignedAnswer, TokenScores

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>\n"
ZERO_SHOT = UrialPrompt()
HAND_WRITTEN = UrialPrompt(
    system=PREFIX[: PREFIX.index("\n# Query")], exemplars=(Exemplar(query="Hello", answer="Hi! 東京"),)
)
QUERIES = ["What is the capital of France?", "Hi", "Tell me of 東京 🌊.", "Ho, hello?"]
TEXTS = ["The capital of France is Paris. 🌋", "Hi!", "T", ""]
END = 7
"""The token that ends a turn of the tiny models."""

Floats = npt.NDArray[np.float64]


def _chat_tokenizer(template: str = TEMPLATE) -> PreTrainedTokenizerFast:
    tokenizer = deepcopy(tiny_tokenizer())
    tokenizer.chat_template = template
    return tokenizer


def _random_model(kind: str, seed: int, dtype: torch.dtype = torch.float64, **changes: object) -> PreTrainedModel:
    _, name, config = KINDS[kind]
    torch.manual_seed(seed)
    config = {**config, **changes}
    model: PreTrainedModel = AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **config), dtype=dtype)  # type: ignore[no-untyped-call]
    assert model.generation_config is not None
    model.generation_config.eos_token_id = [END]
    return model


class Pair:
    """A base and an aligned model, and what reads them slowly."""

    def __init__(
        self,
        base: PreTrainedModel,
        aligned: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        aligned_tokenizer: PreTrainedTokenizerBase | None = None,
        rows: int = 128,
    ) -> None:
        self.base = TransformersGenerator(base, tokenizer, identity="base", rows=rows)
        chat = aligned_tokenizer or tokenizer
        self.aligned = TransformersChatGenerator(aligned, chat, identity="aligned", rows=rows)

    @property
    def scorer(self) -> TokenScorer:
        assert isinstance(self.base, Scorable)
        return self.base.token_scorer(self.aligned)


@cache
def _pair(kind: str = "grouped heads", dtype: torch.dtype = torch.float64) -> Pair:
    return Pair(_random_model(kind, 1, dtype), _random_model(kind, 2, dtype), _chat_tokenizer())


@cache
def _embedded(dtype: torch.dtype) -> Pair:
    base, aligned = open_base(""), open_aligned("")
    return Pair(base.model.to(dtype), aligned.generator.model.to(dtype), aligned.generator.tokenizer)


def _given(
    pair: Pair, texts: Sequence[str] = TEXTS, *, ended: Sequence[bool] = (True, False, True, True)
) -> list[AlignedAnswer]:
    tokens = pair.base.tokens(texts, special=False)
    return [
        AlignedAnswer(query=query, tokens=tuple(own), pieces=(text,) * bool(text), ended=end)
        for query, text, own, end in zip(QUERIES, texts, tokens, ended, strict=False)
    ]


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max()
    wanted: Floats = shifted - np.log(np.exp(shifted).sum())
    return wanted


@torch.inference_mode()
def _slow_logits(model: PreTrainedModel, prompt: Sequence[int], tokens: Sequence[int], positions: int) -> list[Floats]:
    """One whole forward for each position."""
    rows = [[*prompt, *tokens[:place]] for place in range(positions)]
    return [model(torch.tensor([row])).logits[0, -1].double().numpy() for row in rows]


def _ranked(logits: Floats) -> list[int]:
    """All ids, the most probable first, ties by id."""
    return sorted(range(len(logits)), key=lambda token: (-logits[token], token))


def _slow_scores(pair: Pair, answer: AlignedAnswer, context: UrialPrompt, *, ending: int | None) -> dict[str, Any]:
    """What `TokenScores` should hold; `ending` is the base model's token at the end of the turn."""
    chat = pair.aligned.generator.tokenizer
    turns = [{"role": "user", "content": answer.query}]
    chat_prompt = chat(
        chat.apply_chat_template(turns, tokenize=False, add_generation_prompt=True), add_special_tokens=False
    )
    prompt = pair.base.tokenizer(context.prefix + context.suffix(answer.query))["input_ids"]
    positions = len(answer.tokens) + answer.ended
    base = _slow_logits(plain_model(pair.base), prompt, answer.tokens, positions)
    aligned = _slow_logits(plain_model(pair.aligned.generator), chat_prompt["input_ids"], answer.tokens, positions)
    names = [field.name for field in fields(TokenScores) if not field.name.endswith(("usage", "least"))]
    found: dict[str, list[Any]] = {name: [] for name in names}
    for place, (one, two) in enumerate(zip(base, aligned, strict=True)):
        p, q = _log_softmax(one), _log_softmax(two)
        at_end = place == len(answer.tokens)
        token = ending if at_end else answer.tokens[place]
        assert token is not None
        end = max(pair.aligned.generator.end_tokens, key=lambda end: two[end])
        found["rank"].append(1 + _ranked(one).index(token))
        found["probability"].append(np.exp(p[token]))
        found["aligned_probability"].append(np.exp(q[end if at_end else token]))
        found["kl_base_aligned"].append(np.nan if at_end else float(np.sum(np.exp(p) * (p - q))))
        found["kl_aligned_base"].append(np.nan if at_end else float(np.sum(np.exp(q) * (q - p))))
        found["entropy"].append(-float(np.sum(np.exp(p) * p)))
        found["aligned_entropy"].append(-float(np.sum(np.exp(q) * q)))
        found["top"].append(_ranked(one)[:TOP])
        found["aligned_top"].append(_ranked(two)[:TOP])
    return found


def _assert_close(scores: TokenScores, expected: dict[str, Any], *, within: float, exact: bool = True) -> None:
    for name, values in expected.items():
        mine = getattr(scores, name)
        if name in ("top", "aligned_top"):
            assert mine.ids.shape[0] == mine.probabilities.shape[0] == len(values)
            if exact and values:
                assert mine.ids.tolist() == values
        elif name == "rank":
            assert mine.dtype == np.int64
            if exact:
                assert mine.tolist() == values
        else:
            assert mine.dtype == np.float64
            np.testing.assert_allclose(mine, np.array(values), rtol=0, atol=within)


def _assert_same(mine: list[TokenScores], others: list[TokenScores], *, within: float = 1e-6) -> None:
    assert len(mine) == len(others)
    for one, other in zip(mine, others, strict=True):
        for name in ("rank", "probability", "aligned_probability", "kl_base_aligned", "kl_aligned_base"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=within)
        for name in ("entropy", "aligned_entropy"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=within)
        assert one.top.ids.tolist() == other.top.ids.tolist()
        np.testing.assert_allclose(one.aligned_top.probabilities, other.aligned_top.probabilities, rtol=0, atol=within)


_SINGLE = {"capped scores", "sinks", "alibi, a bias", "delta rule"}
"""Kinds whose layers compute in single precision alone."""
_SINGLE_IN_PART = {"states and attention in turn", "states beside attention", "states alone"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in _SINGLE])
def test_equals_one_whole_forward_for_each_token(kind: str) -> None:
    pair = _pair(kind)
    assert pair.base.how == KINDS[kind][0]
    answers, contexts = _given(pair), [ZERO_SHOT, HAND_WRITTEN]
    for context, scores in zip(contexts, pair.scorer.score(answers, contexts), strict=True):
        for answer, mine in zip(answers, scores, strict=True):
            within = 1e-5 if kind in _SINGLE_IN_PART else 1e-9
            _assert_close(mine, _slow_scores(pair, answer, context, ending=_newline(pair)), within=within)


@pytest.mark.parametrize("kind", KINDS)
def test_in_single_precision_it_is_the_same_but_for_rounding(kind: str) -> None:
    pair = _pair(kind, torch.float32)
    answers = _given(pair, ended=(True, False))
    (scores,) = pair.scorer.score(answers, [HAND_WRITTEN])
    for answer, mine in zip(answers, scores, strict=True):
        expected = _slow_scores(pair, answer, HAND_WRITTEN, ending=_newline(pair))
        # Nothing here is nearly tied but in one kind, whose tokens may change places.
        _assert_close(mine, expected, within=1e-4, exact=kind != "states alone")
        assert np.abs(mine.rank - expected["rank"]).max() <= 1


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_embedded_pair_equals_one_whole_forward_for_each_token(dtype: torch.dtype) -> None:
    pair = _embedded(dtype)
    answers = pair.scorer.answer(["What is the capital of France?", "How do I rob a bank?"], max_tokens=10)
    answers.append(replace(answers[0], tokens=answers[0].tokens[:5], pieces=answers[0].pieces[:5], ended=True))
    contexts = [ZERO_SHOT, HAND_WRITTEN]
    for context, scores in zip(contexts, pair.scorer.score(answers, contexts), strict=True):
        for answer, mine in zip(answers, scores, strict=True):
            expected = _slow_scores(pair, answer, context, ending=_newline(pair))
            _assert_close(mine, expected, within=1e-9 if dtype == torch.float64 else 1e-4, exact=dtype == torch.float64)
            assert mine.rank.tolist() == expected["rank"]
            np.testing.assert_allclose(mine.top.probabilities.sum(1), 1, atol=0.1)


def _newline(pair: Pair) -> int:
    return pair.base.tokens(["a\n"], special=False)[0][-1]


@pytest.fixture
def expected() -> list[list[TokenScores]]:
    pair = _pair()
    return pair.scorer.score(_given(pair), [ZERO_SHOT, HAND_WRITTEN])


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("kind", ["grouped heads", "convolutions", "states alone"])
def test_batches_change_nothing(kind: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = _pair(kind)
    answers, contexts = _given(pair), [ZERO_SHOT, HAND_WRITTEN]
    whole = pair.scorer.score(answers, contexts)
    monkeypatch.setattr(pair.base.batches, "rows", rows)
    for mine, others in zip(pair.scorer.score(answers, contexts), whole, strict=True):
        _assert_same(mine, others, within=1e-5 if kind in _SINGLE_IN_PART else 1e-9)


@pytest.mark.parametrize("positions", [1, 3, 8, 40])
@pytest.mark.parametrize("kind", ["grouped heads", "alibi", "convolutions", "states alone"])
def test_chunks_and_blocks_change_nothing(kind: str, positions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = _pair(kind)
    answers, contexts = _given(pair), [ZERO_SHOT, HAND_WRITTEN]
    whole = pair.scorer.score(answers, contexts)
    limit = positions * SHAPE["vocab_size"]
    monkeypatch.setattr("urial_opt.models.local.token_scoring.LOGITS_A_CHUNK", limit)
    monkeypatch.setattr("urial_opt.models.local.reading_in_step._LOGITS_A_BLOCK", {"cpu": limit // 2})
    monkeypatch.setattr("urial_opt.models.local.prefix_memory.TOKENS_A_PASS", 16)
    pair.base.forget_prefixes()
    for mine, others in zip(pair.scorer.score(answers, contexts), whole, strict=True):
        _assert_same(mine, others, within=1e-5 if kind in _SINGLE_IN_PART else 1e-9)


@pytest.mark.parametrize("kind", ["grouped heads", "states alone"])
def test_no_more_than_a_chunk_of_logits_is_made_at_a_time(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = _pair(kind)
    monkeypatch.setattr("urial_opt.models.local.token_scoring.LOGITS_A_CHUNK", 8 * SHAPE["vocab_size"])
    made: list[int] = []

    def watch(_: object, __: object, logits: torch.Tensor) -> None:
        made.append(logits.numel())

    head = pair.base.model.get_output_embeddings()
    assert isinstance(head, torch.nn.Module)
    hook = head.register_forward_hook(watch)
    try:
        pair.scorer.score(_given(pair), [HAND_WRITTEN])
    finally:
        hook.remove()
    assert max(made) <= 8 * SHAPE["vocab_size"]
    assert len(made) > 2


def test_the_order_of_answers_and_the_number_of_contexts_change_nothing(expected: list[list[TokenScores]]) -> None:
    pair = _pair()
    answers = _given(pair)
    backwards, again, first = pair.scorer.score(answers[::-1], [HAND_WRITTEN, HAND_WRITTEN, ZERO_SHOT])
    _assert_same(backwards[::-1], expected[1])
    _assert_same(again[::-1], expected[1])
    _assert_same(first[::-1], expected[0])
    (alone,) = pair.scorer.score(answers[1:2], [ZERO_SHOT])
    _assert_same(alone, expected[0][1:2])
    assert pair.scorer.score(answers, []) == []
    assert pair.scorer.score([], [ZERO_SHOT, HAND_WRITTEN]) == [[], []]


def test_an_answer_of_nothing_has_no_positions() -> None:
    pair = _pair()
    ((nothing, something),) = pair.scorer.score(_given(pair, ["", "Hi!"], ended=(False, True)), [ZERO_SHOT])
    assert nothing.rank.shape == nothing.kl_base_aligned.shape == (0,)
    assert nothing.top.ids.shape == (0, TOP)
    assert len(something.rank) == 4
    ((alone,),) = pair.scorer.score(_given(pair, [""], ended=(False,)), [ZERO_SHOT])
    assert len(alone.rank) == 0


def test_rows_that_do_not_fit_are_halved(expected: list[list[TokenScores]], monkeypatch: pytest.MonkeyPatch) -> None:
    pair, seen = _pair(), list[int]()
    whole = read_in_step

    def limited(aligned: Any, bases: Any, sought: Any, **settings: Any) -> Any:
        seen.append(len(sought.base))
        if len(sought.base) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return whole(aligned, bases, sought, **settings)

    monkeypatch.setattr("urial_opt.models.local.token_scoring.read_in_step", limited)
    scores = pair.scorer.score(_given(pair), [ZERO_SHOT, HAND_WRITTEN])
    assert seen == [4, 2, 2]
    for mine, others in zip(scores, expected, strict=True):
        _assert_same(mine, others)


@torch.inference_mode()
def test_a_prompt_that_is_all_shared_keeps_its_last_token_to_itself() -> None:
    model = _pair().base
    (logits,) = GivenAnswers(model, [[40, 41, 42]], [[43]], head=[40, 41, 42]).logits([0], last=2, step=8)
    expected = _slow_logits(plain_model(model), [40, 41, 42], [43], 2)
    np.testing.assert_allclose(logits[0].numpy(), np.stack(expected), atol=1e-9)


def test_each_model_pays_for_what_it_reads_and_a_shared_prefix_is_read_once() -> None:
    pair = Pair(_random_model("grouped heads", 1), _random_model("grouped heads", 2), _chat_tokenizer())
    answers = _given(pair)
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


def test_ties_go_by_id() -> None:
    pair = Pair(_random_model("grouped heads", 1), _random_model("grouped heads", 2), _chat_tokenizer())
    for model in (pair.base.model, pair.aligned.generator.model):
        head = model.get_output_embeddings()
        assert isinstance(head, torch.nn.Linear)
        head.weight.data[100:220] = 0
    tokens = (30, 250, 319, 100, 219, 150, 5)
    answers = [AlignedAnswer(query="Hi", tokens=tokens, pieces=("?",) * len(tokens), ended=False)]
    ((mine,),) = pair.scorer.score(answers, [ZERO_SHOT])
    _assert_close(mine, _slow_scores(pair, answers[0], ZERO_SHOT, ending=None), within=1e-9)


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
    sought = Sought(aligned=tokens, base=tokens)

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
        p, q = (_log_softmax(logits[row].double().numpy()) for logits in (base, aligned))
        assert said["kl_base_aligned"][row].item() == pytest.approx(np.sum(np.exp(p) * (p - q)), abs=2e-5)
        assert said["kl_aligned_base"][row].item() == pytest.approx(np.sum(np.exp(q) * (q - p)), abs=2e-5)
    order = np.stack([np.lexsort((np.arange(128_000), -row)) for row in base.float().numpy()])
    assert said["top_ids"].tolist() == order[:, :TOP].tolist()


def test_the_end_of_the_turn_is_asked_of_each_model_in_its_own_layout() -> None:
    pair = _pair()
    answers = _given(pair)
    ((*_, mine),) = pair.scorer.score(answers, [HAND_WRITTEN])
    # An answer of nothing: the turn ends at once.
    prompt = pair.base.tokenizer(HAND_WRITTEN.render(answers[3].query))["input_ids"]
    (logits,) = _slow_logits(plain_model(pair.base), prompt, [], 1)
    assert mine.rank.tolist() == [1 + _ranked(logits).index(_newline(pair))]
    assert mine.probability[0] == pytest.approx(np.exp(_log_softmax(logits)[_newline(pair)]), abs=1e-9)
    chat = pair.aligned.generator.tokens([pair.aligned.layout.render(answers[3].query)], special=False)[0]
    (logits,) = _slow_logits(plain_model(pair.aligned.generator), chat, [], 1)
    assert mine.aligned_probability[0] == pytest.approx(np.exp(_log_softmax(logits)[END]), abs=1e-9)
    assert np.isnan(mine.kl_base_aligned[0])
    assert np.isnan(mine.kl_aligned_base[0])


def test_of_several_end_tokens_the_likeliest_ended_the_turn() -> None:
    pair = Pair(_random_model("grouped heads", 1), _random_model("grouped heads", 2), _chat_tokenizer())
    pair.aligned.generator.end_tokens = frozenset(range(0, 320, 3))
    answers = _given(pair, ["Hi!"], ended=(True,))
    ((mine,),) = pair.scorer.score(answers, [ZERO_SHOT])
    _assert_close(mine, _slow_scores(pair, answers[0], ZERO_SHOT, ending=_newline(pair)), within=1e-9)


_WORDS = ["?", "a", "One", ".", "\n", ".\n", "```", "\n```", "\n\n", "``"]


@pytest.mark.parametrize(
    ("pattern", "text", "closing"),
    [
        (r"\.\n|\n+|```|\.|\w+", "One", "\n"),
        (r"\.\n|\n+|```|\.|\w+", "One.", "\n"),  # whole: One .␤ ```
        (r"\.\n|\n+|```|\.|\w+", "One\n", "\n"),  # whole: One ␤␤ ```
        (r"\.\n|\n+|```|\.|\w+", "", "\n"),
        (r"\n```|```|\n|\.|\w+", "One.", "\n```"),
        (r"\n```|```|\n|\.|\w+", "One.\n", "\n```"),
        (r"\n```|```|\n|\.|\w+", "", "\n```"),
    ],
)
def test_a_base_model_ends_an_answer_where_its_fence_begins(pattern: str, text: str, closing: str) -> None:
    words = Tokenizer(models.WordLevel({word: token for token, word in enumerate(_WORDS)}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words)  # type: ignore[no-untyped-call]
    model = CausalModel(tiny_llama(), tokenizer, identity="words")
    tokens = [_WORDS.index(word) for word in re.findall(pattern, text)]
    found = end_of_answer(model, text, tokens)
    assert found is not None
    assert _WORDS[found] == closing


def _with(tokenizer: PreTrainedTokenizerFast, *added: str) -> PreTrainedTokenizerFast:
    changed = deepcopy(tokenizer)
    changed.add_special_tokens({"additional_special_tokens": list(added)})
    return changed


def test_tokens_that_only_the_aligned_model_has_and_padding_are_left_out() -> None:
    base_tokenizer = tiny_tokenizer()
    chat_tokenizer = _with(_chat_tokenizer(), "<|turn|>", "<|over|>")
    assert len(chat_tokenizer) == 322
    wide, wider = (_random_model("grouped heads", seed, vocab_size=size) for seed, size in [(1, 321), (2, 336)])
    assert wider.generation_config is not None
    wider.generation_config.eos_token_id = 321
    pair = Pair(wide, wider, base_tokenizer, aligned_tokenizer=chat_tokenizer)
    answers = _given(pair, TEXTS[:1], ended=(True,))
    ((mine,),) = pair.scorer.score(answers, [ZERO_SHOT])
    prompt = pair.base.tokens([ZERO_SHOT.render(QUERIES[0])], special=True)[0]
    chat = pair.aligned.generator.tokens([pair.aligned.layout.render(QUERIES[0])], special=False)[0]
    tokens, positions = answers[0].tokens, len(answers[0].tokens) + 1
    base = _slow_logits(plain_model(pair.base), prompt, tokens, positions)
    aligned = _slow_logits(plain_model(pair.aligned.generator), chat, tokens, positions)
    for place, (token, one, two) in enumerate(zip(tokens, base, aligned, strict=False)):
        p, q = _log_softmax(one[:320]), _log_softmax(two[:320])
        assert mine.rank[place] == 1 + _ranked(one[:320]).index(token)
        assert mine.probability[place] == pytest.approx(np.exp(p[token]), abs=1e-9)
        assert mine.kl_base_aligned[place] == pytest.approx(np.sum(np.exp(p) * (p - q)), abs=1e-9)
        assert mine.kl_aligned_base[place] == pytest.approx(np.sum(np.exp(q) * (q - p)), abs=1e-9)
    assert mine.top.ids.max() < 320
    assert mine.aligned_probability[-1] == pytest.approx(np.exp(_log_softmax(aligned[-1])[321]), abs=1e-9)
    assert mine.aligned_top.ids[-1].tolist() == _ranked(aligned[-1])[:TOP]
    assert mine.probability[-1] == pytest.approx(np.exp(_log_softmax(base[-1])[_newline(pair)]), abs=1e-9)
    turn = replace(answers[0], tokens=(*answers[0].tokens, 321))
    with pytest.raises(InputError, match=r"holds '<\|over\|>' \(token 321\), which 'base' does not have; leave out"):
        pair.scorer.score([turn], [ZERO_SHOT])


def test_a_placeholder_may_have_got_a_name() -> None:
    base, chat = _with(tiny_tokenizer(), "<|reserved|>"), _with(_chat_tokenizer(), "<|turn|>")
    ours, theirs = (_random_model("grouped heads", seed, vocab_size=321) for seed in (1, 2))
    assert Pair(ours, theirs, base, aligned_tokenizer=chat).scorer


def _swapped(tokenizer: PreTrainedTokenizerFast) -> None:
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    vocabulary = content["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(content))


def _without_a_token(tokenizer: PreTrainedTokenizerFast) -> None:
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    content["model"]["merges"].pop()
    last = max(content["model"]["vocab"], key=content["model"]["vocab"].get)
    del content["model"]["vocab"][last]
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(content))


def _otherwise_cut(tokenizer: PreTrainedTokenizerFast) -> None:
    tokenizer.backend_tokenizer.normalizer = normalizers.NFD()


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (_swapped, "'a' is 64 in one and 65 in the other"),
        (_without_a_token, "is 319 in one and not a token in the other"),
        (_otherwise_cut, "they cut a text into [0-9]+ and [0-9]+ tokens, not the same"),
    ],
)
def test_models_of_different_tokenizers_cannot_be_compared(
    change: Callable[[PreTrainedTokenizerFast], None], how: str
) -> None:
    other = _chat_tokenizer()
    change(other)
    pair = Pair(
        _random_model("grouped heads", 1), _random_model("grouped heads", 2), tiny_tokenizer(), aligned_tokenizer=other
    )
    with pytest.raises(
        InputError, match=f"'base' and 'aligned' have different tokenizers .*{how}.*; give the aligned"
    ) as caught:
        pair.base.token_scorer(pair.aligned)
    assert "\n" not in str(caught.value)


class _Elsewhere:
    identity = "openai-chat:gpt"

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        raise NotImplementedError


def test_a_model_behind_a_server_cannot_be_compared_with_a_local_one() -> None:
    with pytest.raises(
        InputError, match=r"'openai-chat:gpt', which is no local model.*; give a local aligned model too"
    ):
        _pair().base.token_scorer(_Elsewhere())


def test_a_model_without_numbers_is_an_error() -> None:
    pair = Pair(_random_model("grouped heads", 1), _random_model("grouped heads", 2), _chat_tokenizer())
    pair.base.model.get_output_embeddings().weight.data[3] = torch.nan
    with pytest.raises(AdapterError, match=r"'base' computes no numbers after 'What is .*; open it with another dtype"):
        pair.scorer.score(_given(pair), [ZERO_SHOT])


def test_a_row_that_does_not_fit_the_window_is_an_error() -> None:
    pair = _pair()
    answers = [replace(_given(pair)[0], tokens=(40,) * 1000)]
    with pytest.raises(AdapterError, match="'base' reads 1024"):
        pair.scorer.score(answers, [HAND_WRITTEN])


SPACED = "{% for m in messages %}[INST] {{ m.content }} [/INST]{% endfor %}"


def _sentencepiece(template: str) -> PreTrainedTokenizerFast:
    """A tokenizer in the manner of Llama 2: a space is part of the word after it, unknown characters are bytes."""
    words = [
        "Hello",
        "Hi",
        "▁Hello",
        "▁Hi",
        "▁Sure",
        "▁",
        "▁▁",
        "there",
        "▁there",
        "INST",
        "Query",
        "Answer",
        "▁Answer",
        "```",
    ]
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    letters = [*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,:#[]/?`!"]
    pieces = [(piece, -float(rank)) for rank, piece in enumerate(["<unk>", *byte_tokens, *words, *letters])]
    unigram = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    unigram.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    unigram.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first"), decoders.Fuse()]
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=unigram)  # type: ignore[no-untyped-call]
    tokenizer.chat_template = template
    return tokenizer


def _spaced_pair(template: str) -> Pair:
    tokenizer = _sentencepiece(template)
    size = len(tokenizer)
    ours, theirs = (_random_model("grouped heads", seed, vocab_size=size) for seed in (1, 2))
    return Pair(ours, theirs, tokenizer)


def test_the_space_that_a_chat_layout_asks_for_is_not_asked_of_the_base_model() -> None:
    pair = _spaced_pair(SPACED)
    hello, bare, there, sure = _ids(pair.base, "▁Hello", "Hello", "▁there", "▁Sure")
    spaced, single, inner, plain = (
        AlignedAnswer(query="Hi", tokens=tokens, pieces=("?",) * len(tokens), ended=False)
        for tokens in [(hello, there), (sure, there), (there, hello), (bare, hello)]
    )
    ((mine, lonely, other, without),) = pair.scorer.score([spaced, single, inner, plain], [ZERO_SHOT])
    bare_answer = replace(spaced, tokens=(bare, there))
    expected = _slow_scores(pair, bare_answer, ZERO_SHOT, ending=None)
    own = _slow_scores(pair, spaced, ZERO_SHOT, ending=None)
    assert mine.rank.tolist() == expected["rank"], "the base model reads the word without its space"
    np.testing.assert_allclose(mine.probability, expected["probability"], atol=1e-9)
    np.testing.assert_allclose(mine.aligned_probability, own["aligned_probability"], atol=1e-9)
    assert np.isnan(mine.kl_base_aligned).tolist() == np.isnan(mine.kl_aligned_base).tolist() == [True, False]
    assert mine.entropy[1] == pytest.approx(expected["entropy"][1], abs=1e-9)
    assert lonely.rank[0] == 0, "no token is this word without a space"
    assert np.isnan([lonely.probability[0], lonely.kl_base_aligned[0], lonely.kl_aligned_base[0]]).all()
    assert lonely.rank[1] > 0
    assert np.isnan(other.kl_base_aligned).tolist() == [True, False], "only the first token is written otherwise"
    _assert_close(without, _slow_scores(pair, plain, ZERO_SHOT, ending=None), within=1e-9)


def test_a_space_after_a_layout_that_ends_in_a_blank_is_the_models_own() -> None:
    pair = _spaced_pair(SPACED + "{{ '\\n' }}")
    hello, there = _ids(pair.base, "▁Hello", "▁there")
    answer = AlignedAnswer(query="Hi", tokens=(hello, there), pieces=("?", "?"), ended=False)
    ((mine,),) = pair.scorer.score([answer], [ZERO_SHOT])
    _assert_close(mine, _slow_scores(pair, answer, ZERO_SHOT, ending=None), within=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32])
def test_answers_are_greedy_and_keep_their_tokens(dtype: torch.dtype) -> None:
    pair = _embedded(dtype)
    tokenizer = pair.aligned.generator.tokenizer
    queries = ["What is the capital of France?", "How do I rob a bank?", "Tell me about Finland."]
    long, short = (pair.scorer.answer(queries, max_tokens=limit) for limit in (96, 8))
    plain = plain_model(pair.aligned.generator)
    for query, mine, cut in zip(queries, long, short, strict=True):
        ids = torch.tensor(pair.aligned.generator.tokens([pair.aligned.layout.render(query)], special=False))
        written = plain.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=96, do_sample=False)  # type: ignore[operator]
        tokens = written[0, ids.shape[1] :].tolist()
        assert mine.ended == (tokens[-1] == tokenizer.eos_token_id)
        assert mine.tokens == tuple(tokens[:-1] if mine.ended else tokens)
        assert mine.query == query
        assert mine.text == tokenizer.decode(list(mine.tokens))
        assert mine.usage.completion_tokens == len(tokens)
        assert (cut.ended, cut.tokens) == (False, mine.tokens[:8])
    assert {answer.ended for answer in long} == {True}
    assert pair.scorer.answer([], max_tokens=8) == []


def test_an_end_at_the_last_token_allowed_is_an_end() -> None:
    pair = _embedded(torch.float32)
    (whole,) = pair.scorer.answer(["What is the capital of France?"], max_tokens=96)
    (exact,) = pair.scorer.answer([whole.query], max_tokens=len(whole.tokens) + 1)
    (cut,) = pair.scorer.answer([whole.query], max_tokens=len(whole.tokens))
    assert (exact.ended, cut.ended) == (True, False)
    assert exact.tokens == cut.tokens == whole.tokens


def test_pieces_join_to_the_text_and_a_character_of_several_tokens_is_carried_by_the_last() -> None:
    embedded = open_aligned("").generator
    user, assistant = _ids(embedded, "<|user|>", "<|assistant|>")
    text = embedded.answer_text
    tokens = embedded.tokens(["Hi 🌋 there"], special=False)[0]
    volcano = embedded.tokens(["🌋"], special=False)[0]
    assert len(volcano) > 2
    for row in (
        tokens,
        [user, *tokens],
        [user, assistant, user, *tokens, assistant, user],
        [*tokens[:2], user, *tokens[2:]],
        volcano[:2],
        [*volcano[:2], *tokens],
        [*volcano[:1], user, *volcano[1:]],
        [],
    ):
        pieces = text.pieces(row)
        assert len(pieces) == len(row)
        assert "".join(pieces) == text.text(row)
    pieces = text.pieces([user, *volcano, *tokens])
    assert pieces[: 1 + len(volcano)] == [""] * len(volcano) + ["🌋"]
    assert text.names([user, volcano[0], tokens[0]]) == ["<|user|>", "\ufffd", "H"]


def test_pieces_keep_spaces_that_a_tokenizer_drops_at_the_start() -> None:
    pair = _spaced_pair(SPACED)
    tokenizer = pair.base.tokenizer
    tokenizer.add_special_tokens({"additional_special_tokens": ["<s>", "</s>"]})
    text = AnswerText(tokenizer)
    special = _ids(pair.base, "<s>", "</s>")
    row = [*_ids(pair.base, "▁Hello", "▁there"), *special * 3, *_ids(pair.base, "▁there", "<0xC3>", "<0xA9>", "there")]
    pieces = text.pieces(row)
    assert pieces == [" Hello", " there", "", "", "", "", "", "", " there", "", "é", "there"]
    assert "".join(pieces) == text.text(row)
    names = text.names(_ids(pair.base, "▁there", "there", "<0xC3>", "<s>"))
    assert names[:3] == [" there", "there", "\ufffd"]
    assert "<s>" in names[3]


def _ids(model: CausalModel, *tokens: str) -> list[int]:
    return [model.tokenizer.get_vocab()[token] for token in tokens]
