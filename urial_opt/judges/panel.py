"""A panel: several judges as one, with their mean scores and their disagreement."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from urial_opt import plugins
from urial_opt.aspects import Aspect, Missing
from urial_opt.errors import InputError, UnknownNameError
from urial_opt.memory import PaceMemory, ReplyMemory
from urial_opt.models.per_thread import PerThread
from urial_opt.protocols import Billed, Concurrent, Gradual, Judge, Metered, Noted, Paced, Stoppable
from urial_opt.records import Completion, Judgment, Query, Usage


class Panel:
    """Scores an answer by the mean of its members' scores; scores that could not be read are left out."""

    at_once: int
    """As `protocols.Concurrent`, if all members are: a batch is with one member at a time. Otherwise there is none."""

    def __init__(self, members: Mapping[str, Judge]) -> None:
        """`members`: judges, by the name that they were opened with."""
        self._members = members
        self._heard = PerThread[Callable[[Mapping[int, Judgment]], None] | None](None)
        self._check: Callable[[], None] = lambda: None
        limits = [member.at_once for member in members.values() if isinstance(member, Concurrent)]
        if len(limits) == len(members):
            self.at_once = min(limits) * len(members)

    @property
    def notes(self) -> tuple[str, ...]:
        """As `protocols.Noted`: the notes of its members."""
        return tuple(note for member in self._members.values() if isinstance(member, Noted) for note in member.notes)

    @property
    def identity(self) -> str:
        return f"panel:{' + '.join(member.identity for member in self._members.values())}"

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        """As `protocols.Judge`; the members judge one after the other."""
        *others, last = self._members.values()
        verdicts = []
        for member in others:
            self._check()
            verdicts.append(member.judge(queries, completions))
        self._check()

        def join(place: int, judgment: Judgment) -> Judgment:
            return self._joined(queries[place], [*(each[place] for each in verdicts), judgment])

        heard = self._heard.value
        if heard is None or not isinstance(last, Gradual):
            return [join(*each) for each in enumerate(last.judge(queries, completions))]
        last.hand_on(lambda new: heard({place: join(place, judgment) for place, judgment in new.items()}))
        try:
            return [join(*each) for each in enumerate(last.judge(queries, completions))]
        finally:
            last.hand_on(None)

    def spread(self, judgment: Judgment) -> dict[Aspect, float]:
        """As `protocols.Divided`."""
        members: list[dict[str, float | None]] = list(json.loads(judgment.raw).values())
        scores = {aspect: [score for each in members if (score := each.get(aspect)) is not None] for aspect in Aspect}
        return {aspect: max(given) - min(given) for aspect, given in scores.items() if len(given) > 1}

    def keep_pace(self, memory: PaceMemory) -> None:
        """As `protocols.Paced`, for those members that are."""
        for member in self._members.values():
            if isinstance(member, Paced):
                member.keep_pace(memory)

    def hand_on(self, heard: Callable[[Mapping[int, Judgment]], None] | None) -> None:
        """As `protocols.Gradual`: a verdict is complete with that of the last member."""
        self._heard.value = heard

    def stop_when(self, check: Callable[[], None] | None) -> None:
        """As `protocols.Stoppable`: between two members, and in those that can be stopped."""
        self._check = check or (lambda: None)
        for member in self._members.values():
            if isinstance(member, Stoppable):
                member.stop_when(check)

    def _joined(self, query: Query, judgments: Sequence[Judgment]) -> Judgment:
        by_name = dict(zip(self._members, judgments, strict=True))
        aspects = [aspect for aspect in Aspect if any(aspect in each.scores for each in judgments)]
        read = {
            aspect: [score for each in judgments if (score := each.scores.get(aspect)) is not None]
            for aspect in aspects
        }
        return Judgment(
            query_id=query.id,
            judge=self.identity,
            scores={aspect: fmean(scores) if scores else None for aspect, scores in read.items()},
            reasons={aspect.value: _reason(aspect, by_name, scores) for aspect, scores in read.items()},
            raw=json.dumps({name: dict(each.scores) for name, each in by_name.items()}),
            usage=sum((each.usage for each in judgments), Usage()),
            missing={aspect.value: _why(aspect, judgments) for aspect, scores in read.items() if not scores},
        )


class PaidPanel(Panel):
    """A panel with members that are paid by tokens."""

    @property
    def priced_as(self) -> str:
        """The model of the paid members; several models have no known common price, so a price must be given."""
        return "+".join(sorted({member.priced_as for member in self._members.values() if isinstance(member, Metered)}))


class BilledPanel(PaidPanel):
    """A panel whose paid members all store their replies as they arrive; each is billed under the panel's identity."""

    def keep_replies(self, memory: ReplyMemory | None) -> None:
        """As `protocols.Billed`."""
        for member in self._members.values():
            if isinstance(member, Billed):
                member.keep_replies(memory)


def _why(aspect: Aspect, judgments: Sequence[Judgment]) -> Missing:
    """Why no member gives a score: for the reason that is most worth asking again."""
    reasons = {each.missing[aspect.value] for each in judgments if aspect.value in each.missing}
    return next((why for why in (Missing.UNREAD, Missing.REFUSED) if why in reasons), Missing.NOT_APPLICABLE)


def _reason(aspect: Aspect, judgments: Mapping[str, Judgment], scores: Sequence[float]) -> str:
    said = [
        f"{name} {'gives no score' if (score := each.scores.get(aspect)) is None else f'{score:g}'}"
        + (f": {reason}" if (reason := each.reasons.get(aspect.value)) else "")
        for name, each in judgments.items()
    ]
    spread = f"spread {max(scores) - min(scores):g}" if len(scores) > 1 else "one score" if scores else "no score"
    return "\n".join([spread, *said])


def open_judge(argument: str, *, url: str = "", concurrency: str = "", timeout: str = "") -> Panel:
    """The judge `panel:JUDGE+JUDGE[+…]`; the options go to the members that accept them, such as `llm`.

    InputError if there are not two or more different judges; UnknownNameError if no member accepts the options.
    """
    names = argument.split("+")
    if len(names) < 2 or not all(names) or len({*names}) < len(names):
        raise InputError(
            f"a panel has two or more different judges, not {argument!r}; give for example "
            "panel:llm:gpt-4o+llm:gpt-4o-mini"
        )
    given = {"url": url, "concurrency": concurrency, "timeout": timeout}
    options = {name: value for name, value in given.items() if value}
    members: dict[str, Judge] = {}
    taken = not options
    for name in names:
        try:
            members[name] = plugins.open_judge(name, options)
            taken = True
        except UnknownNameError:  # it does not accept them, or there is no such judge
            members[name] = plugins.open_judge(name)
    if not taken:
        raise UnknownNameError(f"none of the judges in {argument!r} takes {' and '.join(options)}; leave it out")
    paid = [member for member in members.values() if isinstance(member, Metered)]
    if not paid:
        return Panel(members)
    return BilledPanel(members) if all(isinstance(member, Billed) for member in paid) else PaidPanel(members)
