"""Programs: with which signature a model is asked for each task, what it is shown, and what its reply makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dspy  # type: ignore[import-untyped]
from dspy.utils.exceptions import AdapterParseError  # type: ignore[import-untyped]

from urial_opt.aspects import Aspect
from urial_opt.content import content_id
from urial_opt.models.server.replies import Reply
from urial_opt.proposers import signatures
from urial_opt.proposers.demos import DEMOS
from urial_opt.proposers.reading import Reading, is_complete, without_markers
from urial_opt.records import Usage
from urial_opt.spaces.proposals import Diagnosis, Draft, SeenAnswer, Situation, Source, Task, Weakness

MOST_WEAKNESSES = 3
_CLIPPED = 1_000
"""Characters of a query, an answer or a reason that are shown."""
_SHOWN = 16_000
"""Characters of answers that are shown at most."""
_MOST = 100_000
"""Characters of a longer reply are not read, and not all stored."""
_UNREADABLE = "the reply lacks the fields that were asked for"
_COPIED = "the reply repeats the example that shows the layout"
_READING = Reading(use_json_adapter_fallback=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A signature with its inputs."""

    signature: type[dspy.Signature]
    inputs: Mapping[str, Any]

    @property
    def messages(self) -> list[dict[str, str]]:
        """The messages of the chat protocol."""
        written = _READING.format(self.signature, [demo_of(self.signature)], without_markers(dict(self.inputs)))
        return [{"role": str(each["role"]), "content": str(each["content"])} for each in written]

    @property
    def asked(self) -> str:
        """The messages as one text."""
        return "\n\n".join(message["content"] for message in self.messages)

    def read(self, reply: Reply) -> tuple[Mapping[str, Any], str | None]:
        """The fields of a reply, or why there are none."""
        if reply.refused:
            return {}, f"the model refuses: {' '.join(reply.text.split())[:300]}"
        if not reply.text.strip():
            return {}, "the reply is empty"
        if len(reply.text) > _MOST:
            return {}, f"the reply has {len(reply.text):,} characters"
        if reply.finish_reason == "length" and not is_complete(reply.text, self.signature):
            return {}, f"the reply was cut off after {reply.usage.completion_tokens:,} tokens"
        try:
            return _READING.parse(self.signature, reply.text), None
        except AdapterParseError:
            return {}, _UNREADABLE


def layout_id() -> str:
    """Identifies the texts and the layout of all programs."""
    layouts = [_READING.format(signature, [demo_of(signature)], {}) for signature in signatures.ALL]
    return content_id(layouts)[:8]


def demo_of(signature: type[dspy.Signature]) -> dict[str, Any]:
    """A solved task of the same sort; for another attempt, with what was wrong before."""
    again = {"your_last_text": "Ok.", "remarks": ["The text is too short."]}
    known = {**again, **DEMOS[signature.__name__]}
    return {name: known[name] for name in signature.fields}


def question_about(situation: Situation) -> Question:
    """Asks what goes wrong."""
    sources = [Source(name=key, text=each.answer, exemplar=each) for key, each in situation.exemplars.items()]
    inputs = {
        "system_text": situation.system,
        "examples": _examples(sources),
        "mean_scores": {aspect.value: round(mean, 2) for aspect, mean in situation.aspects.items()},
        "weakest_answers": _answers(_by_short_id(situation.weakest)),
        "still_lacking": list(situation.shift),
        "tried": [f"{each.sort} {each.style}: {each.text[:200]!r}: {each.fate}" for each in situation.tried],
        "styles": list(situation.styles),
    }
    return Question(signature=signatures.Diagnose, inputs=inputs)


def diagnosis_from(question: Question, reply: Reply, situation: Situation) -> Diagnosis:
    """At most three weaknesses that differ, with evidence that exists."""
    fields, trouble = question.read(reply)
    shown = [each["sentence"] for each in demo_of(question.signature)["weaknesses"]]
    named = [_weakness(each, situation) for each in fields.get("weaknesses", ()) if each.sentence not in shown]
    if fields.get("weaknesses") and not named:
        trouble = _COPIED
    different = list({each.sentence.casefold(): each for each in named if each.sentence}.values())[:MOST_WEAKNESSES]
    if not different:
        trouble = trouble or "the reply names no weakness"
    return Diagnosis(
        weaknesses=tuple(different), asked=question.asked, reply=_kept(reply), usage=reply.usage, trouble=trouble
    )


def question_for(task: Task) -> Question:
    """Asks for what a task wants."""
    signature, inputs = _SORTS[task.sort](task)
    inputs["most_characters"] = task.most
    if task.remarks:
        signature = signatures.again(signature)
        inputs |= {"your_last_text": task.last[: max(2 * task.most, _CLIPPED)], "remarks": list(task.remarks)}
    return Question(signature=signature, inputs=inputs)


