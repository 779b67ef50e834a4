"""Study: the Optuna study of a search, kept in the same database as our tables for samplers and the dashboard."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType

import optuna
from optuna.exceptions import OptunaError, UpdateFinishedTrialError
from optuna.samplers import BaseSampler
from optuna.storages import RDBStorage
from optuna.trial import TrialState as OptunaState

from urial_opt.errors import StoreError
from urial_opt.records import Candidate, Params, TrialRecord, TrialState
from urial_opt.search.sampler import AGAIN, TOO_LONG, ExemplarSampler
from urial_opt.secrets import redacted
from urial_opt.spaces.space import SearchSpace
from urial_opt.statistics.shrinkage import TrialEstimate
from urial_opt.store import Store
from urial_opt.store.patience import all_patient, patient

FOUND = "urial_found_trial"
"""User attribute of a study: Optuna's number of the trial that the search found."""
NOTE = "urial_note"
"""User attribute of a study: the same in words."""


@all_patient
class SearchStudy:
    """The study of one search. Use as a context manager; Optuna's database errors become StoreError."""

    def __init__(self, store: Store, name: str, sampler: BaseSampler) -> None:
        self._store = store
        with store.alone():  # Optuna creates its tables one by one, and fails where another process does the same
            self._storage = open_storage(store)
        try:
            with _quiet_optuna():
                self._study = patient(optuna.create_study)(
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
        if error is None:
            self._store.check_presence()

    def _close(self) -> None:
        # closed before the store's connection, the last, which merges SQLite's write-ahead log into the file
        self._storage.remove_session()
        self._storage.engine.dispose()

    def catch_up(
        self,
        records: Mapping[int, TrialRecord],
        estimates: Mapping[int, TrialEstimate],
        *,
        leased: Collection[int] = (),
    ) -> None:
        """Report trials that were recorded but not reported to Optuna, and fail others that are not under way.

        `leased` are those under way, by their numbers in the study.
        """
        recorded = {record.optuna_number: record for record in records.values()}
        try:
            known = self._study.get_trials(deepcopy=False)
        except (ValueError, KeyError) as error:  # Optuna cannot read what it wrote: the file is damaged
            raise _store_error(self._store, error) from error
        if missing := sorted(recorded.keys() - {trial.number for trial in known}):
            raise StoreError(
                f"the store {self._store.name!r}: Optuna's study {self._study.study_name!r} lacks the trial "
                f"{missing[0]}, which the search recorded; restore a copy, or give another `name=NEW`"
            )
        for trial in known:
            if trial.state.is_finished() or trial.number in leased:
                continue
            if trial.number in recorded:
                self.tell(recorded[trial.number], estimates)
            else:
                self.drop(trial.number)

    def adopt(self, records: Mapping[int, TrialRecord], estimates: Mapping[int, TrialEstimate]) -> dict[int, int]:
        """Add trials that Optuna holds to have failed and that have scores now; returns their new numbers there.

        Optuna does not change a trial that has ended, so the trial is added once more. The new one names the old one.
        """
        trials = {trial.number: trial for trial in self._study.get_trials(deepcopy=False)}
        known = {trial.user_attrs[AGAIN]: trial.number for trial in trials.values() if AGAIN in trial.user_attrs}
        adopted: dict[int, int] = {}
        for record in records.values():
            old = trials.get(record.optuna_number)
            if old is None or old.state is not OptunaState.FAIL or record.state is TrialState.FAILED:
                continue
            if old.number not in known:
                estimate = estimates[record.number]
                self._study.add_trial(
                    optuna.trial.create_trial(
                        state=OptunaState.PRUNED if record.state is TrialState.PRUNED else OptunaState.COMPLETE,
                        value=estimate.mean,
                        params=old.params,
                        distributions=old.distributions,
                        user_attrs={"standard_error": estimate.standard_error, AGAIN: old.number},
                        intermediate_values={estimate.queries: estimate.mean}
                        if record.state is TrialState.PRUNED
                        else {},
                    )
                )
                known[old.number] = self._study.get_trials(deepcopy=False)[-1].number
            adopted[record.number] = known[old.number]
        return adopted

    def ask(self, space: SearchSpace) -> tuple[int, Candidate]:
        """The next trial that the sampler proposes, by its number in the study."""
        if isinstance(self._study.sampler, ExemplarSampler):  # it proposes without a trial, which is then written once
            return self.begin(space, self._study.sampler.propose(self._study))
        trial = self._study.ask()
        try:
            return trial.number, space.suggest(trial)
        except BaseException:
            self.drop(trial.number)
            raise

    def begin(self, space: SearchSpace, fixed: Params) -> tuple[int, Candidate]:
        """A new trial with these parameters, by its number in the study; the sampler is not asked."""
        given = optuna.trial.FixedTrial(dict(fixed))
        candidate = space.suggest(given)
        # Not by `enqueue_trial`: two processes may take the same trial out of Optuna's queue.
        running = optuna.trial.create_trial(
            state=OptunaState.RUNNING, params=given.params, distributions=given.distributions
        )
        trial_id = self._storage.create_new_trial(self._study_id, template_trial=running)
        return self._storage.get_trial_number_from_id(trial_id), candidate

    def widen(self, space: SearchSpace) -> None:
        """Propose from a space whose pool has grown; stock samplers see it in the parameters of the next trial."""
        if isinstance(self._study.sampler, ExemplarSampler):
            self._study.sampler.space = space

    def chance_of_better(self, than: TrialEstimate, *, by: float, at_most: float) -> float:
        """As `ExemplarSampler.chance_of_better`; 1 with another sampler, which cannot tell."""
        sampler = self._study.sampler
        if not isinstance(sampler, ExemplarSampler):
            return 1.0
        return sampler.chance_of_better(self._study, than, by=by, at_most=at_most)

    def set_aside(self, number: int) -> None:
        """Leave a trial that is too long open, so that it is not proposed again, but do not count it."""
        self._storage.set_trial_user_attr(self._trial_id(number), TOO_LONG, value=True)

    def drop(self, number: int) -> None:
        """Fail a trial that was not recorded."""
        trial_id = self._trial_id(number)
        if not self._storage.get_trial(trial_id).state.is_finished():
            self._storage.set_trial_state_values(trial_id, OptunaState.FAIL)

    def tell(self, record: TrialRecord, estimates: Mapping[int, TrialEstimate]) -> None:
        """Report a trial's outcome: its shrunken estimate, not the mean of the few queries that it was asked."""
        with suppress(UpdateFinishedTrialError):  # another process has reported it
            self._tell(record, estimates.get(record.number))

    def _tell(self, record: TrialRecord, estimate: TrialEstimate | None) -> None:
        trial_id = self._trial_id(record.optuna_number)
        if estimate is None:
            self._storage.set_trial_user_attr(trial_id, "queries", len(record.query_scores))
            self._storage.set_trial_state_values(trial_id, OptunaState.FAIL)
            return
        self._storage.set_trial_user_attr(trial_id, "standard_error", estimate.standard_error)
        if record.state is TrialState.PRUNED:
            # Optuna takes the last reported value as the value of a pruned trial
            self._storage.set_trial_intermediate_value(trial_id, estimate.queries, estimate.mean)
            self._storage.set_trial_state_values(trial_id, OptunaState.PRUNED, [estimate.mean])
        else:
            self._storage.set_trial_state_values(trial_id, OptunaState.COMPLETE, [estimate.mean])

    def name_found(self, records: Mapping[int, TrialRecord], found: int) -> None:
        """Say in the study, for the dashboard, which trial the search found, and why Optuna calls another one best.

        The result is stored by then: if this cannot be written, the search has not failed.
        """
        number = records[found].optuna_number
        says = f"The search found trial {found} (here number {number}), chosen on the validation queries."
        with suppress(OptunaError):
            best = self._study.best_trial.number
            if best != number:
                says += f" The best trial shown here, {best}, has the highest estimate on the dev queries."
            self._study.set_user_attr(FOUND, number)
            self._study.set_user_attr(NOTE, says)

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)


