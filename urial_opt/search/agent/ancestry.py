"""Ancestry: what each part of a prompt was made from, why, and what that gained; and all that a proposer wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from urial_opt.records import TrialRecord, estimate_json
from urial_opt.search.agent.assignments import weakness_of
from urial_opt.search.agent.widening import Effect, effects
from urial_opt.spaces.lineage import ACCEPTED, Ancestor, Attempt, Round, WrittenPart, families, written_parts
from urial_opt.spaces.space import COMPOSED, SearchSpace
from urial_opt.spaces.space_json import read_space_text
from urial_opt.store import SearchRecord, Store

_GUARD = re.compile(r"the (guard '[^']+')")
_IN_SHORT = {"below the floor": "below the floor", "it could not be judged": "not judged"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of a prompt, how it came about, and the parts that it was made from."""

    ancestor: Ancestor
    text: str
    """The system text, or the exemplar's answer."""
    query: str
    """The exemplar's query; empty for a system prompt."""
    weakness: str
    """What it was written against; empty if a person wrote it."""
    effect: Effect | None
    """What its first look showed; None if there was none, or a person wrote it."""
    parents: tuple[Step, ...]

    def as_json(self) -> dict[str, object]:
        """Keys: `part`, `name`, `query`, `text`, `written` (null for a person) and `parents`, which are alike."""
        in_round, attempt = self.ancestor.round, self.ancestor.attempt
        return {
            "part": self.ancestor.part,
            "name": self.ancestor.name,
            "query": self.query or None,
            "text": self.text,
            "written": {
                "round": in_round.number,
                "proposer": in_round.proposer,
                "weakness": self.weakness,
                "reason": attempt.proposal.reason,
                "attempt": attempt.number + 1,
                "look": effect_json(self.effect),
            }
            if in_round and attempt
            else None,
            "parents": [each.as_json() for each in self.parents],
        }


def steps_to(store: Store, search: SearchRecord, trial: TrialRecord) -> list[Step]:
    """The family trees of the parts of a trial's prompt; empty if the store does not hold the space of the search."""
    rounds = store.rounds(search.name)
    space = grown_space(store, search.name, rounds)
    if space is None:
        return []
    seen = {key: effect for effect in effects(rounds, store.trials(search.name)) for key in effect.shows}
    system = trial.candidate.prompt.system
    return [_step(tree, space, seen, system) for tree in families(rounds, space, trial.candidate.params)]


def written_by_trial(
    store: Store, search: SearchRecord, records: Sequence[TrialRecord]
) -> dict[int, tuple[WrittenPart, ...]]:
    """The parts that a proposer wrote of each trial's prompt, by number; empty if the search took no round."""
    rounds = store.rounds(search.name)
    space = grown_space(store, search.name, rounds) if rounds else None
    if space is None:
        return {}
    return {each.number: written_parts(families(rounds, space, each.candidate.params)) for each in records}


def grown_space(store: Store, name: str, rounds: Sequence[Round]) -> SearchSpace | None:
    """The space of a search with what was written; None if an earlier version began it, without rounds."""
    text = store.stored_space(name)
    if text is None:
        return None
    space = read_space_text(text)
    for each in rounds:
        space = each.grow(space)
    return space


def _step(tree: Ancestor, space: SearchSpace, seen: Mapping[str, Effect], system: str) -> Step:
    exemplar = space.exemplars.get(tree.name) or space.barred.get(tree.name) if tree.part == "exemplar" else None
    against = weakness_of(tree.round, tree.attempt) if tree.round and tree.attempt else None
    texts = space.system_prompts
    return Step(
        ancestor=tree,
        text=exemplar.answer if exemplar else system if tree.name == COMPOSED else texts.get(tree.name, ""),
        query=exemplar.query if exemplar else "",
        weakness=against.sentence if against else "",
        effect=seen.get(tree.name) if tree.attempt else None,
        parents=tuple(_step(each, space, seen, "") for each in tree.parents),
    )


def effect_json(effect: Effect | None) -> dict[str, object] | None:
    """Keys: `trial`, `against`, `shows` (names), `queries` and `gain` (mean, interval); None without an effect."""
    if effect is None:
        return None
    return {
        "trial": effect.trial,
        "against": effect.best,
        "shows": list(effect.shows),
        "queries": effect.queries,
        "gain": estimate_json(effect.gain),
    }


def left_out(rounds: Sequence[Round]) -> dict[str, int]:
    """How many drafts did not enter the pool, by what kept them out, the most frequent first."""
    fates = [fate_in_short(attempt) for each in rounds for attempt in each.attempts if attempt.fate != ACCEPTED]
    return dict(Counter(fates).most_common())


def fate_in_short(attempt: Attempt) -> str:
    """What became of a draft, in a few words."""
    if found := _GUARD.match(attempt.fate):
        return found[1]
    if attempt.draft.trouble:
        return "no text"
    short = (words for words in _IN_SHORT if attempt.fate.startswith(words))
    return next((_IN_SHORT[words] for words in short), attempt.fate or "not decided")


def rounds_json(rounds: Sequence[Round], records: Sequence[TrialRecord]) -> list[dict[str, object]]:
    """Everything that a proposer was asked and wrote, round by round; `inspect --help` describes the keys."""
    seen = effects(rounds, records)
    return [
        {
            "number": each.number,
            "after": each.after,
            "best": each.best,
            "proposer": each.proposer,
            "closed": each.closed,
            "shift": list(each.shift),
            "diagnosis": asdict(each.diagnosis) if each.diagnosis else None,
            "looks": [effect_json(effect) for effect in seen if 0 <= effect.trial - each.after < len(each.looks)],
            "left_out": left_out([each]),
            "drafts": [_draft_json(each, attempt) for attempt in each.attempts],
        }
        for each in rounds
    ]


def _draft_json(of: Round, attempt: Attempt) -> dict[str, object]:
    proposal, draft = attempt.proposal, attempt.draft
    against = weakness_of(of, attempt)
    return {
        "task": attempt.task,
        "attempt": attempt.number + 1,
        "part": proposal.part,
        "style": proposal.style or None,
        "parents": list(proposal.parents),
        "weakness": against.sentence if against else None,
        "query": proposal.query or None,
        "text": None if draft.trouble else proposal.text,
        "reason": proposal.reason or None,
        "fate": attempt.fate or None,
        "name": attempt.key or None,
        "asked": draft.asked or None,
        "reply": draft.reply or None,
        "usage": asdict(draft.usage),
    }
