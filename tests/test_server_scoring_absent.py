"""Tests of token scoring by two servers: what a server does not report is absent, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.nano_pair import (
    CONTEXTS,
    ECHO,
    LONGEST,
    QUERIES,
    TERSE,
    Change,
    Changed,
    assert_as_here,
    chat_only,
    pair,
    scored_here,
    scorer_at,
    serving_pair,
)
from urial_opt.nano.json_server import listening
from urial_opt.nano.logprobs import ABILITIES
from urial_opt.token_scores import AlignedAnswer

pytestmark = pytest.mark.usefixtures("no_key")


def test_a_token_written_in_pieces_is_absent_where_it_stands() -> None:
    answers, expected, _ = scored_here()
    place = next(place for place, piece in enumerate(answers[0].pieces) if place > 3 and len(piece) > 3)

    def split(choice: dict[str, Any]) -> None:
        tokens = choice["logprobs"]["content"]
        if len(tokens) > place and choice["message"]["content"] == answers[0].text:
            whole = tokens[place]
            halves = [whole["token"][:2], whole["token"][2:]]
            tokens[place : place + 1] = [{**whole, "token": half, "bytes": list(half.encode())} for half in halves]

    with listening(Changed(chat_only(split))) as url:
        scorer = scorer_at(url)
        mine = scorer.answer(QUERIES[:1], max_tokens=LONGEST)
        [[scores]] = scorer.score(mine, CONTEXTS[:1])
    assert mine[0].text == answers[0].text
    local = expected[0][0].rank.tolist()
    assert scores.rank.tolist() == [*local[:place], 0, 0, *local[place + 1 :]]
    absent = np.flatnonzero(scores.rank == 0).tolist()
    assert absent == [place, place + 1]
    assert np.flatnonzero(np.isnan(scores.probability)).tolist() == absent
    assert np.flatnonzero((scores.top.ids < 0).all(1)).tolist() == absent
    assert np.isnan(scores.top.probabilities[absent]).all()
    assert not np.isnan(scores.aligned_probability).any()


def test_an_end_of_turn_that_the_server_does_not_report_is_absent_in_the_aligned_model() -> None:
    answers, expected, _ = scored_here()

    def silent(choice: dict[str, Any]) -> None:
        if choice["finish_reason"] == "stop":
            del choice["logprobs"]["content"][-1]

    with listening(Changed(chat_only(silent))) as url:
        scorer = scorer_at(url)
        mine = scorer.answer(QUERIES, max_tokens=LONGEST)
        [scores] = scorer.score(mine, CONTEXTS[:1])
    for answer, other, own, local in zip(mine, answers, scores, expected[0], strict=True):
        assert (answer.pieces, answer.ended) == (other.pieces, other.ended)
        if answer.ended:
            assert_as_here(own, local, end_reported=False)
            assert np.isnan(own.aligned_probability[-1])
            assert (own.aligned_top.ids[-1] == -1).all()
            assert (own.top.ids[-1] >= 0).all()


def test_aligned_numbers_of_an_answer_that_is_not_repeated_are_absent_and_an_unlisted_end_is_read() -> None:
    """The answer ends within a sentence, so that the base model does not list the token that ends it."""
    _, _, local = scored_here()
    base, _ = pair()
    (tokens,) = base.tokens(["The capital of"], special=False)
    pieces = tuple(base.answer_text.pieces(tokens))
    answer = AlignedAnswer(query=QUERIES[0], tokens=tuple(tokens), pieces=pieces, ended=True)
    [[expected]] = local.score([answer], [TERSE])
    assert expected.rank[-1] > 20
    for abilities in (ABILITIES, ECHO):
        with serving_pair(abilities=abilities) as url:
            [[scores]] = scorer_at(url).score([answer], [TERSE])
        exact = "prompt_logprobs" in abilities
        ranks = [rank if exact or rank <= 20 else 0 for rank in expected.rank.tolist()]
        assert scores.rank.tolist() == ranks
        np.testing.assert_allclose(scores.probability, expected.probability, rtol=0, atol=1e-9)
        assert np.isnan(scores.aligned_probability).all()
        assert (scores.aligned_top.ids == -1).all()
        assert scores.usage.completion_tokens == 2


def test_a_query_that_is_refused_has_no_tokens() -> None:
    def refuse(choice: dict[str, Any]) -> None:
        if choice["message"]["content"] == scored_here()[0][0].text:
            choice |= {"message": {"content": None, "refusal": "No."}, "logprobs": None}

    with listening(Changed(chat_only(refuse))) as url:
        scorer = scorer_at(url)
        answers = scorer.answer(QUERIES[:2], max_tokens=LONGEST)
        [scores] = scorer.score(answers, CONTEXTS[:1])
    assert (answers[0].tokens, answers[0].ended) == ((), False)
    assert scores[0].rank.shape == (0,)
    assert scores[0].top.ids.shape == (0, 20)
    assert len(scores[1].rank) == len(answers[1].tokens) + answers[1].ended


def _saying(text: str) -> Change:
    """An aligned model that says `text`, each token with probability 1/2, in vLLM's format."""
    base, _ = pair()
    (tokens,) = base.tokens([text], special=False)
    names = [str(base.tokenizer.decode([token])) for token in tokens]

    def say(choice: dict[str, Any]) -> None:
        told = [
            {"token": name, "logprob": np.log(0.5), "bytes": list(name.encode()), "top_logprobs": []} for name in names
        ]
        choice |= {"message": {"content": text}, "logprobs": {"content": told}, "finish_reason": "length"}

    return chat_only(say)


