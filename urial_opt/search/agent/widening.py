"""Widening: takes a round of the proposer when one is due, and lets the search go on with what it brought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from urial_opt.errors import ContextError, InputError
from urial_opt.records import Estimate, Params, TrialRecord
from urial_opt.search.agent.pareto import parents
from urial_opt.search.agent.rounds import Writing, due, look_of, take_round
from urial_opt.search.agent.situation import Lacking, lacking_under, situation_of
from urial_opt.search.progress import Phase
from urial_opt.search.running import RunningSearch
from urial_opt.search.study import SearchStudy
from urial_opt.spaces.lineage import Round
from urial_opt.spaces.proposals import Source, Tried
from urial_opt.statistics.bootstrap import bootstrap_mean

_GOOD_AT = 4
"""How many queries show what a prompt is good at."""


def recall_rounds(search: RunningSearch) -> None:
    """Widen the pool by the rounds that earlier runs took."""
    search.rounds = [each for each in search.begun.account.rounds() if each.closed]
    for each in search.rounds:
        search.space = each.grow(search.space)


def next_look(search: RunningSearch, number: int) -> Params | None:
    """The parameters of the trial with that number if it is a first look at something new."""
    look = look_of(search.rounds, number)
    return look.params if look else None


def is_round_due(search: RunningSearch, following: int) -> bool:
    """Whether the proposer is to take a round before the next trial, which has that number."""
    options = search.options
    if search.models.proposer is None:
        return False
    return due(search.rounds, search.standing, following=following, budget=options.budget, most=options.rounds)


def begin_round(search: RunningSearch, following: int) -> Callable[[], Round]:
    """Begin a round, or go on with one that was begun; what is returned carries it out, in any thread.

    Interrupted or LimitReached before it costs more than it may.
    """
    proposer, standing, options = search.models.proposer, search.standing, search.options
    assert proposer is not None
    assert standing.best is not None
    search.check_limits(1, of="drafts")
    search.report(Phase.WRITING, done=len(search.rounds), total=options.rounds)
    account, best = search.begun.account, standing.records[standing.best]
    begun = next((each for each in account.rounds() if not each.closed), None)
    if begun is None:
        lacking = _lacking(search, best)
        begun = Round(
            number=len(search.rounds) + 1,
            after=following,
            best=best.number,
            proposer=proposer.identity,
            lacking=lacking.traits,
            shift=lacking.sentences,
        )
        account.begin_round(begun)
    situation = situation_of(
        search.space,
        best,
        search.store.evaluation(search.name, best.number),
        Lacking(traits=begun.lacking, sentences=begun.shift),
        tried_before(search.rounds, standing.records.values()),
    )
    writing = Writing(
        proposer=proposer,
        judge=search.models.judge,
        memory=account,
        rounds=account,
        before=lambda drafts: search.check_limits(drafts, of="drafts"),
    )
    return partial(take_round, begun, writing, search.space, situation, best, _winners(search, begun.number))


def hear_of_rounds(search: RunningSearch, study: SearchStudy) -> None:
    """Go on with what rounds have brought, of this process or of others, since they were last looked at."""
    for closed in [each for each in search.begun.account.rounds() if each.closed][len(search.rounds) :]:
        search.rounds.append(closed)
        search.space = closed.grow(search.space)
        search.notes = (*search.notes, note_of(closed))
        study.widen(search.space)


def note_of(closed: Round) -> str:
    """What a round brought, in a sentence."""
    fates = Counter(each.fate for each in closed.attempts if not each.key)
    parts = Counter(each.proposal.part for each in closed.accepted)
    brought = [counted(number, "system prompt" if part == "system" else part) for part, number in parts.items()]
    trouble = closed.diagnosis.trouble if closed.diagnosis else None
    what = " and ".join(brought) or "nothing"
    left_out = f"; {counted(fates.total(), 'draft')} left out" if fates else ""
    return f"Round {closed.number} brought {what}{f' ({trouble})' if trouble else ''}{left_out}."


def counted(number: int, noun: str) -> str:
    """`1 draft`, `2 drafts`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _lacking(search: RunningSearch, best: TrialRecord) -> Lacking:
    if search.shift is None:
        return Lacking()
    try:
        return lacking_under(best.candidate.prompt, search.shift.probe)
    except (ContextError, InputError):  # it does not fit the base model, or a server tells too little
        return Lacking()


def _winners(search: RunningSearch, number: int) -> list[Source]:
    """The system texts of two Pareto parents: complete trials with another prompt each, drawn anew in each round."""
    names = {text: name for name, text in search.space.system_prompts.items()}
    texts = {query.id: query.text for block in search.blocks for query in block}
    records = {each: search.standing.records[each] for each in search.standing.complete}
    systems = {each: record.candidate.prompt.system for each, record in records.items()}
    scores = {each: record.query_scores for each, record in records.items() if systems[each] in names}
    seed = f"{search.options.seed} {number}"
    drawn = [records[each] for each, _ in parents(scores, systems.__getitem__, number=2, seed=seed)]
    return [
        Source(
            name=names[one.candidate.prompt.system],
            text=one.candidate.prompt.system,
            good_at=tuple(texts[query] for query in _better(one, than)[:_GOOD_AT]),
        )
        for one, than in zip(drawn, reversed(drawn), strict=True)
    ]


def _better(one: TrialRecord, than: TrialRecord) -> list[str]:
    """The queries on which one trial scored higher than another, by how much."""
    gaps = differences(one, than)
    return sorted((query for query, gap in gaps.items() if gap > 0), key=lambda query: (-gaps[query], query))


def differences(one: TrialRecord, other: TrialRecord) -> dict[str, float]:
    """The difference in score on each query that both were asked, and that was scored in both."""
    return {
        query: score - theirs
        for query, score in one.query_scores.items()
        if score is not None and (theirs := other.query_scores.get(query)) is not None
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a first look showed: the paired difference to the best prompt of its time."""

    trial: int
    best: int
    shows: tuple[str, ...]
    gain: Estimate
    """In points, over the queries that both were asked."""
    queries: int


def effects(rounds: Sequence[Round], records: Iterable[TrialRecord]) -> list[Effect]:
    """The effects of all first looks that were taken and scored, in order."""
    by_number = {record.number: record for record in records}
    found = []
    for each in rounds:
        for place, look in enumerate(each.looks):
            trial = each.after + place
            gaps = differences(by_number[trial], by_number[each.best]) if trial in by_number else {}
            if gaps:
                gain = bootstrap_mean(list(gaps.values()))
                found.append(Effect(trial=trial, best=each.best, shows=look.shows, gain=gain, queries=len(gaps)))
    return found


def tried_before(rounds: Sequence[Round], records: Iterable[TrialRecord]) -> list[Tried]:
    """Every text of earlier rounds, with its fate or its effect."""
    by_key: Mapping[str, Effect] = {key: effect for effect in effects(rounds, records) for key in effect.shows}
    return [
        Tried(
            sort="system"
            if attempt.proposal.part == "system"
            else "restyle"
            if attempt.proposal.restyled
            else "create",
            text=attempt.proposal.text,
            style=attempt.proposal.style,
            fate=(
                f"{by_key[attempt.key].gain:+.2f} points on {by_key[attempt.key].queries} queries"
                if attempt.key in by_key
                else attempt.fate
            ),
        )
        for each in rounds
        for attempt in each.attempts
    ]
