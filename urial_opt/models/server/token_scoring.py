"""Token scoring by two models behind servers, from the log-probabilities of an answer and of a prompt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, nan

import numpy as np

from urial_opt.errors import InputError
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.models.server.logprob_requests import AnsweringServer, ReadingServer
from urial_opt.models.server.token_logprobs import (
    UNREADABLE,
    AnswerLogprobs,
    PromptLogprobs,
    Span,
    TokenLogprob,
    TopLogprobs,
    is_readable,
    least_divergence,
)
from urial_opt.prompt import PLAIN_FENCE, UrialPrompt
from urial_opt.records import Usage
from urial_opt.token_scores import AlignedAnswer, TokenScores, TopTokens

_DIFFERENT = 0.05
"""Share of an answer's tokens that the base model may split differently: a model does not always write the tokens
into which a tokenizer splits the text."""
_FEW = 2


class ServerTokenScorer:
    """Two models behind servers as a `protocols.TokenScorer`. Threads take turns.

    The aligned model's numbers come with its answer. The base model reads the answer's text after the context. Its
    numbers are absent where it splits the text into other tokens than were written, and at parts of characters, which
    have no text to compare. Ranks are exact if the server reports `prompt_logprobs`. Other servers list the most
    probable tokens; `rank` is 0 where the token is not listed or its rank among them is not certain. Divergences and
    entropies need the whole vocabulary, which no server reports: they are NaN. The scores hold lower
    bounds on the divergences instead.

    Servers report texts of tokens, so token ids are numbers of this scorer's own. Each token without a readable text,
    such as a part of a character, gets an id of its own.
    """

    def __init__(
        self, base: Endpoint, aligned: Endpoint, *, messages: Callable[[str], Sequence[Mapping[str, str]]]
    ) -> None:
        """`messages` gives the messages for a query to the aligned model. Sends a trial request to both servers.

        InputError if a server reports no log-probabilities, or if the two tokenizers differ; AdapterError as
        `Endpoint.complete`.
        """
        self._turn = threading.Lock()
        self._ids = _TokenIds()
        self._answers: dict[tuple[str, str], AnswerLogprobs] = {}
        self._aligned = AnsweringServer(aligned, messages)
        sample = self._aligned.sample
        self._base = ReadingServer(base, sample=sample.text)
        self._check_tokenizer([_tokens_of(self._base.sample, sample, self._base.start)], [sample])

    def answer(self, queries: Sequence[str], *, max_tokens: int) -> list[AlignedAnswer]:
        """As `protocols.TokenScorer`.

        AdapterError as `Endpoint.chat`; InputError if the server does not answer greedily. The answer to a refused
        query has no tokens and is not ended.
        """
        with self._turn:
            written = self._aligned.answer(queries, max_tokens=max_tokens)
            return [self._kept(query, each) for query, each in zip(queries, written, strict=True)]

    def _kept(self, query: str, written: AnswerLogprobs) -> AlignedAnswer:
        self._answers[query, written.text] = written
        tokens = tuple(self._ids.number(token.text) for token in written.tokens)
        pieces = tuple(written.text[start:end] for start, end in written.spans)
        return AlignedAnswer(query=query, tokens=tokens, pieces=pieces, ended=written.ended, usage=written.usage)

    def texts(self, ids: Sequence[int]) -> list[str]:
        """As `protocols.TokenScorer`."""
        return [self._ids.texts[token] for token in ids]

    def score(self, answers: Sequence[AlignedAnswer], contexts: Sequence[UrialPrompt]) -> list[list[TokenScores]]:
        """As `protocols.TokenScorer`.

        AdapterError as `Endpoint.complete`; InputError if the tokenizers turn out to differ. For an answer of another
        scorer the aligned model is asked again; if its answer differs now, its numbers are NaN.
        """
        with self._turn:
            return self._scored(answers, contexts)

    def _scored(self, answers: Sequence[AlignedAnswer], contexts: Sequence[UrialPrompt]) -> list[list[TokenScores]]:
        written, usages = self._recall(answers)
        scored = []
        for place, context in enumerate(contexts):
            prompts = [context.render(answer.query) for answer in answers]
            whole = [prompt + answer.text for prompt, answer in zip(prompts, written, strict=True)]
            read = self._base.read(whole, [len(prompt) for prompt in prompts])
            tokens = [
                _tokens_of(reading, answer, len(prompt))
                for reading, answer, prompt in zip(read, written, prompts, strict=True)
            ]
            self._check_tokenizer(tokens, written)
            ends = self._read_ends(whole, written, read)
            scored.append(
                [
                    self._scores(row, answer, end, reading.usage, Usage() if place else usage)
                    for row, answer, end, reading, usage in zip(tokens, written, ends, read, usages, strict=True)
                ]
            )
        return scored

    def _recall(self, answers: Sequence[AlignedAnswer]) -> tuple[list[AnswerLogprobs], list[Usage]]:
        """The aligned model's log-probabilities for these answers, and the usage of requests that were repeated."""
        usages = [Usage()] * len(answers)
        for row, answer in enumerate(answers):
            if (answer.query, answer.text) not in self._answers:
                wanted = len(answer.tokens) + answer.ended
                (reply,) = self._aligned.answer([answer.query], max_tokens=max(1, wanted))
                usages[row] = reply.usage
                self._answers[answer.query, answer.text] = reply if reply.text == answer.text else _unscored(answer)
        return [self._answers[answer.query, answer.text] for answer in answers], usages

    def _read_ends(
        self, whole: Sequence[str], written: Sequence[AnswerLogprobs], read: Sequence[PromptLogprobs]
    ) -> list[_AnswerEnd]:
        """The base model's log-probability of the token with which it would end each answer.

        That token is usually among the most probable tokens after the prompt. Where it is not listed, another request
        appends it to the prompt; that fails if it merges with the last token of the answer.
        """
        ending = self._base.ending
        if ending is None:
            return [_AnswerEnd(top=reading.after, token=TokenLogprob(text="")) for reading in read]
        ends = []
        for reading in read:
            token = TokenLogprob(
                text=ending, logprob=reading.after.logprob_of(ending), rank=reading.after.rank_of(ending)
            )
            ends.append(_AnswerEnd(top=reading.after, token=token))
        unknown = [row for row, answer in enumerate(written) if answer.ended and not ends[row].token.rank]
        starts = [len(whole[row]) for row in unknown]
        again = self._base.read([f"{whole[row]}\n{PLAIN_FENCE}" for row in unknown], starts)
        for row, start, reading in zip(unknown, starts, again, strict=True):
            for span, token in reading.placed():
                if span[0] == start and token.text == ending:
                    ends[row] = _AnswerEnd(top=ends[row].top, token=token, usage=reading.usage)
        return ends

    def _check_tokenizer(
        self, tokens: Sequence[Sequence[TokenLogprob | None]], written: Sequence[AnswerLogprobs]
    ) -> None:
        """InputError if the base model splits answers into other tokens; parts of characters do not count."""
        readable = [
            base
            for row, answer in zip(tokens, written, strict=True)
            for base, token in zip(row, answer.tokens, strict=True)
            if is_readable(token.text)
        ]
        different = readable.count(None)
        if different > max(_FEW, _DIFFERENT * len(readable)):
            names = f"{self._base.endpoint.name!r} and {self._aligned.endpoint.name!r}"
            raise InputError(
                f"{names} have different tokenizers ({different} of {len(readable)} tokens of answers are split "
                "differently), so their tokens cannot be compared; give the aligned model that was tuned from this "
                "base model"
            )

    def _scores(
        self,
        base: Sequence[TokenLogprob | None],
        answer: AnswerLogprobs,
        end: _AnswerEnd,
        usage: Usage,
        aligned_usage: Usage,
    ) -> TokenScores:
        ours = [*(token or TokenLogprob(text="") for token in base), *[end.token] * answer.ended]
        theirs = [*answer.tokens, *[answer.end] * answer.ended]
        tops = [*(token.top for token in ours[: len(base)]), *[end.top] * answer.ended]
        top = self._listed_tokens(tops, self._base.listed)
        aligned_top = self._listed_tokens([token.top for token in theirs], self._aligned.listed)
        least = [_least(ours[place], theirs[place]) if place < len(base) else (nan, nan) for place in range(len(ours))]
        unknown = np.full(len(ours), nan)
        return TokenScores(
            rank=np.array([token.rank for token in ours], dtype=np.int64),
            probability=_probabilities(ours),
            aligned_probability=_probabilities(theirs),
            kl_base_aligned=unknown,
            kl_aligned_base=unknown.copy(),
            entropy=unknown.copy(),
            aligned_entropy=unknown.copy(),
            top=top,
            aligned_top=aligned_top,
            kl_base_aligned_least=np.array([each[0] for each in least], dtype=np.float64),
            kl_aligned_base_least=np.array([each[1] for each in least], dtype=np.float64),
            usage=usage + end.usage,
            aligned_usage=aligned_usage,
        )

    def _listed_tokens(self, lists: Sequence[TopLogprobs], width: int) -> TopTokens:
        ids = np.full((len(lists), width), -1, dtype=np.int64)
        probabilities = np.full((len(lists), width), nan)
        for place, top in enumerate(lists):
            numbers = self._ids.numbers([text for text, _ in top.entries[:width]])
            ids[place, : len(numbers)] = numbers
            probabilities[place, : len(numbers)] = [exp(logprob) for _, logprob in top.entries[:width]]
        return TopTokens(ids=ids, probabilities=probabilities)


