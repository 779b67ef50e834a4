"""The store: every paid completion and judgment and every trial, in one database beside Optuna's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType

from sqlalchemy import Engine

from urial_opt.aspects import AspectScores, Missing
from urial_opt.errors import InputError
from urial_opt.memory import Pace, Served
from urial_opt.prompt import UrialPrompt
from urial_opt.protocols import Paced
from urial_opt.records import (
    Candidate,
    Estimate,
    Evaluation,
    ProbeShift,
    Split,
    TrialRecord,
)
from urial_opt.spaces.lineage import Round
from urial_opt.spending import Spent
from urial_opt.store import changes, copying, paces, rounds, searches, served, shifts, trials
from urial_opt.store.changes import Removed
from urial_opt.store.connection import Connection
from urial_opt.store.copying import Copied
from urial_opt.store.entries import RankedTrial, SearchRecord, SearchSummary, StoredResult
from urial_opt.store.leases import Lease
from urial_opt.store.memory import DatabaseMemory
from urial_opt.store.opening import open_tables
from urial_opt.store.patience import all_patient
from urial_opt.store.spending import Account, read_bill
from urial_opt.store.workers import Worker


@all_patient
class Store(DatabaseMemory):
    """A database of searches. Use it as a context manager, or `close` it.

    Each method is one transaction: once it returns, what it wrote survives the death of the process. Methods raise
    StoreError if the database cannot be read or written, and UnknownNameError for an unknown search.
    """

    @classmethod
    def open(cls, url_or_path: str, *, create: bool = True, wait_seconds: float = 10.0) -> Store:
        """The store in a SQLite file, or at a `postgresql+psycopg://` URL. StoreError if it cannot be opened.

        `create`: create a missing file; otherwise a missing file is a StoreError.
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
        """The database's URL, with its password; Optuna's storage opens the same one."""
        return self._database.url

    @property
    def name(self) -> str:
        """The database as shown to people: a path, or a URL without its password."""
        return self._database.name

    def check_presence(self) -> None:
        """StoreError if the store's file was removed, moved or replaced since it was opened."""
        self._database.check_presence()

    def alone(self) -> AbstractContextManager[None]:
        """Let one process at a time do what Optuna does outside our transactions, such as creating its tables."""
        return self._database.alone()

    @property
    def connections_of_others(self) -> dict[str, int | bool]:
        """How many connections Optuna's engine may open, as arguments of `create_engine`."""
        return self._database.connections_of_others

    def tune(self, engine: Engine) -> None:
        """Give Optuna's engine the store's cheap commits: it commits once for each parameter of a trial."""
        self._database.tune(engine)

    def account(self, search: str | None = None, *, command: str | None = None) -> Account:
        """The store's memory of paid work, with a count of what is paid.

        `search` or `command`: add it to the total of that search, or of a command such as `tag`.
        """
        return Account(self._database, search=search, command=command, again=self.again)

    def bill(self) -> dict[str, dict[str, Spent]]:
        """What every account has spent, by its name and the identity of the model or judge."""
        with self._database.reading() as connection:
            return read_bill(connection)

    def open_search(self, name: str, settings: Mapping[str, object]) -> SearchRecord:
        """Create a search, or find it. StoreError if it was begun with other settings, which the message lists."""
        with self._database.writing() as connection:
            return searches.open_search(connection, name, settings)

    def search(self, name: str) -> SearchRecord:
        """Settings, status and outcome of a search."""
        with self._database.reading() as connection:
            return searches.read_search(connection, name)

    def former_search(self, settings: Mapping[str, object]) -> str | None:
        """The name of a search with these settings, of which an earlier version made another name; None if none is."""
        with self._database.reading() as connection:
            return searches.find_former(connection, settings)

    def searches(self) -> list[SearchSummary]:
        """Every search, the oldest first."""
        with self._database.reading() as connection:
            return searches.list_searches(connection)

    def count_trials(self, search: str) -> int:
        """How many trials of a search are recorded."""
        with self._database.reading() as connection:
            return trials.count_trials(connection, search)

    def describe(self, search: str, *, space: str, models: Mapping[str, object]) -> None:
        """Store the text of a search's space, unless it is stored already, and how its models are opened now."""
        with self._database.writing() as connection:
            searches.describe_search(connection, search, space=space, models=models)

    def stored_space(self, search: str) -> str | None:
        """The text of a search's space; None for a search of an earlier version."""
        with self._database.reading() as connection:
            return searches.stored_space(connection, search)

    def remove_search(self, search: str) -> Removed:
        """Remove a search, but no answer and no verdict. InputError while a process runs it."""
        with self._database.writing() as connection:
            return changes.remove_search(connection, search)

    def copy_search(self, search: str, other: Store, new: str) -> Copied:
        """Copy a search to another store, under the name `new`; see `copying`.

        InputError while a process runs the search, if the name is taken there, or if both are the same store.
        """
        if self.url == other.url or (self._database.path and self._database.path.samefile(other._database.path or "")):
            raise InputError(f"{self.name!r} is the store that holds {search!r}; give another one as `to=STORE`")
        with self._database.reading() as source, other._database.writing() as target:
            return copying.copy_search(source, target, search, new)

    def rename_search(self, search: str, new: str) -> None:
        """Give a search and its study another name. InputError while a process runs it, or if the name is taken."""
        with self._database.writing() as connection:
            changes.rename_search(connection, search, new)

    def newest_search(self) -> SearchSummary | None:
        """The search that is meant if none is named: the newest that has a result, else the newest that has trials."""
        with self._database.reading() as connection:
            return searches.newest_search(connection)

    def worker(
        self,
        search: str,
        *,
        versions: Mapping[str, int],
        join: bool = False,
        stops: tuple[type[BaseException], ...] = (),
    ) -> Worker:
        """This process, which is about to work on a search; with `join`, beside others that do."""
        return Worker(self._database, search, versions=versions, join=join, stops=stops)

    def finish(self, search: str, summary: Mapping[str, object]) -> None:
        """Mark a search as finished and store its final JSON object."""
        with self._database.writing() as connection:
            searches.finish_search(connection, search, summary)

    def keep_floor(self, search: str, floor: Mapping[str, object]) -> None:
        """Store what the floor for exemplars of a search has decided."""
        with self._database.writing() as connection:
            searches.keep_floor(connection, search, floor)

    def pace(self, *models: object) -> None:
        """Let models behind servers start at the pace last stored for their server, and store its later changes."""
        for model in models:
            if isinstance(model, Paced):
                model.keep_pace(self)

    def find_pace(self, server: str) -> Pace | None:
        """The pace last stored for a server; None if there is none."""
        with self._database.reading() as connection:
            return paces.find_pace(connection, server)

    def add_pace(self, server: str, pace: Pace) -> None:
        """Store the pace of a server. May be called from any thread."""
        with self._database.writing() as connection:
            paces.write_pace(connection, server, pace)

    def find_served(self, model: str) -> Served | None:
        """Where a model was last asked, and what its server said it is; None if that is not known."""
        with self._database.reading() as connection:
            return served.find_served(connection, model)

    def add_served(self, model: str, now: Served) -> None:
        """Store where a model is asked, and what its server says. May be called from any thread."""
        with self._database.writing() as connection:
            served.write_served(connection, model, now)

    def shifts_of_prompts(self, base: str, aligned: str, prompts: Sequence[UrialPrompt]) -> list[ProbeShift | None]:
        """The token shift between two models under each prompt, over any probe queries; None where it is not stored."""
        with self._database.reading() as connection:
            return shifts.shifts_of_prompts(connection, base, aligned, prompts)

    def add_trial(self, search: str, trial: TrialRecord, evaluation: Evaluation, *, lease: Lease | None = None) -> int:
        """Record a trial, and end the lease on it. Returns how many trials had ended before; -1 if the lease was lost.

        Recording the same trial again is no error; another trial with its number is a StoreError.
        """
        with self._database.writing() as connection:
            return trials.insert_trial(connection, search, trial, evaluation, lease=lease)

    def replace_trial(self, search: str, trial: TrialRecord, evaluation: Evaluation | None = None) -> None:
        """Record a trial in place of the stored one of its number, with another evaluation if one is given."""
        with self._database.writing() as connection:
            trials.replace_trial(connection, search, trial, evaluation)

    def open_trials(self, search: str) -> list[int]:
        """The numbers of the trials with a verdict that was refused or could not be read."""
        with self._database.reading() as connection:
            return trials.open_trials(connection, search)

    def missing_verdicts(self, search: str) -> dict[Missing, int]:
        """How many verdicts are missing in the trials and results of a search, by the reason; each is counted once."""
        with self._database.reading() as connection:
            return trials.missing_verdicts(connection, search)

    def trials(self, search: str) -> list[TrialRecord]:
        """All trials of a search, in the order of their numbers."""
        with self._database.reading() as connection:
            return trials.read_trials(connection, search)

    def trials_from(self, search: str, ended: int) -> list[TrialRecord]:
        """The trials before which at least so many had ended, in the order in which they ended."""
        with self._database.reading() as connection:
            return trials.read_trials_from(connection, search, ended)

    def last_tick(self, search: str) -> int:
        """When the last trial ended, in ticks of the search (see `search/schedule.py`); 0 if that is not known."""
        with self._database.reading() as connection:
            return trials.last_tick(connection, search)

    def aspect_scores(self, search: str) -> dict[int, dict[str, AspectScores]]:
        """The scores of each trial's judgments by query id; an aspect without a score is left out."""
        with self._database.reading() as connection:
            return trials.read_aspect_scores(connection, search)

    def set_estimates(self, search: str, estimates: Mapping[int, Estimate]) -> None:
        """Replace the shrunken estimates of these trials, by number."""
        with self._database.writing() as connection:
            trials.write_estimates(connection, search, estimates)

    def best(self, search: str, count: int) -> list[RankedTrial]:
        """The `count` trials with the highest estimates, the highest first."""
        with self._database.reading() as connection:
            return trials.best_trials(connection, search, count)

    def rounds(self, search: str) -> list[Round]:
        """The rounds of a search's proposer, in order."""
        with self._database.reading() as connection:
            return rounds.read_rounds(connection, searches.search_id(connection, search))

    def evaluation(self, search: str, number: int) -> Evaluation:
        """Queries, completions and judgments of one trial. UnknownNameError if there is no such trial."""
        with self._database.reading() as connection:
            return trials.read_evaluation(connection, search, number)

    def add_result(
        self, search: str, role: str, split: Split, candidate: Candidate | None, evaluation: Evaluation
    ) -> None:
        """Record a measurement outside the trials, unless this candidate has one with this role and split."""
        result = StoredResult(role=role, split=split, candidate=candidate, evaluation=evaluation)
        with self._database.writing() as connection:
            trials.insert_result(connection, search, result)

    def results(self, search: str) -> list[StoredResult]:
        """All measurements outside the trials, in the order of recording."""
        with self._database.reading() as connection:
            return trials.read_results(connection, search)
