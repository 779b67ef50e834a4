"""The floor for exemplars: a judge scores each exemplar's own answer; those below the floor are not proposed.

Without it a search proposes whatever raises the score, exemplars with false facts or harmful advice among them, and
nobody could ship the prompt that it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from urial_opt.aspects import ASPECTS_OF, Aspect, QueryKind
from urial_opt.datasets.queries import made_id
from urial_opt.evaluation.evaluator import judge_answers
from urial_opt.memory import Memory
from urial_opt.prompt import Exemplar
from urial_opt.protocols import Judge
from urial_opt.records import Completion, Judgment, Query, in_blocks
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.variants import without_exemplars

_AT_ONCE = 64
"""Exemplars judged between two looks at whether to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What the floor for exemplars did to a space."""

    space: SearchSpace
    """The space with what fell below barred."""
    below: int
    """How many exemplars fell below."""
    kept: tuple[str, ...]
    """Keys of those that fell below and stay, because the start of the search holds them."""
    unread: int
    """How many exemplars got no readable verdict, and stay."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever runs the search should know; a sentence each."""
        notes = []
        if self.below:
            all_of_them = len(self.space.exemplars) + len(self.space.barred)
            notes.append(f"{self.below} of {all_of_them} exemplars fall below the floor and are not proposed.")
        if self.kept:
            keys = ", ".join(map(repr, self.kept))
            notes.append(f"Below the floor, but kept because the starting prompt holds them: {keys}.")
        if self.unread:
            notes.append(f"{self.unread} exemplars got no readable verdict; they stay in the pool.")
        return tuple(notes)


def exemplars_to_judge(space: SearchSpace) -> list[Exemplar]:
    """The distinct exemplars that a judge has to be asked about, in the order of the pool.

    An exemplar of an imported prompt is not among them: nobody says of which kind it is, and the start keeps it anyway.
    Neither is one of a kind on which no aspect of the floor is judged.
    """
    bounded = {kind for kind, aspects in ASPECTS_OF.items() if space.exemplar_floor.keys() & set(aspects)}
    return list({each.id: each for each in space.exemplars.values() if bounded & set(each.tags)}.values())


def hold_to_floor(
    space: SearchSpace, judge: Judge, memory: Memory, *, before_block: Callable[[int, int], None] = lambda *_: None
) -> Floor:
    """Judge each exemplar as an answer to its own query, once, and bar those below `space.exemplar_floor`.

    `before_block` is called with the number of exemplars judged and of those judged next. A verdict that cannot be read
    bars nothing. AdapterError as the judge raises it.
    """
    judged: dict[str, Judgment] = {}
    for some in in_blocks(exemplars_to_judge(space), _AT_ONCE):
        before_block(len(judged), len(some))
        answers = [Completion(text=exemplar.answer, finish_reason="stop") for exemplar in some]
        judgments = judge_answers(judge, memory, list(map(_query, some)), answers).judgments
        judged |= zip((exemplar.id for exemplar in some), judgments, strict=True)
    by_key = {key: judged[each.id] for key, each in space.exemplars.items() if each.id in judged}
    low = {key for key, judgment in by_key.items() if _is_below(judgment, space.exemplar_floor)}
    space = without_exemplars(space, low)
    return Floor(
        space=space,
        below=len(space.barred),
        kept=tuple(sorted(low - space.barred.keys())),
        unread=sum(all(score is None for score in judgment.scores.values()) for judgment in by_key.values()),
    )


def _is_below(judgment: Judgment, floor: Mapping[Aspect, float]) -> bool:
    return any((score := judgment.scores.get(aspect)) is not None and score < least for aspect, least in floor.items())


def _query(exemplar: Exemplar) -> Query:
    kind: QueryKind = "safety" if "safety" in exemplar.tags else "regular"
    return Query(id=made_id(exemplar.query), text=exemplar.query, kind=kind, split="dev")
