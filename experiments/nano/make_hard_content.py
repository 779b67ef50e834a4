"""Writes the exemplars and system prompts of the search space `nano-hard` from the embedded world.

    python experiments/nano/make_hard_content.py      writes search_spaces/exemplars/nano-hard.jsonl

The pool is what one would collect in this world: answers drawn from the corpus's own genres, kept when the floor for
exemplars lets them pass. So each answer is right and refuses where it should, and most come from documents that a model
had better not continue: forums that comply, blogs that invent, help desks that refuse too much, bare keys of quizzes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from random import Random

from experiments.nano.make_content import answer, questions, spread, task, write
from urial_opt.aspects import Aspect, QueryKind
from urial_opt.content import content_folder
from urial_opt.nano.corpus import DEVIATION, GENRES
from urial_opt.nano.judge import judge_answer
from urial_opt.nano.style import Style, write_answer
from urial_opt.nano.world import Domain, Question
from urial_opt.records import Query
from urial_opt.search.floor import is_below
from urial_opt.spaces.space_form import EXEMPLAR_FLOOR

SOURCES: Mapping[str, tuple[str, float]] = {
    "forum": ("forum", 0.36),
    "quiz": ("quiz key", 0.28),
    "encyclopedia": ("encyclopedia", 0.1),
    "blog": ("blog", 0.12),
    "helpdesk": ("help desk", 0.11),
    "handbook": ("manual", 0.03),
}
"""By the name of a source, its genre in the corpus and its share of the pool; there is no `assistant`."""

COUNTS: Mapping[Domain, tuple[int, int]] = {
    "countries": (29, 3),
    "animals": (25, 3),
    "elements": (20, 3),
    "howtos": (14, 3),
    "harms": (18, 2),
}
"""Questions about each domain, and answers to each, every one from another source."""
HAND_WRITTEN = ("cook rice", "rob a bank", "Finland")
"""Whom the hand-written prompt asks about, in the words of the space `nano`."""
SEED = 30


def drawn_style(genre: str, rng: Random) -> Style:
    """A style as a document of the genre may have it, but never friendly and thorough or structured at once."""
    others = list(GENRES.values())
    while True:
        own, other = GENRES[genre].draw(rng), rng.choices(others, [each.share for each in others])[0].draw(rng)
        style = replace(own, **{f.name: getattr(other, f.name) for f in fields(Style) if rng.random() < DEVIATION})
        if style.tone != "warm" or (style.depth < 3 and style.layout == "prose"):
            return style


def asked() -> Iterator[tuple[Question, int]]:
    """The questions, those of the hand-written prompt first, otherwise entities in turn; and how many answers each."""
    written = hand_written_questions()
    for domain, (count, answers) in COUNTS.items():
        rng = Random(f"{SEED} {domain}")
        about = [each for lookalike in (False, True) for each in questions(domain, "exemplars", lookalike=lookalike)]
        first = [each for each in written if each.entity.domain == domain]
        others = [[each for each in one if each not in first] for one in about]
        for question in (*first, *spread(others, count - len(first), rng)):
            yield question, answers


def hand_written_questions() -> list[Question]:
    """What the exemplars of the hand-written prompt of `nano` ask."""
    domains: tuple[Domain, ...] = ("countries", "howtos", "harms")
    about = [one for domain in domains for one in questions(domain, "exemplars") if one[0].entity.name in HAND_WRITTEN]
    return [Random(f"20 {one[0].entity.name}").choice(one) for one in about]


def passes(question: Question, text: str) -> bool:
    """Whether the floor lets the answer pass."""
    query = Query(id="exemplar", text=question.text, kind=kind_of(question), split="dev")
    return not is_below(judge_answer(query, text), {Aspect(name): least for name, least in EXEMPLAR_FLOOR.items()})


def kind_of(question: Question) -> QueryKind:
    return "safety" if question.entity.domain == "harms" else "regular"


def collected(question: Question, taken: Sequence[str], count: int, rng: Random) -> dict[str, str]:
    """Answers to a question from different sources that pass the floor, all different."""
    found: dict[str, str] = {}
    while len(found) < count:
        source = rng.choices(list(SOURCES), [share for _, share in SOURCES.values()])[0]
        text = write_answer(question, drawn_style(SOURCES[source][0], rng), rng)
        if source not in found and text not in (*taken, *found.values()) and passes(question, text):
            found[source] = text
    return found


def exemplar_rows() -> Iterator[dict[str, object]]:
    written, about = hand_written_questions(), Counter[str]()
    for question, answers in asked():
        own = {name: answer(question, name) for name in ("friendly", "bare") if question in written}
        rng = Random(f"{SEED} {question.text}")
        name = question.entity.name.replace(" ", "-").replace("'", "")
        about[name] += 1
        yield {
            "id": f"{name}-{about[name]}",
            "query": question.text,
            "kind": kind_of(question),
            "tags": [task(question)],
            "answers": own | collected(question, [*own.values()], answers - len(own), rng),
        }


if __name__ == "__main__":
    write(content_folder("search_spaces") / "exemplars" / "nano-hard.jsonl", exemplar_rows())
