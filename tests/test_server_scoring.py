"""Tests of token scoring by two servers: its numbers equal those of the same two models scored here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.command_line import Run
from tests.nano_pair import (
    CONTEXTS,
    ECHO,
    LONGEST,
    QUERIES,
    VOCABULARY,
    Changed,
    assert_as_here,
    scored_here,
    scorer_at,
    serving_pair,
)
from urial_opt.models.server.generator import open_aligned, open_base
from urial_opt.models.server.token_logprobs import least_divergence
from urial_opt.nano import models
from urial_opt.nano.faults import Fault, Faults
from urial_opt.nano.json_server import listening
from urial_opt.nano.logprobs import ABILITIES, Ability
from urial_opt.nano.server import serving
from urial_opt.records import Usage

pytestmark = pytest.mark.usefixtures("no_key")


@pytest.mark.parametrize("abilities", [ABILITIES, ECHO], ids=["prompt_logprobs", "echo"])
def test_equals_the_same_models_here(abilities: frozenset[Ability]) -> None:
    answers, expected, local = scored_here()
    with serving_pair(abilities=abilities) as url:
        scorer = scorer_at(url)
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
            assert_as_here(own, other, furthest=20 if abilities == ECHO else VOCABULARY)
            assert own.top.ids.shape == (len(own.rank), 20)
            for top, known in ((own.top, other.top), (own.aligned_top, other.aligned_top)):
                listed = top.ids >= 0
                assert listed.sum() > 0.98 * listed.size  # not those with the same text
                first = np.where(listed, known.probabilities[:, :20], np.nan)
                np.testing.assert_allclose(top.probabilities, first, rtol=0, atol=1e-9)
                assert scorer.texts(top.ids[listed].tolist()) == local.texts(known.ids[:, :20][listed].tolist())
    # The lower bounds on divergences hold, and are not far below.
    for name in ("kl_base_aligned", "kl_aligned_base"):
        exact = np.concatenate([getattr(each, name) for row in expected for each in row])
        least = np.concatenate([getattr(each, f"{name}_least") for row in scores for each in row])
        assert (np.isnan(exact) == np.isnan(least)).all()  # at the ends of turns
        assert np.nanmax(least - exact) < 1e-9
        assert np.nansum(least) > 0.7 * np.nansum(exact)
    # They include the token written, listed or not.
    for own, answer in zip(scores[0], mine, strict=True):
        told = zip(own.aligned_probability.tolist(), own.probability.tolist(), own.top.ids.tolist(), strict=True)
        for place, (aligned, base, ids) in enumerate(list(told)[: len(answer.tokens)]):
            assert own.kl_aligned_base_least is not None
            if answer.tokens[place] not in ids:
                assert own.kl_aligned_base_least[place] > least_divergence([(aligned, base)]) - 1e-9


def test_a_server_that_lists_fewer_is_asked_for_fewer() -> None:
    _, expected, _ = scored_here()
    for abilities in (ABILITIES, ECHO):
        server = Changed(abilities=abilities, most_listed=5)
        with listening(server) as url:
            scorer = scorer_at(url)
            tried = len(server.asked)
            scores = scorer.score(scorer.answer(QUERIES, max_tokens=LONGEST), CONTEXTS)
        furthest = 5 if abilities == ECHO else VOCABULARY
        for row, others in zip(scores, expected, strict=True):
            for own, other in zip(row, others, strict=True):
                assert_as_here(own, other, furthest=furthest)
                assert own.top.ids.shape == own.aligned_top.ids.shape == (len(own.rank), 5)
        asked = [
            body.get("prompt_logprobs") or body.get("top_logprobs") or body["logprobs"] for _, body in server.asked
        ]
        assert set(asked[tried:]) == {5}
        assert set(asked[:tried]) == {20, 10, 5}


def test_a_server_that_lists_fewer_tokens_than_requested_gives_as_many_ranks() -> None:
    _, expected, _ = scored_here()

    def cut(path: str, _: object, reply: dict[str, Any]) -> Mapping[str, Any]:
        if path == "/completions":
            told = reply["choices"][0]["logprobs"]
            for token, top in zip(told["tokens"], told["top_logprobs"], strict=True):
                for text in sorted(top or {}, key=lambda text: -top[text])[3:]:
                    if text != token:
                        del top[text]
        return reply

    with listening(Changed(cut, abilities=ECHO)) as url:
        scorer = scorer_at(url)
        scores = scorer.score(scorer.answer(QUERIES, max_tokens=LONGEST), CONTEXTS)
    for row, others in zip(scores, expected, strict=True):
        for own, other in zip(row, others, strict=True):
            assert_as_here(own, other, furthest=3)


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
def test_a_server_that_fails_often_gives_the_same_numbers(abilities: frozenset[Ability]) -> None:
    _, expected, _ = scored_here()
    kinds: list[Fault] = ["429", "500", "reset", "truncated", "length", "empty", "name"]
    faults = Faults(0.4, 3, kinds=kinds)
    with serving_pair(abilities=abilities, faults=faults) as url:
        scorer = scorer_at(url)
        scores = scorer.score(scorer.answer(QUERIES, max_tokens=LONGEST), CONTEXTS)
    assert sum(number for fault, number in faults.struck.items() if fault) >= 5
    exact = "prompt_logprobs" in abilities
    for row, others in zip(scores, expected, strict=True):
        for own, other in zip(row, others, strict=True):
            assert_as_here(own, other, furthest=VOCABULARY if exact else 20)


def test_an_answer_of_another_scorer_is_requested_again() -> None:
    answers, expected, _ = scored_here()
    server = Changed()
    with listening(server) as url:
        scorer = scorer_at(url)
        other = scorer_at(url).answer(QUERIES[:2], max_tokens=LONGEST)
        del server.asked[:]
        first, second = scorer.score(other, CONTEXTS[:2])
    for own, local in zip(first, expected[0], strict=False):
        assert_as_here(own, local)
    assert [path for path, _ in server.asked].count("/chat/completions") == 2
    assert first[0].aligned_usage.completion_tokens == len(answers[0].tokens) + answers[0].ended
    assert second[0].aligned_usage == Usage()
    assert first[0].usage.completion_tokens == 1


def test_the_command_line_over_servers(run: Run, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="install pyarrow to test Parquet files")
    with serving(base=models.open_base(""), aligned=models.open_aligned("")) as url:
        models_there = (
            "--space",
            "nano",
            "--base",
            "openai:nano",
            "--base-url",
            url,
            "--aligned",
            "openai-chat:nano-aligned",
        )
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
    assert re.search(r"KL\(base \|\| aligned\), nats +≥ 0\.\d{3} \[", shown)
    rows = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert len(rows) == 2 * 60
    for row in rows:
        assert row["kl_base_aligned"] is None
        assert row["kl_base_aligned_least"] >= 0
        assert row["kl_aligned_base_least"] >= 0
