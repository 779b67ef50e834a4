"""Tests of log-probabilities in replies: where tokens stand in a text, which ranks are certain, and bounds on KL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import exp, isnan, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from urial_opt.models.server.logprob_replies import (
    LogprobSource,
    NoLogprobsError,
    read_answer_tokens,
    read_prompt_tokens,
)
from urial_opt.models.server.retries import EmptyReplyError
from urial_opt.models.server.token_logprobs import (
    TokenLogprob,
    TopLogprobs,
    UnplacedPrompt,
    least_divergence,
    place_tokens,
)
from urial_opt.records import Usage
from urial_opt.token_scores import Floats


@pytest.mark.parametrize(
    ("texts", "whole", "down_to", "pieces"),
    [
        (["Hel", "lo", "!"], "Hello!", 0, ["Hel", "lo", "!"]),
        (["<s>", "one", " two"], "one two", 0, ["one", " two"]),
        (["a", "b", "c", "d"], "abcd", 2, ["c", "d"]),
        (["a", "bc", "d"], "abcd", 2, ["bc", "d"]),
        (["Hello", "there", "you"], "Hello there you", 0, ["Hello", " there", " you"]),
        (["a", "", "b"], "a  b", 0, ["a", "  ", "b"]),
        (["a", "\ufffd", "\ufffd", "b"], "a東b", 0, ["a", "", "東", "b"]),
        (["\ufffd", "\ufffd", "\ufffd"], "東", 0, ["", "", "東"]),
        ([" \ufffd", "\ufffd", "b"], " 東b", 0, ["", " 東", "b"]),
        (["a", "", "", "東"], "a東", 0, ["a", "", "", "東"]),
        (["a ", "", "", "b"], "a 🌈b", 0, ["a ", "", "🌈", "b"]),
        (["a", "", "", "", "", ""], "a🌈🌈", 0, ["a", "", "", "", "", "🌈🌈"]),
        (["", "", ""], "🌈", 0, ["", "", "🌈"]),
        (["🌈", ""], "🌈", 0, ["🌈", ""]),
        (["", "東", ""], "東", 0, ["東", ""]),
        (["a", ""], "a🌈🌈", 0, None),
        ([""], "東東", 0, None),
        ([" Hello", "!"], "Hello!", 0, ["Hello", "!"]),
        ([], "", 0, []),
        (["Hi"], "Ho", 0, None),
        (["Hi", " x"], "Ha x", 0, None),
        (["b"], "ab", 0, None),
        (["x", "\ufffd", "b"], "a東b", 0, None),
        ([], "a", 0, None),
    ],
)
def test_tokens_stand_in_the_text_that_they_end(
    texts: Sequence[str], whole: str, down_to: int, pieces: Sequence[str] | None
) -> None:
    spans = place_tokens(texts, whole, down_to=down_to)
    assert (spans if spans is None else [whole[start:end] for start, end in spans]) == pieces


def _logs(probabilities: Mapping[str, float]) -> dict[str, float]:
    return {text: log(probability) for text, probability in probabilities.items()}


def _echoed(*positions: tuple[str, Mapping[str, float]], listed: int = 3) -> list[TokenLogprob]:
    """The tokens of a reply with an echoed prompt, without the first, which has no log-probability."""
    tops = [None, *[_logs(top) for _, top in positions]]
    logprobs = {
        "tokens": ["<s>", *[text for text, _ in positions]],
        "token_logprobs": [None, *[(top or {}).get(text) for (text, _), top in zip(positions, tops[1:], strict=True)]],
        "top_logprobs": tops,
    }
    body = json.dumps({"model": "m", "choices": [{"text": "", "logprobs": logprobs}]})
    return list(read_prompt_tokens(body, source="echo", listed=listed).tokens[1:])


@pytest.mark.parametrize("listed", [3, 20], ids=["as many as asked for", "fewer"])
def test_a_token_listed_last_and_as_one_more_has_no_rank(listed: int) -> None:
    inside, outside, last = _echoed(
        ("b", {"b": 0.3, "a": 0.4, "c": 0.2}),
        ("d", {"d": 0.01, "a": 0.4, "b": 0.3, "c": 0.2}),
        ("c", {"a": 0.4, "b": 0.3, "c": 0.2}),
        listed=listed,
    )
    assert (inside.rank, outside.rank, last.rank) == (2, 0, 3)
    assert exp(outside.logprob) == pytest.approx(0.01)
    assert [text for text, _ in outside.top.entries] == ["a", "b", "c"]


def test_one_that_is_as_probable_as_another_has_no_rank() -> None:
    tied, other = _echoed(("b", {"b": 0.3, "a": 0.3, "c": 0.2}), ("c", {"c": 0.2, "b": 0.3, "a": 0.3}))
    assert (tied.rank, other.rank) == (0, 3)


def test_where_a_token_is_missing_a_rank_is_given_only_if_it_cannot_be_more_probable() -> None:
    full, sure, unsure = _echoed(
        ("a", {"a": 0.4, "b": 0.3, "c": 0.2}),
        ("a", {"a": 0.6, "\ufffd": 0.1}),
        ("a", {"a": 0.4, "\ufffd": 0.1}),
    )
    assert (full.rank, sure.rank, unsure.rank) == (1, 1, 0)


def test_a_token_that_the_list_lacks_has_no_rank() -> None:
    (lacking, _) = _echoed(("d", {"a": 0.4, "b": 0.3, "c": 0.2}), ("a", {"a": 0.4, "b": 0.3, "c": 0.2}))
    assert lacking.rank == 0
    assert isnan(lacking.logprob)


def _prompt(*positions: Sequence[tuple[int, str, float, int]], listed: int) -> list[TokenLogprob]:
    """The tokens of a reply with `prompt_logprobs`: id, text, probability and rank, the token of the text first."""
    told = [
        {str(id_): {"logprob": log(p), "rank": rank, "decoded_token": text} for id_, text, p, rank in position}
        for position in positions
    ]
    body = json.dumps({"model": "m", "choices": [{"text": "", "prompt_logprobs": [None, *told]}]})
    return list(read_prompt_tokens(body, source="prompt_logprobs", listed=listed).tokens)


def test_ranks_of_prompts_are_exact_and_ties_are_in_order_of_id() -> None:
    far, first, second, unsure = _prompt(
        [(9, "x", 0.001, 777), (1, "a", 0.5, 1), (2, "b", 0.3, 2), (3, "c", 0.1, 3)],
        [(4, "a", 0.4, 2), (7, "b", 0.4, 2), (3, "c", 0.1, 3)],
        [(7, "b", 0.4, 2), (4, "a", 0.4, 2), (3, "c", 0.1, 3)],
        [(3, "c", 0.1, 4), (4, "a", 0.4, 1), (7, "b", 0.3, 2)],
        listed=3,
    )
    assert [far.rank, first.rank, second.rank, unsure.rank] == [777, 1, 2, 4]
    assert [text for text, _ in far.top.entries] == ["a", "b", "c"]
    assert [text for text, _ in second.top.entries] == ["a", "b", "c"]


def test_what_goes_on_is_no_token_of_the_prompt() -> None:
    tokens = tuple(TokenLogprob(text=text, rank=rank) for rank, text in enumerate("x!!!!"))
    whole = UnplacedPrompt(tokens=tokens, after=TopLogprobs(), usage=Usage()).place("x!!!!", down_to=3)
    assert whole is not None
    assert [(span, token.rank) for span, token in whole.placed()] == [((3, 4), 3), ((4, 5), 4)]
    more = TokenLogprob(text="!", top=TopLogprobs(entries=(("!", -0.1),), full=True))
    goes_on = UnplacedPrompt(tokens=(*tokens, more), after=None, usage=Usage()).place("x!!!!", down_to=3)
    assert goes_on is not None
    assert list(goes_on.placed()) == list(whole.placed())
    assert goes_on.after == more.top
    ended = UnplacedPrompt(tokens=tokens, after=None, usage=Usage()).place("x!!!!", down_to=0)
    assert ended is not None
    assert ended.after == TopLogprobs()
    assert UnplacedPrompt(tokens=tokens, after=None, usage=Usage()).place("x????", down_to=0) is None


@pytest.mark.parametrize("source", ["echo", "prompt_logprobs"])
@pytest.mark.parametrize(
    "choice",
    [
        {"text": "x"},
        {"text": "x", "logprobs": None, "prompt_logprobs": None},
        {"text": "x", "logprobs": {"tokens": ["x"], "token_logprobs": [-1.0], "top_logprobs": [{"x": -1.0}]}},
        {"text": "x", "prompt_logprobs": [None]},
    ],
)
def test_a_reply_without_log_probabilities_is_an_error(source: LogprobSource, choice: Mapping[str, Any]) -> None:
    with pytest.raises(NoLogprobsError):
        read_prompt_tokens(json.dumps({"choices": [choice]}), source=source, listed=3)


def _chat(text: str | None, tokens: Sequence[str] | None, *, reason: str = "stop", **more: object) -> str:
    content = None if tokens is None else [{"token": each, "logprob": -0.5, "top_logprobs": []} for each in tokens]
    choice = {"message": {"content": text, **more}, "logprobs": {"content": content}, "finish_reason": reason}
    return json.dumps({"model": "m", "choices": [choice]})


@pytest.mark.parametrize(
    ("text", "tokens", "reason", "pieces", "end"),
    [
        ("Hi you", ["Hi", " you", "<end>"], "stop", ["Hi", " you"], "<end>"),
        ("Hi you", ["Hi", " you", ""], "stop", ["Hi", " you"], ""),
        ("Hi you", ["Hi", " you"], "stop", ["Hi", " you"], ""),
        ("Hi you", ["Hi", " you"], "length", ["Hi", " you"], ""),
        ("Hi", ["", " ", "Hi"], "length", ["", "", "Hi"], ""),
        ("", ["<end>"], "stop", [], "<end>"),
    ],
)
def test_the_tokens_of_an_answer_join_to_its_text(
    text: str, tokens: Sequence[str], reason: str, pieces: Sequence[str], end: str
) -> None:
    told = read_answer_tokens(_chat(text, tokens, reason=reason))
    assert [told.text[start:stop] for start, stop in told.spans] == pieces
    assert len(told.tokens) == len(pieces)
    assert (told.ended, told.end.text) == (reason == "stop", end)
    assert isnan(told.end.logprob) == (len(tokens) == len(pieces))


def test_a_part_of_a_character_is_read_from_its_bytes() -> None:
    parts = "東".encode()
    content = [{"token": "\\xe6", "bytes": [byte], "logprob": -1.0, "top_logprobs": []} for byte in parts]
    choice = {"message": {"content": "東"}, "logprobs": {"content": content}, "finish_reason": "length"}
    told = read_answer_tokens(json.dumps({"choices": [choice]}))
    assert [token.text for token in told.tokens] == ["\ufffd"] * 3
    assert told.spans == ((0, 0), (0, 0), (0, 1))


def test_what_is_no_answer_with_probabilities() -> None:
    with pytest.raises(ValueError, match="not those of its text"):
        read_answer_tokens(_chat("", ["Hi", " you"]))
    with pytest.raises(EmptyReplyError):
        read_answer_tokens(_chat("", []))
    with pytest.raises(NoLogprobsError):
        read_answer_tokens(_chat("Hi", None))
    with pytest.raises(NoLogprobsError):
        read_answer_tokens(_chat("Hi", []))
    refused = read_answer_tokens(_chat(None, None, refusal="No."))
    assert (refused.tokens, refused.ended) == ((), False)


def _probabilities(numbers: Sequence[float]) -> Floats:
    array: Floats = np.array(numbers)
    array /= array.sum()
    return array


@given(
    st.lists(st.tuples(st.floats(1e-6, 1), st.floats(1e-6, 1)), min_size=2, max_size=12),
    st.integers(1, 12),
)
def test_the_least_divergence_is_never_more_than_the_divergence(pairs: list[tuple[float, float]], known: int) -> None:
    p, q = (_probabilities([pair[side] for pair in pairs]) for side in (0, 1))
    exact = float(np.sum(p * np.log(p / q)))
    least = least_divergence(list(zip(p[:known].tolist(), q[:known].tolist(), strict=True)))
    assert 0 <= least <= exact + 1e-9
    if known >= len(pairs) or (known == len(pairs) - 1 and min(p[-1], q[-1]) > 0.05):
        assert least == pytest.approx(exact, abs=1e-4)


def test_the_least_divergence_of_two_halves_and_the_rest() -> None:
    expected = 0.5 * np.log(0.5 / 0.2) + 0.25 * np.log(0.25 / 0.5) + 0.25 * np.log(0.25 / 0.3)
    assert least_divergence([(0.5, 0.2), (0.25, 0.5)]) == pytest.approx(expected, abs=1e-5)
    assert least_divergence([]) == 0
    assert least_divergence([(1.0, 0.5)]) == pytest.approx(np.log(2), abs=1e-4)
    assert least_divergence([(0.5, 0.0), (0.5, 0.5)]) >= 0  # rounded to nothing, so that nothing follows from it


def test_probabilities_that_come_one_token_late_are_put_right() -> None:
    """llama-cpp-python gives each token of a prompt the probabilities of the next one."""
    lists = [{"b": 0.6, "x": 0.3, "a": 0.01}, {"c": 0.7, "y": 0.2, "b": 0.01}, {"d": 0.5, "z": 0.4, "c": 0.02}]
    tokens = ["a", "b", "c"]
    logprobs = {
        "tokens": tokens,
        "token_logprobs": [None, *[log(top[text]) for text, top in zip(tokens[1:], lists[1:], strict=True)]],
        "top_logprobs": [_logs(top) for top in lists],
    }
    body = json.dumps({"choices": [{"text": "abc", "logprobs": logprobs}]})
    read = read_prompt_tokens(body, source="echo", listed=2)
    assert read.late
    right = read.moved()
    assert not right.late
    assert [exp(token.logprob) for token in right.tokens[1:]] == pytest.approx([0.6, 0.7])
    assert [token.rank for token in right.tokens] == [0, 1, 1]
    assert isnan(right.tokens[0].logprob)
    assert right.after is not None
    assert right.after.entries[0][0] == "d"
