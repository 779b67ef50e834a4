"""Tests of token scoring by two servers: equal to the same models scored here wherever told, and absent elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.command_line import Run
from urial_opt.errors import InputError
from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator
from urial_opt.models.server.generator import open_aligned, open_base
from urial_opt.models.server.token_logprobs import least_divergence
from urial_opt.nano import models
from urial_opt.nano.faults import Fault, Faults
from urial_opt.nano.json_server import Refused, listening
from urial_opt.nano.server import EmbeddedModels, serving
from urial_opt.nano.telling import ABILITIES, Ability
from urial_opt.prompt import UrialPrompt
from urial_opt.protocols import Scorable, TokenScorer
from urial_opt.records import Usage
from urial_opt.spaces.space_file import load_space
from urial_opt.token_scores import AlignedAnswer, Floats, TokenScores

SPACE = load_space("nano")
QUERIES = [SPACE.queries.split("validation")[number].text for number in (0, 74, 79)]
TERSE = UrialPrompt(system="answers are short. no lists.\n")
CONTEXTS = [UrialPrompt(), SPACE.hand_written.prompt]
LONGEST = 52
NOISE = 0.5
VOCABULARY = 2048
ECHO: frozenset[Ability] = frozenset({"logprobs", "echo"})


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@cache
def _pair() -> tuple[TransformersGenerator, TransformersChatGenerator]:
    """The embedded pair, in double precision; noise in the base model, so that it ranks many tokens far down."""
    base, aligned = models.open_base(""), models.open_aligned("")
    torch.manual_seed(0)
    with torch.no_grad():
        for weights in base.model.parameters():
            weights += NOISE * weights.std() * torch.randn_like(weights)
    base.model.to(torch.float64)
    aligned.generator.model.to(torch.float64)
    return base, aligned


@cache
def _local() -> tuple[list[AlignedAnswer], list[list[TokenScores]], TokenScorer]:
    """Answers, scores and scorer of the same two models here."""
    base, aligned = _pair()
    scorer: TokenScorer = base.token_scorer(aligned)
    answers = scorer.answer(QUERIES, max_tokens=LONGEST)
    assert {answer.ended for answer in answers} == {True, False}
    return answers, scorer.score(answers, CONTEXTS), scorer


def _serving(**options: Any) -> AbstractContextManager[str]:
    base, aligned = _pair()
    return serving(base=base, aligned=aligned, **options)


def _scorer(url: str) -> TokenScorer:
    base = open_base("nano", url=url)
    assert isinstance(base, Scorable)
    return base.token_scorer(open_aligned("nano-aligned", url=url))


Change = Callable[[str, Mapping[str, Any], dict[str, Any]], Mapping[str, Any]]


class Changed:
    """The embedded models' server, whose replies are changed, and what it was asked."""

    def __init__(self, change: Change = lambda _, __, reply: reply, **options: Any) -> None:
        base, aligned = _pair()
        self._models = EmbeddedModels(base=base, aligned=aligned, **options)
        self._change = change
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((path.removeprefix("/v1"), dict(body)))
        return self._change(path.removeprefix("/v1"), body, dict(self._models(path, body)))


def _chat_only(change: Callable[[dict[str, Any]], object]) -> Change:
    """Changes the one choice of chat replies in place."""

    def apply(path: str, _: object, reply: dict[str, Any]) -> Mapping[str, Any]:
        if path == "/chat/completions":
            change(reply["choices"][0])
        return reply

    return apply


def _assert_told(mine: TokenScores, local: TokenScores, *, furthest: int = VOCABULARY, end_told: bool = True) -> None:
    """Ranks up to a furthest one, and all probabilities, are those of the local scorer; the others are absent.

    So are ranks in lists that lack a token, as one of two pieces of characters, unless it is as probable as nearly all.
    """
    far, known = local.rank > furthest, mine.rank > 0
    assert mine.rank[known].tolist() == local.rank[known].tolist()
    assert not (far & known).any()
    lacking = (mine.top.ids < 0).any(1) & (furthest < VOCABULARY)
    assert (far | lacking)[~known].all()
    assert known[lacking & (mine.probability > 0.5)].all()
    assert mine.rank.dtype == np.int64
    np.testing.assert_allclose(mine.probability, local.probability, rtol=0, atol=1e-9)
    ends = mine.aligned_probability[: None if end_told else -1]
    np.testing.assert_allclose(ends, local.aligned_probability[: len(ends)], rtol=0, atol=1e-9)
    for name in ("kl_base_aligned", "kl_aligned_base", "entropy", "aligned_entropy"):
        assert np.isnan(getattr(mine, name)).all()
        assert getattr(mine, name).shape == local.rank.shape