def test_tokens_reported_without_their_space_are_identified_by_the_text() -> None:
    """Some versions of vLLM report SentencePiece tokens in this way."""
    answers, expected, _ = scored_here()

    def strip(path: str, _: object, reply: dict[str, Any]) -> Mapping[str, Any]:
        choice = reply["choices"][0]
        if path == "/completions":
            for token in [token for place in choice["prompt_logprobs"][1:] for token in place.values()]:
                token["decoded_token"] = token["decoded_token"].removeprefix(" ")
        else:
            content = choice["logprobs"]["content"]
            for token in [*content, *[other for each in content for other in each["top_logprobs"]]]:
                token |= {"token": token["token"].removeprefix(" "), "bytes": None}
        return reply

    with listening(Changed(strip)) as url:
        scorer = scorer_at(url)
        mine = scorer.answer(QUERIES, max_tokens=LONGEST)
        [scores] = scorer.score(mine, CONTEXTS[:1])
    assert [answer.pieces for answer in mine] == [answer.pieces for answer in answers]
    for own, local in zip(scores, expected[0], strict=True):
        told = own.rank > 0
        assert own.rank[told].tolist() == local.rank[told].tolist()
        assert told.mean() > 0.95  # but a blank that is a token of its own
        for ids in (*own.top.ids.tolist(), *own.aligned_top.ids.tolist()):
            assert len(set(ids)) == len(ids)


def test_pieces_of_characters_are_absent_and_joined() -> None:
    _, _, local = scored_here()
    base, _ = pair()
    text = "The capital of 東京 is naïve. It is a big city in the east of the country, I hope."
    (tokens,) = base.tokens([text], special=False)
    pieces = tuple(base.answer_text.pieces(tokens))
    answer = AlignedAnswer(query=QUERIES[0], tokens=tuple(tokens), pieces=pieces, ended=False)
    [[expected]] = local.score([answer], [TERSE])
    with listening(Changed(_saying(text))) as url:
        scorer = scorer_at(url)
        (mine,) = scorer.answer(QUERIES[:1], max_tokens=LONGEST)
        [[scores]] = scorer.score([mine], [TERSE])
    assert "".join(mine.pieces) == text
    whole = ["\ufffd" not in base.tokenizer.decode([token]) for token in tokens]
    assert whole.count(False) >= 6
    assert scores.rank.tolist() == [
        rank if known else 0 for rank, known in zip(expected.rank.tolist(), whole, strict=True)
    ]
    partial = [token for token, known in zip(mine.tokens, whole, strict=True) if not known]
    assert len(set(partial)) == len(partial)  # none is taken for another
    assert set(scorer.texts(partial)) == {"\ufffd"}
