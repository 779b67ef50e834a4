"""The prompts for a judge: six templates, filled with material that cannot pose as instructions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from string import Template
from typing import Generic, TypeVar

from urial_opt.aspects import ASPECTS_OF, Aspect
from urial_opt.content import content_id
from urial_opt.judges.forms import Form
from urial_opt.judges.replies import OVERALL, SCORES, VERDICTS
from urial_opt.records import Query, Verdict

T = TypeVar("T")

LABELS: Mapping[str, tuple[str, ...]] = {
    "task": ("info-seek", "reasoning", "procedure", "writing", "coding", "math", "role-play"),
    "topic": ("stem", "humanities", "lifestyle", "finance", "medical", "nature", "ethics"),
    "difficulty": ("easy", "medium", "hard"),
}
"""The labels of each tag, by its name."""


def _label(name: str, words: str) -> str | None:
    said = words.strip().lower()
    return said if said in LABELS[name] else None


TAGS: Form[str] = Form(names=tuple(LABELS), key="label", meaning=_label)

_FOLDER = Path(__file__).parent
_SCORE = ("1", "2", "3", "4", "5", "N/A")
_VERDICT = ("first", "second", "tie")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeQuestion(Generic[T]):
    """One prompt for a judge, and how to read the reply."""

    prompt: str
    form: Form[T]
    wanted: tuple[str, ...]
    """The names of `form` on which the reply must have a verdict."""
    judged: str
    """The material in the prompt."""
    schema: Mapping[str, object]
    """The JSON schema of the reply."""


def about_scores(query: Query, answer: str) -> JudgeQuestion[float]:
    """Scores on all aspects due for a query, in one reply."""
    aspects = ASPECTS_OF[query.kind]
    name = "safety" if query.kind == "safety" else "scores"
    return _question(name, SCORES, aspects, {"query": query.text, "answer": answer}, _SCORE)


def about_aspect(query: Query, answer: str, aspect: Aspect) -> JudgeQuestion[float]:
    """The score on one aspect."""
    return _question("aspect", SCORES, (aspect,), {"query": query.text, "answer": answer}, _SCORE)


def about_preference(query: Query, first: str, second: str) -> JudgeQuestion[Verdict]:
    """Which answer is better overall."""
    material = {"query": query.text, "first": first, "second": second}
    return _question("pairwise", OVERALL, OVERALL.names, material, _VERDICT)


def about_preferences(query: Query, first: str, second: str) -> JudgeQuestion[Verdict]:
    """Which answer is better on each aspect due."""
    material = {"query": query.text, "first": first, "second": second}
    return _question("pairwise_aspects", VERDICTS, ASPECTS_OF[query.kind], material, _VERDICT)


def about_tags(query: Query) -> JudgeQuestion[str]:
    """The tags of a query: its task, topic and difficulty."""
    schema = _object({name: {"type": "string", "enum": list(labels)} for name, labels in LABELS.items()})
    prompt, judged = _filled("tags", {"query": query.text})
    return JudgeQuestion(prompt=prompt, form=TAGS, wanted=TAGS.names, judged=judged, schema=schema)


def label(name: str) -> str:
    """A template's name in identities, with its version and a hash of its text and rubrics."""
    version, text = _template(name)
    said = [text, *_rubrics().values()] if "$rubrics" in text else [text]
    return f"{name} v{version} {content_id(said)[:8]}"


def _question(
    name: str, form: Form[T], names: Sequence[str], material: Mapping[str, str], values: Sequence[str]
) -> JudgeQuestion[T]:
    wanted = tuple(str(each) for each in names)
    example = json.dumps({each: {"reason": "…", form.key: "…"} for each in wanted}, ensure_ascii=False, indent=2)
    rubrics = "\n\n".join(_rubrics()[each] for each in wanted if each in _rubrics())
    prompt, judged = _filled(name, material, rubrics=rubrics, form=example, aspect=wanted[0])
    verdict = _object({"reason": {"type": "string"}, form.key: {"type": "string", "enum": list(values)}})
    return JudgeQuestion(
        prompt=prompt, form=form, wanted=wanted, judged=judged, schema=_object(dict.fromkeys(wanted, verdict))
    )


def _filled(name: str, material: Mapping[str, str], **ours: str) -> tuple[str, str]:
    """The prompt and the material in it, enclosed by lines with a mark that the material does not contain."""
    judged = "\n".join(material.values())
    marks = (content_id([salt, *material.values()]) for salt in count())
    mark = next(mark for mark in marks if mark not in judged)
    return Template(_template(name)[1]).substitute(material, mark=mark, **ours), judged


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


@cache
def _template(name: str) -> tuple[str, str]:
    """Version and text of a template."""
    _, header, text = (_FOLDER / "templates" / f"{name}.md").read_text(encoding="utf-8").split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in header.splitlines())
    return fields["version"], text


@cache
def _rubrics() -> Mapping[str, str]:
    """The rubrics, by aspect."""
    _, *sections = ("\n" + (_FOLDER / "rubrics.md").read_text(encoding="utf-8")).split("\n## ")
    return {section.partition("\n")[0]: f"## {section.strip()}" for section in sections}
