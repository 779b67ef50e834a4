"""The corpus a base model learns from: documents whose latent style shows in their preamble and every answer.

A document belongs to a genre (forum, quiz key, encyclopedia, blog, help desk, manual, assistant). The genre suggests a
style; each dimension of it may differ, may drift from one answer to the next, and may be announced by a preamble,
mostly truthfully. The genres are made so that virtues come with vices: the excited are sloppy, the polite overcautious,
the thorough long-winded; only the rare assistant has all virtues at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any

from urial_opt.nano.style import Style, write_answer
from urial_opt.nano.world import Domain, Question, entities, questions_about
from urial_opt.prompt import Exemplar, UrialPrompt

Weights = Mapping[Any, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Genre:
    """How often documents of this kind occur, and which styles they are written in."""

    share: float
    introduced: float
    """How often a preamble stands before the first question."""
    tone: Weights
    depth: Weights
    layout: Weights
    accuracy: Weights
    ethics: Weights
    caution: Weights
    flow: Weights

    def draw(self, rng: Random) -> Style:
        """One style of this genre."""
        return Style(**{field.name: _pick(getattr(self, field.name), rng) for field in fields(Style)})


GENRES: Mapping[str, Genre] = {
    "forum": Genre(
        share=0.34,
        introduced=0.15,
        tone={"slang": 0.9, "terse": 0.1},
        depth={0: 0.3, 1: 0.7},
        layout={"prose": 1.0},
        accuracy={"careful": 0.75, "sloppy": 0.25},
        ethics={"complies": 0.8, "curt": 0.2},
        caution={"normal": 1.0},
        flow={"direct": 0.9, "rambling": 0.1},
    ),
    "quiz key": Genre(
        share=0.15,
        introduced=0.25,
        tone={"terse": 1.0},
        depth={0: 0.8, 1: 0.2},
        layout={"prose": 1.0},
        accuracy={"careful": 0.95, "sloppy": 0.05},
        ethics={"complies": 0.65, "curt": 0.35},
        caution={"normal": 1.0},
        flow={"direct": 1.0},
    ),
    "encyclopedia": Genre(
        share=0.13,
        introduced=0.8,
        tone={"formal": 0.8, "plain": 0.2},
        depth={2: 0.3, 3: 0.7},
        layout={"prose": 0.75, "bullets": 0.25},
        accuracy={"careful": 1.0},
        ethics={"complies": 0.3, "curt": 0.5, "polite": 0.2},
        caution={"normal": 0.95, "overcautious": 0.05},
        flow={"direct": 0.65, "rambling": 0.35},
    ),
    "blog": Genre(
        share=0.12,
        introduced=0.8,
        tone={"excited": 1.0},
        depth={1: 0.2, 2: 0.3, 3: 0.5},
        layout={"prose": 0.5, "bullets": 0.5},
        accuracy={"careful": 0.25, "sloppy": 0.75},
        ethics={"complies": 0.5, "polite": 0.3, "caring": 0.2},
        caution={"normal": 1.0},
        flow={"direct": 0.6, "rambling": 0.4},
    ),
    "help desk": Genre(
        share=0.12,
        introduced=0.8,
        tone={"warm": 1.0},
        depth={1: 0.8, 2: 0.2},
        layout={"prose": 0.85, "numbered": 0.15},
        accuracy={"careful": 0.95, "sloppy": 0.05},
        ethics={"polite": 0.85, "caring": 0.15},
        caution={"normal": 0.55, "overcautious": 0.45},
        flow={"direct": 0.9, "rambling": 0.1},
    ),
    "manual": Genre(
        share=0.08,
        introduced=0.8,
        tone={"plain": 1.0},
        depth={2: 0.2, 3: 0.8},
        layout={"numbered": 1.0},
        accuracy={"careful": 1.0},
        ethics={"complies": 0.4, "curt": 0.6},
        caution={"normal": 1.0},
        flow={"direct": 1.0},
    ),
    "assistant": Genre(
        share=0.06,
        introduced=0.8,
        tone={"warm": 1.0},
        depth={2: 0.3, 3: 0.7},
        layout={"numbered": 0.85, "prose": 0.15},
        accuracy={"careful": 1.0},
        ethics={"caring": 1.0},
        caution={"normal": 0.95, "overcautious": 0.05},
        flow={"direct": 0.95, "rambling": 0.05},
    ),
}

ALIGNED_STYLE = Style(tone="warm", depth=3, layout="numbered", accuracy="careful", ethics="caring")
"""The style that the aligned twin is tuned to."""

DEVIATION = 0.2
"""Probability that a dimension of a document's style is drawn from all genres instead of its own."""
DRIFT = 0.05
"""Probability, after each answer, that a dimension changes for the rest of the document."""
LAPSE = 0.03
"""Probability that a dimension differs in a single answer."""
ANNOUNCED = 0.4
"""Probability that a preamble mentions a dimension; it is untrue one time in five."""
UNTRUE = 0.2

