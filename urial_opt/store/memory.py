"""The memory: completions and judgments, found again and kept, each call in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from urial_opt.prompt import UrialPrompt
from urial_opt.records import Completion, Judgment, Preference, ProbeKey, ProbeShift, Query, Sampling, Usage
from urial_opt.store import paid_work, preferences, shifts
from urial_opt.store.connection import Connection
from urial_opt.token_scores import AlignedAnswer


class DatabaseMemory:
    """Remembers what was paid for in a database. Methods raise StoreError where it cannot be read or written."""

    def __init__(self, database: Connection) -> None:
        self._database = database

    def find_completions(self, generator: str, sampling: Sampling, texts: Sequence[str]) -> list[Completion | None]:
        """What `generator` wrote after each whole rendered prompt, in the order given; None where it was not asked."""
        with self._database.reading() as connection:
            return paid_work.find_completions(connection, generator, sampling, texts)

    def add_completions(
        self, generator: str, sampling: Sampling, texts: Sequence[str], completions: Sequence[Completion]
    ) -> None:
        """Keep what `generator` wrote after each whole rendered prompt; what is known already stands."""
        with self._database.writing() as connection:
            written = dict(zip(texts, completions, strict=True))
            paid_work.insert_completions(connection, generator, sampling, written)
            self._count(connection, generator, [completion.usage for completion in completions])

    def find_judgments(
        self, judge: str, queries: Sequence[Query], completions: Sequence[Completion]
    ) -> list[Judgment | None]:
        """The verdict of `judge` on each pair, in the order given; None where it was not asked."""
        if len(queries) != len(completions):
            raise ValueError("queries and completions must run in parallel")
        with self._database.reading() as connection:
            return paid_work.find_judgments(connection, judge, queries, completions)

    def add_judgments(
        self, judgments: Sequence[Judgment], queries: Sequence[Query], completions: Sequence[Completion]
    ) -> None:
        """Keep the verdicts on pairs of query and completion; what is known already stands."""
        with self._database.writing() as connection:
            paid_work.insert_judgments(connection, judgments, queries, completions)
            for judge in {judgment.judge for judgment in judgments}:
                self._count(connection, judge, [each.usage for each in judgments if each.judge == judge])

    def find_preferences(
        self, judge: str, queries: Sequence[Query], firsts: Sequence[Completion], seconds: Sequence[Completion]
    ) -> list[Preference | None]:
        """What `judge` prefers of each two answers, in the order given; None where it was not asked."""
        with self._database.reading() as connection:
            return preferences.find_preferences(connection, judge, queries, firsts, seconds)

    def add_preferences(
        self,
        preferred: Sequence[Preference],
        queries: Sequence[Query],
        firsts: Sequence[Completion],
        seconds: Sequence[Completion],
    ) -> None:
        """Keep the preferences; what is known already stands."""
        with self._database.writing() as connection:
            preferences.insert_preferences(connection, preferred, queries, firsts, seconds)
            for judge in {each.judge for each in preferred}:
                self._count(connection, judge, [each.usage for each in preferred if each.judge == judge])

    def find_aligned_answers(self, probe: ProbeKey) -> list[AlignedAnswer | None]:
        """The aligned model's answer to each query of the probe, in the order given; None where it was not asked."""
        with self._database.reading() as connection:
            return shifts.find_aligned_answers(connection, probe)

    def add_aligned_answers(self, probe: ProbeKey, answers: Sequence[AlignedAnswer]) -> None:
        """Keep answers of the aligned model; what is known already stands."""
        with self._database.writing() as connection:
            shifts.insert_aligned_answers(connection, probe, answers)
            self._count(connection, probe.aligned, [answer.usage for answer in answers])

    def find_shifts(self, probe: ProbeKey, prompts: Sequence[UrialPrompt]) -> list[ProbeShift | None]:
        """The token shift under each prompt, in the order given; None where it was not measured."""
        with self._database.reading() as connection:
            return shifts.find_shifts(connection, probe, prompts)

    def add_shift(
        self,
        probe: ProbeKey,
        prompt: UrialPrompt,
        shift: ProbeShift,
        *,
        base: Sequence[Usage],
        aligned: Sequence[Usage],
    ) -> None:
        """Keep the token shift under a prompt, for which the models read so much of each answer."""
        with self._database.writing() as connection:
            shifts.insert_shift(connection, probe, prompt, shift)
            self._count(connection, probe.base, base)
            self._count(connection, probe.aligned, aligned)

    def _count(self, connection: sa.Connection, identity: str, usages: Sequence[Usage]) -> None:
        """Write down what was paid to a model or judge, in the transaction that keeps its answers."""
