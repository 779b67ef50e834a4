"""Counting: a memory through which is seen what was newly paid for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from urial_opt.memory import PairMemory
from urial_opt.records import Completion, Judgment, Preference, Query, Role, Sampling, Usage
from urial_opt.spending import Spent


class Counted:
    """A memory of what a base model answers and a judge says; what it had already costs nothing and is not counted."""

    def __init__(self, memory: PairMemory) -> None:
        self._memory = memory
        self.spent = {Role.BASE: Spent(), Role.JUDGE: Spent()}

    def find_completions(self, generator: str, sampling: Sampling, texts: Sequence[str]) -> list[Completion | None]:
        return self._memory.find_completions(generator, sampling, texts)

    def add_completions(
        self, generator: str, sampling: Sampling, texts: Sequence[str], completions: Sequence[Completion]
    ) -> None:
        self._memory.add_completions(generator, sampling, texts, completions)
        self._count(Role.BASE, (completion.usage for completion in completions))

    def find_judgments(
        self, judge: str, queries: Sequence[Query], completions: Sequence[Completion]
    ) -> list[Judgment | None]:
        return self._memory.find_judgments(judge, queries, completions)

    def add_judgments(
        self, judgments: Sequence[Judgment], queries: Sequence[Query], completions: Sequence[Completion]
    ) -> None:
        self._memory.add_judgments(judgments, queries, completions)
        self._count(Role.JUDGE, (judgment.usage for judgment in judgments))

    def find_preferences(
        self, judge: str, queries: Sequence[Query], firsts: Sequence[Completion], seconds: Sequence[Completion]
    ) -> list[Preference | None]:
        return self._memory.find_preferences(judge, queries, firsts, seconds)

    def add_preferences(
        self,
        preferred: Sequence[Preference],
        queries: Sequence[Query],
        firsts: Sequence[Completion],
        seconds: Sequence[Completion],
    ) -> None:
        self._memory.add_preferences(preferred, queries, firsts, seconds)
        self._count(Role.JUDGE, (preference.usage for preference in preferred))

    def _count(self, role: Role, usages: Iterable[Usage]) -> None:
        self.spent[role] = sum((Spent(calls=1, usage=usage) for usage in usages), self.spent[role])
