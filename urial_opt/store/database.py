"""The store: every paid completion and judgment, every trial, in one database beside Optuna's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType

from sqlalchemy import Engine

from urial_opt.records import Candidate, Completion, Estimate, Evaluation, Judgment, Query, Sampling, Split, TrialRecord
from urial_opt.store import paid_work, searches, trials
from urial_opt.store.connection import Connection
from urial_opt.store.entries import RankedTrial, SearchRecord, SearchSummary, StoredResult
from urial_opt.store.opening import open_tables
from urial_opt.store.spending import Account


class Store:
    """A database that remembers searches. Use as a context manager, or `close` it.

    Each method is one transaction: when it returns, what it wrote survives the death of the process. Methods raise
    StoreError where the database cannot be read or written, UnknownNameError for a search that is not there.
    """

    def __init__(self, database: Connection) -> None:
        self._database = database

    @classmethod
    def open(cls, url_or_path: str, *, create: bool = True, wait_seconds: float = 10.0) -> Store:
        """The store in a SQLite file, or at a `postgresql+psycopg://` URL.

        `create`: make the file where there is none, instead of a StoreError.
        `wait_seconds`: how long to wait for a database that another process has locked.
        """
        database = Connection(url_or_path, wait_seconds=wait_seconds)
        try:
            if not create:
                database.refuse_to_create()
            open_tables(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    @property
    def url(self) -> str:
        """The database's URL, password included: Optuna's storage opens the same one."""
        return self._database.url

    @property
    def name(self) -> str:
        """The database as people may see it: a path, or a URL without its password."""
        return self._database.name

    def tune(self, engine: Engine) -> None:
        """Let Optuna's engine on this database commit as cheaply as the store: it writes once for each parameter."""
        self._database.tune(engine)

    def account(self, search: str) -> Account:
        """Reads and keeps completions and judgments as the store does, and counts what the search pays for them."""
        return Account(self._database, search)

    def open_search(self, name: str, settings: Mapping[str, object]) -> SearchRecord:
        """Create a search, or resume it. StoreError if it was begun with other settings; the message lists them."""
        with self._database.writing() as connection:
            return searches.open_search(connection, name, settings)

    def search(self, name: str) -> SearchRecord:
        with self._database.reading() as connection:
            return searches.read_search(connection, name)

    def searches(self) -> list[SearchSummary]:
        """Every search, the oldest first."""
        with self._database.reading() as connection:
            return searches.list_searches(connection)

    def finish(self, search: str, summary: Mapping[str, object]) -> None:
        """Mark a search as finished and keep its final JSON object."""
        with self._database.writing() as connection:
            searches.finish_search(connection, search, summary)

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

    def add_trial(self, search: str, trial: TrialRecord, evaluation: Evaluation) -> None:
        """Record a trial, all or nothing. The same again is no error; another one of its number is a StoreError."""
        with self._database.writing() as connection:
            trials.insert_trial(connection, search, trial, evaluation)

    def trials(self, search: str) -> list[TrialRecord]:
        """All trials of a search, by number."""
        with self._database.reading() as connection:
            return trials.read_trials(connection, search)

    def set_estimates(self, search: str, estimates: Mapping[int, Estimate]) -> None:
        """Replace the shrunken scores of these trials, by number."""
        with self._database.writing() as connection:
            trials.write_estimates(connection, search, estimates)

    def best(self, search: str, count: int) -> list[RankedTrial]:
        """At most `count` of the trials that have an estimate, the highest first."""
        with self._database.reading() as connection:
            return trials.best_trials(connection, search, count)

    def evaluation(self, search: str, number: int) -> Evaluation:
        """What one trial asked, was answered, and how that was judged. UnknownNameError if there is no such trial."""
        with self._database.reading() as connection:
            return trials.read_evaluation(connection, search, number)

    def add_result(
        self, search: str, role: str, split: Split, candidate: Candidate | None, evaluation: Evaluation
    ) -> None:
        """Record a measurement outside the trials; the first of a candidate in its role and split stands."""
        result = StoredResult(role=role, split=split, candidate=candidate, evaluation=evaluation)
        with self._database.writing() as connection:
            trials.insert_result(connection, search, result)

    def results(self, search: str) -> list[StoredResult]:
        """All measurements outside the trials, in the order of recording."""
        with self._database.reading() as connection:
            return trials.read_results(connection, search)