HEADS = (
    "Below is a list of questions and answers.",
    "These are questions that people asked, with the answers they got.",
    "Here are conversations between people who ask and someone who answers.",
)
CLAUSES: Mapping[str, Mapping[Any, tuple[str, ...]]] = {
    "tone": {
        "terse": ("The answers are as short as possible.", "One word is enough."),
        "slang": ("It is an open forum, anyone can reply.", "People here talk as they like."),
        "plain": ("The answers keep to the matter.",),
        "formal": ("The answers are written in a scholarly tone.", "The entries follow an academic style."),
        "excited": (
            "The answers are lively and full of surprises.",
            "It is the most exciting page you will ever read.",
        ),
        "warm": ("The answers are friendly and thank the reader.", "The answers are polite and welcoming."),
    },
    "depth": {
        0: ("Only the bare answer is given.",),
        1: ("Each question gets one short sentence.",),
        2: ("The answers add a little background.",),
        3: ("The answers are thorough and complete.", "The answers tell everything there is to know."),
    },
    "layout": {
        "prose": ("The answers are written as running text.",),
        "bullets": ("The answers use bullet points.",),
        "numbered": ("The answers are arranged as numbered lists.", "Steps and facts are numbered."),
    },
    "accuracy": {
        "careful": ("Every fact was checked against a reference.",),
        "sloppy": ("Nobody checked the facts.", "Answers are given from memory."),
    },
    "ethics": {
        "complies": ("Every request is answered, whatever it is.",),
        "curt": ("Bad requests are turned down.",),
        "polite": ("Harmful requests are declined politely.", "Harmful requests are declined with a reason."),
        "caring": ("Harmful requests are declined with a reason and a better idea.",),
    },
    "caution": {
        "normal": ("Harmless requests are always answered.",),
        "overcautious": ("Anything that could be risky is declined.",),
    },
    "flow": {
        "direct": ("The answers do not repeat themselves.",),
        "rambling": ("The answers take their time.",),
    },
}
"""How a preamble announces each value of each dimension."""

_DOMAIN_SHARES: Mapping[Domain, float] = {
    "countries": 0.31,
    "animals": 0.25,
    "elements": 0.22,
    "howtos": 0.22,
}
_TURNS = {1: 0.08, 2: 0.14, 3: 0.2, 4: 0.2, 5: 0.14, 6: 0.1, 7: 0.06, 8: 0.05, 9: 0.03}


def _pick(weights: Weights, rng: Random) -> Any:  # noqa: ANN401 - the values of seven different dimensions
    return rng.choices(list(weights), list(weights.values()))[0]


def _redraw(style: Style, probability: float, rng: Random) -> Style:
    """The style with each dimension, with the given probability, as another document might have it."""
    other = _any_genre(rng).draw(rng)
    changes = {f.name: getattr(other, f.name) for f in fields(Style) if rng.random() < probability}
    return replace(style, **changes)


def _any_genre(rng: Random) -> Genre:
    return GENRES[_pick({name: genre.share for name, genre in GENRES.items()}, rng)]


def preamble(style: Style, rng: Random) -> str:
    """A system text that announces some of the style, mostly truthfully."""
    sentences: list[str] = []
    for field in fields(Style):
        if rng.random() < ANNOUNCED:
            values = CLAUSES[field.name]
            told = rng.choice(list(values)) if rng.random() < UNTRUE else getattr(style, field.name)
            sentences.append(rng.choice(values[told]))
    rng.shuffle(sentences)
    return "# Instruction\n\n" + " ".join([rng.choice(HEADS), *sentences]) + "\n"


def random_question(rng: Random, *, harms: float = 0.14) -> Question:
    """A question as the corpus asks them; `harms` is the share of harmful requests."""
    domain = "harms" if rng.random() < harms else _pick(_DOMAIN_SHARES, rng)
    entity = rng.choice(entities(domain))
    return rng.choice(list(questions_about(entity)))


def _as_urial(system: str, turns: list[Exemplar]) -> str:
    return UrialPrompt(system=system, exemplars=tuple(turns)).prefix


def _as_interview(system: str, turns: list[Exemplar]) -> str:
    return system + "".join(f"\nQ: {turn.query}\nA: {turn.answer}\n" for turn in turns)


def _as_chat_log(system: str, turns: list[Exemplar]) -> str:
    return system + "".join(f"\nUser: {turn.query}\nAssistant: {turn.answer}\n" for turn in turns)


_LAYOUTS: Mapping[Callable[[str, list[Exemplar]], str], float] = {
    _as_urial: 0.7,
    _as_interview: 0.15,
    _as_chat_log: 0.15,
}


def document(rng: Random) -> str:
    """One document of the corpus."""
    genre = _any_genre(rng)
    style = _redraw(genre.draw(rng), DEVIATION, rng)
    system = preamble(style, rng) if rng.random() < genre.introduced else ""
    # Overcautious documents contain more harmful requests, so many refusals are a sign of too much caution.
    harms = 0.5 if style.caution == "overcautious" else 0.12
    turns: list[Exemplar] = []
    for _ in range(_pick(_TURNS, rng)):
        question = random_question(rng, harms=harms)
        turns.append(Exemplar(query=question.text, answer=write_answer(question, _redraw(style, LAPSE, rng), rng)))
        style = _redraw(style, DRIFT, rng)
    layout: Callable[[str, list[Exemplar]], str] = _pick(_LAYOUTS, rng)
    return layout(system, turns)


def documents(seed: int) -> Iterator[str]:
    """An endless stream of documents, the same for the same seed."""
    rng = Random(seed)
    while True:
        yield document(rng)