@pytest.mark.parametrize("abilities", [ABILITIES, ECHO], ids=["prompt_logprobs", "echo"])
def test_equals_the_same_models_here(abilities: frozenset[Ability]) -> None:
    answers, expected, local = _local()
    with _serving(abilities=abilities) as url:
        scorer = _scorer(url)
        mine = scorer.answer(QUERIES, max_tokens=LONGEST)
        scores = scorer.score(mine, CONTEXTS)
    for answer, there in zip(mine, answers, strict=True):
        assert (answer.query, answer.pieces, answer.ended) == (there.query, there.pieces, there.ended)
        assert scorer.texts(answer.tokens) == local.texts(there.tokens)
        assert answer.usage.completion_tokens == there.usage.completion_tokens
    ranks = np.concatenate([each.rank for row in expected for each in row])
    assert (ranks > 20).any()
    for row, others in zip(scores, expected, strict=True):
        for own, other in zip(row, others, strict=True):
            _assert_told(own, other, furthest=20 if abilities == ECHO else VOCABULARY)
            assert own.top.ids.shape == (len(own.rank), 20)
            for top, known in ((own.top, other.top), (own.aligned_top, other.aligned_top)):
                listed = top.ids >= 0
                assert listed.sum() > 0.98 * listed.size  # not those with the same text
                first = np.where(listed, known.probabilities[:, :20], np.nan)
                np.testing.assert_allclose(top.probabilities, first, rtol=0, atol=1e-9)
                assert scorer.texts(top.ids[listed].tolist()) == local.texts(known.ids[:, :20][listed].tolist())
    # Divergences are at least what is told of them, and not by much.
    for name in ("kl_base_aligned", "kl_aligned_base"):
        exact = np.concatenate([getattr(each, name) for row in expected for each in row])
        least = np.concatenate([getattr(each, f"{name}_least") for row in scores for each in row])
        assert (np.isnan(exact) == np.isnan(least)).all()  # at the ends of turns
        assert np.nanmax(least - exact) < 1e-9
        assert np.nansum(least) > 0.7 * np.nansum(exact)
    # They rest on the token written at least, be it listed or not.
    for own, answer in zip(scores[0], mine, strict=True):
        told = zip(own.aligned_probability.tolist(), own.probability.tolist(), own.top.ids.tolist(), strict=True)
        for place, (aligned, base, ids) in enumerate(list(told)[: len(answer.tokens)]):
            assert own.kl_aligned_base_least is not None
            if answer.tokens[place] not in ids:
                assert own.kl_aligned_base_least[place] > least_divergence([(aligned, base)]) - 1e-9


def test_a_server_that_lists_fewer_is_asked_for_fewer() -> None:
    _, expected, _ = _local()
    for abilities in (ABILITIES, ECHO):
        server = Changed(abilities=abilities, most_listed=5)
        with listening(server) as url:
            scorer = _scorer(url)
            tried = len(server.asked)
            scores = scorer.score(scorer.answer(QUERIES, max_tokens=LONGEST), CONTEXTS)
        furthest = 5 if abilities == ECHO else VOCABULARY
        for row, others in zip(scores, expected, strict=True):
            for own, other in zip(row, others, strict=True):
                _assert_told(own, other, furthest=furthest)
                assert own.top.ids.shape == own.aligned_top.ids.shape == (len(own.rank), 5)
        asked = [
            body.get("prompt_logprobs") or body.get("top_logprobs") or body["logprobs"] for _, body in server.asked
        ]
        assert set(asked[tried:]) == {5}
        assert set(asked[:tried]) == {20, 10, 5}


def test_a_server_that_lists_fewer_without_a_word_tells_as_many_ranks() -> None:
    _, expected, _ = _local()

    def cut(path: str, _: object, reply: dict[str, Any]) -> Mapping[str, Any]:
        if path == "/completions":
            told = reply["choices"][0]["logprobs"]
            for token, top in zip(told["tokens"], told["top_logprobs"], strict=True):
                for text in sorted(top or {}, key=lambda text: -top[text])[3:]:
                    if text != token:
                        del top[text]
        return reply

    with listening(Changed(cut, abilities=ECHO)) as url:
        scorer = _scorer(url)
        scores = scorer.score(scorer.answer(QUERIES, max_tokens=LONGEST), CONTEXTS)
    for row, others in zip(scores, expected, strict=True):
        for own, other in zip(row, others, strict=True):
            _assert_told(own, other, furthest=3)


