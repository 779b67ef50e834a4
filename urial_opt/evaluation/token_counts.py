"""Token counts: how many tokens a prompt has before the query, and how many were written for each answer under it.

A base model that counts tokens (`protocols.TokenCounter`) says how long a prompt is before anything is asked. Of
others it is known from what they billed: the part of a prompt's characters that stands before the query has the same
part of its tokens. Where nothing is known, four characters are taken for a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from urial_opt.memory import Memory
from urial_opt.prompt import UrialPrompt
from urial_opt.protocols import ChatGenerator, Generator, TokenCounter
from urial_opt.records import Candidate, Completion, Evaluation, Query, Sampling

CHARACTERS_OF_A_TOKEN = 4.0
"""The estimate where a model neither counts tokens nor reports them."""


def prompt_length(prompt: UrialPrompt, base: Generator, *, characters: float = CHARACTERS_OF_A_TOKEN) -> int:
    """Tokens before the query, as `base` counts them; of one that does not count, at so many characters a token."""
    known = known_length(prompt, base)
    return ceil(len(prompt.prefix) / characters) if known is None else known


def known_length(prompt: UrialPrompt, base: Generator) -> int | None:
    """Tokens before the query, as `base` counts them; None if it does not count."""
    return base.count_tokens(prompt.prefix) if isinstance(base, TokenCounter) else None


def billed(
    memory: Memory, identity: str, candidate: Candidate, queries: Sequence[Query]
) -> list[tuple[str, Completion | None]]:
    """The text that was sent for each query, and the completion as it was paid for; None if that is not stored."""
    texts = [candidate.prompt.render(query.text) for query in queries]
    return list(zip(texts, memory.find_completions(identity, candidate.sampling, texts), strict=True))


def characters_of_a_token(sent: Sequence[tuple[str, Completion | None]]) -> float:
    """Characters for each token of prompts that were billed; an estimate if no bill says how many tokens they have."""
    known = [(len(text), tokens_read(paid)) for text, paid in sent if paid and tokens_read(paid)]
    tokens = sum(number for _, number in known)
    return sum(length for length, _ in known) / tokens if tokens else CHARACTERS_OF_A_TOKEN


def tokens_read(paid: Completion) -> int:
    """Tokens of a whole prompt, with those that a cache saved; 0 if the model did not report them."""
    return paid.usage.prompt_tokens + paid.usage.saved_tokens


def counted(evaluation: Evaluation, candidate: Candidate, base: Generator, memory: Memory) -> Evaluation:
    """The evaluation with the tokens of its prompt and of its answers."""
    sent = billed(memory, base.identity, candidate, evaluation.queries)
    return replace(
        evaluation,
        prompt_tokens=prompt_length(candidate.prompt, base, characters=characters_of_a_token(sent)),
        answer_tokens=answer_lengths(evaluation.completions, [paid for _, paid in sent], base),
    )


def counted_aligned(evaluation: Evaluation, aligned: ChatGenerator, sampling: Sampling, memory: Memory) -> Evaluation:
    """The evaluation of an aligned model, which has no prompt of ours, with the tokens of its answers."""
    paid = memory.find_completions(aligned.identity, sampling, [query.text for query in evaluation.queries])
    return replace(evaluation, answer_tokens=answer_lengths(evaluation.completions, paid, aligned))


def answer_lengths(
    given: Sequence[Completion], paid: Sequence[Completion | None], model: object = None
) -> tuple[int, ...]:
    """Tokens of each answer: as paid for, else as the model counts them, else as reported, else estimated."""
    return tuple(_length(answer, stored, model) for answer, stored in zip(given, paid, strict=True))


def _length(answer: Completion, stored: Completion | None, model: object) -> int:
    if stored is not None and stored.usage.completion_tokens:
        return stored.usage.completion_tokens
    if isinstance(model, TokenCounter):
        return model.count_tokens(answer.text) - model.count_tokens("")
    return answer.usage.completion_tokens or ceil(len(answer.text) / CHARACTERS_OF_A_TOKEN)
