"""Assignments: what a proposer is asked to write in a round, from the weaknesses that it named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from urial_opt.aspects import QueryKind
from urial_opt.prompt import Exemplar
from urial_opt.search.agent.guards import longest_allowed
from urial_opt.spaces.lineage import Attempt, Round
from urial_opt.spaces.proposals import SeenAnswer, Situation, Source, Task, Weakness
from urial_opt.spaces.restyling import sentences_of
from urial_opt.spaces.space import COMPOSED, NO_SYSTEM, SearchSpace

MOST_RESTYLED = 4
"""How many exemplars of the best prompt are restyled for one weakness: all of those of most prompts."""
_FORMS = 3
"""How many exemplars show a writer the form of a new one."""


def tasks_for(
    space: SearchSpace, situation: Situation, weaknesses: Sequence[Weakness], winners: Sequence[Source]
) -> list[Task]:
    """The tasks of a round.

    For each weakness: a system prompt that addresses it, made from the best prompt's for the gravest, and from those of
    `winners` for others; the best prompt's exemplars in the style that it names; and a new exemplar if its evidence is
    mostly of a kind that the best prompt shows no exemplar of. With two `winners`, system prompts that are each best on
    other queries, one from both. No exemplar is restyled twice in the same style.
    """
    tasks: list[Task] = []
    parents = _parents(space, situation, winners)
    for place, weakness in enumerate(weaknesses):
        failing = tuple(seen for seen in situation.weakest if seen.query_id in weakness.queries)
        tasks.append(_system(space, situation, weakness, parents[place % len(parents)], failing))
        tasks += _restyles(space, situation, weakness, failing)
        if kind := _missing_kind(situation, failing):
            tasks.append(_create(space, situation, weakness, failing, kind))
    if weaknesses and len(winners) > 1:
        tasks.append(
            Task(
                sort="merge",
                weakness=weaknesses[0],
                sources=tuple(winners[:2]),
                most=longest_allowed(space, "system"),
                failing=situation.weakest,
            )
        )
    return _distinct(tasks)


def weakness_of(closed: Round, attempt: Attempt) -> Weakness | None:
    """The weakness that an attempt addresses: each begins with a system prompt, and a merge is for the first one."""
    weaknesses = closed.diagnosis.weaknesses if closed.diagnosis else ()
    merges = attempt.proposal.part == "system" and len(attempt.proposal.parents) > 1
    before = [
        each
        for each in closed.attempts
        if each.number == 0 and each.task <= attempt.task and each.proposal.part == "system"
    ]
    place = 0 if merges else len(before) - 1
    return weaknesses[place] if 0 <= place < len(weaknesses) else None


def _parents(space: SearchSpace, situation: Situation, winners: Sequence[Source]) -> list[Source]:
    """System prompts to mutate: the best prompt's, then those of the winners."""
    names = {text: name for name, text in space.system_prompts.items()}
    name = names.get(situation.system, COMPOSED if situation.system else NO_SYSTEM)
    own = Source(name=name, text=situation.system)
    return [own, *(each for each in winners if each.text != own.text)]


def _distinct(tasks: Sequence[Task]) -> list[Task]:
    """The tasks without those that ask for an exemplar in a style in which it was asked for already."""
    kept: list[Task] = []
    for task in tasks:
        asked = [(each.style, each.sources) for each in kept if each.sort == "restyle"]
        if task.sort != "restyle" or (task.style, task.sources) not in asked:
            kept.append(task)
    return kept


def _system(
    space: SearchSpace, situation: Situation, weakness: Weakness, parent: Source, failing: tuple[SeenAnswer, ...]
) -> Task:
    """To mutate a parent. The answers that fail are the best prompt's, and shown with its text alone."""
    others = [sentence for text in space.system_prompts.values() for sentence in sentences_of(text)]
    return Task(
        sort="system",
        weakness=weakness,
        sources=(parent,),
        most=longest_allowed(space, "system"),
        sentences=tuple(dict.fromkeys(each for each in (*space.clauses.values(), *others) if not each.startswith("#"))),
        failing=failing if parent.text == situation.system else (),
    )


def _restyles(
    space: SearchSpace, situation: Situation, weakness: Weakness, failing: tuple[SeenAnswer, ...]
) -> list[Task]:
    if not weakness.style:
        return []
    named = [key for key in weakness.exemplars if key in situation.exemplars]
    keys = _of_each_kind(dict.fromkeys([*named, *situation.exemplars]), situation.exemplars)[:MOST_RESTYLED]
    return [
        Task(
            sort="restyle",
            weakness=weakness,
            sources=(_source(key, situation.exemplars),),
            most=longest_allowed(space, "exemplar"),
            style=weakness.style,
            rules=situation.rules,
            kind=situation.exemplars[key].kind,
            failing=failing,
        )
        for key in keys
        if situation.exemplars[key].style != weakness.style
    ]


def _of_each_kind(keys: Iterable[str], exemplars: Mapping[str, Exemplar]) -> list[str]:
    """The keys with the first of each kind at the front, so that a style is shown with both."""
    ordered = list(keys)
    firsts = {exemplars[key].kind: key for key in reversed(ordered)}
    return sorted(ordered, key=lambda key: key not in firsts.values())


def _create(
    space: SearchSpace,
    situation: Situation,
    weakness: Weakness,
    failing: tuple[SeenAnswer, ...],
    kind: QueryKind,
) -> Task:
    return Task(
        sort="create",
        weakness=weakness,
        sources=tuple(_source(key, situation.exemplars) for key in list(situation.exemplars)[:_FORMS]),
        most=longest_allowed(space, "exemplar"),
        style=weakness.style,
        rules=situation.rules,
        kind=kind,
        failing=failing,
    )


def _missing_kind(situation: Situation, failing: Sequence[SeenAnswer]) -> QueryKind | None:
    """The kind of most failing queries, if no exemplar of the best prompt is of that kind."""
    kinds = [seen.kind for seen in failing]
    there = {exemplar.kind for exemplar in situation.exemplars.values()}
    for kind in dict.fromkeys(kinds):
        if kind not in there and 2 * kinds.count(kind) > len(kinds):
            return kind
    return None


def _source(key: str, exemplars: Mapping[str, Exemplar]) -> Source:
    return Source(name=key, text=exemplars[key].answer, exemplar=exemplars[key])