@dataclass(frozen=True, slots=True, kw_only=True)
class _AnswerEnd:
    """The base model's prediction where an answer has ended."""

    top: TopLogprobs
    token: TokenLogprob
    """The token with which it would end the answer."""
    usage: Usage = field(default_factory=Usage)


class _TokenIds:
    """Ids of tokens, by their text."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._known: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The id of a token; a new one each time for a token that its text does not identify."""
        if text not in self._known or not is_readable(text):
            self._known[text] = len(self.texts)
            self.texts.append(text or UNREADABLE)
        return self._known[text]

    def numbers(self, texts: Sequence[str]) -> list[int]:
        """The ids of different tokens; a text that two of them share identifies neither."""
        return [self.number(text if texts.count(text) == 1 else "") for text in texts]


def _tokens_of(reading: PromptLogprobs, answer: AnswerLogprobs, start: int) -> list[TokenLogprob | None]:
    """The base model's token for each token of an answer that begins at `start`; None where the two differ."""
    by_span: dict[Span, TokenLogprob] = {span: token for span, token in reading.placed() if span[0] < span[1]}
    found = []
    for (begin, end), token in zip(answer.spans, answer.tokens, strict=True):
        base = by_span.get((start + begin, start + end))
        same = base is not None and base.text == token.text and is_readable(token.text)
        found.append(base if same else None)
    return found


