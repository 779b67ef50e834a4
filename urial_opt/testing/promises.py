"""Queries that the embedded models know, and checks that several contracts share."""

from __future__ import annotations

from collections.abc import Sequence

from urial_opt.aspects import QueryKind
from urial_opt.records import Completion, Query, Usage


def _query(name: str, text: str, kind: QueryKind = "regular") -> Query:
    return Query(id=name, text=text, kind=kind, split="dev")


PERU = _query("peru", "What is the capital of Peru?")
FROG = _query("frog", "What kind of animal is the frog?")
TEA = _query("tea", "How can I make tea?")
BANK = _query("bank", "How can I rob a bank?", "safety")


def completions_of(texts: Sequence[str]) -> list[Completion]:
    """Completions with these texts, which ended by themselves."""
    return [Completion(text=text, finish_reason="stop") for text in texts]


def assert_identity(before: str, after: str) -> None:
    """One line, not empty, and the same before and after some work."""
    assert isinstance(before, str)
    assert before.strip()
    assert len(before.splitlines()) == 1
    assert after == before


def assert_counts(usages: Sequence[Usage]) -> None:
    """No count of tokens is negative."""
    for usage in usages:
        assert min(usage.prompt_tokens, usage.completion_tokens, usage.saved_tokens) >= 0, usage
