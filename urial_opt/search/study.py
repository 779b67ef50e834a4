"""The study of a search: what Optuna's samplers and its dashboard read, in the database of our tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType

import optuna
from optuna.exceptions import OptunaError
from optuna.samplers import BaseSampler
from optuna.storages import RDBStorage
from optuna.trial import TrialState as OptunaState

from urial_opt.errors import StoreError
from urial_opt.records import Params, TrialRecord, TrialState
from urial_opt.statistics.shrinkage import TrialEstimate
from urial_opt.store import Store


class SearchStudy:
    """The study of one search. Use as a context manager; what Optuna meets in the database becomes a StoreError."""

    def __init__(self, store: Store, name: str, sampler: BaseSampler) -> None:
        self._store = store
        self._asked: optuna.Trial | None = None
        try:
            self._storage = RDBStorage(store.url)
        except Exception as error:  # whatever the database raises: opening it, Optuna passes that on
            raise _store_error(store, error) from error
        store.tune(self._storage.engine)
        try:
            with _quiet_optuna():
                self._study = optuna.create_study(
                    storage=self._storage, study_name=name, direction="maximize", sampler=sampler, load_if_exists=True
                )
            self._study_id = self._storage.get_study_id_from_name(name)
        except OptunaError as error:
            self._close()
            raise _store_error(store, error) from error

    def __enter__(self) -> SearchStudy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if isinstance(error, OptunaError):
            raise _store_error(self._store, error) from error

    def _close(self) -> None:
        # the last connection to be closed is the store's: it moves what SQLite wrote ahead into the file
        self._storage.remove_session()
        self._storage.engine.dispose()

    def catch_up(self, records: Sequence[TrialRecord], estimates: Mapping[int, TrialEstimate]) -> None:
        """Tell what was recorded but not told, and end what was cut short."""
        recorded = {record.optuna_number: record for record in records}
        try:
            running = [trial for trial in self._study.get_trials(deepcopy=False) if trial.state == OptunaState.RUNNING]
        except (ValueError, KeyError) as error:  # what Optuna wrote and cannot read back was damaged on the disk
            raise _store_error(self._store, error) from error
        for trial in running:
            if trial.number in recorded:
                self.tell(recorded[trial.number], estimates)
            else:
                self.drop(trial.number)

    def ask(self, *, first: Params | None = None) -> optuna.Trial:
        """The next trial; `first` are the parameters of the very first one."""
        if first is not None and not self._study.get_trials(deepcopy=False, states=(OptunaState.WAITING,)):
            self._study.enqueue_trial(dict(first))
        self._asked = self._study.ask()
        return self._asked

    def drop(self, number: int) -> None:
        """End a trial that was not recorded."""
        self._study.tell(number, state=OptunaState.FAIL)

    def tell(self, record: TrialRecord, estimates: Mapping[int, TrialEstimate]) -> None:
        """Tell how a trial ended: by its shrunken estimate, never by the luck of the few queries it saw."""
        trial = self._running(record.optuna_number)
        trial_id = trial._trial_id
        if record.state is TrialState.FAILED:
            self._storage.set_trial_user_attr(trial_id, "queries", len(record.query_scores))
            self._study.tell(trial, state=OptunaState.FAIL)
            return
        estimate = estimates[record.number]
        self._storage.set_trial_user_attr(trial_id, "standard_error", estimate.standard_error)
        if record.state is TrialState.PRUNED:
            # Optuna takes the last value reported for that of a pruned trial
            self._storage.set_trial_intermediate_value(trial_id, estimate.queries, estimate.mean)
            self._study.tell(trial, state=OptunaState.PRUNED)
        else:
            self._study.tell(trial, estimate.mean)

    def _running(self, number: int) -> optuna.Trial:
        """A trial by its number: mostly the one that was asked for last, which Optuna need not look for."""
        if self._asked and self._asked.number == number:
            return self._asked
        return optuna.Trial(self._study, self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number))


def silence_optuna() -> None:
    """Let Optuna log errors only, in the whole process: for programs to decide, which is why no search does it."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Optuna says on standard error that a study is created or continued; its level of logging is left as it was."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _store_error(store: Store, error: Exception) -> StoreError:
    """What Optuna ran into in the database that it shares with us; the database's own words are among its causes."""
    cause = error.__cause__ or error
    words = str(getattr(cause, "orig", None) or cause).strip().partition("\n")[0]
    says = "".join(filter(str.isprintable, words))[:300]
    advice = "see to that, then start the same search again, or give another database as `store=URL`"
    return StoreError(f"the store {store.name!r}: {says or type(cause).__name__}; {advice}")
