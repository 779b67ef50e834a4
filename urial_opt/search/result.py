"""Result: the measurements of a finished search on the test queries, the gain, and both as a JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from urial_opt.aspects import Missing
from urial_opt.evaluation.constraints import Kept
from urial_opt.evaluation.scorecard import Scorecard
from urial_opt.objective import Objective, TokenCount
from urial_opt.records import (
    Candidate,
    Estimate,
    Evaluation,
    ProbeShift,
    Split,
    TrialState,
    Usage,
    estimate_json,
)
from urial_opt.search.digest import Digest, Digested
from urial_opt.search.served_prompt import ServedPrompt
from urial_opt.search.shift_probe import shift_json
from urial_opt.spaces.lineage import WrittenPart
from urial_opt.spending import Bill, usage_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The measurement of one context on the test queries."""

    candidate: Candidate | None
    """None for the aligned model."""
    evaluation: Evaluation
    card: Scorecard
    prompt_tokens: int | None
    """Tokens of the context before the query; None if the generator cannot count tokens."""
    constraints: tuple[Kept, ...] = ()
    """Whether the context satisfies each constraint."""
    too_long: tuple[str, ...] = ()
    """Ids of the queries that do not fit the model's context window after this context."""

    def as_json(self) -> dict[str, object]:
        """Keys: `average`, `interval`, `aspects`, `missing`, `queries`, `prompt_tokens`, `prompt`, `keeps_constraints`.

        `interval` is the 95 % interval as [low, high], and `prompt` is the prompt's id. `not_applicable`, `unread`,
        `refused` and `too_long` are the missing verdicts by the reason, `too_long_queries` the ids of the last ones.
        `value` is what the objective makes of it, null where that is the average, and `answer_tokens` the answers'
        mean; each has `mean` and `interval`.
        """
        answers = self.card.tokens.get(TokenCount.ANSWER)
        return {
            **estimate_json(self.card.average, mean="average"),
            "value": estimate_json(self.card.value) if self.card.value else None,
            "aspects": {aspect.value: estimate_json(each) for aspect, each in self.card.aspects.items()},
            "missing": self.card.missing,
            **{why.value: number for why, number in self.card.missing_by_reason.items()},
            "too_long_queries": list(self.too_long),
            "queries": self.card.queries,
            "prompt_tokens": self.prompt_tokens,
            "answer_tokens": estimate_json(answers) if answers else None,
            "prompt": self.candidate.prompt.id if self.candidate else None,
            "keeps_constraints": all(each.holds for each in self.constraints),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftOutcome:
    """Token shift of the prompts of a search (see `shift_probe`)."""

    queries: int
    """Number of queries in the probe."""
    by_trial: Mapping[int, ProbeShift]
    """Token shift of the measured survivors, by trial number."""
    found: ProbeShift | None
    """Token shift of the found prompt; None if it was not measured."""
    start: ProbeShift | None
    """Token shift of the starting prompt; None if it was not measured."""
    correlation: Estimate | None
    """Spearman correlation of surprise and shrunken score over these trials; None if they are too few or all equal."""
    usage: Usage

    def as_json(self) -> dict[str, object]:
        """Keys: `queries`, `trials`, `tokens`, `correlation`, and `start` and `found` as in `shift_json`."""
        return {
            "queries": self.queries,
            "trials": len(self.by_trial),
            "tokens": self.usage.prompt_tokens + self.usage.completion_tokens,
            "correlation": estimate_json(self.correlation) if self.correlation else None,
            "start": shift_json(self.start) if self.start else None,
            "found": shift_json(self.found) if self.found else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How the winner was chosen on `validation`."""

    trial: int
    """Its number."""
    validation: Estimate
    """The winner's value on `validation`: its average, unless the objective is another."""
    finalists: int
    """How many prompts were measured on `validation`."""
    constraints: tuple[Kept, ...]
    """Whether the winner satisfies each constraint on `validation`; if not, no finalist satisfies them all."""

    @property
    def keeps_constraints(self) -> bool:
        """Whether the winner satisfies every constraint on `validation`; True if there are none."""
        return all(each.holds for each in self.constraints)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SearchResult(Digested):
    """How a search ended. Printed, it is a table of ten lines."""

    name: str
    contexts: Mapping[str, Measured]
    """Measurements on `test` in display order: zero_shot, plain_icl, hand_written, found and, if present, aligned."""
    found_trial: int
    found_equals: tuple[str, ...]
    """The prompts that the found one is, to the last character and with their decoding: of `zero_shot`, `plain_icl`,
    `hand_written` and `start`, where the search began. Empty: it is a new one."""
    written: tuple[WrittenPart, ...]
    """The parts of the found prompt that the proposer wrote."""
    choice: Choice
    gain: Estimate
    """Found minus hand-written prompt on the test queries, in points, with its paired 95 % interval; zero, without an
    interval to either side, if they are the same."""
    states: Mapping[TrialState, int]
    too_long: int
    """How many of the failed trials had a prompt that did not fit the base model."""
    missing: Mapping[Missing, int]
    """Missing verdicts of all trials and measurements, by the reason."""
    usage: Usage
    bill: Bill
    """What each role used, over all runs of the search."""
    shift: ShiftOutcome | None
    """None if there was no aligned model, or none that could be compared with the base model."""
    seconds: float
    """Time spent on trials and measurements, over all runs of this search."""
    database: str
    """Path of the database, or its URL without the password."""
    objective: Objective = field(default_factory=Objective)
    """What the search maximised."""
    value_gain: Estimate | None = None
    """As `gain`, in points of the objective; None where that is the average."""

    @property
    def found(self) -> Measured:
        """The found prompt's measurement on `test`."""
        return self.contexts["found"]

    @property
    def split(self) -> Split:
        """What was measured on: `test`, or `validation` where a program keeps no queries for a test."""
        return next((query.split for query in self.found.evaluation.queries), "test")

    @property
    def hand_written(self) -> Measured:
        """The hand-written prompt's measurement on `test`."""
        return self.contexts["hand_written"]

    @property
    def prompt(self) -> ServedPrompt:
        """The prompt found, with its sampling."""
        assert self.found.candidate is not None
        return ServedPrompt.of(self.found.candidate)

    @property
    def significant(self) -> bool:
        """Whether the interval of the gain lies above zero."""
        return self.gain.low > 0

    @property
    def digest(self) -> Digest:
        """The figures that are shown when it is printed."""
        return Digest.read(self.name, self.as_json())

    def as_json(self) -> dict[str, object]:
        """The object that `search --json` prints; COMMANDS.md describes every key."""
        return {
            "name": self.name,
            "zero_shot": None,
            "plain_icl": None,
            "aligned": None,
            **{role: measured.as_json() for role, measured in self.contexts.items()},
            "gain": estimate_json(self.gain) | {"significant": self.significant},
            "objective": str(self.objective),
            "value_gain": estimate_json(self.value_gain) if self.value_gain else None,
            "found_trial": self.found_trial,
            "found_equals": list(self.found_equals),
            "written": [each.as_json() for each in self.written],
            "constraints": [each.as_json() for each in self.choice.constraints],
            "trials": {
                "total": sum(self.states.values()),
                **{state.value: number for state, number in self.states.items()},
                "too_long": self.too_long,
            },
            "missing": {why.value: number for why, number in self.missing.items()},
            "seconds": round(self.seconds, 1),
            "tokens": usage_json(self.usage),
            "shift": self.shift.as_json() if self.shift else None,
            "spending": self.bill.as_json(),
            "cost": None if self.bill.total is None else round(self.bill.total, 6),
            "database": self.database,
            **({} if self.split == "test" else {"split": self.split}),
        }
