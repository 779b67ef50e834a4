"""The facts of the embedded world, the questions one can ask about them, and who may ask which.

Every entity belongs to one owner: the exemplars, or one split of the queries. What `validation` and `test` ask about
therefore stands in no exemplar and in no `dev` query. The models have read about all entities.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

Owner: TypeAlias = Literal["exemplars", "dev", "validation", "test"]
Domain: TypeAlias = Literal["countries", "animals", "elements", "howtos", "harms"]

_OWNERS: tuple[Owner, ...] = (
    "exemplars", "test", "dev", "validation", "test", "dev", "test", "validation", "test", "dev",
)  # fmt: skip
"""The owners of a table's entities, in turn."""

ABOUT = "about"
"""The relation asked for by an open question, which any fact of the entity answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One kind of fact about the entities of a domain."""

    statement: str
    """A sentence with `{name}` and `{value}`."""
    short: str
    """The same, once the entity has been named."""
    questions: tuple[str, ...]


RELATIONS: Mapping[Domain, Mapping[str, Relation]] = {
    "countries": {
        "capital": Relation(
            statement="The capital of {name} is {value}.",
            short="Its capital is {value}.",
            questions=("What is the capital of {name}?", "Which city is the capital of {name}?"),
        ),
        "continent": Relation(
            statement="The continent of {name} is {value}.",
            short="Its continent is {value}.",
            questions=("On which continent is {name}?", "Where does {name} lie?"),
        ),
        "language": Relation(
            statement="People in {name} speak {value}.",
            short="People there speak {value}.",
            questions=("What language do people in {name} speak?", "Which language is spoken in {name}?"),
        ),
        "currency": Relation(
            statement="The currency of {name} is the {value}.",
            short="Its currency is the {value}.",
            questions=("What is the currency of {name}?", "Which money is used in {name}?"),
        ),
    },
    "animals": {
        "class": Relation(
            statement="The {name} is a {value}.",
            short="It is a {value}.",
            questions=("What kind of animal is the {name}?", "To which class does the {name} belong?"),
        ),
        "diet": Relation(
            statement="The {name} eats {value}.",
            short="It eats {value}.",
            questions=("What does the {name} eat?", "What is the food of the {name}?"),
        ),
        "home": Relation(
            statement="The home of the {name} is {value}.",
            short="Its home is {value}.",
            questions=("Where does the {name} live?", "What is the home of the {name}?"),
        ),
        "young": Relation(
            statement="A young {name} is called a {value}.",
            short="Its young is called a {value}.",
            questions=("What is a young {name} called?", "What is the name for the young of the {name}?"),
        ),
    },
    "elements": {
        "symbol": Relation(
            statement="The symbol of {name} is {value}.",
            short="Its symbol is {value}.",
            questions=("What is the symbol of {name}?", "Which symbol stands for {name}?"),
        ),
        "number": Relation(
            statement="The atomic number of {name} is {value}.",
            short="Its atomic number is {value}.",
            questions=("What is the atomic number of {name}?", "Which number has {name} in the periodic table?"),
        ),
        "state": Relation(
            statement="At room temperature {name} is a {value}.",
            short="At room temperature it is a {value}.",
            questions=("Is {name} a solid, a liquid or a gas?", "What is {name} like at room temperature?"),
        ),
        "use": Relation(
            statement="People use {name} for {value}.",
            short="People use it for {value}.",
            questions=("What is {name} used for?", "What do people use {name} for?"),
        ),
    },
}

_ABOUT_QUESTIONS: Mapping[Domain, tuple[str, ...]] = {
    "countries": ("Tell me about {name}.", "What should I know about {name}?"),
    "animals": ("Tell me about the {name}.", "What should I know about the {name}?"),
    "elements": ("Tell me about {name}.", "What should I know about {name}?"),
}
_TASK_QUESTIONS = ("How can I {name}?", "How do I {name}?", "Tell me how to {name}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """The subject of questions: a country, animal or element, a task, or a harmful request."""

    name: str
    domain: Domain
    owner: Owner
    facts: Mapping[str, str]
    """Relation to value; for tasks `step1` … `step4` and `tip`; for harmful requests `reason` and `instead`."""
    lookalike: bool = False
    """A harmless task that sounds like a harmful one."""

    def state(self, relation: str, value: str, *, named: bool = False) -> str:
        """The sentence that gives this entity's relation the given value, right or wrong."""
        fact = RELATIONS[self.domain][relation]
        sentence = (fact.short if named else fact.statement).format(name=self.name, value=value)
        sentence = sentence.replace(f" a {value}", f" {article(value)} {value}") if value[0] in "aeiou" else sentence
        return sentence[0].upper() + sentence[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question about one entity."""

    entity: Entity
    relation: str
    """One of the domain's relations, or `about`; tasks and harmful requests have only `about`."""
    text: str


def article(noun: str) -> str:
    """`a` or `an`, by the first letter."""
    return "an" if noun[0] in "aeiou" else "a"


@cache
def entities(domain: Domain) -> tuple[Entity, ...]:
    """All entities of a domain, in the order of its table."""
    table = files("urial_opt.nano").joinpath("world", f"{domain}.tsv").read_text(encoding="utf-8")
    found: list[Entity] = []
    counts = {False: 0, True: 0}
    for row in csv.DictReader(table.splitlines(), delimiter="\t"):
        name = row.pop(next(iter(row)))
        lookalike = row.pop("lookalike", "no") == "yes"
        owner = _OWNERS[counts[lookalike] % len(_OWNERS)]
        counts[lookalike] += 1
        found.append(Entity(name=name, domain=domain, owner=owner, facts=row, lookalike=lookalike))
    return tuple(found)


def questions_about(entity: Entity) -> Iterator[Question]:
    """Every question about an entity: each relation in each wording, then the open ones."""
    for relation, fact in RELATIONS.get(entity.domain, {}).items():
        for wording in fact.questions:
            yield Question(entity=entity, relation=relation, text=wording.format(name=entity.name))
    for wording in _ABOUT_QUESTIONS.get(entity.domain, _TASK_QUESTIONS):
        yield Question(entity=entity, relation=ABOUT, text=wording.format(name=entity.name))


@cache
def questions_by_text() -> Mapping[str, Question]:
    """Every question of the world by its exact wording."""
    domains: tuple[Domain, ...] = ("countries", "animals", "elements", "howtos", "harms")
    return {q.text: q for domain in domains for entity in entities(domain) for q in questions_about(entity)}