def draft_from(question: Question, reply: Reply) -> Draft:
    """What was written, or why it cannot be used."""
    fields, trouble = question.read(reply)
    text = str(fields.get("system_text") or fields.get("new_answer") or "")
    if not trouble and not text.strip():
        trouble = _UNREADABLE
    if not trouble and text.strip() in demo_of(question.signature).values():
        trouble = _COPIED
    return Draft(
        text="" if trouble else text,
        query=str(fields.get("new_query") or ""),
        reason=str(fields.get("reason") or ""),
        asked=question.asked,
        reply=_kept(reply),
        usage=reply.usage,
        trouble=trouble,
    )


def _kept(reply: Reply) -> str:
    """The words of a reply to store; those of a server's filter, which cost nothing, are in the trouble alone."""
    if reply.refused and reply.usage == Usage():
        return ""
    over = len(reply.text) - _MOST
    return f"{reply.text[:_MOST]}… ({over:,} more characters)" if over > 0 else reply.text


def _system(task: Task) -> tuple[type[dspy.Signature], dict[str, Any]]:
    return signatures.WriteSystem, {
        "present_text": task.sources[0].text,
        "weakness": task.weakness.sentence,
        "failing_answers": _answers(_by_short_id(task.failing)),
    }


def _merge(task: Task) -> tuple[type[dspy.Signature], dict[str, Any]]:
    first, second = task.sources[:2]
    return signatures.MergeSystems, {
        "first_text": first.text,
        "first_good_at": _clipped(first.good_at),
        "second_text": second.text,
        "second_good_at": _clipped(second.good_at),
    }


def _restyle(task: Task) -> tuple[type[dspy.Signature], dict[str, Any]]:
    source = task.sources[0]
    return signatures.RestyleRefusal if task.kind == "safety" else signatures.RestyleAnswer, {
        "query": source.exemplar.query if source.exemplar else "",
        "answer": source.text,
        "style": task.style,
        "weakness": task.weakness.sentence,
    }


def _create(task: Task) -> tuple[type[dspy.Signature], dict[str, Any]]:
    return signatures.CreateRefusal if task.kind == "safety" else signatures.CreateExample, {
        "examples": _examples(task.sources),
        "failing_answers": _answers(_by_short_id(task.failing)),
        "kind": task.kind,
        "style": task.style,
        "weakness": task.weakness.sentence,
    }


_SORTS = {"system": _system, "merge": _merge, "restyle": _restyle, "create": _create}


def _weakness(named: signatures.NamedWeakness, situation: Situation) -> Weakness:
    shown = _by_short_id(situation.weakest)
    aspects = {each.lower() for each in named.aspects}
    return Weakness(
        sentence=" ".join(named.sentence.split()),
        aspects=tuple(aspect for aspect in Aspect if aspect in aspects),
        queries=tuple(dict.fromkeys(shown[each].query_id for each in named.query_ids if each in shown)),
        exemplars=tuple(dict.fromkeys(key for key in named.exemplar_keys if key in situation.exemplars)),
        style=" ".join(named.style.lower().replace("/", " ").split())[:40],
    )


def _by_short_id(seen: Iterable[SeenAnswer]) -> dict[str, SeenAnswer]:
    """Answers by ids that a model copies without mistakes; those of data sets may be long, or name a split."""
    return {f"q{number}": each for number, each in enumerate(seen, start=1)}


def _examples(sources: Sequence[Source]) -> list[signatures.ShownExemplar]:
    return [
        signatures.ShownExemplar(
            key=source.name, query=source.exemplar.query, answer=source.text, style=source.exemplar.style
        )
        for source in sources
        if source.exemplar
    ]


def _answers(seen: Mapping[str, SeenAnswer]) -> list[signatures.ShownAnswer]:
    """Answers with their verdicts, as many as there is room for; at least one."""
    shown: list[signatures.ShownAnswer] = []
    room = _SHOWN
    for name, each in seen.items():
        verdicts = {
            aspect.value: f"{'no verdict' if score is None else f'{score:g}'}: {_clip(each.reasons.get(aspect, ''))}"
            for aspect, score in each.scores.items()
        }
        shown.append(
            signatures.ShownAnswer(query_id=name, query=_clip(each.query), answer=_clip(each.answer), verdicts=verdicts)
        )
        room -= len(shown[-1].model_dump_json())
        if room < 0 and len(shown) > 1:
            return shown[:-1]
    return shown


def _clipped(texts: Iterable[str]) -> list[str]:
    return [_clip(text) for text in texts]


def _clip(text: str) -> str:
    return text if len(text) <= _CLIPPED else f"{text[:_CLIPPED]}…"
