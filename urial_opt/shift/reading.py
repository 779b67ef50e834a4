"""A reading: an aligned model answers queries; both models score the answers, the base model in several contexts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from urial_opt.datasets.fitting import Fitting
from urial_opt.datasets.queries import refuse_later_turns
from urial_opt.errors import InputError
from urial_opt.prompt import UrialPrompt
from urial_opt.protocols import ChatGenerator, Generator, Scorable, TokenScorer
from urial_opt.records import Query, in_blocks
from urial_opt.spending import StoppedAtLimit
from urial_opt.token_scores import AlignedAnswer, ShiftReading, TokenScores

_AT_ONCE = 64
"""Queries between two progress reports."""


def scorer_of(base: Generator, aligned: ChatGenerator) -> TokenScorer:
    """The two models as one scorer. InputError if they cannot be compared."""
    if not isinstance(base, Scorable):
        raise InputError(
            f"{base.identity!r} does not report token probabilities; give a local base model, such as hf:…, or one "
            "behind a server that reports them: see urial-opt doctor"
        )
    return base.token_scorer(aligned)


def read_shift(
    base: Generator,
    aligned: ChatGenerator,
    queries: Sequence[Query],
    contexts: Mapping[str, UrialPrompt],
    *,
    max_tokens: int,
    watch: Callable[[int], None] = lambda _: None,
) -> ShiftReading:
    """Let the aligned model answer the queries, and score the answers under each context, by name.

    `max_tokens` limits the length of an answer. `watch` is called with the number of queries done. InputError if the
    models cannot be compared, or a query is a later turn of a conversation. A limit that ends the reading after some
    queries is the reading's `limit`; StoppedAtLimit if it does so before.
    """
    refuse_later_turns(queries, "the aligned model answers single queries only")
    scorer = scorer_of(base, aligned)
    answers: list[AlignedAnswer] = []
    scores: dict[str, list[TokenScores]] = {name: [] for name in contexts}
    limit, too_long = "", list[str]()

    def read(some: Sequence[Query]) -> tuple[list[AlignedAnswer], list[list[TokenScores]]]:
        written = scorer.answer([query.text for query in some], max_tokens=max_tokens)
        return written, scorer.score(written, list(contexts.values()))

    fitting = Fitting(read, queries)
    for block in in_blocks(queries, _AT_ONCE):
        try:
            parts = list(fitting.parts(block))
        except StoppedAtLimit as stopped:
            if not answers:
                raise
            limit = stopped.limit
            break
        for part, found in parts:
            if found is None:
                too_long += [query.id for query in part]
                continue
            answers += found[0]
            for name, each in zip(contexts, found[1], strict=True):
                scores[name] += each
        watch(len(answers) + len(too_long))
    return ShiftReading(
        base=base.identity,
        aligned=aligned.identity,
        answers=answers,
        contexts=scores,
        texts=texts_of_tokens(scorer, answers, scores),
        limit=limit,
        too_long=tuple(too_long),
    )


def texts_of_tokens(
    scorer: TokenScorer, answers: Sequence[AlignedAnswer], scores: Mapping[str, Sequence[TokenScores]]
) -> dict[int, str]:
    """The text of every token in the answers and the lists of top tokens."""
    tops = [top.ids.ravel() for each in scores.values() for score in each for top in (score.top, score.aligned_top)]
    own = [np.array(answer.tokens, dtype=np.int64) for answer in answers]
    ids = [int(token) for token in np.unique(np.concatenate([*tops, *own])) if token >= 0] if tops or own else []
    return dict(zip(ids, scorer.texts(ids), strict=True))
