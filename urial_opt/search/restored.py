"""Restored results: the result of a finished search, from what the store holds, without any model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from urial_opt.aspects import Aspect, Missing
from urial_opt.evaluation.constraints import Kept, bounding_answers, kept
from urial_opt.evaluation.scorecard import Scorecard
from urial_opt.objective import Constraint, TokenCount
from urial_opt.records import Estimate, Evaluation, ProbeShift, Role, Usage, read_estimate
from urial_opt.search.digest import Digest
from urial_opt.search.result import Choice, Measured, SearchResult, ShiftOutcome
from urial_opt.spending import Bill, Spent
from urial_opt.store import SearchRecord, Store

_NOTHING = Evaluation(queries=(), completions=(), judgments=())
_UNKNOWN = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledBill(Bill):
    """A bill whose costs are known as they were, whatever the prices are now."""

    costs: Mapping[Role, float | None]

    def cost(self, role: Role) -> float | None:
        """Cost of a role in US dollars, as it was; None if its price was not known."""
        return self.costs.get(role)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredResult(SearchResult):
    """A result that says what was said at the end of its search."""

    summary: Mapping[str, Any]

    def as_json(self) -> dict[str, object]:
        """The final JSON object of the search, with the name of the database as it is now."""
        return {**self.summary, "database": self.database}


def restored_result(store: Store, record: SearchRecord) -> RestoredResult:
    """The result of a search as its final JSON object describes it; the contexts have no answers and verdicts."""
    assert record.summary is not None
    summary: Mapping[str, Any] = record.summary
    constraints = record.constraints
    digest = Digest.read(record.name, summary)
    contexts = {role: _measured(summary[role], constraints) for role in digest.contexts}
    return RestoredResult(
        summary=summary,
        name=record.name,
        contexts=contexts,
        found_trial=digest.found_trial,
        found_equals=digest.found_equals,
        written=digest.written,
        choice=Choice(
            trial=digest.found_trial,
            validation=contexts["found"].card.worth,
            finalists=0,
            constraints=tuple(
                Kept(constraint=Constraint.read(each["constraint"]), mean=each["mean"])
                for each in summary.get("constraints", ())
            ),
        ),
        gain=digest.gain,
        states=digest.states,
        too_long=int(summary["trials"].get("too_long", 0)),
        missing={Missing(why): int(number) for why, number in summary.get("missing", {}).items()},
        usage=_UNKNOWN,
        bill=_bill(summary.get("spending") or {}),
        shift=_shift(summary.get("shift")),
        seconds=digest.seconds,
        database=store.name,
        objective=record.objective,
        value_gain=read_estimate(summary["value_gain"]) if summary.get("value_gain") else None,
    )


def _measured(stored: Mapping[str, Any], constraints: Sequence[Constraint]) -> Measured:
    aspects = {Aspect(name): read_estimate(each) for name, each in stored["aspects"].items()}
    average = read_estimate(stored, mean="average")
    value, answers, prompt = (stored.get(name) for name in ("value", "answer_tokens", "prompt_tokens"))
    tokens = {TokenCount.ANSWER: read_estimate(answers)} if answers else {}
    if prompt is not None:
        tokens[TokenCount.PROMPT] = Estimate(mean=prompt, low=prompt, high=prompt)
    card = Scorecard(
        average=average,
        aspects=aspects,
        verdicts={},
        queries=int(stored["queries"]),
        value=read_estimate(value) if value else None,
        tokens=tokens,
    )
    return Measured(
        candidate=None,
        evaluation=_NOTHING,
        card=card,
        prompt_tokens=stored.get("prompt_tokens"),
        constraints=kept(card.means, constraints if stored.get("prompt") else bounding_answers(constraints)),
        too_long=tuple(stored.get("too_long_queries", ())),
    )


def _bill(stored: Mapping[str, Mapping[str, Any]]) -> Bill:
    spent = {
        Role(role): Spent(
            calls=each["calls"],
            requests=each.get("requests", each["calls"]),
            usage=Usage(
                prompt_tokens=each["prompt"], completion_tokens=each["completion"], saved_tokens=each["cached"]
            ),
        )
        for role, each in stored.items()
    }
    return SettledBill(spent=spent, prices={}, costs={Role(role): each["cost"] for role, each in stored.items()})


def _shift(stored: Mapping[str, Any] | None) -> ShiftOutcome | None:
    if stored is None:
        return None
    found, start = (_probe(stored[which]) for which in ("found", "start"))
    shown = found or start
    return ShiftOutcome(
        queries=int(stored["queries"]),
        by_trial=dict.fromkeys(range(int(stored["trials"])), shown) if shown else {},
        found=found,
        start=start,
        correlation=read_estimate(stored["correlation"]) if stored["correlation"] else None,
        usage=_UNKNOWN,
    )


def _probe(stored: Mapping[str, Any] | None) -> ProbeShift | None:
    if stored is None:
        return None
    known = {each.name for each in fields(ProbeShift)}
    return ProbeShift(**{name: value for name, value in stored.items() if name in known}, by_query=(), usage=_UNKNOWN)