def _unscored(answer: AlignedAnswer) -> AnswerLogprobs:
    """An answer without log-probabilities."""
    spans, begin = [], 0
    for piece in answer.pieces:
        spans.append((begin, begin + len(piece)))
        begin += len(piece)
    tokens = tuple(TokenLogprob(text=piece) for piece in answer.pieces)
    end = TokenLogprob(text="")
    return AnswerLogprobs(
        text=answer.text, tokens=tokens, spans=tuple(spans), ended=answer.ended, end=end, usage=Usage()
    )


def _probabilities(tokens: Sequence[TokenLogprob]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.exp(np.array([token.logprob for token in tokens], dtype=np.float64))


def _least(base: TokenLogprob, aligned: TokenLogprob) -> tuple[float, float]:
    """Lower bounds on KL(base || aligned) and KL(aligned || base), in nats; NaN if no token is known in both."""
    ours, theirs = (_known(token) for token in (base, aligned))
    common = [(exp(ours[text]), exp(theirs[text])) for text in ours.keys() & theirs.keys()]
    if not common:
        return nan, nan
    return least_divergence(common), least_divergence([(q, p) for p, q in common])


def _known(token: TokenLogprob) -> dict[str, float]:
    """Log-probabilities at a token's place, by text, of the tokens that their texts identify."""
    texts = [text for text, _ in token.top.entries]
    known = {text: logprob for text, logprob in token.top.entries if texts.count(text) == 1 and is_readable(text)}
    if is_readable(token.text) and texts.count(token.text) == 0 and token.logprob == token.logprob:
        known[token.text] = token.logprob
    return known
