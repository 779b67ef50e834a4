"""Tests of token scoring by two servers: which servers and models are refused, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.nano_pair import (
    CONTEXTS,
    ECHO,
    LONGEST,
    QUERIES,
    Change,
    Changed,
    chat_only,
    pair,
    scorer_at,
)
from urial_opt.errors import InputError
from urial_opt.models.server.generator import open_aligned, open_base
from urial_opt.nano.json_server import Refused, listening

pytestmark = pytest.mark.usefixtures("no_key")


def _dropping(path: str, key: str) -> Change:
    """A server that accepts a request for `key` and replies without it."""

    def change(asked: str, _: object, reply: dict[str, Any]) -> Mapping[str, Any]:
        if asked == path:
            reply["choices"][0][key] = None
        return reply

    return change


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (
            Changed(abilities={"logprobs"}),
            "lacks prompt_logprobs, and echo with logprobs .400 'echo'.*doctor openai:nano",
        ),
        (
            Changed(abilities=frozenset()),
            "'nano-aligned at .*lacks logprobs.*doctor openai-chat:nano-aligned .url=http",
        ),
        (
            Changed(_dropping("/chat/completions", "logprobs")),
            "'nano-aligned at .*lacks logprobs with top_logprobs; see",
        ),
        (
            Changed(_dropping("/completions", "logprobs"), abilities=ECHO),
            "lacks prompt_logprobs, and echo with logprobs;",
        ),
    ],
    ids=["no prompts", "nothing", "answers without a word", "prompts without a word"],
)
def test_a_server_without_log_probabilities_is_refused_at_the_first_request(server: Changed, words: str) -> None:
    with listening(server) as url, pytest.raises(InputError, match=words) as raised:
        scorer_at(url)
    assert "local models" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_where_prompt_logprobs_are_ignored_the_prompt_is_echoed() -> None:
    server = Changed(_dropping("/completions", "prompt_logprobs"))
    with listening(server) as url:
        scorer_at(url)
    assert [sorted({"echo", "prompt_logprobs"} & set(body)) for _, body in server.asked] == [
        [],
        ["prompt_logprobs"],
        ["echo"],
    ]


def test_both_models_must_be_behind_servers() -> None:
    base, aligned = pair()
    url = "http://localhost:1/v1"
    with pytest.raises(InputError, match=r"not behind a server.*give one behind a server too, openai-chat:"):
        open_base("nano", url=url).token_scorer(aligned)
    with pytest.raises(InputError, match="not a local model"):
        base.token_scorer(open_aligned("nano-aligned", url=url))


def _two_in_one(tokens: list[dict[str, Any]]) -> list[dict[str, Any]]:
    pairs = [tokens[place : place + 2] for place in range(0, len(tokens), 2)]
    texts = ["".join(token["token"] for token in pair) for pair in pairs]
    return [{**pair[0], "token": text, "bytes": list(text.encode())} for pair, text in zip(pairs, texts, strict=True)]


def _merge(choice: dict[str, Any]) -> None:
    told = choice["logprobs"]
    written = told["content"][:-1] if choice["finish_reason"] == "stop" else told["content"]
    told["content"] = _two_in_one(written) + told["content"][len(written) :]


def test_different_tokenizers_are_found_out_at_once() -> None:
    with (
        listening(Changed(chat_only(_merge))) as url,
        pytest.raises(
            InputError, match=r"'nano at .*' and 'nano-aligned at .*' have different tokenizers \(\d+ of \d+ "
        ),
    ):
        scorer_at(url)


def test_different_tokenizers_are_found_out_by_answers_too() -> None:
    calls = 0

    def later(choice: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            _merge(choice)

    with listening(Changed(chat_only(later))) as url:
        scorer = scorer_at(url)
        answers = scorer.answer(QUERIES, max_tokens=LONGEST)
        with pytest.raises(InputError, match="have different tokenizers"):
            scorer.score(answers, CONTEXTS[:1])


def test_an_aligned_model_that_does_not_answer_greedily_is_found_out() -> None:
    class Penalised(Changed):
        def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
            return super().__call__(path, {**body, "repetition_penalty": 2.0} if "messages" in body else body)

    with listening(Penalised()) as url:
        scorer = scorer_at(url)
        with pytest.raises(
            InputError, match=r"does not answer .* greedily: it writes .* is more probable; start its server"
        ):
            scorer.answer(QUERIES, max_tokens=LONGEST)


def test_a_server_that_lists_nothing_else_is_refused_in_its_words() -> None:
    def refuse(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Refused(400, "logprobs are not supported; use another model")

    with (
        listening(refuse) as url,
        pytest.raises(InputError, match=r"\(400 logprobs are not supported; use another model\)"),
    ):
        scorer_at(url)
