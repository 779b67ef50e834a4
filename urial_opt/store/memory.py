"""The memory: paid completions, judgments, preferences and token shifts, looked up and stored."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import sqlalchemy as sa

from urial_opt.memory import Asking, AskingAgain
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Completion, Judgment, Preference, ProbeKey, ProbeShift, Query, QueryTags, Sampling, Usage
from urial_opt.store import paid_work, preferences, query_tags, shifts
from urial_opt.store.connection import Connection
from urial_opt.store.patience import all_patient
from urial_opt.token_scores import AlignedAnswer


@all_patient
class DatabaseMemory:
    """Paid work in a database. Each method is one transaction; StoreError if the database cannot be read or written.

    The `find_` methods return results in the order of their arguments, with None where nothing is stored. The `add_`
    methods leave what is stored already unchanged.
    """

    def __init__(self, database: Connection, *, again: AskingAgain | None = None) -> None:
        self._database = database
        self.again = again or AskingAgain()
        """Which missing verdicts are asked for again; the accounts of a store share it."""

    @property
    def asking(self) -> Asking:
        """What is being asked for by all that share the connection: `database.asking`."""
        return self._database.asking

    def settle(self) -> None:
        """As `memory.Memory`; see `spending.Account`."""

    def find_completions(self, generator: str, sampling: Sampling, texts: Sequence[str]) -> list[Completion | None]:
        """The completion by `generator` of each whole rendered prompt."""
        with self._database.reading() as connection:
            return paid_work.find_completions(connection, generator, sampling, texts)

    def add_completions(
        self, generator: str, sampling: Sampling, texts: Sequence[str], completions: Sequence[Completion]
    ) -> None:
        """Store the completion by `generator` of each whole rendered prompt."""
        with self._writing() as connection:
            written = dict(zip(texts, completions, strict=True))
            paid_work.insert_completions(connection, generator, sampling, written)
            self._count(connection, generator, [completion.usage for completion in completions])

    def find_judgments(
        self, judge: str, queries: Sequence[Query], completions: Sequence[Completion]
    ) -> list[Judgment | None]:
        """The verdict of `judge` on each pair of query and completion. ValueError if they differ in number."""
        if len(queries) != len(completions):
            raise ValueError("queries and completions must run in parallel")
        with self._database.reading() as connection:
            return paid_work.find_judgments(connection, judge, queries, completions)

    def add_judgments(
        self, judgments: Sequence[Judgment], queries: Sequence[Query], completions: Sequence[Completion]
    ) -> None:
        """Store the verdict on each pair of query and completion."""
        with self._writing() as connection:
            paid_work.insert_judgments(connection, judgments, queries, completions)
            for judge in {judgment.judge for judgment in judgments}:
                self._count(connection, judge, [each.usage for each in judgments if each.judge == judge])

    def find_preferences(
        self, judge: str, queries: Sequence[Query], firsts: Sequence[Completion], seconds: Sequence[Completion]
    ) -> list[Preference | None]:
        """Which answer `judge` prefers for each query, shown `firsts` and `seconds` in this order."""
        with self._database.reading() as connection:
            return preferences.find_preferences(connection, judge, queries, firsts, seconds)

    def add_preferences(
        self,
        preferred: Sequence[Preference],
        queries: Sequence[Query],
        firsts: Sequence[Completion],
        seconds: Sequence[Completion],
    ) -> None:
        """Store the preference between each two answers."""
        with self._writing() as connection:
            preferences.insert_preferences(connection, preferred, queries, firsts, seconds)
            for judge in {each.judge for each in preferred}:
                self._count(connection, judge, [each.usage for each in preferred if each.judge == judge])

    def find_tags(self, judge: str, queries: Sequence[Query]) -> list[QueryTags | None]:
        """How `judge` tags each query."""
        with self._database.reading() as connection:
            return query_tags.find_tags(connection, judge, queries)

    def add_tags(self, tagged: Sequence[QueryTags], queries: Sequence[Query]) -> None:
        """Store the tags of each query. Those that could not be read are counted and not stored."""
        with self._writing() as connection:
            query_tags.insert_tags(connection, tagged, queries)
            for judge in {each.judge for each in tagged}:
                self._count(connection, judge, [each.usage for each in tagged if each.judge == judge])

    def find_aligned_answers(self, probe: ProbeKey) -> list[AlignedAnswer | None]:
        """The aligned model's answer to each query of the probe."""
        with self._database.reading() as connection:
            return shifts.find_aligned_answers(connection, probe)

    def add_aligned_answers(self, probe: ProbeKey, answers: Sequence[AlignedAnswer]) -> None:
        """Store answers of the aligned model."""
        with self._writing() as connection:
            shifts.insert_aligned_answers(connection, probe, answers)
            self._count(connection, probe.aligned, [answer.usage for answer in answers])

    def find_shifts(self, probe: ProbeKey, prompts: Sequence[UrialPrompt]) -> list[ProbeShift | None]:
        """The token shift under each prompt."""
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
        """Store the token shift under a prompt; `base` and `aligned` are what the two models read for each answer."""
        with self._writing() as connection:
            shifts.insert_shift(connection, probe, prompt, shift)
            self._count(connection, probe.base, base)
            self._count(connection, probe.aligned, aligned)

    def _writing(self) -> AbstractContextManager[sa.Connection]:
        return self._database.writing()

    def _count(self, connection: sa.Connection, identity: str, usages: Sequence[Usage]) -> None:
        """Count what was paid to a model or judge; called in the transaction that stores its answers."""
