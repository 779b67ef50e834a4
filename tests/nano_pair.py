"""The embedded pair in double precision: scored here, behind a server, and behind one whose replies are changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
import torch

from tests.scripted_server import plainly
from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator
from urial_opt.models.server.generator import open_aligned, open_base
from urial_opt.nano import models
from urial_opt.nano.logprobs import Ability
from urial_opt.nano.server import EmbeddedModels, serving
from urial_opt.prompt import UrialPrompt
from urial_opt.protocols import Scorable, TokenScorer
from urial_opt.spaces.space_file import load_space
from urial_opt.token_scores import AlignedAnswer, TokenScores

SPACE = load_space("nano")
QUERIES = [SPACE.queries.split("validation")[number].text for number in (0, 74, 79)]
TERSE = UrialPrompt(system="answers are short. no lists.\n")
CONTEXTS = [UrialPrompt(), SPACE.hand_written.prompt]
LONGEST = 52
NOISE = 0.5
VOCABULARY = 2048
ECHO: frozenset[Ability] = frozenset({"logprobs", "echo"})


@cache
def pair() -> tuple[TransformersGenerator, TransformersChatGenerator]:
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
def scored_here() -> tuple[list[AlignedAnswer], list[list[TokenScores]], TokenScorer]:
    """Answers, scores and scorer of the same two models here."""
    base, aligned = pair()
    scorer: TokenScorer = base.token_scorer(aligned)
    answers = scorer.answer(QUERIES, max_tokens=LONGEST)
    assert {answer.ended for answer in answers} == {True, False}
    return answers, scorer.score(answers, CONTEXTS), scorer


def serving_pair(**options: Any) -> AbstractContextManager[str]:
    base, aligned = pair()
    return serving(base=base, aligned=aligned, **options)


def scorer_at(url: str) -> TokenScorer:
    base = open_base("nano", url=url)
    assert isinstance(base, Scorable)
    return base.token_scorer(open_aligned("nano-aligned", url=url))


Change = Callable[[str, Mapping[str, Any], dict[str, Any]], Mapping[str, Any]]


class Changed:
    """The embedded models' server with changed replies; records its requests."""

    def __init__(self, change: Change = lambda _, __, reply: reply, **options: Any) -> None:
        base, aligned = pair()
        self._models = EmbeddedModels(base=base, aligned=aligned, **options)
        self._change = change
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((path.removeprefix("/v1"), dict(plainly(body))))
        return self._change(path.removeprefix("/v1"), body, dict(self._models(path, body)))


def chat_only(change: Callable[[dict[str, Any]], object]) -> Change:
    """Changes the one choice of chat replies in place."""

    def apply(path: str, _: object, reply: dict[str, Any]) -> Mapping[str, Any]:
        if path == "/chat/completions":
            change(reply["choices"][0])
        return reply

    return apply


def assert_as_here(
    mine: TokenScores, local: TokenScores, *, furthest: int = VOCABULARY, end_reported: bool = True
) -> None:
    """Ranks up to `furthest`, and all probabilities, equal those of the local scorer; other ranks are absent.

    Ranks may also be absent in lists that lack a token, such as a part of a character, unless the token is probable.
    """
    far, known = local.rank > furthest, mine.rank > 0
    assert mine.rank[known].tolist() == local.rank[known].tolist()
    assert not (far & known).any()
    lacking = (mine.top.ids < 0).any(1) & (furthest < VOCABULARY)
    assert (far | lacking)[~known].all()
    assert known[lacking & (mine.probability > 0.5)].all()
    assert mine.rank.dtype == np.int64
    np.testing.assert_allclose(mine.probability, local.probability, rtol=0, atol=1e-9)
    ends = mine.aligned_probability[: None if end_reported else -1]
    np.testing.assert_allclose(ends, local.aligned_probability[: len(ends)], rtol=0, atol=1e-9)
    for name in ("kl_base_aligned", "kl_aligned_base", "entropy", "aligned_entropy"):
        assert np.isnan(getattr(mine, name)).all()
        assert getattr(mine, name).shape == local.rank.shape