def test_what_is_asked_and_in_which_order() -> None:
    server = Changed()
    system = "Be brief."
    with listening(server) as url:
        aligned = open_aligned("nano-aligned", url=url, system=system)
        scorer = open_base("nano", url=url).token_scorer(aligned)
        assert [path for path, _ in server.asked] == ["/chat/completions", "/completions"]
        del server.asked[:]
        answers = scorer.answer(QUERIES, max_tokens=LONGEST)
        assert {path for path, _ in server.asked} == {"/chat/completions"}
        for _, body in server.asked:
            assert body["messages"][0] == {"role": "system", "content": system}
            del body["messages"]
            assert body == {
                "model": "nano-aligned",
                "temperature": 0.0,
                "max_tokens": LONGEST,
                "logprobs": True,
                "top_logprobs": 20,
            }
        del server.asked[:]
        scorer.score(answers, CONTEXTS[:2])
    prompts = [body["prompt"] for _, body in server.asked]
    expected = [[prompt.render(answer.query) + answer.text for answer in answers] for prompt in CONTEXTS[:2]]
    assert prompts[0] == expected[0][0]
    assert sorted(prompts) == sorted(expected[0] + expected[1])
    assert prompts[len(answers)] == expected[1][0]  # alone, so that its prefix is known to the others
    assert {key: value for key, value in server.asked[0][1].items() if key != "prompt"} == {
        "model": "nano",
        "temperature": 0.0,
        "max_tokens": 1,
        "logprobs": 20,
        "prompt_logprobs": 20,
    }


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("abilities", [ABILITIES, ECHO], ids=["prompt_logprobs", "echo"])
def test_a_server_that_fails_often_tells_the_same(abilities: frozenset[Ability]) -> None:
    _, expected, _ = _local()
    kinds: list[Fault] = ["429", "500", "reset", "truncated", "length", "empty", "name"]
    faults = Faults(0.4, 3, kinds=kinds)
    with _serving(abilities=abilities, faults=faults) as url:
        scorer = _scorer(url)
        scores = scorer.score(scorer.answer(QUERIES, max_tokens=LONGEST), CONTEXTS)
    assert sum(number for fault, number in faults.struck.items() if fault) >= 5
    exact = "prompt_logprobs" in abilities
    for row, others in zip(scores, expected, strict=True):
        for own, other in zip(row, others, strict=True):
            _assert_told(own, other, furthest=VOCABULARY if exact else 20)


def _dropping(path: str, key: str) -> Change:
    """A server that takes a request for `key` and answers without."""

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
            "'nano-aligned at .*lacks logprobs.*doctor openai-chat:nano-aligned --url http",
        ),
        (
            Changed(_dropping("/chat/completions", "logprobs")),
            "'nano-aligned at .*lacks logprobs with top_logprobs; type",
        ),
        (
            Changed(_dropping("/completions", "logprobs"), abilities=ECHO),
            "lacks prompt_logprobs, and echo with logprobs;",
        ),
    ],
    ids=["no prompts", "nothing", "answers without a word", "prompts without a word"],
)
def test_a_server_that_tells_nothing_is_told_of_when_it_is_first_asked(server: Changed, words: str) -> None:
    with listening(server) as url, pytest.raises(InputError, match=words) as raised:
        _scorer(url)
    assert "local models" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_where_prompt_logprobs_are_ignored_the_prompt_is_echoed() -> None:
    server = Changed(_dropping("/completions", "prompt_logprobs"))
    with listening(server) as url:
        _scorer(url)
    assert [sorted({"echo", "prompt_logprobs"} & set(body)) for _, body in server.asked] == [
        [],
        ["prompt_logprobs"],
        ["echo"],
    ]


def test_both_models_must_be_behind_servers() -> None:
    base, aligned = _pair()
    url = "http://localhost:1/v1"
    with pytest.raises(InputError, match=r"behind no server.*give one behind a server too, openai-chat:"):
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
        listening(Changed(_chat_only(_merge))) as url,
        pytest.raises(
            InputError, match=r"'nano at .*' and 'nano-aligned at .*' have different tokenizers \(\d+ of \d+ "
        ),
    ):
        _scorer(url)


