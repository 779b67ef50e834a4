"""Pairwise comparison: a judge says which of two answers to each query it prefers, seeing them in both orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from urial_opt.aspects import ASPECTS_OF, Aspect, Missing
from urial_opt.errors import InputError
from urial_opt.evaluation.evaluator import compare_answers
from urial_opt.memory import PairMemory
from urial_opt.protocols import Judge, PairwiseJudge
from urial_opt.records import Completion, Estimate, Preference, Query, Verdict, estimate_json, in_blocks
from urial_opt.statistics.bootstrap import bootstrap_mean, share

_AT_ONCE = 64
"""How many pairs are compared before the results are stored."""
_WORTH: Mapping[Verdict, float] = {"first": 1.0, "tie": 0.5, "second": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often the first answer was preferred to the second."""

    wins: int
    ties: int
    """Ties, including pairs on which the two orders disagree."""
    losses: int
    unread: int
    """Pairs without a verdict, such as those for which the verdict in one of the orders could not be read."""
    won: Estimate | None
    """Share of the readable pairs that was won, where a tie counts as half a win; None if there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseResult:
    """The result of a pairwise comparison."""

    judge: str
    queries: int
    overall: Tally
    aspects: Mapping[Aspect, Tally]
    consistent: Estimate | None
    """Share of the readable pairs of different answers with the same verdict in both orders; None if there are none."""
    missing: Mapping[Missing, int] = field(default_factory=lambda: dict.fromkeys(Missing, 0))
    """Missing verdicts, overall and on aspects, by the reason."""
    too_long: tuple[str, ...] = ()
    """Ids of the queries without an answer to compare, because they do not fit the model after one of the prompts."""

    def as_json(self) -> dict[str, object]:
        """The value of the key `against` that `urial-opt evaluate` prints; its help describes every key."""
        return {
            "judge": self.judge,
            "queries": self.queries,
            "overall": _tally_json(self.overall),
            "aspects": {aspect.value: _tally_json(tally) for aspect, tally in self.aspects.items()},
            "missing": {why.value: number for why, number in self.missing.items()},
            "too_long_queries": list(self.too_long),
            "consistent": estimate_json(self.consistent) if self.consistent else None,
        }


def able_to_compare(judge: Judge) -> PairwiseJudge:
    """The judge as a `PairwiseJudge`; InputError if it cannot compare answers."""
    if not isinstance(judge, PairwiseJudge):
        raise InputError(
            f"the judge {judge.identity!r} scores single answers and cannot compare two; "
            "give one that can, such as `judge=llm:MODEL`"
        )
    return judge


def compare_pairwise(
    queries: Sequence[Query],
    firsts: Sequence[Completion | None],
    seconds: Sequence[Completion | None],
    judge: PairwiseJudge,
    memory: PairMemory,
    *,
    watch: Callable[[int], None] = lambda _: None,
) -> PairwiseResult:
    """Compare two answers to each query; equal answers tie without asking the judge.

    None stands in place of an answer if the query does not fit the model; its verdicts are missing for that reason.
    `watch` is called with the number of finished queries. AdapterError if the judge fails.
    """
    preferences: list[Preference] = []
    for rows in in_blocks(range(len(queries)), _AT_ONCE):
        pairs = {row: (one, other) for row in rows if (one := firsts[row]) and (other := seconds[row])}
        differing = {row: pair for row, pair in pairs.items() if pair[0].text != pair[1].text}
        asked = compare_answers(
            judge,
            memory,
            [queries[row] for row in differing],
            [one for one, _ in differing.values()],
            [other for _, other in differing.values()],
        )
        found = dict(zip(differing, asked, strict=True))
        preferences += [found.get(row) or (_equal if row in pairs else _too_long)(queries[row], judge) for row in rows]
        watch(len(preferences))
    counted = Counter(why for each in preferences for why in each.missing.values())
    told = [each.consistent for each in preferences if each.consistent is not None]
    by_aspect = {aspect: [p.aspects[aspect] for p in preferences if aspect in p.aspects] for aspect in Aspect}
    return PairwiseResult(
        judge=judge.pairwise_identity,
        queries=len(queries),
        overall=_tally([each.overall for each in preferences]),
        aspects={aspect: _tally(verdicts) for aspect, verdicts in by_aspect.items() if verdicts},
        consistent=share(sum(told), len(told)),
        missing={why: counted[why] for why in Missing},
        too_long=tuple(
            query.id for query, one, other in zip(queries, firsts, seconds, strict=True) if one is None or other is None
        ),
    )


def _equal(query: Query, judge: PairwiseJudge) -> Preference:
    return Preference(
        query_id=query.id,
        judge=judge.pairwise_identity,
        overall="tie",
        aspects=dict.fromkeys(ASPECTS_OF[query.kind], "tie"),
        consistent=None,
    )


def _too_long(query: Query, judge: PairwiseJudge) -> Preference:
    due = ASPECTS_OF[query.kind]
    return Preference(
        query_id=query.id,
        judge=judge.pairwise_identity,
        overall=None,
        aspects=dict.fromkeys(due),
        consistent=None,
        missing=dict.fromkeys(["overall", *(aspect.value for aspect in due)], Missing.TOO_LONG),
    )


def _tally(verdicts: Sequence[Verdict | None]) -> Tally:
    worth = [_WORTH[verdict] for verdict in verdicts if verdict]
    # if all pairs were won or all were lost, resamples would be identical and the bootstrap interval empty
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
