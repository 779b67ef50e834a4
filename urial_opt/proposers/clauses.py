"""Clauses: the proposer that needs no model. It recombines sentences and applies the space's rules for styles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from urial_opt.aspects import Aspect
from urial_opt.content import content_id
from urial_opt.errors import InputError
from urial_opt.spaces.proposals import Diagnosis, Draft, Situation, Source, Task, Weakness
from urial_opt.spaces.restyling import StyleRule, restyled, sentences_of

IDENTITY = "clauses 1"
MOST_WEAKNESSES = 3
PERFECT = 5.0
_LACKING = 1.0
"""How much a trait that the base model lacks weighs, in points of an aspect."""


def _opens(rule: StyleRule) -> bool:
    return bool(rule.openings)


def _closes(rule: StyleRule) -> bool:
    return bool(rule.closings)


def _lists(rule: StyleRule) -> bool:
    return rule.layout != "running"


def _tells_all(rule: StyleRule) -> bool:
    return rule.sentences is None


_SERVES: Mapping[str, Callable[[StyleRule], bool]] = {
    Aspect.HELPFULNESS: _closes,
    Aspect.CLARITY: _lists,
    Aspect.DEPTH: _tells_all,
    Aspect.ENGAGEMENT: _opens,
    "greeting": _opens,
    "closing": _closes,
    "numbered lists": lambda rule: rule.layout == "numbered",
    "bullets": lambda rule: rule.layout == "bulleted",
    "line breaks": _lists,
}
"""What a rule must do to serve an aspect, or a trait of aligned answers."""


def open_proposer(argument: str) -> Clauses:
    """The proposer `clauses`. InputError if it is given an argument."""
    if argument:
        raise InputError(f"the proposer 'clauses' takes no argument; leave out {argument!r}")
    return Clauses()


class Clauses:
    """A proposer by rules: the same situation always gives the same drafts, and nothing is paid."""

    identity = IDENTITY

    def diagnose(self, situation: Situation) -> Diagnosis:
        """The weakest aspects, each with the untried rule for a style that serves the most needs."""
        needs = {aspect: PERFECT - mean for aspect, mean in situation.aspects.items() if mean < PERFECT}
        lacks = dict.fromkeys(situation.lacking, _LACKING)
        tried = {each.style for each in situation.tried if each.sort == "restyle"}
        used = {exemplar.style for exemplar in situation.exemplars.values()}
        untried = [rule for rule in situation.rules if rule.name not in tried and used != {rule.name}]
        worth = {rule.name: _worth(rule, needs) + _worth(rule, lacks) for rule in untried}
        styles = [name for name, points in sorted(worth.items(), key=lambda each: -each[1]) if points > 0]
        weaknesses = [
            Weakness(
                sentence=f"{aspect.value} scores {situation.aspects[aspect]:.2f}",
                aspects=(aspect,),
                queries=tuple(seen.query_id for seen in situation.weakest if (seen.scores.get(aspect) or 5) < PERFECT),
                style=styles[place] if place < len(styles) else "",
            )
            for place, aspect in enumerate(sorted(needs, key=lambda aspect: -needs[aspect])[:MOST_WEAKNESSES])
        ]
        return Diagnosis(weaknesses=tuple(weaknesses), trouble=None if weaknesses else "no aspect scores below 5")

    def write(self, tasks: Sequence[Task]) -> list[Draft]:
        """A draft for each task; a rule has no second idea, so a task with remarks gets none."""
        return [_written(task) for task in tasks]


def _worth(rule: StyleRule, needs: Mapping[Aspect, float] | Mapping[str, float]) -> float:
    return sum(points for need, points in needs.items() if need in _SERVES and _SERVES[need](rule))


def _written(task: Task) -> Draft:
    if task.remarks:
        return Draft(trouble="the rules have no other text for this")
    if task.sort == "restyle":
        return _restyle(task)
    if task.sort == "create":
        return Draft(trouble="the rules cannot write a new exemplar")
    return _system(task)


def _restyle(task: Task) -> Draft:
    rule = next((rule for rule in task.rules if rule.name == task.style), None)
    if rule is None or not task.sources:
        return Draft(trouble=f"the space has no rule for the style {task.style!r}")
    text = restyled(task.sources[0].text, rule, task.rules, refusal=task.kind == "safety")
    return Draft(text=text, reason=f"the style {rule.name!r} serves it")


def _system(task: Task) -> Draft:
    """The first source with one more sentence, or, to merge, with all sentences of the second."""
    heading, own = _parts(task.sources[0]) if task.sources else ("", [])
    if task.sort == "merge":
        more = [sentence for source in task.sources[1:] for sentence in _parts(source)[1]]
        chosen = [sentence for sentence in dict.fromkeys(more) if sentence not in own]
    else:
        # another one for each weakness, always the same
        order = sorted(task.sentences, key=lambda sentence: content_id([task.weakness.sentence, sentence]))
        chosen = [sentence for sentence in order if sentence not in own][:1]
    if not chosen:
        return Draft(trouble="no sentence is left that this system prompt lacks")
    text = f"{heading}{' '.join([*own, *chosen])}"
    number = "1 more sentence" if len(chosen) == 1 else f"{len(chosen)} more sentences"
    return Draft(text=text, reason=f"{number}: {' '.join(chosen)}")


def _parts(source: Source) -> tuple[str, list[str]]:
    """The heading of a system prompt with the blank line after it, and its sentences."""
    heading, blank, rest = source.text.partition("\n\n")
    if not (blank and heading.startswith("#")):
        heading, blank, rest = "", "", source.text
    return heading + blank, sentences_of(rest)