@patient
def open_storage(store: Store) -> RDBStorage:
    """Optuna's tables in a store, created if they are missing."""
    try:
        storage = RDBStorage(store.url, engine_kwargs=store.connections_of_others)
    except Exception as error:  # when it opens a database, Optuna passes on whatever the driver raises
        raise _store_error(store, error) from error
    store.tune(storage.engine)
    return storage


def copy_study(store: Store, name: str, other: Store, new: str) -> None:
    """Copy the study of a search, if it has one, to another store, under the name `new`."""
    with store.alone():
        source = open_storage(store)
    with other.alone():
        target = open_storage(other)
    try:
        with _quiet_optuna():
            optuna.copy_study(from_study_name=name, from_storage=source, to_storage=target, to_study_name=new)
    except KeyError:  # a search that was only planned has none
        pass
    except OptunaError as error:
        raise _store_error(other, error) from error
    finally:
        for storage in (source, target):
            storage.remove_session()
            storage.engine.dispose()


def ask_copy(store: Store, name: str, sampler: BaseSampler, space: SearchSpace) -> Params | None:
    """The parameters that a sampler would propose next in the study of a search, in which nothing changes.

    None if the search has no study. A trial that is running counts as interrupted.
    """
    with store.alone():
        storage = open_storage(store)
    try:
        with _quiet_optuna():
            trials = optuna.load_study(study_name=name, storage=storage).get_trials()
            copy = optuna.create_study(direction="maximize", sampler=sampler)
            interrupted = optuna.trial.create_trial(state=OptunaState.FAIL)
            copy.add_trials([trial if trial.state.is_finished() else interrupted for trial in trials])
            return space.suggest(copy.ask()).params
    except KeyError:  # a search that was only planned has none
        return None
    except OptunaError as error:
        raise _store_error(store, error) from error
    finally:
        storage.remove_session()
        storage.engine.dispose()


def remove_study(store: Store, name: str) -> None:
    """Remove the study of a search, if it has one."""
    with store.alone():
        storage = open_storage(store)
    try:
        with _quiet_optuna():
            optuna.delete_study(study_name=name, storage=storage)
    except KeyError:  # a search that was only planned has none
        pass
    except OptunaError as error:
        raise _store_error(store, error) from error
    finally:
        storage.remove_session()
        storage.engine.dispose()


def silence_optuna() -> None:
    """Let Optuna log only errors, in the whole process. Programs may call this; a search does not."""
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
    """The StoreError for an error of Optuna, with the database's own message, which is among its causes."""
    store.check_presence()  # Optuna would create another file, and miss its tables there
    cause = error.__cause__ or error
    words = str(getattr(cause, "orig", None) or cause).strip().partition("\n")[0]
    says = redacted("".join(filter(str.isprintable, words)))[:300]
    advice = "fix that and start the same search again, or give another database as `store=URL`"
    return StoreError(f"the store {store.name!r}: {says or type(cause).__name__}; {advice}")
