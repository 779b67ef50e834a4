"""Situation: what a proposer is shown of a search. It comes from `dev` queries alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from urial_opt.datasets.queries import same_words
from urial_opt.evaluation.scorecard import query_scores, summed_up
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Evaluation, TrialRecord
from urial_opt.search.shift_probe import Probe
from urial_opt.shift.explanation import explain_shift
from urial_opt.shift.findings import FindingKind
from urial_opt.shift.reading import texts_of_tokens
from urial_opt.spaces.proposals import SeenAnswer, Situation, Tried
from urial_opt.spaces.space import SearchSpace
from urial_opt.token_scores import ShiftReading

SHOWN = 12
"""How many of the weakest answers a proposer is shown."""
REMEMBERED = 12
"""How many earlier proposals it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """What the base model under a prompt still does not do as the aligned model does."""

    traits: tuple[str, ...] = ()
    """Names in `shift.traits.TRAITS`."""
    sentences: tuple[str, ...] = ()


def situation_of(
    space: SearchSpace, best: TrialRecord, evaluation: Evaluation, lacking: Lacking, tried: Sequence[Tried]
) -> Situation:
    """The situation in which `best` is the best prompt, and `evaluation` its answers to the dev queries."""
    keys = shown_keys(space, best)
    scores = query_scores(evaluation, space.objective)
    answers = zip(evaluation.queries, evaluation.completions, evaluation.judgments, strict=True)
    seen = [
        SeenAnswer(
            query_id=query.id,
            query=query.text,
            kind=query.kind,
            answer=answer.text,
            scores=judgment.scores,
            reasons=judgment.reasons,
        )
        for query, answer, judgment in answers
        if scores.get(query.id) is not None
    ]
    card = summed_up(evaluation, space.objective)
    return Situation(
        system=best.candidate.prompt.system,
        exemplars={key: space.exemplars[key] for key in keys if key in space.exemplars},
        aspects={aspect: estimate.mean for aspect, estimate in card.aspects.items()},
        weakest=tuple(sorted(seen, key=lambda each: (scores[each.query_id] or 0.0, each.query_id))[:SHOWN]),
        shift=lacking.sentences,
        lacking=lacking.traits,
        tried=tuple(tried[-REMEMBERED:]),
        styles=tuple(dict.fromkeys(exemplar.style for exemplar in space.exemplars.values())),
        rules=tuple(space.styles.values()),
    )


def shown_keys(space: SearchSpace, best: TrialRecord) -> tuple[str, ...]:
    """Keys of the exemplars that a proposer is shown, in order: the best prompt's, and some of the starting prompt's.

    A style takes hold through several exemplars, so fewer than the starting prompt has are filled up with the starting
    prompt's: each of the best prompt's takes the place of one of its kind there. A base model that sees no refusal
    complies, so a kind that the best prompt lacks is taken from the starting prompt.
    """
    own = list(space.exemplar_keys(best.candidate.params))
    start = space.exemplar_keys(space.start_params)
    shown = own if len(own) >= len(start) else _filled_up(space, own, start)
    for place, key in enumerate(start):
        kind = space.known[key].kind
        if all(space.known[each].kind != kind for each in shown) and not _asked_by(space, key, shown):
            shown = [*shown[:place], key, *shown[place:]]
    return tuple(shown[-space.k_max :])


def _filled_up(space: SearchSpace, own: Sequence[str], start: Sequence[str]) -> list[str]:
    shown, left = [], list(own)
    for key in start:
        same = next((each for each in left if space.known[each].kind == space.known[key].kind), None)
        if same is not None:
            left.remove(same)
        shown.append(same or key)
    kept = [key for key in shown if key in own or not _asked_by(space, key, own)]
    return list(dict.fromkeys([*kept, *left]))


def _asked_by(space: SearchSpace, key: str, others: Sequence[str]) -> bool:
    """Whether an exemplar has the query of one of the others; a prompt must not answer a query twice."""
    known = space.known
    return same_words(known[key].query) in {same_words(known[other].query) for other in others}


def lacking_under(prompt: UrialPrompt, probe: Probe) -> Lacking:
    """What the explanation of the token shift says is lacking under a prompt, on the queries of `probe`."""
    answers = probe.answers()
    if not answers:
        return Lacking()
    [scores] = probe.scorer.score(answers, [prompt])
    under = {"prompt": scores}
    reading = ShiftReading(
        base=probe.key.base,
        aligned=probe.key.aligned,
        answers=answers,
        contexts=under,
        texts=texts_of_tokens(probe.scorer, answers, under),
    )
    findings = [
        finding
        for finding in explain_shift(reading, "prompt").findings
        if finding.kind in (FindingKind.LACKING, FindingKind.LATE)
    ]
    return Lacking(
        traits=tuple(finding.trait for finding in findings), sentences=tuple(finding.sentence for finding in findings)
    )
