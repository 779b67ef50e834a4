"""Floor: a judge scores each exemplar's own answer, and exemplars below the floor are not proposed.

Without a floor, a search proposes whatever raises the score, including exemplars with false facts or harmful advice,
and the prompt that it finds may be unfit for use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from urial_opt.aspects import ASPECTS_OF, Aspect, Missing
from urial_opt.datasets.queries import made_id
from urial_opt.evaluation.evaluator import judge_answers
from urial_opt.evaluation.unreadable import nothing_read, unreadable_judge
from urial_opt.memory import Memory
from urial_opt.prompt import Exemplar
from urial_opt.protocols import Judge
from urial_opt.records import Completion, Judgment, Query, in_blocks
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.variants import without_exemplars

FLOOR_VERSION = 1
"""Raise it when the same verdicts bar other exemplars (see `versions.py`)."""
_AT_ONCE = 64
"""How many exemplars are judged between two checks of the limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The result of applying the floor for exemplars to a space."""

    space: SearchSpace
    """The space with the exemplars below the floor barred."""
    below: int
    """How many exemplars were barred because they are below the floor."""
    kept: tuple[str, ...]
    """Keys of exemplars that are below the floor but stay because the starting prompt contains them."""
    unread: int
    """How many exemplars got no readable verdict and therefore stay."""
    low: tuple[str, ...] = ()
    """Keys of all exemplars below the floor."""

    def as_json(self) -> dict[str, object]:
        """What a search keeps of it, so that it goes on with the same pool whatever the judge says later."""
        return {"low": list(self.low), "unread": self.unread}

    @classmethod
    def kept_by(cls, stored: Mapping[str, Any], space: SearchSpace) -> Floor:
        """The floor that a search has kept."""
        return _barred(space, set(stored["low"]), unread=int(stored["unread"]))

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user, one sentence each."""
        notes = []
        if self.below:
            all_of_them = len(self.space.exemplars) + len(self.space.barred)
            notes.append(f"{self.below} of {all_of_them} exemplars are below the floor and are not proposed.")
        if self.kept:
            keys = ", ".join(map(repr, self.kept))
            notes.append(f"Below the floor, but kept because the starting prompt contains them: {keys}.")
        if self.unread:
            notes.append(f"{self.unread} exemplars got no readable verdict; they stay in the pool.")
        return tuple(notes)


def exemplars_to_judge(space: SearchSpace) -> list[Exemplar]:
    """The distinct exemplars that a judge has to score, in the order of the pool.

    Exemplars of an imported prompt are left out: their kind is not known, and the starting prompt keeps them anyway.
    Exemplars of a kind on which no aspect of the floor is judged are left out as well.
    """
    bounded = {kind for kind, aspects in ASPECTS_OF.items() if space.exemplar_floor.keys() & set(aspects)}
    return list({each.id: each for each in space.exemplars.values() if bounded & set(each.tags)}.values())


def hold_to_floor(
    space: SearchSpace,
    judge: Judge,
    memory: Memory,
    *,
    before_block: Callable[[int, int], None] = lambda *_: None,
    stored_is_final: bool = False,
) -> Floor:
    """Judge each exemplar once, as an answer to its own query, and bar those below `space.exemplar_floor`.

    `before_block` is called before each block with the number of exemplars judged so far and the number in the block.
    An unreadable verdict bars nothing. With `stored_is_final` no stored verdict is asked for again. AdapterError if the
    judge fails, or if none of the first verdicts can be read.
    """
    judged = judge_exemplars(
        exemplars_to_judge(space), judge, memory, before_block=before_block, stored_is_final=stored_is_final
    )
    by_key = {key: judged[each.id] for key, each in space.exemplars.items() if each.id in judged}
    low = {key for key, judgment in by_key.items() if is_below(judgment, space.exemplar_floor)}
    unread = sum(all(score is None for score in judgment.scores.values()) for judgment in by_key.values())
    return _barred(space, low, unread=unread)


def _barred(space: SearchSpace, low: set[str], *, unread: int) -> Floor:
    space = without_exemplars(space, low)
    return Floor(
        space=space,
        below=len(space.barred),
        kept=tuple(sorted(low - space.barred.keys())),
        unread=unread,
        low=tuple(sorted(low)),
    )


def judge_exemplars(
    exemplars: Sequence[Exemplar],
    judge: Judge,
    memory: Memory,
    *,
    before_block: Callable[[int, int], None] = lambda *_: None,
    stored_is_final: bool = False,
) -> dict[str, Judgment]:
    """The verdict on each exemplar, as an answer to its own query, by the exemplar's id; see `hold_to_floor`."""
    judged: dict[str, Judgment] = {}
    for some in in_blocks(exemplars, _AT_ONCE):
        before_block(len(judged), len(some))
        answers = [Completion(text=exemplar.answer, finish_reason="stop") for exemplar in some]
        queries = list(map(_query, some))
        judgments = judge_answers(judge, memory, queries, answers, stored_is_final=stored_is_final).judgments
        if not judged and not stored_is_final and _is_silent(judgments, memory):
            raise unreadable_judge(judge.identity, judgments)
        judged |= zip((exemplar.id for exemplar in some), judgments, strict=True)
    return judged


def _is_silent(judgments: Sequence[Judgment], memory: Memory) -> bool:
    """Whether a judge has said nothing that can be read, and may be asked again."""
    reasons = {why for judgment in judgments for why in judgment.missing.values()}
    may_speak = any(memory.again.may_change(judgment) for judgment in judgments)
    return nothing_read(judgments) and Missing.REFUSED not in reasons and may_speak


def is_below(judgment: Judgment, floor: Mapping[Aspect, float]) -> bool:
    """Whether a verdict is below the floor; what could not be read is not."""
    return any((score := judgment.scores.get(aspect)) is not None and score < least for aspect, least in floor.items())


def _query(exemplar: Exemplar) -> Query:
    return Query(id=made_id(exemplar.query), text=exemplar.query, kind=exemplar.kind, split="dev")