def test_different_tokenizers_are_found_out_by_answers_too() -> None:
    calls = 0

    def later(choice: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            _merge(choice)

    with listening(Changed(_chat_only(later))) as url:
        scorer = _scorer(url)
        answers = scorer.answer(QUERIES, max_tokens=LONGEST)
        with pytest.raises(InputError, match="have different tokenizers"):
            scorer.score(answers, CONTEXTS[:1])


def test_a_token_written_in_pieces_is_absent_where_it_stands() -> None:
    answers, expected, _ = _local()
    place = next(place for place, piece in enumerate(answers[0].pieces) if place > 3 and len(piece) > 3)

    def split(choice: dict[str, Any]) -> None:
        tokens = choice["logprobs"]["content"]
        if len(tokens) > place and choice["message"]["content"] == answers[0].text:
            whole = tokens[place]
            halves = [whole["token"][:2], whole["token"][2:]]
            tokens[place : place + 1] = [{**whole, "token": half, "bytes": list(half.encode())} for half in halves]

    with listening(Changed(_chat_only(split))) as url:
        scorer = _scorer(url)
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


def test_an_end_of_turn_that_the_server_does_not_tell_is_absent_in_the_aligned_model() -> None:
    answers, expected, _ = _local()

    def silent(choice: dict[str, Any]) -> None:
        if choice["finish_reason"] == "stop":
            del choice["logprobs"]["content"][-1]

    with listening(Changed(_chat_only(silent))) as url:
        scorer = _scorer(url)
        mine = scorer.answer(QUERIES, max_tokens=LONGEST)
        [scores] = scorer.score(mine, CONTEXTS[:1])
    for answer, other, own, local in zip(mine, answers, scores, expected[0], strict=True):
        assert (answer.pieces, answer.ended) == (other.pieces, other.ended)
        if answer.ended:
            _assert_told(own, local, end_told=False)
            assert np.isnan(own.aligned_probability[-1])
            assert (own.aligned_top.ids[-1] == -1).all()
            assert (own.top.ids[-1] >= 0).all()


def test_an_answer_that_another_scorer_asked_for_is_asked_for_anew() -> None:
    answers, expected, _ = _local()
    server = Changed()
    with listening(server) as url:
        scorer = _scorer(url)
        other = _scorer(url).answer(QUERIES[:2], max_tokens=LONGEST)
        del server.asked[:]
        first, second = scorer.score(other, CONTEXTS[:2])
    for own, local in zip(first, expected[0], strict=False):
        _assert_told(own, local)
    assert [path for path, _ in server.asked].count("/chat/completions") == 2
    assert first[0].aligned_usage.completion_tokens == len(answers[0].tokens) + answers[0].ended
    assert second[0].aligned_usage == Usage()
    assert first[0].usage.completion_tokens == 1


def test_of_an_answer_that_is_not_given_again_the_aligned_numbers_are_absent_and_an_end_far_down_is_read() -> None:
    """The end stands in the middle of a sentence, so that the base model's own is none of the tokens listed."""
    _, _, local = _local()
    base, _ = _pair()
    (tokens,) = base.tokens(["The capital of"], special=False)
    pieces = tuple(base.answer_text.pieces(tokens))
    answer = AlignedAnswer(query=QUERIES[0], tokens=tuple(tokens), pieces=pieces, ended=True)
    [[expected]] = local.score([answer], [TERSE])
    assert expected.rank[-1] > 20
    for abilities in (ABILITIES, ECHO):
        with _serving(abilities=abilities) as url:
            [[scores]] = _scorer(url).score([answer], [TERSE])
        exact = "prompt_logprobs" in abilities
        ranks = [rank if exact or rank <= 20 else 0 for rank in expected.rank.tolist()]
        assert scores.rank.tolist() == ranks
        np.testing.assert_allclose(scores.probability, expected.probability, rtol=0, atol=1e-9)
        assert np.isnan(scores.aligned_probability).all()
        assert (scores.aligned_top.ids == -1).all()
        assert scores.usage.completion_tokens == 2


def test_an_aligned_model_that_does_not_answer_greedily_is_found_out() -> None:
    class Penalised(Changed):
        def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
            return super().__call__(path, {**body, "repetition_penalty": 2.0} if "messages" in body else body)

    with listening(Penalised()) as url:
        scorer = _scorer(url)
        with pytest.raises(
            InputError, match=r"does not answer .* greedily: it writes .* is more probable; start its server"
        ):
            scorer.answer(QUERIES, max_tokens=LONGEST)


def test_a_query_that_is_refused_has_no_tokens() -> None:
    def refuse(choice: dict[str, Any]) -> None:
        if choice["message"]["content"] == _local()[0][0].text:
            choice |= {"message": {"content": None, "refusal": "No."}, "logprobs": None}

    with listening(Changed(_chat_only(refuse))) as url:
        scorer = _scorer(url)
        answers = scorer.answer(QUERIES[:2], max_tokens=LONGEST)
        [scores] = scorer.score(answers, CONTEXTS[:1])
    assert (answers[0].tokens, answers[0].ended) == ((), False)
    assert scores[0].rank.shape == (0,)
    assert scores[0].top.ids.shape == (0, 20)
    assert len(scores[1].rank) == len(answers[1].tokens) + answers[1].ended


def _saying(text: str) -> Change:
    """An aligned model that says `text`, each token with probability 1/2, as vLLM tells them."""
    base, _ = _pair()
    (tokens,) = base.tokens([text], special=False)
    names = [str(base.tokenizer.decode([token])) for token in tokens]

    def say(choice: dict[str, Any]) -> None:
        told = [
            {"token": name, "logprob": np.log(0.5), "bytes": list(name.encode()), "top_logprobs": []} for name in names
        ]
        choice |= {"message": {"content": text}, "logprobs": {"content": told}, "finish_reason": "length"}

    return _chat_only(say)


def test_tokens_told_without_their_space_are_told_apart_by_the_text() -> None:
    """As some versions of vLLM tell those of SentencePiece."""
    answers, expected, _ = _local()

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
        scorer = _scorer(url)
        mine = scorer.answer(QUERIES, max_tokens=LONGEST)
        [scores] = scorer.score(mine, CONTEXTS[:1])
    assert [answer.pieces for answer in mine] == [answer.pieces for answer in answers]
    for own, local in zip(scores, expected[0], strict=True):
        told = own.rank > 0
        assert own.rank[told].tolist() == local.rank[told].tolist()
        assert told.mean() > 0.95  # but a blank that is a token of its own
        for ids in (*own.top.ids.tolist(), *own.aligned_top.ids.tolist()):
            assert len(set(ids)) == len(ids)


def test_the_command_line_over_servers(run: Run, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="install pyarrow to test Parquet files")
    with serving(base=models.open_base(""), aligned=models.open_aligned("")) as url:
        models_there = ("--base", "openai:nano", "--base-url", url, "--aligned", "openai-chat:nano-aligned")
        settings = ("--aligned-url", url, "--sample", 2, "--max-tokens", 30, "--parquet", tmp_path / "t.parquet")
        out, _ = run("shift", *models_there, *settings, "--json")
        shown, _ = run("shift", *models_there, *settings)
    told = json.loads(out)["contexts"]["zero-shot"]
    assert told["positions"] == 60
    assert sum(told[name]["mean"] for name in ("unshifted", "marginal", "shifted")) == pytest.approx(1)
    assert told["kl_base_aligned"] is None
    here = json.loads(run("shift", "--sample", 2, "--max-tokens", 30, "--json")[0])["contexts"]["zero-shot"]
    for divergence in ("kl_base_aligned", "kl_aligned_base"):
        assert here[f"{divergence}_least"] is None
        assert 0.9 < told[f"{divergence}_least"]["mean"] / here[divergence]["mean"] <= 1
    assert re.search(r"KL\(base \|\| aligned\), nats +│ +≥ 0\.\d{3} \[", shown)
    rows = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert len(rows) == 2 * 60
    for row in rows:
        assert row["kl_base_aligned"] is None
        assert row["kl_base_aligned_least"] >= 0
        assert row["kl_aligned_base_least"] >= 0


def test_pieces_of_characters_are_absent_and_joined() -> None:
    _, _, local = _local()
    base, _ = _pair()
    text = "The capital of 東京 is naïve. It is a big city in the east of the country, I hope."
    (tokens,) = base.tokens([text], special=False)
    pieces = tuple(base.answer_text.pieces(tokens))
    answer = AlignedAnswer(query=QUERIES[0], tokens=tuple(tokens), pieces=pieces, ended=False)
    [[expected]] = local.score([answer], [TERSE])
    with listening(Changed(_saying(text))) as url:
        scorer = _scorer(url)
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


def test_a_server_that_lists_nothing_else_is_refused_in_its_words() -> None:
    def refuse(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Refused(400, "logprobs are not supported; use another model")

    with (
        listening(refuse) as url,
        pytest.raises(InputError, match=r"\(400 logprobs are not supported; use another model\)"),
    ):
        _scorer(url)
