"""Pairwise comparison: which of two answers to each query a judge prefers, asked in both orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.errors import InputError
from urial_opt.evaluation.evaluator import compare_answers
from urial_opt.memory import PairMemory
from urial_opt.protocols import Judge, PairwiseJudge
from urial_opt.records import Completion, Estimate, Preference, Query, Verdict, estimate_json, in_blocks
from urial_opt.statistics.bootstrap import bootstrap_mean, share

_AT_ONCE = 64
"""Pairs between two writings to memory."""
_WORTH: Mapping[Verdict, float] = {"first": 1.0, "tie": 0.5, "second": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often the first answers were preferred to the others."""

    wins: int
    ties: int
    """Those on which the two orders disagree among them."""
    losses: int
    unread: int
    """Pairs on which the judge said nothing readable in one of the orders."""
    won: Estimate | None
    """Share of the readable pairs that is won, a tie being half of a win; None of nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseResult:
    """What came of comparing the answers two by two."""

    judge: str
    queries: int
    overall: Tally
    aspects: Mapping[Aspect, Tally]
    consistent: Estimate | None
    """Share of the readable pairs, but for equal answers, of which both orders say the same."""

    def as_json(self) -> dict[str, object]:
        """The value of `against` that `evaluate --json` prints; its help describes every key."""
        return {
            "judge": self.judge,
            "queries": self.queries,
            "overall": _tally_json(self.overall),
            "aspects": {aspect.value: _tally_json(tally) for aspect, tally in self.aspects.items()},
            "consistent": estimate_json(self.consistent) if self.consistent else None,
        }


def able_to_compare(judge: Judge) -> PairwiseJudge:
    """The judge, if it compares answers; else InputError."""
    if not isinstance(judge, PairwiseJudge):
        raise InputError(
            f"the judge {judge.identity!r} scores answers one by one and compares none; "
            "give one that compares, such as `judge=llm:MODEL`"
        )
    return judge


def compare_pairwise(
    queries: Sequence[Query],
    firsts: Sequence[Completion],
    seconds: Sequence[Completion],
    judge: PairwiseJudge,
    memory: PairMemory,
    *,
    watch: Callable[[int], None] = lambda _: None,
) -> PairwiseResult:
    """Compare two answers to each query; equal ones are a tie that nobody is asked about. `watch` hears how many."""
    preferences: list[Preference] = []
    for rows in in_blocks(range(len(queries)), _AT_ONCE):
        differing = [row for row in rows if firsts[row].text != seconds[row].text]
        asked = iter(
            compare_answers(
                judge,
                memory,
                [queries[row] for row in differing],
                [firsts[row] for row in differing],
                [seconds[row] for row in differing],
            )
        )
        preferences += [next(asked) if row in differing else _equal(queries[row], judge) for row in rows]
        watch(len(preferences))
    told = [each.consistent for each in preferences if each.consistent is not None]
    by_aspect = {aspect: [p.aspects[aspect] for p in preferences if aspect in p.aspects] for aspect in Aspect}
    return PairwiseResult(
        judge=judge.pairwise_identity,
        queries=len(queries),
        overall=_tally([each.overall for each in preferences]),
        aspects={aspect: _tally(verdicts) for aspect, verdicts in by_aspect.items() if verdicts},
        consistent=share(sum(told), len(told)),
    )


def _equal(query: Query, judge: PairwiseJudge) -> Preference:
    return Preference(
        query_id=query.id,
        judge=judge.pairwise_identity,
        overall="tie",
        aspects=dict.fromkeys(ASPECTS_OF[query.kind], "tie"),
        consistent=None,
    )


def _tally(verdicts: Sequence[Verdict | None]) -> Tally:
    worth = [_WORTH[verdict] for verdict in verdicts if verdict]
    # all or nothing: resamples would be all alike, and their interval no interval
    certain = share(round(sum(worth)), len(worth)) if set(worth) <= {1.0} or set(worth) <= {0.0} else None
    return Tally(
        wins=verdicts.count("first"),
        ties=verdicts.count("tie"),
        losses=verdicts.count("second"),
        unread=verdicts.count(None),
        won=certain or (bootstrap_mean(worth) if worth else None),
    )


def _tally_json(tally: Tally) -> dict[str, object]:
    return {
        "wins": tally.wins,
        "ties": tally.ties,
        "losses": tally.losses,
        "unread": tally.unread,
        "won": estimate_json(tally.won) if tally.won else None,
    }
