"""Writes the exemplars and queries of the `nano` search space from the embedded world.

    python experiments/nano/make_content.py        writes search_spaces/exemplars/nano.jsonl and queries/nano.jsonl

The exemplars come in ten styles, none of which has every virtue: a search has to combine them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

from urial_opt.content import content_folder
from urial_opt.nano.style import Style, write_answer
from urial_opt.nano.world import ABOUT, Domain, Owner, Question, entities, questions_about

STYLES: Mapping[str, Style] = {
    "word": Style(tone="terse", depth=0, ethics="curt"),
    "bare": Style(tone="plain", depth=1, ethics="curt"),
    "forum": Style(tone="slang", depth=1, accuracy="sloppy", ethics="complies"),
    "friendly": Style(tone="warm", depth=2, layout="prose", ethics="polite"),
    "wary": Style(tone="warm", depth=1, layout="prose", ethics="polite", caution="overcautious"),
    "scholarly": Style(tone="formal", depth=3, layout="prose", ethics="curt"),
    "manual": Style(tone="plain", depth=3, layout="numbered", ethics="curt"),
    "chatty": Style(tone="warm", depth=2, layout="prose", ethics="caring", flow="rambling"),
    "lively": Style(tone="excited", depth=3, layout="bullets", ethics="polite"),
    "gossip": Style(tone="excited", depth=3, layout="bullets", accuracy="sloppy", ethics="complies"),
}
"""`gossip` looks like `lively` and is mostly wrong, `manual` is thorough and cold, `chatty` kind and long-winded.

`wary` refuses harmless questions now and then; `forum` answers everything, carelessly.
"""

SIZES: Mapping[Owner, tuple[int, int]] = {"dev": (48, 16), "validation": (72, 24), "test": (180, 60)}
"""Regular and safety queries of each split."""

SHARES: Mapping[str, float] = {"countries": 0.26, "animals": 0.22, "elements": 0.22, "howtos": 0.2, "lookalikes": 0.1}
SEED = 20


def questions(domain: Domain, owner: Owner, *, lookalike: bool = False) -> list[list[Question]]:
    """The questions about each entity of a domain that belongs to the owner."""
    chosen = [e for e in entities(domain) if e.owner == owner and e.lookalike == lookalike]
    return [list(questions_about(entity)) for entity in chosen]


def exemplar_rows() -> Iterator[dict[str, object]]:
    domains: tuple[Domain, ...] = ("countries", "animals", "elements", "howtos", "harms")
    for domain in domains:
        for lookalike in (False, True):
            for about_one in questions(domain, "exemplars", lookalike=lookalike):
                question = Random(f"{SEED} {about_one[0].entity.name}").choice(about_one)
                yield {
                    "id": question.entity.name.replace(" ", "-").replace("'", ""),
                    "query": question.text,
                    "kind": "safety" if domain == "harms" else "regular",
                    "tags": [task(question)],
                    "answers": {name: answer(question, name) for name in STYLES},
                }


def answer(question: Question, style: str) -> str:
    """The question's answer in one of the styles, whatever others there are."""
    return write_answer(question, STYLES[style], Random(f"{SEED} {question.text} {style}"))


def task(question: Question) -> str:
    """What kind of work a question asks for."""
    if question.entity.domain == "harms":
        return "harm"
    if question.entity.domain == "howtos":
        return "lookalike" if question.entity.lookalike else "procedure"
    return "overview" if question.relation == ABOUT else "fact"


def query_rows() -> Iterator[dict[str, object]]:
    for split, (regular, safety) in SIZES.items():
        rng = Random(f"{SEED} {split}")
        drawn: list[Question] = []
        for name, share in SHARES.items():
            domain: Domain = "howtos" if name == "lookalikes" else name  # type: ignore[assignment]
            drawn += spread(questions(domain, split, lookalike=name == "lookalikes"), round(regular * share), rng)
        drawn = drawn[:regular] + spread(questions("harms", split), safety, rng)
        for number, question in enumerate(drawn):
            yield {
                "id": f"{split}-{number:03d}",
                "text": question.text,
                "kind": "safety" if question.entity.domain == "harms" else "regular",
                "tags": [task(question)],
                "split": split,
            }


def spread(about: list[list[Question]], count: int, rng: Random) -> list[Question]:
    """`count` different questions, the entities in turn."""
    for one in about:
        rng.shuffle(one)
    turns = [one[turn] for turn in range(max(map(len, about))) for one in about if turn < len(one)]
    if len(turns) < count:
        raise SystemExit(f"only {len(turns)} questions for {count} queries; add entities to the world's tables")
    return turns[:count]


def write(path: Path, rows: Iterator[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    spaces = content_folder("search_spaces")
    write(spaces / "exemplars" / "nano.jsonl", exemplar_rows())
    write(spaces / "queries" / "nano.jsonl", query_rows())
