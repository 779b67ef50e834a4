"""Outcomes: a search as the store holds it, whatever its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from urial_opt.aspects import Aspect
from urial_opt.errors import InputError
from urial_opt.records import Estimate, TrialRecord, TrialState, read_estimate
from urial_opt.search.digest import Digest, Digested
from urial_opt.search.served_prompt import ServedPrompt
from urial_opt.spaces.lineage import WrittenPart
from urial_opt.store import Deciders, SearchRecord, SearchStatus, Store, WorkingProcess

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-not-found, import-untyped, unused-ignore]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContext:
    """What one context scored on the test queries."""

    average: Estimate
    value: Estimate | None
    """What the objective makes of it; None where that is the average."""
    aspects: Mapping[Aspect, Estimate]
    queries: int
    missing: int
    """Verdicts that could not be read."""
    prompt_tokens: int | None
    """Tokens that the context costs before a query; None where the generator cannot count."""
    prompt_id: str | None
    """None for the aligned model."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SearchOutcome(Digested):
    """How a finished search ended, from its stored summary: a `SearchResult` without answers and verdicts."""

    name: str
    prompt: ServedPrompt
    """The prompt found."""
    contexts: Mapping[str, StoredContext]
    """As in `SearchResult`: zero_shot, plain_icl, hand_written, found, perhaps aligned."""
    found_trial: int
    found_equals: tuple[str, ...]
    """As in `SearchResult`."""
    written: tuple[WrittenPart, ...]
    """As in `SearchResult`."""
    gain: Estimate
    """Found minus hand-written on the test queries, with its paired 95 % interval."""
    states: Mapping[TrialState, int]
    seconds: float
    """Time spent on trials and measurements."""
    tokens: int
    """Read and written by all models, over all runs of the search."""
    cost: float | None
    """US dollars; None if a price is not known or the version that ran the search did not store it."""
    summary: Mapping[str, Any]
    """The whole stored object, as `search --json` printed it."""

    @classmethod
    def read(cls, record: SearchRecord, trials: Sequence[TrialRecord]) -> SearchOutcome | None:
        """The outcome of a search with these trials; None while it runs."""
        if record.summary is None:
            return None
        summary: Mapping[str, Any] = record.summary
        digest = Digest.read(record.name, summary)
        return cls(
            name=record.name,
            prompt=ServedPrompt.of(trials[digest.found_trial].candidate),
            contexts={role: _context(summary[role]) for role in digest.contexts},
            found_trial=digest.found_trial,
            found_equals=digest.found_equals,
            written=digest.written,
            gain=digest.gain,
            states=digest.states,
            seconds=digest.seconds,
            tokens=digest.tokens,
            cost=digest.cost,
            summary=summary,
        )

    @property
    def found(self) -> StoredContext:
        """The prompt found, on `test`."""
        return self.contexts["found"]

    @property
    def hand_written(self) -> StoredContext:
        """The hand-written prompt, on `test`."""
        return self.contexts["hand_written"]

    @property
    def significant(self) -> bool:
        """Whether the interval of the gain lies above zero."""
        return self.gain.low > 0

    @property
    def digest(self) -> Digest:
        """The figures that are shown when it is printed."""
        return Digest.read(self.name, self.summary)

    def as_json(self) -> dict[str, object]:
        """The stored object: what `SearchResult.as_json` gave when the search ended."""
        return dict(self.summary)


def _context(stored: Mapping[str, Any]) -> StoredContext:
    return StoredContext(
        average=read_estimate(stored, mean="average"),
        value=read_estimate(stored["value"]) if stored.get("value") else None,
        aspects={Aspect(name): read_estimate(each) for name, each in stored["aspects"].items()},
        queries=int(stored["queries"]),
        missing=int(stored["missing"]),
        prompt_tokens=stored.get("prompt_tokens"),
        prompt_id=stored.get("prompt"),
    )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StoredSearch:
    """A search as the store held it when it was loaded."""

    name: str
    settings: Mapping[str, object]
    """What it was begun with: space, models, seed, sampler, weights, constraints."""
    created_at: str
    """ISO 8601, UTC."""
    status: SearchStatus
    """planned, running, stopped, failed or finished."""
    reason: str
    """Why it stopped or failed."""
    process: WorkingProcess | None
    """Which process works, or last worked, on it; None if none has."""
    deciders: tuple[Deciders, ...]
    """From which trial on which versions decided (see `run_search`, `continue_anyway`)."""
    trials: list[TrialRecord]
    """In the order of their numbers."""
    estimates: Mapping[int, Estimate]
    """The shrunken score of each trial that was scored, by number."""
    result: SearchOutcome | None
    """None while the search runs."""

    @classmethod
    def read(cls, store: Store, record: SearchRecord) -> StoredSearch:
        """The search of that record, with all its trials."""
        trials = store.trials(record.name)
        ranked = store.best(record.name, len(trials))
        return cls(
            name=record.name,
            settings=record.settings,
            created_at=record.created_at,
            status=record.status,
            reason=record.reason,
            process=record.process,
            deciders=record.deciders,
            trials=trials,
            estimates={each.trial.number: each.estimate for each in ranked},
            result=SearchOutcome.read(record, trials),
        )

    def __repr__(self) -> str:
        best = self.best
        believed = "none scored" if best is None else f"best {best.number}"
        return f"StoredSearch({self.name!r}: {self.status}, {len(self.trials)} trials, {believed})"

    @property
    def best(self) -> TrialRecord | None:
        """The trial that a finished search found, chosen on `validation`.

        While the search runs, the trial with the highest shrunken estimate; None if none is scored yet. Its prompt is
        saved by `ServedPrompt.of(best.candidate).save(path)`.
        """
        if self.result is not None:
            return self.trials[self.result.found_trial]
        if not self.estimates:
            return None
        return self.trials[max(self.estimates, key=lambda number: (self.estimates[number].mean, -number))]

    def to_frame(self) -> pd.DataFrame:
        """One row for each trial, as a pandas data frame. InputError if pandas is not installed.

        Columns: `number`; `state`; `queries` asked; `score`, the mean of their scores, and the shrunken `estimate` with
        its 95 % interval `low` to `high`, in points (None: not scored); `seconds`; `prompt_tokens`,
        `completion_tokens` and `saved_tokens`; the `prompt`'s id; and `params_NAME` for each parameter of the space.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise InputError("a data frame needs the package 'pandas'; type: pip install pandas") from error
        return pandas.DataFrame([self._row(trial) for trial in self.trials])

    def _row(self, trial: TrialRecord) -> dict[str, object]:
        scores = [score for score in trial.query_scores.values() if score is not None]
        estimate = self.estimates.get(trial.number)
        return {
            "number": trial.number,
            "state": trial.state.value,
            "queries": len(trial.query_scores),
            "score": sum(scores) / len(scores) if scores else None,
            "estimate": estimate.mean if estimate else None,
            "low": estimate.low if estimate else None,
            "high": estimate.high if estimate else None,
            "seconds": trial.seconds,
            "prompt_tokens": trial.usage.prompt_tokens,
            "completion_tokens": trial.usage.completion_tokens,
            "saved_tokens": trial.usage.saved_tokens,
            "prompt": trial.candidate.prompt.id,
            **{f"params_{name}": value for name, value in trial.candidate.params.items()},
        }
