"""Answers of the aligned model as tokens, and the text of each token."""

from __future__ import annotations

import pytest
import torch

from tests.model_pairs import (
    SPACED,
    embedded_pair,
    spaced_pair,
    token_ids,
)
from tests.tiny_models import plain_model
from urial_opt.models.local.decoding import AnswerText
from urial_opt.nano.models import open_aligned


@pytest.mark.parametrize("dtype", [torch.float32])
def test_answers_are_greedy_and_keep_their_tokens(dtype: torch.dtype) -> None:
    pair = embedded_pair(dtype)
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
    pair = embedded_pair(torch.float32)
    (whole,) = pair.scorer.answer(["What is the capital of France?"], max_tokens=96)
    (exact,) = pair.scorer.answer([whole.query], max_tokens=len(whole.tokens) + 1)
    (cut,) = pair.scorer.answer([whole.query], max_tokens=len(whole.tokens))
    assert (exact.ended, cut.ended) == (True, False)
    assert exact.tokens == cut.tokens == whole.tokens


def test_pieces_join_to_the_text_and_a_character_of_several_tokens_is_carried_by_the_last() -> None:
    embedded = open_aligned("").generator
    user, assistant = token_ids(embedded, "<|user|>", "<|assistant|>")
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
    pair = spaced_pair(SPACED)
    tokenizer = pair.base.tokenizer
    tokenizer.add_special_tokens({"additional_special_tokens": ["<s>", "</s>"]})
    text = AnswerText(tokenizer)
    special = token_ids(pair.base, "<s>", "</s>")
    row = [
        *token_ids(pair.base, "▁Hello", "▁there"),
        *special * 3,
        *token_ids(pair.base, "▁there", "<0xC3>", "<0xA9>", "there"),
    ]
    pieces = text.pieces(row)
    assert pieces == [" Hello", " there", "", "", "", "", "", "", " there", "", "é", "there"]
    assert "".join(pieces) == text.text(row)
    names = text.names(token_ids(pair.base, "▁there", "there", "<0xC3>", "<s>"))
    assert names[:3] == [" there", "there", "\ufffd"]
    assert "<s>" in names[3]
