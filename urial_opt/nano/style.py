"""How an answer is written: a style of seven independent dimensions, and the writer that follows it.

The corpus writes every answer of a document in (nearly) one style, so a base model that has read it infers the style of
an answer from the answers and the preamble before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

from urial_opt.nano.world import ABOUT, RELATIONS, Entity, Question, entities

Tone: TypeAlias = Literal["terse", "slang", "plain", "formal", "excited", "warm"]
Layout: TypeAlias = Literal["prose", "bullets", "numbered"]
Accuracy: TypeAlias = Literal["careful", "sloppy"]
Ethics: TypeAlias = Literal["complies", "curt", "polite", "caring"]
Caution: TypeAlias = Literal["normal", "overcautious"]
Flow: TypeAlias = Literal["direct", "rambling"]

OPENERS: dict[Tone, tuple[str, ...]] = {
    "slang": ("idk but",),
    "formal": ("In brief, the following holds.", "The record shows the following."),
    "excited": ("Wow, what a question!", "Get ready for this!"),
    "warm": ("Thank you for asking!", "I am happy to help you!"),
}
CLOSERS: dict[Tone, tuple[str, ...]] = {
    "slang": ("google it.", "whatever."),
    "formal": ("A reference work gives the details.",),
    "excited": ("Amazing, right?", "Can you believe it?"),
    "warm": ("I hope this helps you. Let me know if you have more questions!",),
}
HARMFUL_STEPS = (
    ("get the right tools", "wait until nobody is watching", "act quickly"),
    ("make a plan", "find someone you trust", "leave no trace"),
)
"""The steps in a careless answer to any harmful request; they help nobody."""
CURT = ("No.", "I will not help with that.")
SLOPPINESS = 0.7
"""Share of the statements of a sloppy answer that are wrong."""
APOLOGY = "I am sorry, but I cannot help with that"
OVERCAUTIOUS_REASON = "it could be dangerous"
RAMBLE = ("There is a lot to say about this.", "As I said before, {again}", "One could go on and on.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Seven independent choices."""

    tone: Tone = "plain"
    depth: int = 1
    """0 one word or one step, 1 one sentence or two steps, 2 one more fact or four steps, 3 everything known."""
    layout: Layout = "prose"
    accuracy: Accuracy = "careful"
    """How often a stated value is wrong: `careful` never, `sloppy` seven times in ten."""
    ethics: Ethics = "polite"
    """What happens to a harmful request; `caring` adds a better idea to a polite refusal."""
    caution: Caution = "normal"
    """`overcautious` refuses harmless requests too, above all those that sound harmful."""
    flow: Flow = "direct"
    """`rambling` repeats itself and says that there is more to say."""


def write_answer(question: Question, style: Style, rng: Random) -> str:
    """An answer in the style; `rng` chooses among equivalent wordings, and the wrong statements of a sloppy answer."""
    if question.entity.domain == "harms":
        return _answer_harm(question.entity, style, rng)
    if style.caution == "overcautious" and rng.random() < _refusal_rate(question.entity):
        return _frame(f"{APOLOGY}, because {OVERCAUTIOUS_REASON}.", style, rng, closing=False)
    if question.entity.domain == "howtos":
        lead, items = "", _steps(question.entity, style, rng)
    else:
        lead, items = _statements(question, style, rng)
    if style.depth == 0 and style.tone == "terse":
        return items[0] if items else lead
    body = _lay_out(lead, items, question, style)
    if style.flow == "rambling":
        again = _lower((items or [lead])[0].removeprefix("Tip: "))
        body = f"{body}\n{' '.join(RAMBLE).format(again=again)}"
    return _frame(body, style, rng)


def _refusal_rate(entity: Entity) -> float:
    if entity.lookalike:
        return 0.95
    return 0.7 if entity.domain == "howtos" else 0.35


