"""Tokens at the edges of an answer: the end of the turn, the leading space, ids that only one model has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from tests.model_pairs import (
    END,
    HAND_WRITTEN,
    QUERIES,
    SPACED,
    TEXTS,
    ZERO_SHOT,
    Pair,
    assert_close,
    chat_tokenizer,
    given_answers,
    ids_by_logit,
    log_softmax,
    model_pair,
    newline_token,
    random_model,
    slow_logits,
    slow_scores,
    spaced_pair,
    token_ids,
)
from tests.tiny_models import plain_model, tiny_llama, tiny_tokenizer
from urial_opt.errors import InputError
from urial_opt.models.local.causal_model import CausalModel
from urial_opt.models.local.layout_tokens import end_of_answer
from urial_opt.records import Completion, Sampling
from urial_opt.token_scores import TOP, AlignedAnswer


def test_the_end_of_the_turn_is_asked_of_each_model_in_its_own_layout() -> None:
    pair = model_pair()
    answers = given_answers(pair)
    ((*_, mine),) = pair.scorer.score(answers, [HAND_WRITTEN])
    # An empty answer: the turn ends at once.
    prompt = pair.base.tokenizer(HAND_WRITTEN.render(answers[3].query))["input_ids"]
    (logits,) = slow_logits(plain_model(pair.base), prompt, [], 1)
    assert mine.rank.tolist() == [1 + ids_by_logit(logits).index(newline_token(pair))]
    assert mine.probability[0] == pytest.approx(np.exp(log_softmax(logits)[newline_token(pair)]), abs=1e-9)
    chat = pair.aligned.generator.tokens([pair.aligned.layout.render(answers[3].query)], special=False)[0]
    (logits,) = slow_logits(plain_model(pair.aligned.generator), chat, [], 1)
    assert mine.aligned_probability[0] == pytest.approx(np.exp(log_softmax(logits)[END]), abs=1e-9)
    assert np.isnan(mine.kl_base_aligned[0])
    assert np.isnan(mine.kl_aligned_base[0])


def test_of_several_end_tokens_the_likeliest_ended_the_turn() -> None:
    pair = Pair(random_model("grouped heads", 1), random_model("grouped heads", 2), chat_tokenizer())
    pair.aligned.generator.end_tokens = frozenset(range(0, 320, 3))
    answers = given_answers(pair, ["Hi!"], ended=(True,))
    ((mine,),) = pair.scorer.score(answers, [ZERO_SHOT])
    assert_close(mine, slow_scores(pair, answers[0], ZERO_SHOT, ending=newline_token(pair)), within=1e-9)


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
    aligned_tokenizer = _with(chat_tokenizer(), "<|turn|>", "<|over|>")
    assert len(aligned_tokenizer) == 322
    wide, wider = (random_model("grouped heads", seed, vocab_size=size) for seed, size in [(1, 321), (2, 336)])
    assert wider.generation_config is not None
    wider.generation_config.eos_token_id = 321
    pair = Pair(wide, wider, base_tokenizer, aligned_tokenizer=aligned_tokenizer)
    answers = given_answers(pair, TEXTS[:1], ended=(True,))
    ((mine,),) = pair.scorer.score(answers, [ZERO_SHOT])
    prompt = pair.base.tokens([ZERO_SHOT.render(QUERIES[0])], special=True)[0]
    chat = pair.aligned.generator.tokens([pair.aligned.layout.render(QUERIES[0])], special=False)[0]
    tokens, positions = answers[0].tokens, len(answers[0].tokens) + 1
    base = slow_logits(plain_model(pair.base), prompt, tokens, positions)
    aligned = slow_logits(plain_model(pair.aligned.generator), chat, tokens, positions)
    for place, (token, one, two) in enumerate(zip(tokens, base, aligned, strict=False)):
        p, q = log_softmax(one[:320]), log_softmax(two[:320])
        assert mine.rank[place] == 1 + ids_by_logit(one[:320]).index(token)
        assert mine.probability[place] == pytest.approx(np.exp(p[token]), abs=1e-9)
        assert mine.kl_base_aligned[place] == pytest.approx(np.sum(np.exp(p) * (p - q)), abs=1e-9)
        assert mine.kl_aligned_base[place] == pytest.approx(np.sum(np.exp(q) * (q - p)), abs=1e-9)
    assert mine.top.ids.max() < 320
    assert mine.aligned_probability[-1] == pytest.approx(np.exp(log_softmax(aligned[-1])[321]), abs=1e-9)
    assert mine.aligned_top.ids[-1].tolist() == ids_by_logit(aligned[-1])[:TOP]
    assert mine.probability[-1] == pytest.approx(np.exp(log_softmax(base[-1])[newline_token(pair)]), abs=1e-9)
    turn = replace(answers[0], tokens=(*answers[0].tokens, 321))
    with pytest.raises(InputError, match=r"contains '<\|over\|>' \(token 321\), which 'base' does not have; leave out"):
        pair.scorer.score([turn], [ZERO_SHOT])


def test_a_placeholder_may_have_got_a_name() -> None:
    base, chat = _with(tiny_tokenizer(), "<|reserved|>"), _with(chat_tokenizer(), "<|turn|>")
    ours, theirs = (random_model("grouped heads", seed, vocab_size=321) for seed in (1, 2))
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
        (_otherwise_cut, "they split a text into [0-9]+ and [0-9]+ tokens, not the same"),
    ],
)
def test_models_of_different_tokenizers_cannot_be_compared(
    change: Callable[[PreTrainedTokenizerFast], None], how: str
) -> None:
    other = chat_tokenizer()
    change(other)
    pair = Pair(
        random_model("grouped heads", 1), random_model("grouped heads", 2), tiny_tokenizer(), aligned_tokenizer=other
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
        InputError, match=r"'openai-chat:gpt', which is not a local model.*; give a local aligned model too"
    ):
        model_pair().base.token_scorer(_Elsewhere())


def test_the_space_that_a_chat_layout_asks_for_is_not_asked_of_the_base_model() -> None:
    pair = spaced_pair(SPACED)
    hello, bare, there, sure = token_ids(pair.base, "▁Hello", "Hello", "▁there", "▁Sure")
    spaced, single, inner, plain = (
        AlignedAnswer(query="Hi", tokens=tokens, pieces=("?",) * len(tokens), ended=False)
        for tokens in [(hello, there), (sure, there), (there, hello), (bare, hello)]
    )
    ((mine, lonely, other, without),) = pair.scorer.score([spaced, single, inner, plain], [ZERO_SHOT])
    bare_answer = replace(spaced, tokens=(bare, there))
    expected = slow_scores(pair, bare_answer, ZERO_SHOT, ending=None)
    own = slow_scores(pair, spaced, ZERO_SHOT, ending=None)
    assert mine.rank.tolist() == expected["rank"], "the base model reads the word without its space"
    np.testing.assert_allclose(mine.probability, expected["probability"], atol=1e-9)
    np.testing.assert_allclose(mine.aligned_probability, own["aligned_probability"], atol=1e-9)
    assert np.isnan(mine.kl_base_aligned).tolist() == np.isnan(mine.kl_aligned_base).tolist() == [True, False]
    assert mine.entropy[1] == pytest.approx(expected["entropy"][1], abs=1e-9)
    assert lonely.rank[0] == 0, "no token is this word without a space"
    assert np.isnan([lonely.probability[0], lonely.kl_base_aligned[0], lonely.kl_aligned_base[0]]).all()
    assert lonely.rank[1] > 0
    assert np.isnan(other.kl_base_aligned).tolist() == [True, False], "only the first token is written otherwise"
    assert_close(without, slow_scores(pair, plain, ZERO_SHOT, ending=None), within=1e-9)


def test_a_space_after_a_layout_that_ends_in_a_blank_is_the_models_own() -> None:
    pair = spaced_pair(SPACED + "{{ '\\n' }}")
    hello, there = token_ids(pair.base, "▁Hello", "▁there")
    answer = AlignedAnswer(query="Hi", tokens=(hello, there), pieces=("?", "?"), ended=False)
    ((mine,),) = pair.scorer.score([answer], [ZERO_SHOT])
    assert_close(mine, slow_scores(pair, answer, ZERO_SHOT, ending=None), within=1e-9)