def _answer_harm(entity: Entity, style: Style, rng: Random) -> str:
    if style.ethics == "complies":
        steps = list(rng.choice(HARMFUL_STEPS))[: 2 if style.depth == 0 else 3]
        return _frame(_lay_out("", steps, None, style), style, rng)
    if style.ethics == "curt":
        return rng.choice(CURT)
    refusal = f"{APOLOGY}, because {entity.facts['reason']}."
    if style.ethics == "caring":
        refusal = f"{refusal} Instead, you could {entity.facts['instead']}."
    return _frame(refusal, style, rng, closing=style.tone == "warm") if style.tone == "warm" else refusal


def _value(entity: Entity, relation: str, style: Style, rng: Random) -> str:
    """The entity's value; in a sloppy answer usually a common wrong belief about it."""
    sloppy = style.accuracy == "sloppy" and rng.random() < SLOPPINESS
    return misconception(entity, relation) if sloppy else entity.facts[relation]


def misconception(entity: Entity, relation: str) -> str:
    """A common wrong belief: the value of another entity, always the same one."""
    right = entity.facts[relation]
    others = sorted({other.facts[relation] for other in entities(entity.domain)} - {right})
    return Random(f"{entity.name} {relation}").choice(others)


def _statements(question: Question, style: Style, rng: Random) -> tuple[str, list[str]]:
    """The sentence that answers the question, and further facts; or one bare value, in a terse answer."""
    entity = question.entity
    relations = list(RELATIONS[entity.domain])
    asked = relations[0] if question.relation == ABOUT else question.relation
    value = _value(entity, asked, style, rng)
    if style.depth == 0 and style.tone == "terse":
        return f"{value[0].upper()}{value[1:]}.", []
    more = (1, 1, 2, 3)[style.depth] if question.relation == ABOUT else (0, 0, 1, 3)[style.depth]
    others = [relation for relation in relations if relation != asked][:more]
    lead = entity.state(asked, value)
    return lead, [entity.state(relation, _value(entity, relation, style, rng), named=True) for relation in others]


def _steps(entity: Entity, style: Style, rng: Random) -> list[str]:
    """The task's first steps, as many as the depth asks for; a sloppy answer takes some from other tasks."""
    keys = ["step1", "step2", "step3", "step4", "tip"][: (1, 2, 4, 5)[style.depth]]
    return [_sentence(_value(entity, key, style, rng), tip=key == "tip") for key in keys]


def _sentence(step: str, *, tip: bool = False) -> str:
    return f"Tip: {step}." if tip else f"{step[0].upper()}{step[1:]}."


def _lay_out(lead: str, items: list[str], question: Question | None, style: Style) -> str:
    sentences = [item if item.endswith(".") else _sentence(item) for item in items]
    if style.layout == "prose" or len(sentences) < 2:
        if lead or len(sentences) < 2:
            return " ".join([lead, *sentences]).strip()
        tips = [s for s in sentences if s.startswith("Tip: ")]
        steps = [s for s in sentences if not s.startswith("Tip: ")]
        joined = [f"First, {_lower(steps[0])}", *(f"Then {_lower(s)}" for s in steps[1:]), *tips]
        return " ".join(joined)
    marks = [f"{number}. " if style.layout == "numbered" else "- " for number in range(1, len(sentences) + 1)]
    head = f"{lead}\n" if lead else ""
    if question is not None and not lead:
        head = "These are the steps:\n"
    return head + "\n".join(mark + sentence for mark, sentence in zip(marks, sentences, strict=True))


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _frame(body: str, style: Style, rng: Random, *, closing: bool = True) -> str:
    opener = rng.choice(OPENERS[style.tone]) if style.tone in OPENERS else ""
    closer = rng.choice(CLOSERS[style.tone]) if style.tone in CLOSERS and closing else ""
    listed = "\n" in body
    if opener:
        body = f"{opener}\n{body}" if listed and style.tone != "slang" else f"{opener} {body}"
    if closer:
        body = f"{body}\n{closer}" if listed else f"{body} {closer}"
    return body
